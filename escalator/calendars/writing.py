"""Writes shifts as a calendar that people subscribe to: RFC 5545, times in UTC, lines folded at 75 octets."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

REFRESH = timedelta(hours=1)
LINE_OCTETS_MAX = 75
_ESCAPED = {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"}
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_HEAD = (
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//escalator//on call//EN",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenShift:
    """One event of ours. `uid` is the same as long as the shift is; `changed_at` is when it came to be as it is."""

    uid: str
    start: datetime
    end: datetime
    title: str
    text: str
    changed_at: datetime


def uid_of(*parts: str) -> str:
    """An id that is always the same for the same parts, and says nothing of them."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32] + "@escalator"


def written(name: str, shifts: Iterable[WrittenShift], made_at: datetime) -> bytes:
    """A calendar of this name."""
    hours = f"PT{REFRESH // timedelta(hours=1)}H"
    lines = [
        *_HEAD,
        f"X-WR-CALNAME:{escaped(name)}",
        f"NAME:{escaped(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{hours}",
        f"X-PUBLISHED-TTL:{hours}",
    ]
    for shift in shifts:
        lines += _event(shift, made_at)
    lines.append("END:VCALENDAR")
    return b"".join(piece for line in lines for piece in folded(line))


def escaped(text: str) -> str:
    """Text as a value: on one line, with what would end it escaped, without what no calendar may hold."""
    plain = _UNWRITABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(_ESCAPED.get(character, character) for character in plain)


def folded(line: str) -> Iterator[bytes]:
    """The line with its end, in pieces of 75 octets at most; no character is torn."""
    piece = b""
    for character in line:
        octets = character.encode("utf-8", errors="replace")
        if len(piece) + len(octets) > LINE_OCTETS_MAX:
            yield piece + b"\r\n"
            piece = b" "
        piece += octets
    yield piece + b"\r\n"


def _event(shift: WrittenShift, made_at: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{shift.uid}"
    yield f"DTSTAMP:{_utc(made_at)}"
    yield f"LAST-MODIFIED:{_utc(shift.changed_at)}"
    yield f"DTSTART:{_utc(shift.start)}"
    yield f"DTEND:{_utc(shift.end)}"
    yield f"SUMMARY:{escaped(shift.title)}"
    if shift.text:
        yield f"DESCRIPTION:{escaped(shift.text)}"
    # Who is on call is not busy.
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
