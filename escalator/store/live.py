"""Overrides and silences that were made while the daemon runs, on file."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from escalator.escalation.live import Live
from escalator.escalation.matchers import parse_matcher
from escalator.escalation.schedules import Override
from escalator.escalation.silences import Silence
from escalator.store.rows import from_stored, to_stored

_OVERRIDES = 'SELECT id, schedule, person, start, "end", reason, created_at FROM overrides'
_SILENCES = 'SELECT id, matchers, start, "end", comment, by, created_at FROM silences'


def load_live(connection: sqlite3.Connection, wall: datetime) -> Live:
    """What is not over yet at this wall time. Calendars are kept elsewhere."""
    return Live(
        overrides=tuple(overrides(connection, since=wall)),
        silences=tuple(silences(connection, since=wall)),
    )


def overrides(connection: sqlite3.Connection, *, since: datetime) -> list[Override]:
    """The overrides that end after this moment, in the order of their making."""
    found = connection.execute(
        f'{_OVERRIDES} WHERE "end" > ? ORDER BY created_at, id', (to_stored(since),)
    )
    return [_override(row) for row in found]


def silences(connection: sqlite3.Connection, *, since: datetime) -> list[Silence]:
    """The silences that end after this moment, in the order of their making."""
    found = connection.execute(
        f'{_SILENCES} WHERE "end" > ? ORDER BY created_at, id', (to_stored(since),)
    )
    return [_silence(row) for row in found]


def add_override(connection: sqlite3.Connection, override: Override, by: str) -> None:
    """Keep an override; its id is new."""
    connection.execute(
        'INSERT INTO overrides (id, schedule, person, start, "end", reason, by, created_at) '
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            override.id,
            override.schedule,
            override.person,
            to_stored(override.start),
            to_stored(override.end),
            override.reason,
            by,
            to_stored(override.created_at),
        ),
    )


def remove_override(connection: sqlite3.Connection, override_id: str) -> bool:
    """Take an override away. Returns whether there was one."""
    return connection.execute("DELETE FROM overrides WHERE id = ?", (override_id,)).rowcount > 0


def add_silence(connection: sqlite3.Connection, silence: Silence) -> None:
    """Keep a silence; its id is new."""
    matchers = json.dumps([str(one) for one in silence.matchers])
    connection.execute(
        'INSERT INTO silences (id, matchers, start, "end", comment, by, created_at) '
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            silence.id,
            matchers,
            to_stored(silence.start),
            to_stored(silence.end),
            silence.comment,
            silence.by,
            to_stored(silence.created_at),
        ),
    )


def expire_silence(connection: sqlite3.Connection, silence_id: str, wall: datetime) -> bool:
    """End a silence now; one that has not begun never does. Returns whether there is such a one."""
    at = to_stored(wall)
    return (
        connection.execute(
            'UPDATE silences SET "end" = min("end", ?), start = min(start, ?) WHERE id = ?',
            (at, at, silence_id),
        ).rowcount
        > 0
    )


def _override(row: Sequence[Any]) -> Override:
    override_id, schedule, person, start, end, reason, created_at = row
    return Override(
        id=override_id,
        schedule=schedule,
        person=person,
        start=_time(start),
        end=_time(end),
        reason=reason,
        created_at=from_stored(created_at),
    )


def _silence(row: Sequence[Any]) -> Silence:
    silence_id, matchers, start, end, comment, by, created_at = row
    return Silence(
        id=silence_id,
        matchers=tuple(parse_matcher(one) for one in json.loads(matchers)),
        start=_time(start),
        end=_time(end),
        comment=comment,
        by=by,
        created_at=from_stored(created_at),
    )


def _time(stored: int) -> datetime:
    at = from_stored(stored)
    assert at is not None, "the column is never null"
    return at
