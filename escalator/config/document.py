"""YAML in one strict dialect: text in, plain data with the place of every part out.

Every scalar stays text, so `+4917…`, `no`, `0755` and `10:30` reach the model as they were
written. What YAML would resolve behind the reader's back is refused: duplicate keys, anchors,
aliases, merge keys, tags, a second document, empty values. Size and depth are bounded. Faults
of syntax end the reading; all others are gathered.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from escalator.config.problems import ConfigError, Path, Place, Problem, dotted
from escalator.config.syntax import explain

SIZE_MAX = 1 << 20
DEPTH_MAX = 24

Plain = str | list["Plain"] | dict[str, "Plain"]


@dataclass(slots=True)
class Document:
    """The file as data. `places` says where the value of a path stands, `key_places` its key."""

    file: str
    data: dict[str, Plain] = field(default_factory=dict)
    places: dict[Path, Place] = field(default_factory=dict)
    key_places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def trace(self, wanted: Path) -> Path:
        """The part of `wanted` that is really written in the file.

        The model may know a list where the file has a single word; such parts are left out.
        """
        path: Path = ()
        for part in wanted:
            if (*path, part) in self.places:
                path = (*path, part)
        return path

    def report(
        self,
        path: Path,
        message: str,
        *,
        at_key: bool = False,
        is_warning: bool = False,
        shown: Path | None = None,
    ) -> None:
        """Note a problem at the value of `path`, or at its key; `shown` is the path to name."""
        places = self.key_places if at_key else self.places
        place = places.get(path) or self.places[self.trace(path)]
        self.note(place, path if shown is None else shown, message, is_warning=is_warning)

    def note(self, place: Place, path: Path, message: str, *, is_warning: bool = False) -> None:
        """Note a problem at a place that has no value of its own."""
        self.problems.append(
            Problem(
                file=self.file,
                line=place.line,
                column=place.column,
                path=dotted(path),
                message=message,
                is_warning=is_warning,
            )
        )


def read_document(file: str, content: bytes) -> Document:
    """Read one file. Raises `ConfigError` when the text is no YAML at all or holds no mapping.

    Lesser faults are in `problems` of the document, so that the model's own can be told
    together with them.
    """
    document = Document(file=file, places={(): Place(1, 1)})
    if len(content) > SIZE_MAX:
        raise _fatal(document, Place(1, 1), f"the file is larger than {SIZE_MAX >> 20} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_of(content[: error.start].decode("utf-8", "replace"))
        raise _fatal(document, place, "the file is not UTF-8 from here on") from None
    try:
        _Reader(document, yaml.parse(text, Loader=yaml.BaseLoader)).read()
    except yaml.YAMLError as error:
        place, message = explain(error, text)
        raise _fatal(document, place, message) from None
    return document


def _fatal(document: Document, place: Place, message: str, path: Path = ()) -> ConfigError:
    document.note(place, path, message)
    return ConfigError(document.problems)


def _place_of(text_before: str) -> Place:
    lines = text_before.split("\n")
    return Place(len(lines), len(lines[-1]) + 1)


def _start(event: yaml.Event) -> Place:
    mark = event.start_mark
    assert mark is not None, "the parser gives each event its place"
    return Place(mark.line + 1, mark.column + 1)


class _Reader:
    """Builds the data of a document from the parser's events."""

    def __init__(self, document: Document, events: Iterator[yaml.Event]) -> None:
        self._document = document
        self._events = events

    def read(self) -> None:
        next(self._events)  # the start of the stream
        if not isinstance(next(self._events), yaml.DocumentStartEvent):
            raise _fatal(self._document, Place(1, 1), "the file holds nothing")
        first = next(self._events)
        if not isinstance(first, yaml.MappingStartEvent):
            raise _fatal(
                self._document,
                _start(first),
                "the file must hold keys with values, as `version: 1`",
            )
        self._check(first, ())
        self._document.data = self._mapping(())
        next(self._events)  # the end of the document
        following = next(self._events)
        if isinstance(following, yaml.DocumentStartEvent):
            raise _fatal(
                self._document,
                _start(following),
                "a second document begins here; the file holds one, take the `---` away",
            )

    def _value(self, event: yaml.Event, path: Path) -> Plain:
        self._document.places[path] = _start(event)
        if len(path) > DEPTH_MAX:
            raise _fatal(self._document, _start(event), "nested too deep to be a config")
        self._check(event, path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return event.value if isinstance(event, yaml.ScalarEvent) else ""

    def _sequence(self, path: Path) -> list[Plain]:
        items: list[Plain] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Plain]:
        entries: dict[str, Plain] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            here = (*path, key)
            first = self._document.key_places.get(here)
            if first is not None:
                self._document.note(
                    _start(event), here, f"the key is given twice, first in line {first.line}"
                )
                here = (*path, f"{key} (again)")
            self._document.key_places[here] = _start(event)
            value = self._value(next(self._events), here)
            entries.setdefault(key, value)
        return entries

    def _key(self, event: yaml.Event, path: Path) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise _fatal(
                self._document,
                _start(event),
                "a key must be a word; text that begins with { or [ needs quotes",
                path,
            )
        self._check(event, path)
        if event.value == "<<" and event.style is None:
            self._document.note(
                _start(event), (*path, "<<"), "merge keys are refused; write it out"
            )
        return str(event.value)

    def _check(self, event: yaml.Event, path: Path) -> None:
        """Refuse what stands for something else than it shows, and values that are not there."""
        message = ""
        if isinstance(event, yaml.AliasEvent):
            message = f"aliases are refused; write the value out, or quote it: '*{event.anchor}'"
        elif isinstance(event, yaml.NodeEvent) and event.anchor:
            message = f"anchors are refused; write the value out, or quote it: '&{event.anchor}'"
        elif getattr(event, "tag", None) is not None:
            message = "tags are refused; text that begins with ! needs quotes: '!…'"
        elif isinstance(event, yaml.ScalarEvent) and not event.value and event.style is None:
            message = (
                "empty: give it a value or take the key away"
                " (# begins a comment; text that begins with # needs quotes)"
            )
        if message:
            self._document.note(_start(event), path, message)
