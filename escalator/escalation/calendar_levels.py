"""Which of several events at once count: those of the highest level that has somebody there.

The others are cut where a higher one covers them, so that whoever reads the events need not know of levels. An event
that names nobody, or only people who are away, covers nothing: the level below answers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from escalator.escalation.rotations import Span
from escalator.escalation.rules import Person
from escalator.escalation.schedules import CalendarEvent
from escalator.escalation.standing_in import is_there


class Levelled(NamedTuple):
    """An event and its level; 0 where none is written."""

    level: int
    event: CalendarEvent


def highest(
    levelled: Iterable[Levelled], people: Mapping[str, Person]
) -> tuple[CalendarEvent, ...]:
    """The events as far as they count, in the order of their start."""
    by_level: dict[int, list[CalendarEvent]] = {}
    for level, event in levelled:
        by_level.setdefault(level, []).append(event)
    covered: list[Span] = []
    found: list[CalendarEvent] = []
    for level in sorted(by_level, reverse=True):
        events = by_level[level]
        found += _left(events, covered)
        if len(by_level) > 1:
            there = [span for event in events for span in _manned(event, people)]
            covered = _union([*covered, *there])
    return tuple(sorted(found, key=lambda one: (one.start, one.end, one.title)))


def _left(events: Iterable[CalendarEvent], covered: Sequence[Span]) -> Iterator[CalendarEvent]:
    """What is left of the events beside these spans, which are in order and apart."""
    first = 0
    for event in sorted(events, key=lambda one: one.start):
        while first < len(covered) and covered[first].end <= event.start:
            first += 1
        begin, at = event.start, first
        while at < len(covered) and covered[at].start < event.end:
            if begin < covered[at].start:
                yield replace(event, start=begin, end=covered[at].start)
            begin = covered[at].end
            at += 1
        if begin < event.end:
            yield replace(event, start=begin)


def _manned(event: CalendarEvent, people: Mapping[str, Person]) -> Iterator[Span]:
    """The parts of an event in which one of its people is there."""
    known = [one for one in event.people if one in people]
    aways = (away for one in known for away in people[one].away)
    bounds: set[datetime] = {bound for away in aways for bound in (away.start, away.end)}
    cuts = sorted(bound for bound in bounds if event.start < bound < event.end)
    for begin, until in zip((event.start, *cuts), (*cuts, event.end), strict=True):
        if any(is_there(one, people, begin) for one in known):
            yield Span(begin, until)


def _union(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that touch as one."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found
