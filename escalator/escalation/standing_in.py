"""Who answers for a turn or an event while somebody is away.

In a rotation the next item of its order in which somebody is there stands in; an item of several
people is on call as those of it who are there. Where nobody of the layer is there, the layer is as
if it did not apply, and the one below answers. People whom the config does not know are never
there. A calendar has no order, so nobody stands in: those who are away are left out, and kept where
that would leave nobody.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from escalator.escalation.reasons import Absence, Kind, Reason
from escalator.escalation.rules import Person
from escalator.escalation.schedules import CalendarEvent, Layer


class Duty(NamedTuple):
    """Who is on call, and why."""

    people: tuple[str, ...]
    reason: Reason


def is_there(person: str, people: Mapping[str, Person], at: datetime) -> bool:
    """Whether this person is known and not away."""
    known = people.get(person)
    return known is not None and not (known.away and known.is_away(at))


def absence(person: str, people: Mapping[str, Person], at: datetime) -> Absence:
    """The absence of somebody who is not there."""
    spans = people[person].away if person in people else ()
    return Absence(person, next((one.reason for one in spans if one.start <= at < one.end), ""))


def answering(
    layer: Layer, turn: int, people: Mapping[str, Person], at: datetime
) -> tuple[str, ...]:
    """Who answers for this turn, alone as people; () if nobody of the layer is there."""
    items = layer.people
    for step in range(len(items)):
        there = _of_them_there(items[(turn + step) % len(items)], people, at)
        if there:
            return there
    return ()


def layer_duty(
    layer: Layer, number: int, turn: int, people: Mapping[str, Person], at: datetime
) -> Duty:
    """Who answers for this turn of the layer of this number, and why.

    With nobody there its people are () and its reason is one for a gap.
    """
    items = layer.people
    absent: dict[str, Absence] = {}
    for step in range(len(items)):
        item = items[(turn + step) % len(items)]
        there = _of_them_there(item, people, at)
        absent |= {one: absence(one, people, at) for one in item if one not in there}
        if there:
            standing_in = there if step else ()
            missed = tuple(absent.values())
            return Duty(
                there,
                Reason(kind=Kind.LAYER, layer=number, absent=missed, standing_in=standing_in),
            )
    return Duty((), Reason(kind=Kind.NOBODY, absent=tuple(absent.values())))


def calendar_duty(
    events: Iterable[CalendarEvent], people: Mapping[str, Person], at: datetime
) -> Duty:
    """Who is on call by these events, all of which hold now."""
    held = tuple(events)
    known = tuple(dict.fromkeys(one for event in held for one in event.people if one in people))
    there = _of_them_there(known, people, at)
    titles = tuple(dict.fromkeys(event.title for event in held if event.title))
    absent = tuple(absence(one, people, at) for one in known if one not in there)
    reason = Reason(
        kind=Kind.CALENDAR if known else Kind.NOBODY,
        titles=titles,
        absent=absent,
        is_kept=bool(known) and not there,
    )
    return Duty(there or known, reason)


def _of_them_there(
    item: tuple[str, ...], people: Mapping[str, Person], at: datetime
) -> tuple[str, ...]:
    """Those who are there; the item itself, if all are."""
    there = tuple(one for one in item if is_there(one, people, at))
    return item if len(there) == len(item) else there
