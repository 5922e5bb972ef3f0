"""The program that reads one calendar: whatever is in it, only this process can choke on it.

It is run by its path and knows nothing of the rest. Arguments: the default zone, the first and the last moment of
interest in seconds since 1970, the most events that are taken. Input: the calendar. Output, as JSON: `{"events":
[[start, end, title, [address, …]], …], "zones": [name, …]}` with moments in seconds and the names of zones that nobody
knows, or `{"refused": "why"}` without a word from the calendar that could be a secret. Whoever started it ends it
when it takes too long.
"""

import contextlib
import json
import math
import os
import re
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
from icalendar.prop import vBroken
from icalendar.timezone import tzp

TITLE_CHARS_MAX = 300
ADDRESSES_MAX = 20
ADDRESS_CHARS_MAX = 254
PER_DAY_MAX = 24
ZONES_TOLD = 10
# An end beyond this year (a leap year) means never; the libraries cannot count to the end of the calendar.
YEAR_MAX = 2400
MEMORY_BYTES = 768 * 1024 * 1024
CPU_SECONDS = 20
NICE = 10
# Times outside of the horizon by less than this may be inside of it in another zone.
_MARGIN = timedelta(days=2)
_PER_DAY = {"SECONDLY": 86400, "MINUTELY": 1440, "HOURLY": 24}
_COUNTED = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS")
_WORDS = ("BEGIN", "END")
_ZONE = "X-WR-TIMEZONE"

Event = tuple[int, int, str, tuple[str, ...]]


class Refused(Exception):
    """The calendar cannot be used, and why."""


@dataclass(frozen=True)
class Horizon:
    """Which events are wanted, and how times without a zone are read."""

    zone: ZoneInfo
    start: datetime
    end: datetime
    most: int


@dataclass
class Expanded:
    """The events in the order of their start, and zones that are not known."""

    events: list[Event] = field(default_factory=list)
    zones: set[str] = field(default_factory=set)


def expand(body: bytes, horizon: Horizon) -> Expanded:
    """All events of the calendar that touch the horizon. Raises `Refused`."""
    found = Expanded()
    for calendar in _calendars(body):
        zone = _zone_of(calendar, horizon.zone, found)
        for event in calendar.walk("VEVENT"):
            _check(event, found)
        found.events += _events(calendar, zone, horizon)
    if len(found.events) > horizon.most:
        raise Refused(_too_many(horizon))
    found.events.sort()
    return found


# ---- what is in the calendar


def _calendars(body: bytes) -> list[Any]:
    text = body.decode("utf-8-sig", errors="replace").strip()
    if not text[:15].upper().startswith("BEGIN:VCALENDAR"):
        raise Refused("it is no calendar: it does not begin with BEGIN:VCALENDAR")
    if not text[-13:].upper().endswith("END:VCALENDAR"):
        raise Refused("it is cut off: it does not end with END:VCALENDAR")
    begun, ended = (len(re.findall(rf"^{word}:VEVENT\s*$", text, re.M | re.I)) for word in _WORDS)
    if begun != ended:
        raise Refused("an event does not end with END:VEVENT")
    return list(icalendar.Calendar.from_ical(text, multiple=True))


def _zone_of(calendar: Any, default: ZoneInfo, found: Expanded) -> Any:
    """The zone of days and of times without one: the calendar's own word, else the default."""
    named = str(calendar.get(_ZONE, "")).strip()
    zone: Any = tzp.timezone(named) if named else None
    if named:
        del calendar[_ZONE]
    if named and zone is None:
        found.zones.add(named)
    # Said in a way that the library knows: it moves recurring times of UTC to this zone.
    if isinstance(zone, ZoneInfo):
        calendar.add(_ZONE, zone.key)
    return zone or default


