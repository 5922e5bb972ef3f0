"""How turns and hours of a schedule are written: `1 week`, `mon 09:00`, `mon-fri 18:00-08:00`.

Each word is read into a value that can be written back. Days count from 0, Monday. Nothing in
here imports pydantic or YAML.
"""

import re
from dataclasses import dataclass
from datetime import time

from escalator.config.moments import read_time_of_day, show_time_of_day
from escalator.config.problems import did_you_mean
from escalator.escalation.schedules import Unit, Window

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONG_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_COUNT_MAX = 1000
_EVERY = re.compile(r"([0-9]{1,9}) (hour|day|week|month)s?")
_CLOCK = r"[0-9]{2}:[0-9]{2}"
_WINDOW = re.compile(rf"(?:(?P<days>[a-z-]+) )?(?P<start>{_CLOCK})-(?P<end>{_CLOCK})")
_HOW_AT = {
    Unit.HOURS: "write HH:MM, as 08:00; a day is for weeks and months",
    Unit.DAYS: "write HH:MM, as 08:00; a day is for weeks and months",
    Unit.WEEKS: "write DAY HH:MM, as mon 09:00",
    Unit.MONTHS: "write the day of the month and HH:MM, as 15 09:00",
}


@dataclass(frozen=True, slots=True)
class Every:
    """So many units of time."""

    count: int
    unit: Unit

    def __str__(self) -> str:
        """`1 week`, `2 weeks`."""
        return f"{self.count} {self.unit.removesuffix('s') if self.count == 1 else self.unit}"


@dataclass(frozen=True, slots=True)
class At:
    """The moment of a handoff within its unit; `weekday` is for weeks, `month_day` for months."""

    time: time
    weekday: int | None = None
    month_day: int | None = None

    def __str__(self) -> str:
        """`09:00`, `mon 09:00`, `15 09:00`."""
        shown = show_time_of_day(self.time)
        if self.weekday is not None:
            return f"{DAYS[self.weekday]} {shown}"
        return f"{self.month_day} {shown}" if self.month_day is not None else shown


def read_every(text: str) -> Every:
    """`N hours`, `days`, `weeks` or `months`. Raises `ValueError` with a sentence."""
    found = _EVERY.fullmatch(text)
    if found is None:
        raise ValueError("write a number and hours, days, weeks or months, as 1 week or 12 hours")
    if not 1 <= int(found[1]) <= _COUNT_MAX:
        raise ValueError(f"write a number from 1 to {_COUNT_MAX}")
    return Every(int(found[1]), Unit(f"{found[2]}s"))


def read_at(text: str, unit: Unit) -> At:
    """`[DAY] [HH:MM]`, the day as the unit wants it; "" for the default of the unit.

    Raises `ValueError` with a sentence.
    """
    day, clock = _split(text)
    at = read_time_of_day(clock) if clock else time(0)
    if unit is Unit.WEEKS:
        return At(at, weekday=read_weekday(day) if day else 0)
    if unit is Unit.MONTHS:
        if day and not (re.fullmatch(r"[0-9]{1,2}", day) and 1 <= int(day) <= 31):
            raise ValueError(_HOW_AT[unit])
        return At(at, month_day=int(day) if day else 1)
    if day:
        raise ValueError(_HOW_AT[unit])
    return At(at)


def read_weekday(text: str) -> int:
    """`mon` or `monday` as 0. Raises `ValueError` with a sentence."""
    for names in (DAYS, LONG_DAYS):
        if text in names:
            return names.index(text)
    hint = did_you_mean(text, (*DAYS, *LONG_DAYS)) or "; write mon, tue, wed, thu, fri, sat or sun"
    raise ValueError(f"{text!r} is not a day of the week{hint}")


def read_window(text: str) -> Window:
    """`[DAY[-DAY]] HH:MM-HH:MM`; `24:00` may end it. Raises `ValueError` with a sentence."""
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise ValueError("write DAY-DAY HH:MM-HH:MM, as mon-fri 18:00-08:00 or 22:00-06:00")
    end = time(0) if found["end"] == "24:00" else read_time_of_day(found["end"])
    return Window(days=_days(found["days"]), start=read_time_of_day(found["start"]), end=end)


def show_window(window: Window) -> str:
    """The window as it would be written. Its days follow each other."""
    end = "24:00" if window.end == time(0) else show_time_of_day(window.end)
    clock = f"{show_time_of_day(window.start)}-{end}"
    if len(window.days) == len(DAYS):
        return clock
    first = next(day for day in window.days if (day - 1) % 7 not in window.days)
    last = (first + len(window.days) - 1) % 7
    days = DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}"
    return f"{days} {clock}"


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    first, dash, last = text.partition("-")
    begin = read_weekday(first)
    length = (read_weekday(last) - begin) % 7 if dash else 0
    return frozenset((begin + day) % 7 for day in range(length + 1))


def _split(text: str) -> tuple[str, str]:
    """The day and the time, each "" when it is not there."""
    day, _, clock = text.rpartition(" ")
    return (clock, "") if clock and not day and ":" not in clock else (day, clock)
