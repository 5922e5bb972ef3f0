"""How times, spans, numbers and strangers' text are written on the board.

A time is absolute, in the reader's zone, with how long ago beside it. Only an address of the web is ever a link.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\^{}|]+", re.IGNORECASE)
_AFTER_ADDRESS = ".,;:!?)]"
LINKS_MAX = 20
_DAY = timedelta(days=1)


def machine_time(at: datetime) -> str:
    """A time for programs: RFC 3339 in UTC to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def local_time(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A time as people there write it; with its date unless it is today."""
    here, today = at.astimezone(zone), now.astimezone(zone)
    clock = here.strftime("%H:%M:%S")
    if here.date() == today.date():
        return clock
    day = f"{here.day} {here:%b}"
    return f"{day} {clock}" if here.year == today.year else f"{day} {here.year} {clock}"


def span(length: timedelta | float) -> str:
    """A length of time in its two largest units, as `2 min 14 s`; less than nothing counts as nothing."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    left = max(0, round(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 ")) or "0 s"


def roughly(length: timedelta) -> str:
    """A length of time in one unit, rounded down; the seconds of less than a minute."""
    seconds = max(0, int(length.total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def masked(number: str) -> str:
    """A phone number by which its owner knows it and nobody else does."""
    return f"…{number[-3:]}" if len(number) > 5 else number


def web_address(text: str) -> str:
    """The text if it is an address of the web and nothing else, "" otherwise."""
    if not _ADDRESS.fullmatch(text):
        return ""
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return ""
    return text if is_whole else ""


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """The text cut at its addresses: each piece with its link, "" for none."""
    done = 0
    for count, found in enumerate(_ADDRESS.finditer(text)):
        if count >= LINKS_MAX:
            break
        address = found[0].rstrip(_AFTER_ADDRESS)
        if not web_address(address):
            continue
        if found.start() > done:
            yield text[done : found.start()], ""
        yield address, address
        done = found.start() + len(address)
    if done < len(text):
        yield text[done:], ""


def cut(text: str, chars_max: int) -> str:
    """The text, or its beginning with a mark."""
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"
