"""Whom an event of a foreign calendar puts on call: by its title, else by who is invited.

A title is the key, the name or an alias of a person, or several of them with commas, `+`, `&` or "and" between; case
and spaces do not count. Grafana OnCall's `[L0]` to `[L9]` before it say which of several events at once count: those of
the highest level that has somebody there. Where a title names nobody, the mail addresses of those invited do. Never
guess: what is not exactly a name is nobody, and said to be.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from escalator.escalation.calendar_levels import Levelled, highest
from escalator.escalation.rules import Person
from escalator.escalation.schedules import CalendarEvent

_LEVEL = re.compile(r"\s*\[L(\d{1,4})\]\s*", re.IGNORECASE)
_JOINT = re.compile(r"\s*[,+&]\s*|\s+and\s+", re.IGNORECASE)

Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event as its calendar has it, recurrences expanded; aware moments, the end is excluded."""

    start: datetime
    end: datetime
    title: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Events with their people, in the order of their start, and the titles of which a part names nobody."""

    events: tuple[CalendarEvent, ...]
    unknown: tuple[str, ...]


class Named(NamedTuple):
    """Whom an event names, at which level, and whether all of it was understood."""

    people: tuple[str, ...]
    level: int
    is_understood: bool


def match(entries: Iterable[Entry], people: Mapping[str, Person], at: datetime) -> Matched:
    """Find the people of all events. Titles of events that are over at this moment are not told."""
    names = names_of(people)
    seen: dict[tuple[str, tuple[str, ...]], Named] = {}
    found: list[Levelled] = []
    unknown: dict[str, None] = {}
    for entry in entries:
        key = (entry.title, entry.addresses)
        named = seen.get(key) or seen.setdefault(key, named_by(*key, names))
        if not named.is_understood and entry.end > at:
            unknown[entry.title] = None
        event = CalendarEvent(
            start=entry.start, end=entry.end, people=named.people, title=entry.title
        )
        found.append(Levelled(named.level, event))
    return Matched(events=highest(found, people), unknown=tuple(unknown))


def names_of(people: Mapping[str, Person]) -> Names:
    """Whom each word stands for: a key before a name before an alias. Who share a name are both meant."""
    found: dict[str, tuple[str, ...]] = {}
    ways: tuple[list[tuple[str, str]], ...] = (
        [(key, key) for key in people],
        [(one.name, key) for key, one in people.items()],
        [(alias, key) for key, one in people.items() for alias in one.aliases],
    )
    for way in ways:
        meant: dict[str, tuple[str, ...]] = {}
        for word, key in way:
            if folded := _folded(word):
                meant[folded] = tuple(dict.fromkeys((*meant.get(folded, ()), key)))
        found = meant | found
    return found


def named_by(title: str, addresses: Sequence[str], names: Names) -> Named:
    """Whom an event of this title, with these people invited, puts on call."""
    prefix = _LEVEL.match(title)
    level = int(prefix[1]) if prefix else 0
    written = title[prefix.end() :] if prefix else title
    whole = names.get(_folded(written))
    if whole:
        return Named(whole, level, is_understood=True)
    parts = [names.get(_folded(part), ()) for part in _JOINT.split(written) if part.strip()]
    people = tuple(dict.fromkeys(one for part in parts for one in part))
    if people:
        return Named(people, level, is_understood=all(parts))
    invited = [names.get(_folded(address), ()) for address in addresses]
    people = tuple(dict.fromkeys(one for known in invited for one in known))
    return Named(people, level, is_understood=bool(people))


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
