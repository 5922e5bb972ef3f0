"""Reads TwiML, strictly: bytes in, verbs and problems out.

What the real service refuses is refused with its code: bytes that are not XML, another root, an
unknown or wrongly written verb, a Say that is too long. What it only warns of is a problem beside
the verbs: an unknown attribute, a value outside its range (the default is used), text between
verbs.
"""

from dataclasses import dataclass, field
from urllib.parse import quote
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

from escalator.simulator import twiml_names as names

BODY_MAX = 64 * 1024


class TwimlError(Exception):
    """TwiML that could not be fetched, read or carried out, with the code of the fault."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(f"{code}: {text}")


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a text `loop` times, 0 for as long as the call lasts (at most 1,000 times)."""

    text: str
    voice: str | None = None
    language: str | None = None
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Play:
    """Play audio or, with an empty URL, dial tones."""

    url: str
    loop: int = 1
    digits: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence, in seconds."""

    seconds: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather:
    """Collect keys while and after the prompts. `action` None: the current document's URL."""

    prompts: tuple[Say | Play | Pause, ...]
    action: str | None = None
    method: str = "POST"
    timeout: int = 5
    num_digits: int | None = None
    finish_on_key: str = "#"
    action_on_empty: bool = False
    barge_in: bool = True
    takes_keys: bool = True


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with another document. An empty URL means the current one again."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


Verb = Say | Play | Pause | Gather | Redirect | Hangup


@dataclass(slots=True)
class Document:
    """The verbs in order, and warnings: a code and a sentence each."""

    verbs: list[Verb] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)


def read(body: bytes, charset: str | None = None) -> Document:
    """Read a document. Raises `TwimlError`."""
    root = _tree(body, charset)
    if root.tag != "Response":
        raise TwimlError(12102, f"the root element must be <Response>, it is <{root.tag}>")
    document = Document()
    _Attributes(root, document, ())
    _stray_text(root, document)
    document.verbs = [_verb(element, document) for element in root]
    return document


def replies(body: bytes, charset: str | None = None) -> list[str]:
    """What is to be texted back, of the answer to a message: the words of each <Message>, as text or
    in its <Body>. Anything else is refused, a call's verbs too. Raises `TwimlError`.
    """
    root = _tree(body, charset)
    if root.tag != "Response":
        raise TwimlError(12102, f"the root element must be <Response>, it is <{root.tag}>")
    for element in root:
        if element.tag != "Message":
            raise TwimlError(12200, f"<{element.tag}> may not stand in the answer to a message")
    return [(one.findtext("Body") or one.text or "").strip() for one in root]


def is_markup(body: bytes) -> bool:
    """Whether a plain text body is meant as TwiML."""
    return body.lstrip().startswith((b"<?xml", b"<Response"))


def _tree(body: bytes, charset: str | None) -> Element:
    builder = TreeBuilder()
    try:
        parser = expat.ParserCreate(charset)
        parser.StartElementHandler = builder.start
        parser.EndElementHandler = builder.end
        parser.CharacterDataHandler = builder.data
        parser.StartDoctypeDeclHandler = _no_doctype
        parser.Parse(body, True)  # noqa: FBT003 - expat takes no keywords
        return builder.close()
    except (expat.ExpatError, ParseError, ValueError, LookupError) as error:
        raise TwimlError(12100, f"the document is not well-formed XML: {error}") from None


def _no_doctype(*_: object) -> None:
    raise TwimlError(12100, "a document type declaration is not accepted")


def _verb(element: Element, document: Document) -> Verb:
    match element.tag:
        case "Gather":
            return _gather(element, document)
        case "Redirect":
            attributes = _Attributes(element, document, ("method",))
            return Redirect((element.text or "").strip(), attributes.method())
        case "Hangup":
            _Attributes(element, document, ())
            return Hangup()
        case tag if tag in names.NOT_SIMULATED:
            raise TwimlError(12400, f"<{tag}> is TwiML, but the simulator cannot do it")
        case _:
            return _prompt(element, document)


