"""The last good copy of each calendar, on file: with it a start without a network knows who is on call.

What was read from it is kept beside it, so that a start need not read it anew.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from escalator.store.rows import from_stored, to_stored

_COLUMNS = "name, link, digest, body, events, zone, etag, modified, expanded_at, checked_at, error"
_KNOWN = "name, link, digest, events, zone, etag, modified, expanded_at, checked_at, error"

Change = tuple[str, tuple[object, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCalendar:
    """What is known of a calendar without its text.

    `link` and `digest` are hashes of where it came from and what came; `told` is what was read from it, as JSON has
    it, with `zone` for times that have none, at `expanded_at`. `checked_at` is when it was last known to be current,
    `error` why it is not now, or "".
    """

    name: str
    link: str
    digest: str
    told: list[Any]
    zone: str
    etag: str
    modified: str
    expanded_at: datetime
    checked_at: datetime
    error: str = ""


def keep(calendar: KeptCalendar, body: bytes) -> Change:
    """The statement that keeps a calendar and its text, with its parameters."""
    names = _COLUMNS.split(", ")
    updates = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    values = (
        calendar.name,
        calendar.link,
        calendar.digest,
        zlib.compress(body),
        zlib.compress(json.dumps(calendar.told).encode()),
        calendar.zone,
        calendar.etag,
        calendar.modified,
        to_stored(calendar.expanded_at),
        to_stored(calendar.checked_at),
        calendar.error,
    )
    marks = ", ".join("?" * len(names))
    return (
        f"INSERT INTO calendars ({_COLUMNS}) VALUES ({marks}) ON CONFLICT (name) DO UPDATE SET {updates}",
        values,
    )


def note(calendar: KeptCalendar) -> Change:
    """The statement that says when a calendar was asked for and what came of it; its text stays."""
    return (
        "UPDATE calendars SET link = ?, etag = ?, modified = ?, checked_at = ?, error = ? WHERE name = ?",
        (
            calendar.link,
            calendar.etag,
            calendar.modified,
            to_stored(calendar.checked_at),
            calendar.error,
            calendar.name,
        ),
    )


def forget(names: Iterable[str], before: datetime) -> Change:
    """The statement that forgets calendars which are none of these and were last current before this moment."""
    return (
        "DELETE FROM calendars WHERE checked_at < ? AND name NOT IN (SELECT value FROM json_each(?))",
        (to_stored(before), json.dumps(list(names))),
    )


def load_calendars(connection: sqlite3.Connection) -> tuple[list[KeptCalendar], list[str]]:
    """All calendars without their texts, and the names of those whose row cannot be read."""
    found: list[KeptCalendar] = []
    unreadable: list[str] = []
    for row in connection.execute(f"SELECT {_KNOWN} FROM calendars ORDER BY name"):
        try:
            found.append(_value(row))
        except (zlib.error, ValueError, TypeError, OverflowError):
            unreadable.append(str(row[0]))
    return found, unreadable


def load_body(connection: sqlite3.Connection, name: str) -> bytes:
    """The text of a calendar; empty when there is none that can be unpacked."""
    row = connection.execute("SELECT body FROM calendars WHERE name = ?", (name,)).fetchone()
    try:
        return b"" if row is None else zlib.decompress(row[0])
    except zlib.error:
        return b""


def _value(row: tuple[Any, ...]) -> KeptCalendar:
    name, link, digest, events, zone, etag, modified, expanded_at, checked_at, error = row
    told = json.loads(zlib.decompress(events))
    expanded, checked = from_stored(expanded_at), from_stored(checked_at)
    if not isinstance(told, list) or expanded is None or checked is None:
        raise ValueError("no calendar")
    return KeptCalendar(
        name=name,
        link=link,
        digest=digest,
        told=told,
        zone=zone,
        etag=etag,
        modified=modified,
        expanded_at=expanded,
        checked_at=checked,
        error=error,
    )