def _check(event: Any, found: Expanded) -> None:
    """Refuse what would be read wrongly, mend what only the libraries mind; other broken lines do not matter."""
    broken = {name for name, _ in event.errors} & set(_COUNTED)
    broken |= {name for name in _COUNTED if isinstance(event.get(name), vBroken)}
    if broken:
        raise Refused(f"an event's {min(broken)} cannot be read")
    start = event.get("DTSTART")
    if start is None:
        raise Refused("an event has no DTSTART")
    named = start.params.get("TZID") if hasattr(start, "params") else None
    if named and isinstance(start.dt, datetime) and start.dt.tzinfo is None:
        found.zones.add(str(named))
    end = event.get("DTEND")
    if end is not None and end.dt.year > YEAR_MAX:
        end.dt = end.dt.replace(year=YEAR_MAX)
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        if _per_day(rule) > PER_DAY_MAX:
            raise Refused("an event repeats more often than every hour; that is no shift")


def _per_day(rule: Any) -> int:
    """How often a day a rule may repeat at most."""
    [often] = rule.get("FREQ", [""])
    interval = int(rule.get("INTERVAL", [1])[0]) or 1
    found = math.ceil(_PER_DAY.get(str(often).upper(), 1) / interval)
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        values = rule.get(name, [])
        found *= max(len(values) if isinstance(values, list) else 1, 1)
    return found


def _events(calendar: Any, zone: Any, horizon: Horizon) -> list[Event]:
    query = recurring_ical_events.of(calendar)
    start, end = horizon.start - _MARGIN, horizon.end + _MARGIN
    found: list[Event] = []
    for series in query.series:
        for occurrence in series.between(start, end):
            event = _event(occurrence.as_component(keep_recurrence_attributes=False), zone)
            if (
                event
                and event[0] < horizon.end.timestamp()
                and event[1] > horizon.start.timestamp()
            ):
                found.append(event)
            if len(found) > horizon.most:
                raise Refused(_too_many(horizon))
    return found


def _event(event: Any, zone: Any) -> Event | None:
    """An occurrence as what is told of it; None for one that was canceled or lasts no time."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return None
    start, end = _seconds(event["DTSTART"].dt, zone), _seconds(event["DTEND"].dt, zone)
    if end <= start:
        return None
    title = " ".join(str(event.get("SUMMARY", "")).split())[:TITLE_CHARS_MAX]
    return start, end, title, tuple(_addresses(event))[:ADDRESSES_MAX]


def _seconds(moment: date, zone: Any) -> int:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(0))
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def _addresses(event: Any) -> Iterator[str]:
    """The mail addresses of who was invited and has not declined."""
    invited = event.get("ATTENDEE", [])
    for one in invited if isinstance(invited, list) else [invited]:
        scheme, _, address = str(one).partition(":")
        declined = str(getattr(one, "params", {}).get("PARTSTAT", "")).upper() == "DECLINED"
        if scheme.lower() == "mailto" and address and not declined:
            yield address.strip()[:ADDRESS_CHARS_MAX]


def _too_many(horizon: Horizon) -> str:
    return f"it has more than {horizon.most} events in the next 13 months"


# ---- the process


def _step_back() -> None:
    """Be the first to go when the machine is short of anything. Where that is forbidden, time alone is the limit."""
    with contextlib.suppress(OSError, ValueError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with contextlib.suppress(OSError):
        os.nice(NICE)
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))


def main(zone: str, start: str, end: str, most: str) -> None:
    """Read the calendar on stdin and tell of it on stdout."""
    _step_back()
    begin, until = (datetime.fromtimestamp(int(one), UTC) for one in (start, end))
    try:
        found = expand(sys.stdin.buffer.read(), Horizon(ZoneInfo(zone), begin, until, int(most)))
        told = {"events": found.events, "zones": sorted(found.zones)[:ZONES_TOLD]}
    except Refused as why:
        told = {"refused": str(why)}
    except Exception as error:  # noqa: BLE001 - whatever the libraries trip over, the calendar is at fault
        told = {"refused": f"it cannot be read: {type(error).__name__}"}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
