"""Moments as people write them: RFC 3339, or local time in somebody's zone.

What is local may not exist (the clock jumps forward) or exist twice (it is set back): the first
existing instant holds, or the first of the two. Nothing in here imports pydantic or YAML: the
API and the command line read the same words as the config file.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from escalator.escalation.local_time import first_instant

YEARS = range(2000, 2200)
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_LOCAL = re.compile(rf"(?P<day>{_DAY})(?: (?P<time>[0-9]{{2}}:[0-9]{{2}}))?")
_ABSOLUTE = re.compile(
    rf"{_DAY}[T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,9}})?)?(Z|[+-][0-9]{{2}}:[0-9]{{2}})",
    re.IGNORECASE,
)
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}")


def read_moment(text: str, zone: ZoneInfo, *, is_end: bool = False) -> datetime:
    """The moment that somebody means, aware and in UTC.

    `text` is RFC 3339, or `YYYY-MM-DD HH:MM` in `zone`, or a day alone: its beginning, or, as the
    end of a span, the beginning of the next, for that day is included. Raises `ValueError` with a
    sentence.
    """
    if _ABSOLUTE.fullmatch(text):
        return _bounded(_existing(text)).astimezone(UTC)
    found = _LOCAL.fullmatch(text)
    if found is None:
        raise ValueError(
            "not a moment; write 2026-12-24, 2026-12-24 18:00 or 2026-12-24T18:00:00+01:00"
        )
    local = _bounded(_existing(text))
    if is_end and found["time"] is None:
        local += timedelta(days=1)
    return first_instant(local.date(), local.time(), zone)


def read_span(start: str, end: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A half-open span from two moments. Raises `ValueError`, also when it would be empty."""
    begins, ends = read_moment(start, zone), read_moment(end, zone, is_end=True)
    if ends <= begins:
        raise ValueError(f"{end} is not after {start}: the span is empty")
    return begins, ends


def read_day(text: str) -> date:
    """A day, as 2026-11-02. Raises `ValueError` with a sentence."""
    if not re.fullmatch(_DAY, text):
        raise ValueError("not a day; write it as 2026-11-02")
    return _bounded(_existing(text)).date()


def read_time_of_day(text: str) -> time:
    """A time of day, `HH:MM`, before 24:00. Raises `ValueError` with a sentence."""
    if not _TIME.fullmatch(text) or text >= "24:00" or text[3:] >= "60":
        raise ValueError(f"{text} is not a time of day; write HH:MM, as 09:00")
    return time(int(text[:2]), int(text[3:]))


def show_time_of_day(value: time) -> str:
    """`HH:MM`."""
    return f"{value:%H:%M}"


def show_moment(moment: datetime, zone: ZoneInfo) -> str:
    """A moment in local time with its offset, in a way that `read_moment` reads again."""
    local = moment.astimezone(zone)
    return local.isoformat(sep=" ", timespec="seconds" if local.second else "minutes")


def _existing(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError(f"{text} does not exist; look at the day and the time") from None


def _bounded(moment: datetime) -> datetime:
    if moment.year not in YEARS:
        raise ValueError(f"the year must be from {YEARS[0]} to {YEARS[-1]}")
    return moment
