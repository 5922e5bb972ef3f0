"""An explanation put in order for reading: stages in time, in each a line for each person with all the tries.

The words of reasons, notes and warnings are foresight's; nothing is worked out here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from escalator.escalation.rules import NO_POLICY
from escalator.foresight.explanation import Explanation, Message, Note, Ring
from escalator.foresight.wording import clock, dated, listed, span

AGAIN_MAX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What happens to a person in a stage: rung (`to` is the number), written to, or a note without a person."""

    time: str
    after: str
    name: str
    to: str
    again: tuple[str, ...]
    why: str
    is_message: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A step in a round, or the fallback."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The stages of a round; the fallback is one of its own. `rings` is how many calls are in it."""

    title: str
    since: str
    rings: int
    stages: tuple[Stage, ...]


def headline(told: Explanation) -> str:
    """What it comes to, in a sentence."""
    zone = told.zone
    if told.beats:
        return f"Nobody is rung: this is only a beat of {', '.join(told.beats)}."
    if told.policy == NO_POLICY:
        return "Nobody is rung: policy none records and never calls."
    if not told.rings:
        return "Nobody is rung."
    first = told.rings[0]
    together = [one.name for one in told.rings if one.at - first.at < timedelta(minutes=1)]
    names = list(dict.fromkeys(together))
    at = _when(first.at, told.at, zone)
    when = f"at {at}" if ":" in at[:3] else f"on {at}"
    late = (
        "" if first.at - told.at < timedelta(minutes=1) else f", {span(first.at - told.at)} later"
    )
    return f"{listed(names)} {'is' if len(names) == 1 else 'are'} rung first, {when}{late}."


def worst_case(told: Explanation) -> str:
    """How much there is of it if nobody ever answers."""
    if not told.rings:
        return ""
    most = f"Worst case: {'more than ' if told.is_cut else ''}{told.calls} call{'' if told.calls == 1 else 's'}"
    if told.fallback_at is None or told.fallback_every is None:
        return f"{most}."
    since = _when(told.fallback_at, told.at, told.zone)
    every = span(told.fallback_every)
    return (
        f"{most}; from {since} on the fallback is rung every {every} until somebody acknowledges."
    )


def rounds(told: Explanation) -> list[Round]:
    """All that happens, in order."""
    things: list[Ring | Message | Note] = [*told.notes, *told.messages, *told.rings]
    things.sort(key=lambda one: one.at)
    order: dict[int | None, list[Ring | Message | Note]] = {}
    for one in things:
        order.setdefault(one.round if one.step is not None else None, []).append(one)
    return [_round(told, number, order[number]) for number in sorted(order, key=_last_is_none)]


def _last_is_none(number: int | None) -> tuple[bool, int]:
    return number is None, number or 0


def _round(told: Explanation, number: int | None, things: list[Ring | Message | Note]) -> Round:
    by_step = sorted(things, key=lambda one: (one.step or 0, one.at))
    stages = [
        Stage(
            title="Fallback" if number is None else f"Step {step + 1}",
            lines=tuple(_lines(told, list(found))),
        )
        for step, found in groupby(by_step, key=lambda one: one.step or 0)
    ]
    return Round(
        title="Fallback" if number is None else f"Round {number}",
        since=_when(things[0].at, told.at, told.zone),
        rings=len({one.call for one in things if isinstance(one, Ring)}),
        stages=tuple(stages),
    )


def _lines(told: Explanation, things: list[Ring | Message | Note]) -> Iterator[Line]:
    """A line for each person rung, at the place of the first try; messages and notes between them."""
    lines: dict[object, Line] = {}
    for n, one in enumerate(things):
        key: object = (one.person, one.reason) if isinstance(one, Ring) else n
        known = lines.get(key)
        if known is None:
            lines[key] = _line(told, one)
        else:
            lines[key] = replace(known, again=(*known.again, clock(one.at, told.zone)))
    for line in lines.values():
        hidden = len(line.again) - AGAIN_MAX
        more = (f"{hidden} times more",) if hidden > 0 else ()
        yield replace(line, again=(*line.again[:AGAIN_MAX], *more))


def _line(told: Explanation, one: Ring | Message | Note) -> Line:
    late = timedelta(minutes=(one.at - told.at) // timedelta(minutes=1))
    return Line(
        time=_when(one.at, told.at, told.zone),
        after=f"+{span(late)}" if late else "",
        name="" if isinstance(one, Note) else one.name,
        to=one.to if isinstance(one, Ring) else "",
        again=(),
        why=one.text if isinstance(one, Note) else one.reason,
        is_message=isinstance(one, Message),
    )


def _when(at: datetime, start: datetime, zone: ZoneInfo) -> str:
    """`03:00`, with its day where that is another."""
    is_same_day = at.astimezone(zone).date() == start.astimezone(zone).date()
    return clock(at, zone) if is_same_day else dated(at, zone)
