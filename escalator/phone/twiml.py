"""Writes the documents that a call follows, and guards that they always parse.

A document that Twilio cannot read ends the call with a recorded apology, so whatever text comes in,
what goes out is well-formed, holds exactly the verbs that were asked for, and is small enough. Text
is data: escaped, never markup. Attributes and limits are those of the carrier's manual.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TypeAlias

ENCODED_MAX = 4_500
"""What one `<Say>` holds, in URL-encoded characters: about 500 Japanese letters."""
CHARACTERS_MAX = 3_000
"""What the strictest of the voices we name holds."""
BODY_MAX_BYTES = 64_000

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
# All that XML 1.0 does not allow, and the control characters that it merely advises against.
_NOT_XML = re.compile(
    r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]"
)
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_SENTENCE_END = re.compile(r"[.!?]+(?=\s)|[。！？]+")
_WORD_END = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Say:
    """Words. Empty `language` or `voice`: the carrier's choice. `loop`: how often, 1 if None.

    `whole`: never said in parts; the caller has asked `say_fits`.
    """

    text: str
    language: str = ""
    voice: str = ""
    loop: int | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence, in whole seconds."""

    length: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather:
    """Ask for keys while speaking. A press stops the speech and is posted to `action`, absolute.

    Without a press within `timeout` seconds after the last word the document goes on after it.
    Every key is data: none ends the input.
    """

    action: str
    says: Sequence[Say | Pause]
    timeout: int = 8
    num_digits: int = 1


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with the document at this absolute URL."""

    url: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


Verb: TypeAlias = Say | Pause | Gather | Redirect | Hangup


def render(*verbs: Verb) -> bytes:
    """The document as UTF-8, below 64 kB. Empty words are left out, long ones said in parts.

    Text that would make the document too big is cut, the longest first: half a message is better
    than an apology.
    """
    limit = BODY_MAX_BYTES
    body = _document([_shortened(verb, limit) for verb in verbs])
    while len(body) > BODY_MAX_BYTES and limit:
        limit //= 2
        body = _document([_shortened(verb, limit) for verb in verbs])
    assert len(body) <= BODY_MAX_BYTES, "the verbs alone, without words, are too big"
    return body


def text_reply(text: str) -> bytes:
    """The document that answers a message; with an empty text it answers nothing."""
    inner = _element("Message", {}, _escaped(text)) if text else ""
    return f"{_DECLARATION}<Response>{inner}</Response>".encode()


def say_fits(text: str) -> bool:
    """Whether this may be said as one `<Say>`, `whole`."""
    return encoded_length(_legal(text)) <= ENCODED_MAX


def encoded_length(text: str) -> int:
    """How long the text is once URL-encoded, a blank counted as three."""
    return sum(map(_encoded, text))


def _document(verbs: Sequence[Verb]) -> bytes:
    inner = "".join(part for verb in verbs for part in _verb(verb))
    return f"{_DECLARATION}<Response>{inner}</Response>".encode()


def _verb(verb: Verb) -> Iterator[str]:
    match verb:
        case Say():
            yield from _say(verb)
        case Pause(length):
            yield _element("Pause", {"length": length})
        case Gather():
            yield _gather(verb)
        case Redirect(url):
            yield _element("Redirect", {"method": "POST"}, _escaped(url))
        case Hangup():
            yield _element("Hangup", {})


def _say(say: Say) -> Iterator[str]:
    attributes: dict[str, str | int | None] = {
        "voice": say.voice or None,
        "language": say.language or None,
        "loop": say.loop,
    }
    parts = [_legal(say.text)] if say.whole else _split(_legal(say.text))
    if len(parts) > 1:
        # Repeated part by part nobody could follow it.
        parts = parts * (say.loop or 1)
        attributes["loop"] = None
    for part in parts:
        yield _element("Say", attributes, _escaped(part))


def _gather(gather: Gather) -> str:
    attributes: dict[str, str | int | None] = {
        "action": gather.action,
        "method": "POST",
        "numDigits": gather.num_digits,
        "timeout": gather.timeout,
        "finishOnKey": "",
    }
    return _element("Gather", attributes, "".join(p for say in gather.says for p in _verb(say)))


def _element(name: str, attributes: dict[str, str | int | None], inner: str = "") -> str:
    """`inner` is markup. Attributes that are None are left out."""
    written = "".join(
        f' {key}="{_escaped(str(value))}"' for key, value in attributes.items() if value is not None
    )
    return f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>"


def _escaped(text: str) -> str:
    return html.escape(_legal(text), quote=True)


def _legal(text: str) -> str:
    return _NOT_XML.sub("", text)


def _split(text: str) -> list[str]:
    """The text in parts that each fit one `<Say>`; none for a text without words."""
    parts: list[str] = []
    rest = text if text.strip() else ""
    if rest and len(rest) <= CHARACTERS_MAX and encoded_length(rest) <= ENCODED_MAX:
        return [rest]
    while rest := rest.strip():
        cut = _cut(rest)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:]
    return parts


def _cut(text: str) -> int:
    """Where to end the part that begins the text: at a sentence, else at a word, else anywhere.

    An end in the first half is passed over, lest the parts become crumbs.
    """
    window = text[:CHARACTERS_MAX]
    fits = sum(1 for length in accumulate(map(_encoded, window)) if length <= ENCODED_MAX)
    if fits == len(text):
        return fits
    for border in (_SENTENCE_END, _WORD_END):
        ends = [found.end() for found in border.finditer(text, fits // 2, fits)]
        if ends:
            return ends[-1]
    return fits


def _encoded(sign: str) -> int:
    return 1 if sign in _UNRESERVED else 3 * len(sign.encode())


def _shortened(verb: Verb, limit: int) -> Verb:
    match verb:
        case Say():
            return replace(verb, text=verb.text[:limit])
        case Gather():
            return replace(verb, says=[_shortened_say(say, limit) for say in verb.says])
        case _:
            return verb


def _shortened_say(say: Say | Pause, limit: int) -> Say | Pause:
    return replace(say, text=say.text[:limit]) if isinstance(say, Say) else say
