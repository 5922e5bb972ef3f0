"""Where a zone's wall clock meets time: the one place that knows gaps and folds.

A gap is the time that a clock put forward skips, a fold the time that a clock put back shows twice.
Wall times are naive, instants aware UTC. Instants of the years 2 to 9998 are safe; nearer to the
ends of the calendar a conversion may raise OverflowError.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)
ZERO = timedelta(0)
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)


# Layers share their hours, schedules their zones: most of what is asked was asked before.
@lru_cache(maxsize=4096)
def first_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The first instant at which the zone's clock shows this wall time or a later one.

    So a wall time in a gap is the instant the gap ends, one in a fold its first occurrence, and a
    later wall time is never an earlier instant. Beyond the calendar it is its first or last moment.
    """
    offset = zone.utcoffset(datetime.combine(day, at)) or ZERO
    shown = datetime.combine(day, at, UTC)
    try:
        instant = shown - offset
        # In a gap the offset is that of before it, and so the instant is one behind it.
        there = instant.astimezone(zone).utcoffset() or ZERO
        return instant if there == offset else _gap_end(shown, zone, there, offset)
    except OverflowError:
        return LATEST if day.year > EARLIEST.year else EARLIEST


def _gap_end(shown: datetime, zone: ZoneInfo, after: timedelta, before: timedelta) -> datetime:
    return offset_change(zone, shown - after, shown - before) or shown - before


def offset_change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """The instant after `start` (whole seconds) and up to `end` at which the zone's offset changes.

    None if it is the same at both. At most one change is looked for: keep the span short.
    """
    offset = start.astimezone(zone).utcoffset()
    if end.astimezone(zone).utcoffset() == offset:
        return None
    old, new = 0, -((start - end) // SECOND)
    while new - old > 1:
        middle = (old + new) // 2
        if (start + middle * SECOND).astimezone(zone).utcoffset() == offset:
            old = middle
        else:
            new = middle
    return start + new * SECOND
