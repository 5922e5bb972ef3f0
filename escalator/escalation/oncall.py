"""Who is on call when, and why: layers, overrides and calendars put together.

Everything is answered from the same half-open spans, so that a board, a calendar feed and a check
of coverage cannot disagree. An override answers before the calendar or the layers, the latest
first; a later layer before an earlier one; a layer that has nobody there leaves it to the one
below. An override is explicit: its person is on call also while away. One for somebody who is not
among the people is as if it were not there.

`people` is everybody of the config. Moments are aware and of the years 3 to 9997; spans in the
answers are UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from escalator.escalation.reasons import Absence, Kind, Reason
from escalator.escalation.rotations import is_open, turn_at
from escalator.escalation.rules import Person
from escalator.escalation.schedules import CalendarEvent, Layer, Override, Schedule
from escalator.escalation.standing_in import answering, calendar_duty, is_there
from escalator.escalation.tiling import latest_first, tile

__all__ = ["FARTHEST", "Absence", "Kind", "Reason", "Shift", "gaps", "handoff", "next_after"]
__all__ += ["on_call", "on_call_now", "shifts"]

# How far from the moment asked about a shift's ends are looked for, and in which strides.
FARTHEST = timedelta(days=400)
STRIDES = (timedelta(days=2), timedelta(days=15), timedelta(days=90), FARTHEST)


@dataclass(frozen=True, slots=True)
class Shift:
    """These people are on call from `start` to `end`, without it. Nobody is: `people` is ()."""

    start: datetime
    end: datetime
    people: tuple[str, ...]
    reason: Reason


# ---- spans


def shifts(
    schedule: Schedule, people: Mapping[str, Person], start: datetime, end: datetime
) -> list[Shift]:
    """Who is on call in each part of the span: without a hole or an overlap, in order.

    Parts that differ neither in people nor in reason are one. A span that is empty has none.
    """
    pieces = tile(schedule, people, start.astimezone(UTC), end.astimezone(UTC))
    return [Shift(begin, until, *duty) for begin, until, duty in pieces]


def gaps(
    schedule: Schedule, people: Mapping[str, Person], start: datetime, end: datetime
) -> list[Shift]:
    """The parts of the span in which nobody is on call."""
    return [shift for shift in shifts(schedule, people, start, end) if not shift.people]


def on_call(schedule: Schedule, people: Mapping[str, Person], at: datetime) -> Shift:
    """The shift that holds at this instant, with its true ends: those of `shifts` over a span that
    is long enough. An end more than 400 days away is cut there.
    """
    at = at.astimezone(UTC)
    before = after = 0
    while True:
        start, end = at - STRIDES[before], at + STRIDES[after]
        found = shifts(schedule, people, start, end)
        shift = next(one for one in found if at < one.end)
        last = len(STRIDES) - 1
        is_cut = (shift.start == start and before < last, shift.end == end and after < last)
        if not any(is_cut):
            return shift
        before, after = before + is_cut[0], after + is_cut[1]


def handoff(schedule: Schedule, people: Mapping[str, Person], at: datetime) -> Shift | None:
    """The next shift with other people than now, which may be nobody; None within 400 days."""
    at = at.astimezone(UTC)
    for stride in STRIDES:
        now, *later = shifts(schedule, people, at, at + stride)
        for shift in later:
            if set(shift.people) != set(now.people):
                return on_call(schedule, people, shift.start)
    return None


# ---- one instant


def on_call_now(schedule: Schedule, people: Mapping[str, Person], at: datetime) -> tuple[str, ...]:
    """Who is on call at this instant: the people of `on_call`, at a fraction of its price."""
    at = at.astimezone(UTC)
    override = _override_at(schedule.overrides, people, at)
    if override is not None:
        return (override.person,)
    if schedule.events is not None:
        return calendar_duty(_held(schedule.events, at), people, at).people
    found = _answering_layer(schedule, people, at)
    return found[2] if found else ()


def next_after(schedule: Schedule, people: Mapping[str, Person], at: datetime) -> tuple[str, ...]:
    """Who comes after those on call: what stands behind the target `x.next`.

    In the rotation of the layer that answers (under an override: that would answer) the first item
    after the scheduled one in which somebody is neither on call now nor away; the scheduled one
    comes last, for under an override they are free. In a calendar the next event with such people.
    () if there is none.
    """
    at = at.astimezone(UTC)
    busy = on_call_now(schedule, people, at)
    for item in _following(schedule, people, at):
        free = tuple(one for one in item if one not in busy and is_there(one, people, at))
        if free:
            return tuple(dict.fromkeys(free))
    return ()


def _following(
    schedule: Schedule, people: Mapping[str, Person], at: datetime
) -> Iterable[tuple[str, ...]]:
    """The items that come after what is scheduled now, in their order."""
    if schedule.events is not None:
        return (event.people for event in schedule.events if event.start > at)
    found = _answering_layer(schedule, people, at)
    if found is None:
        return ()
    layer, turn, _ = found
    count = len(layer.people)
    return (layer.people[(turn + step) % count] for step in range(1, count + 1))


def _answering_layer(
    schedule: Schedule, people: Mapping[str, Person], at: datetime
) -> tuple[Layer, int, tuple[str, ...]] | None:
    """The layer that answers, overrides aside, the number of its turn, and its people now."""
    for layer in reversed(schedule.layers):
        if layer.only and not is_open(layer.only, schedule.zone, at):
            continue
        turn = turn_at(layer.rotation, schedule.zone, at)
        there = answering(layer, turn.number, people, at) if turn else ()
        if turn and there:
            return layer, turn.number, there
    return None


def _override_at(
    overrides: Sequence[Override], people: Mapping[str, Person], at: datetime
) -> Override | None:
    """The override that answers at this instant."""
    held = (one for one in overrides if one.start <= at < one.end and one.person in people)
    return next(iter(latest_first(held)), None)


def _held(events: Iterable[CalendarEvent], at: datetime) -> list[CalendarEvent]:
    """The events that hold at this instant."""
    return [event for event in events if event.start <= at < event.end]
