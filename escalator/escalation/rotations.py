"""When a layer turns, and when its windows are open.

Turns of hours are elapsed time; those of days, weeks and months begin at a wall time of the zone.
Each wall time means the first instant at which the clock shows it or a later one: a handoff in a
gap happens when the gap ends, one in a fold at its first occurrence. Windows read their start and
their end in the same way, so that windows which touch on the clock touch in time, without a hole or
an overlap on any day; one that lies in a gap as a whole does not happen.

Instants are aware UTC, spans half-open.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from escalator.escalation.local_time import LATEST, first_instant
from escalator.escalation.schedules import Rotation, Unit, Window

DAY = timedelta(days=1)
MONTHS_A_YEAR = 12
DAYS_OF = {Unit.DAYS: 1, Unit.WEEKS: 7}


class Turn(NamedTuple):
    """One turn of a rotation, counted from 0. It may be empty where the clock skips it as a whole."""

    start: datetime
    end: datetime
    number: int


class Span(NamedTuple):
    """From `start` to `end`, without it."""

    start: datetime
    end: datetime


# ---- turns


def turn_start(rotation: Rotation, zone: ZoneInfo, number: int) -> datetime:
    """When this turn begins; the last moment of the calendar for one beyond it."""
    try:
        if rotation.unit is Unit.HOURS:
            first = first_instant(rotation.starting, rotation.at, zone)
            return first + timedelta(hours=rotation.every * number)
        day = _day_of(rotation, number)
    except (OverflowError, ValueError):
        return LATEST
    return first_instant(day, rotation.at, zone)


def turn_at(rotation: Rotation, zone: ZoneInfo, at: datetime) -> Turn | None:
    """The turn that holds at this instant, None before the first one."""
    start = turn_start(rotation, zone, 0)
    if at < start:
        return None
    number = max(0, _estimate(rotation, zone, at, start))
    if number:
        start = turn_start(rotation, zone, number)
    while start > at:
        number -= 1
        start = turn_start(rotation, zone, number)
    end = turn_start(rotation, zone, number + 1)
    while end <= at:
        number += 1
        start, end = end, turn_start(rotation, zone, number + 1)
    return Turn(start, end, number)


def turns(rotation: Rotation, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Turn]:
    """The turns that hold somewhere in the span, whole, in order; without the empty ones."""
    turn = turn_at(rotation, zone, start) or Turn(start, turn_start(rotation, zone, 0), -1)
    if turn.number >= 0:
        yield turn
    number, begin = turn.number + 1, turn.end
    while begin < end:
        following = turn_start(rotation, zone, number + 1)
        if begin < following:
            yield Turn(begin, following, number)
        number, begin = number + 1, following


def _estimate(rotation: Rotation, zone: ZoneInfo, at: datetime, first: datetime) -> int:
    """About which turn holds now; at most a few off."""
    if rotation.unit is Unit.HOURS:
        return (at - first) // timedelta(hours=rotation.every)
    local = at.astimezone(zone)
    if rotation.unit is Unit.MONTHS:
        return (_month(local) - _first_month(rotation)) // rotation.every
    days = local.toordinal() - _first_day(rotation).toordinal()
    return (days - (local.time() < rotation.at)) // (rotation.every * DAYS_OF[rotation.unit])


def _day_of(rotation: Rotation, number: int) -> date:
    """The day on which this turn of days, weeks or months begins."""
    if rotation.unit is Unit.MONTHS:
        month = _first_month(rotation) + number * rotation.every
        return _in_month(*divmod(month, MONTHS_A_YEAR), rotation.month_day)
    return _first_day(rotation) + timedelta(number * rotation.every * DAYS_OF[rotation.unit])


def _first_day(rotation: Rotation) -> date:
    """The day of turn 0, for days and weeks."""
    if rotation.unit is Unit.DAYS:
        return rotation.starting
    return rotation.starting + timedelta((rotation.weekday - rotation.starting.weekday()) % 7)


def _first_month(rotation: Rotation) -> int:
    """The month of turn 0, counted from January of the year 0."""
    starting = rotation.starting
    month = _month(starting)
    first = _in_month(*divmod(month, MONTHS_A_YEAR), rotation.month_day)
    return month if starting <= first else month + 1


def _month(day: date) -> int:
    return day.year * MONTHS_A_YEAR + day.month - 1


def _in_month(year: int, month: int, day: int) -> date:
    """This day of the month (January is 0), or its last one where it is shorter."""
    following = date(year + month // (MONTHS_A_YEAR - 1), (month + 1) % MONTHS_A_YEAR + 1, 1)
    return date(year, month + 1, min(day, (following - DAY).day))


# ---- windows


def is_open(windows: Iterable[Window], zone: ZoneInfo, at: datetime) -> bool:
    """Whether one of the windows holds at this instant."""
    local = at.astimezone(zone)
    today = local.date()
    # On a clock that was put back over midnight, tomorrow has begun already.
    days = (today, today - DAY, today + DAY) if local.fold else (today, today - DAY)
    for window in windows:
        for day in days:
            # What began yesterday and is not over midnight is over.
            may_hold = day >= today or window.end <= window.start
            if may_hold and day.weekday() in window.days and _holds(window, zone, day, at):
                return True
    return False


def openings(
    windows: Sequence[Window], zone: ZoneInfo, start: datetime, end: datetime
) -> list[Span]:
    """The spans in which one of the windows holds, in order and apart, as far as they touch the
    span asked for. They are whole, not cut to it.
    """
    found: list[Span] = []
    day = start.astimezone(zone).date() - DAY
    last = end.astimezone(zone).date() + DAY
    while day <= last:
        weekday = day.weekday()
        found += [_opening(window, zone, day) for window in windows if weekday in window.days]
        day += DAY
    return _joined(
        one for one in found if one.start < one.end and one.start < end > start < one.end
    )


def _holds(window: Window, zone: ZoneInfo, day: date, at: datetime) -> bool:
    """Whether the window that begins on this day holds at this instant."""
    start, end = _opening(window, zone, day)
    return start <= at < end


def _opening(window: Window, zone: ZoneInfo, day: date) -> Span:
    """The window that begins on this day; empty if the clock skips it."""
    last = day if window.start < window.end else day + DAY
    return Span(
        first_instant(day, window.start, zone),
        first_instant(last, window.end, zone),
    )


def _joined(spans: Iterable[Span]) -> list[Span]:
    """The same time as spans that neither overlap nor touch."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found
