"""Time intervals in Alertmanager's own fields: when one holds, and until when.

Weekdays, days of the month, months, years and times of day, all in the interval's zone; a field
that is not written holds always. Ranges are of numbers, both ends included. An interval asks what
the wall clock shows, minute by minute: in a fold the hour that comes twice holds twice, a time in a
gap never comes. (The windows of a rotation are not asked so: they are spans with a start and an
end.) Moments are aware.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from escalator.escalation.local_time import ZERO, offset_change

Range = tuple[int, int]
DAY = timedelta(days=1)
# How far the end of a stretch is looked for.
FARTHEST = timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOfDay:
    """From `start`, included, to `end`, excluded; `end` None is 24:00."""

    start: time
    end: time | None

    def holds(self, local: time) -> bool:
        """Whether it holds at this time of day."""
        return self.start <= local and (self.end is None or local < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeInterval:
    """One interval; every field that is written must hold.

    `weekdays` count from 0, Monday; `days_of_month` may be negative, counted from the end (-1 is
    the last day); `months` 1 to 12; `years` as they are written.
    """

    zone: ZoneInfo
    times: tuple[TimeOfDay, ...] = ()
    weekdays: tuple[Range, ...] = ()
    days_of_month: tuple[Range, ...] = ()
    months: tuple[Range, ...] = ()
    years: tuple[Range, ...] = ()

    def holds(self, at: datetime) -> bool:
        """Whether every field holds at this moment."""
        local = at.astimezone(self.zone)
        return self.holds_on(local.date()) and (
            not self.times or any(one.holds(local.time()) for one in self.times)
        )

    def holds_on(self, day: date) -> bool:
        """Whether the fields of the date hold on this day."""
        return (
            _is_among(day.weekday(), self.weekdays)
            and _is_among(day.month, self.months)
            and _is_among(day.year, self.years)
            and (not self.days_of_month or _is_among(day.day, self._days_in(day)))
        )

    def _days_in(self, day: date) -> tuple[Range, ...]:
        """The days of the month as they count in this day's month.

        What lies beyond its end is not in it: 29:31 is empty in a February of 28 days, and a
        negative day before its first is none.
        """
        length = _month_length(day)
        return tuple(
            (
                first if first > 0 else length + first + 1,
                last if last > 0 else length + last + 1,
            )
            for first, last in self.days_of_month
        )


def holds(intervals: Iterable[TimeInterval], at: datetime) -> bool:
    """Whether any of the intervals holds at this moment."""
    return any(interval.holds(at) for interval in intervals)


def until(intervals: Iterable[TimeInterval], at: datetime) -> datetime | None:
    """The end (UTC) of the stretch around `at` in which "any of the intervals holds" stays as it is.

    None if it does not change within 400 days.
    """
    known = tuple(intervals)
    now = holds(known, at)
    moment = at.astimezone(UTC)
    last = moment + FARTHEST
    while known and (moment := min(_next_change(one, moment) for one in known)) <= last:
        if holds(known, moment) != now:
            return moment
    return None


def _next_change(interval: TimeInterval, after: datetime) -> datetime:
    """The next instant at which the interval may change: a bound of one of its times or of a day,
    or the clock being put on or back.
    """
    day = after.astimezone(interval.zone).date()
    bounds = [datetime.combine(day + DAY, time(0))]
    if interval.holds_on(day):
        bounds += [datetime.combine(day, one) for one in _bounds_of(interval.times)]
    moments = {_instant(bound, interval.zone, fold) for bound in bounds for fold in (0, 1)}
    midnight = _instant(datetime.combine(day, time(0)), interval.zone, 0)
    put = offset_change(interval.zone, midnight, max(moments))
    return min(moment for moment in (*moments, put or after) if moment > after)


def _instant(bound: datetime, zone: ZoneInfo, fold: int) -> datetime:
    """The first or the second time the clock shows this; about then if it never does."""
    local = bound.replace(fold=fold)
    return bound.replace(tzinfo=UTC) - (zone.utcoffset(local) or ZERO)


def _bounds_of(times: Iterable[TimeOfDay]) -> Iterator[time]:
    for one in times:
        yield one.start
        if one.end is not None:
            yield one.end


def _is_among(value: int, ranges: Iterable[Range]) -> bool:
    """Whether the value is in one of the ranges; without any it is."""
    return not ranges or any(first <= value <= last for first, last in ranges)


def _month_length(day: date) -> int:
    return ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - DAY).day
