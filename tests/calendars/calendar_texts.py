"""Calendars for tests: those in `feeds`, and small ones put together of lines."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

FEEDS = Path(__file__).parent / "feeds"


def feed(name: str) -> bytes:
    """A calendar as some program publishes it."""
    return (FEEDS / f"{name}.ics").read_bytes()


def event(*lines: str, uid: str = "one@example.net") -> list[str]:
    return ["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20261001T080000Z", *lines, "END:VEVENT"]


def shift(title: str, start: str, end: str) -> list[str]:
    """An event of `20261102T090000Z` to another such moment."""
    return event(f"SUMMARY:{title}", f"DTSTART:{start}", f"DTEND:{end}", uid=f"{title}-{start}")


def calendar(*lines: str) -> bytes:
    whole = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//EN", *lines, "END:VCALENDAR"]
    return "\r\n".join([*whole, ""]).encode()


def roster(title: str, start: str = "20261102T000000Z", end: str = "20271102T000000Z") -> bytes:
    """A calendar with one long shift."""
    return calendar(*shift(title, start, end))


def seconds(text: str, zone: str = "UTC") -> int:
    """`2026-11-02 09:00` of this zone, in seconds since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def told(events: Iterable[tuple[int, int, str, object]]) -> list[tuple[str, str, str]]:
    """Events as (start, end, title), moments in UTC."""
    return [(_utc(start), _utc(end), title) for start, end, title, _ in events]


def _utc(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