def _prompt(element: Element, document: Document) -> Say | Play | Pause:
    match element.tag:
        case "Say":
            return _say(element, document)
        case "Play":
            attributes = _Attributes(element, document, ("loop", "digits"))
            url = (element.text or "").strip()
            digits = attributes.text("digits") or ""
            if not url and not digits:
                raise TwimlError(11100, "<Play> has neither a URL nor digits")
            return Play(url, attributes.whole("loop", 1, 0, 1000), digits)
        case "Pause":
            return Pause(_Attributes(element, document, ("length",)).whole("length", 1, 1, 14400))
        case tag:
            raise TwimlError(
                12200, f"<{tag}> is not a verb that may stand here (names are case-sensitive)"
            )


def _say(element: Element, document: Document) -> Say:
    attributes = _Attributes(element, document, ("voice", "language", "loop"))
    for child in element.iter():
        if child is not element and child.tag not in names.SSML:
            raise TwimlError(12200, f"<{child.tag}> may not stand in <Say>")
    text = " ".join("".join(element.itertext()).split())
    voice = attributes.text("voice")
    if voice is not None and not names.VOICE.fullmatch(voice):
        attributes.warn(f"voice={voice!r} is not known")
    language = attributes.one_of("language", names.LANGUAGES)
    if not text:
        document.warnings.append((13520, "<Say> has nothing to say"))
    limit = names.say_limit(voice)
    encoded = len(quote(text, safe=""))
    if len(text) > limit or encoded > names.SAY_ENCODED_MAX:
        told = f"{len(text)} characters, {encoded} URL-encoded"
        limits = f"{limit} and {names.SAY_ENCODED_MAX} are the limits"
        raise TwimlError(13521, f"<Say> is too long: {told}; {limits}")
    return Say(text, voice, language, attributes.whole("loop", 1, 0, 1000))


def _gather(element: Element, document: Document) -> Gather:
    attributes = _Attributes(element, document, names.GATHER)
    _stray_text(element, document)
    finish = attributes.text("finishOnKey")
    if finish is not None and (len(finish) > 1 or finish not in "0123456789*#"):
        attributes.warn(f"finishOnKey={finish!r} is not one key or empty")
        finish = None
    speech = attributes.one_of("input", ("dtmf", "speech", "dtmf speech", "speech dtmf"))
    keys = attributes.whole("numDigits", 0, 1, 1000)
    return Gather(
        prompts=tuple(_prompt(child, document) for child in element),
        action=(attributes.text("action") or "").strip() or None,
        method=attributes.method(),
        timeout=5
        if attributes.text("timeout") == "auto"
        else attributes.whole("timeout", 5, 0, 600),
        num_digits=keys or None,
        finish_on_key="#" if finish is None else finish,
        action_on_empty=attributes.one_of("actionOnEmptyResult", ("true", "false")) == "true",
        barge_in=attributes.one_of("bargeIn", ("true", "false")) != "false",
        takes_keys=speech != "speech",
    )


def _stray_text(element: Element, document: Document) -> None:
    pieces = [element.text, *(child.tail for child in element)]
    if any(piece and piece.strip() for piece in pieces):
        document.warnings.append((12200, f"text directly inside <{element.tag}> is ignored"))


class _Attributes:
    """The attributes of one element; unknown names and unfit values become warnings."""

    def __init__(self, element: Element, document: Document, known: tuple[str, ...]) -> None:
        self._element = element
        self._document = document
        for name in sorted(set(element.attrib) - set(known)):
            self.warn(f"attribute {name!r} is not known (names are case-sensitive)")

    def warn(self, text: str) -> None:
        self._document.warnings.append((12200, f"<{self._element.tag}>: {text}"))

    def text(self, name: str) -> str | None:
        return self._element.get(name)

    def one_of(self, name: str, known: tuple[str, ...] | frozenset[str]) -> str | None:
        value = self._element.get(name)
        if value is None or value in known:
            return value
        self.warn(f"{name}={value!r} is not one of its values")
        return None

    def method(self) -> str:
        return self.one_of("method", ("GET", "POST")) or "POST"

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        value = self._element.get(name)
        if value is None:
            return default
        if value.isascii() and value.isdigit() and low <= int(value) <= high:
            return int(value)
        self.warn(f"{name}={value!r} is not a whole number from {low} to {high}")
        return default
