"""Who is on call and which intervals hold, found the slow way: minute by minute, from the definitions alone.

It shares no code with the arithmetic. Its idea of a wall clock for handoffs and windows is one that never goes
back: it shows the latest wall time that was shown so far, so that a time in a gap is reached when the gap is over, and
a time in a fold at its first occurrence only. What it shows is written as if it were UTC.
"""

from bisect import bisect_right
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class WallClock:
    """A zone's clock over a span of UTC."""

    def __init__(self, zone, start, end):
        self.zone = zone
        self.peaks = []
        hour = start.replace(minute=0, second=0, microsecond=0)
        while hour < end:
            if self.shown(hour + HOUR) - self.shown(hour) < HOUR:
                self.peaks += self.put_back(hour)
            hour += HOUR

    def put_back(self, hour):
        """When the clock is put back within this hour, with what it showed in the minute before."""
        for number in range(60):
            before = hour + number * MINUTE
            if self.shown(before + MINUTE) < self.shown(before):
                yield before + MINUTE, self.shown(before)

    def shown(self, at):
        """What the clock shows."""
        return at + at.astimezone(self.zone).utcoffset()

    def reached(self, at):
        """The latest that it has shown so far."""
        latest = self.shown(at)
        for put, peak in self.peaks:
            if put <= at and peak > latest:
                latest = peak
        return latest


class Rota:
    """A rotation as a list of its handoffs up to a day, and a count of those that are over."""

    def __init__(self, rotation, clock, end):
        self.rotation, self.clock = rotation, clock
        self.handoffs = list(self.times(end))
        self.begins = None

    def times(self, end):
        one = self.rotation
        day, count = one.starting, 0
        while not self.is_first(day):
            day += DAY
        if one.unit == "hours":
            yield datetime.combine(day, one.at, UTC)
            return
        first = day
        while day <= end:
            yield datetime.combine(day, one.at, UTC)
            count += one.every
            day = self.later(first, count)

    def is_first(self, day):
        one = self.rotation
        if one.unit == "weeks":
            return day.weekday() == one.weekday
        if one.unit == "months":
            return day.day == min(one.month_day, monthrange(day.year, day.month)[1])
        return True

    def later(self, first, count):
        if self.rotation.unit == "days":
            return first + count * DAY
        if self.rotation.unit == "weeks":
            return first + 7 * count * DAY
        year, month = first.year, first.month
        for _ in range(count):
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        return date(year, month, min(self.rotation.month_day, monthrange(year, month)[1]))

    def turn(self, at, reached):
        """The number of the turn, -1 before the first."""
        if self.rotation.unit != "hours":
            return bisect_right(self.handoffs, reached) - 1
        if reached < self.handoffs[0]:
            return -1
        return (at - self.beginning()) // (self.rotation.every * HOUR)

    def beginning(self):
        """The minute in which turn 0 of a rotation of hours begins: walked to from a day before."""
        if self.begins is None:
            at = self.handoffs[0] - 2 * DAY
            while self.clock.reached(at) < self.handoffs[0]:
                at += MINUTE
            self.begins = at
        return self.begins


class Walk:
    """Who is on call, asked at minutes of a span."""

    def __init__(self, schedule, people, start, end):
        self.schedule, self.people = schedule, people
        first = min([start, *(midnight(one.rotation.starting) for one in schedule.layers)])
        self.clock = WallClock(schedule.zone, first - 3 * DAY, end + DAY)
        last = end.date() + 3 * DAY
        rotas = [(one, Rota(one.rotation, self.clock, last)) for one in schedule.layers]
        self.layers = rotas[::-1]

    def who(self, at):
        """The people on call at this minute."""
        best = None
        for one in self.schedule.overrides:
            if one.start <= at < one.end and (best is None or not self.is_before(one, best)):
                best = one
        if best is not None:
            return (best.person,)
        reached = self.clock.reached(at)
        if self.schedule.events is not None:
            return self.by_events(at)
        for layer, rota in self.layers:
            turn = rota.turn(at, reached)
            if turn >= 0 and self.applies(layer, reached):
                there = self.first_there(layer.people, turn, at)
                if there:
                    return there
        return ()

    def first_there(self, items, turn, at):
        for step in range(len(items)):
            item = items[(turn + step) % len(items)]
            there = tuple(one for one in item if not self.away(one, at))
            if there:
                return there
        return ()

    def is_before(self, one, other):
        if (one.created_at is None) != (other.created_at is None):
            return one.created_at is None
        return one.created_at is not None and one.created_at < other.created_at

    def by_events(self, at):
        named = []
        for one in self.schedule.events:
            if one.start <= at < one.end:
                named += one.people
        named = list(dict.fromkeys(named))
        return tuple(one for one in named if not self.away(one, at)) or tuple(named)

    def applies(self, layer, reached):
        return not layer.only or any(is_within(one, reached) for one in layer.only)

    def away(self, person, at):
        spans = self.people[person].away
        return bool(spans) and any(one.start <= at < one.end for one in spans)


def midnight(day):
    return datetime.combine(day, time(0), UTC)


def is_within(window, reached):
    """Whether the window of today or the one of yesterday, over midnight, holds at this wall time."""
    now, day = reached.time(), reached.weekday()
    if window.start < window.end:
        return day in window.days and window.start <= now < window.end
    return (day in window.days and now >= window.start) or (
        (day - 1) % 7 in window.days and now < window.end
    )


def interval_holds(interval, at):
    """Whether a time interval holds, from its words: what the clock shows, minute by minute."""
    shown = at.astimezone(interval.zone)
    length = monthrange(shown.year, shown.month)[1]
    days = [
        day
        for first, last in interval.days_of_month
        for day in range(1, length + 1)
        if (first if first > 0 else first + length + 1)
        <= day
        <= (last if last > 0 else last + length + 1)
    ]
    minute = shown.hour * 60 + shown.minute
    spans = [
        (
            one.start.hour * 60 + one.start.minute,
            one.end.hour * 60 + one.end.minute if one.end else 1440,
        )
        for one in interval.times
    ]
    return (
        (not interval.times or any(start <= minute < end for start, end in spans))
        and (not interval.weekdays or any(a <= shown.weekday() <= b for a, b in interval.weekdays))
        and (not interval.days_of_month or shown.day in days)
        and (not interval.months or any(a <= shown.month <= b for a, b in interval.months))
        and (not interval.years or any(a <= shown.year <= b for a, b in interval.years))
    )
