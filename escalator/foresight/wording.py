"""How foresight says moments, numbers and lists to a person. Moments are in the zone that is given."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_DIGITS_SHOWN = 3


def local(at: datetime, zone: ZoneInfo) -> str:
    """`25 Oct 03:00`; where the clock shows that twice, with which of the two: `25 Oct 02:30 CEST`."""
    here = at.astimezone(zone)
    return f"{here.day} {here:%b %H:%M}{_which(here)}"


def stretch(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """`24 Dec 18:00 to 27 Dec 09:00`; the year of the end is said where it is another one."""
    begin, until = start.astimezone(zone), end.astimezone(zone)
    if begin.year == until.year:
        return f"{local(start, zone)} to {local(end, zone)}"
    return f"{local(start, zone)} to {until.day} {until:%b %Y %H:%M}{_which(until)}"


def dated(at: datetime, zone: ZoneInfo, *, year: bool = False) -> str:
    """The same with its weekday, and its year if wanted: `Sun 25 Oct 2026 03:00`."""
    here = at.astimezone(zone)
    return f"{here:%a} {here.day} {here:%b}{f' {here.year}' if year else ''} {here:%H:%M}{_which(here)}"


def clock(at: datetime, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """The time of day alone: `03:00`, or `03:00:25`."""
    here = at.astimezone(zone)
    return f"{here:%H:%M:%S}{_which(here)}" if seconds else f"{here:%H:%M}{_which(here)}"


def span(value: timedelta) -> str:
    """`45s`, `10m`, `2h 5m`, `6d 23h`: the two largest units."""
    left = int(value.total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size}{unit}")
        left %= size
    return " ".join(parts[:2]) or "0s"


def masked(number: str) -> str:
    """A number by which its owner knows it and nobody else does: `…123`."""
    return f"…{number[-_DIGITS_SHOWN:]}"


def listed(names: Iterable[str]) -> str:
    """`ana`, `ana and ben`, `ana, ben and chi`."""
    *first, last = tuple(names) or ("nobody",)
    return f"{', '.join(first)} and {last}" if first else last


def _which(here: datetime) -> str:
    twice = here.replace(fold=0).utcoffset() != here.replace(fold=1).utcoffset()
    return f" {here:%Z}" if twice else ""
