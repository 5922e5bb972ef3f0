"""Answers from the database that never wait for a writer: over read-only connections.

Look-ups by key take microseconds and run on the loop. Lists go through `in_thread`, on a connection of their own.
"""

import asyncio
import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

from escalator.escalation.calls import Call, CallKind, CallState
from escalator.escalation.dialing import DuePage, OpenCall, Spent
from escalator.escalation.incidents import FALLBACK_STEP, Incident
from escalator.escalation.wrong_clock import ABSURD
from escalator.store import rows
from escalator.store.connection import Reading, open_for_reading
from escalator.store.loading import load_call, load_incident
from escalator.store.quarantine import Suspect
from escalator.store.spending import count_spent

DUE_MAX = 200
TIMELINE_FIRST = 100
TIMELINE_LAST = 900

_T = TypeVar("_T")
# What a row raises that is none: a word or a time that no value can have, JSON that is none.
_NO_VALUE = (ValueError, TypeError, OverflowError, KeyError)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """An alert of an incident as it is on file."""

    key: str
    status: str
    severity: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime | None
    ends_at: datetime | None
    url: str
    first_seen: datetime | None
    last_seen: datetime | None
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRecord:
    """A line of an incident's timeline."""

    at: datetime | None
    event: str
    text: str
    by: str | None
    call: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """An incident's timeline: at most its first 100 and last 900 lines, and how many were left out between."""

    lines: tuple[TimelineRecord, ...]
    cut: int


class Reader:
    """The read side of one database file."""

    def __init__(self, path: Path):
        self._path = path
        self._connection = open_for_reading(path, Reading)
        self._slow = open_for_reading(path, Reading)
        self.unreadable: dict[Suspect, Exception] = {}  # rows passed over: the others go on
        self._slow_lock = threading.Lock()

    def size(self) -> int:
        """Bytes on disk, with the write-ahead log."""
        files = (self._path, self._path.with_name(self._path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def log_size(self) -> int:
        """Bytes of the write-ahead log."""
        log = self._path.with_name(self._path.name + "-wal")
        return log.stat().st_size if log.exists() else 0

    def close(self) -> None:
        """Close both connections."""
        self._connection.close()
        self._slow.close()

    async def in_thread(self, question: Callable[[sqlite3.Connection], _T]) -> _T:
        """Ask something longer off the loop."""

        def ask() -> _T:
            with self._slow_lock:
                return question(self._slow)

        return await asyncio.to_thread(ask)

    async def at_leisure(self, question: Callable[[sqlite3.Connection], _T]) -> _T:
        """Ask something that may take seconds off the loop, on a connection of its own: nobody waits behind it."""

        def ask() -> _T:
            with contextlib.closing(open_for_reading(self._path, Reading)) as connection:
                return question(connection)

        return await asyncio.to_thread(ask)

    def at_once(self, question: Callable[[sqlite3.Connection], _T]) -> _T:
        """Ask on the loop what takes microseconds."""
        return question(self._connection)

    # ---- by key, on the loop

    def incident(self, incident_id: str) -> Incident | None:
        """An incident with its pages."""
        return load_incident(self._connection, incident_id)

    def call(self, call_id: str) -> Call | None:
        """A call with its posts and pages."""
        return load_call(self._connection, call_id)

    def call_of_token(self, token_hash: str) -> Call | None:
        """The call whose callbacks carry this token."""
        row = self._connection.execute(
            "SELECT call_id FROM posts WHERE token_hash = ?", (token_hash,)
        ).fetchone()
        return None if row is None else self.call(row[0])

    def call_of_key(self, key: str) -> tuple[str, str] | None:
        """The call id and request digest that an `Idempotency-Key` stands for."""
        row = self._connection.execute(
            "SELECT call_id, digest FROM idempotency WHERE key = ?", (key,)
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def due_incidents(self, now: datetime) -> list[str]:
        """Incidents whose timer is over, the longest first; a time absurdly far ahead counts as over."""
        return self._due("incidents", now)

    def due_calls(self, now: datetime) -> list[Call]:
        """Calls that somebody must look at, the longest due first."""
        due = self._due("calls", now)
        found = self._readable(
            "call", [(call_id,) for call_id in due], lambda row: self.call(row[0])
        )
        return [call for call in found if call is not None]

    def next_due_incident(self) -> datetime | None:
        """When the first timer of all incidents goes off."""
        return self._next_due("incidents")

    def next_due_call(self) -> datetime | None:
        """When the first call has to be looked at."""
        return self._next_due("calls")

    def due_pages(self, limit: int = 2000) -> list[DuePage]:
        """The pages that wait for a call, the oldest first."""
        found = self._connection.execute(
            "SELECT p.incident_id, p.person, i.severity, p.since, p.tries, i.last_placed_at IS NOT NULL, p.step "
            "FROM pages p JOIN incidents i ON i.id = p.incident_id WHERE p.state = 'due' ORDER BY p.since LIMIT ?",
            (limit,),
        )
        return self._readable("incident", found, _due_page)

    def open_calls(self) -> list[OpenCall]:
        """Every call that is not over, with the people it keeps busy as `OpenCall` tells."""
        found = self._connection.execute(
            'SELECT c.id, c.kind, c.state, c."to", c.created_at, c.timer_at, '
            "CASE c.state WHEN 'planned' THEN '' ELSE c.person END, (SELECT json_group_array(person) "
            "FROM call_pages WHERE call_id = c.id AND (is_open = 1 OR c.state != 'planned')) "
            "FROM calls c WHERE c.state != 'ended' ORDER BY c.created_at"
        )
        return self._readable("call", found, _open_call)

    def spent(self, now: datetime, person_span: timedelta) -> Spent:
        """The calls that count for the caps."""
        return count_spent(self._connection, now, person_span)

    def held_incidents(self) -> list[str]:
        """The open incidents that a silence or an interval holds back."""
        found = self._connection.execute(
            "SELECT id FROM incidents WHERE held != '' AND phase != 'resolved'"
        )
        return [row[0] for row in found]

    def _readable(
        self,
        kind: Literal["incident", "call"],
        found: Iterable[rows.Row],
        value_of: Callable[[rows.Row], _T],
    ) -> list[_T]:
        """These rows as values. One that is none is passed over and noted: its id comes first."""
        values: list[_T] = []
        for row in found:
            try:
                values.append(value_of(row))
            except _NO_VALUE as error:
                self.unreadable[Suspect(kind=kind, id=row[0])] = error
        return values

    def _next_due(self, table: str) -> datetime | None:
        row = self._connection.execute(
            f"SELECT min(due_at) FROM {table} WHERE due_at IS NOT NULL"
        ).fetchone()
        return rows.from_stored(row[0])

    def _due(self, table: str, now: datetime) -> list[str]:
        found = self._connection.execute(
            f"SELECT id FROM {table} WHERE due_at <= ? OR due_at > ? ORDER BY due_at LIMIT ?",
            (rows.to_stored(now), rows.to_stored(now + ABSURD), DUE_MAX),
        )
        return [row[0] for row in found]


def _due_page(row: rows.Row) -> DuePage:
    incident_id, person, severity, since, tries, was_called, step = row
    return DuePage(
        incident_id=incident_id,
        person=person,
        severity=severity,
        since=_time(since),
        tries=tries,
        was_called=bool(was_called),
        is_fallback=step == FALLBACK_STEP,
    )


def _open_call(row: rows.Row) -> OpenCall:
    call_id, kind, state, to, created_at, timer_at, person, people = row
    return OpenCall(
        id=call_id,
        kind=CallKind(kind),
        state=CallState(state),
        to=to,
        people=frozenset(json.loads(people)) | ({person} if person else set()),
        created_at=_time(created_at),
        timer_at=rows.from_stored(timer_at),
    )


def list_incidents(
    connection: sqlite3.Connection, phases: Sequence[str], limit: int, after: str | None
) -> list[Incident]:
    """Incidents of these phases, newest first, without their pages; `after` is the last id of the page before."""
    marks = ", ".join("?" * len(phases))
    found = connection.execute(
        f"SELECT {', '.join(rows.INCIDENT_COLUMNS)} FROM incidents WHERE phase IN ({marks}) AND id < ? "
        "ORDER BY id DESC LIMIT ?",
        (*phases, after or "\uffff", limit),
    )
    return [rows.incident_value(row, ()) for row in found]


def alerts_of(connection: sqlite3.Connection, incident_id: str, limit: int) -> list[AlertRecord]:
    """The alerts of an incident, firing ones first."""
    found = connection.execute(
        "SELECT key, status, severity, labels, annotations, starts_at, ends_at, url, first_seen, last_seen, seen "
        "FROM alerts WHERE incident_id = ? ORDER BY status, first_seen, key LIMIT ?",
        (incident_id, limit),
    )
    return [_alert(row) for row in found]


def calls_of(connection: sqlite3.Connection, incident_id: str) -> list[Call]:
    """The calls that carried an incident, in order."""
    found = connection.execute(
        "SELECT DISTINCT c.id FROM call_pages p JOIN calls c ON c.id = p.call_id WHERE p.incident_id = ? "
        "ORDER BY c.created_at, c.id",
        (incident_id,),
    ).fetchall()
    calls = (load_call(connection, row[0]) for row in found)
    return [call for call in calls if call is not None]


def timeline_of(connection: sqlite3.Connection, incident_id: str) -> Timeline:
    """What happened to an incident, in order: the first 100 and the last 900 lines."""
    query = "SELECT id, at, event, text, by, call FROM timeline WHERE incident_id = ? ORDER BY id"
    total = connection.execute(
        "SELECT count(*) FROM timeline WHERE incident_id = ?", (incident_id,)
    ).fetchone()[0]
    first = connection.execute(f"{query} LIMIT {TIMELINE_FIRST}", (incident_id,)).fetchall()
    last = connection.execute(f"{query} DESC LIMIT {TIMELINE_LAST}", (incident_id,)).fetchall()
    seen = {row[0] for row in first}
    found = [*first, *(row for row in reversed(last) if row[0] not in seen)]
    lines = tuple(
        TimelineRecord(at=rows.from_stored(at), event=event, text=text, by=by, call=call)
        for _, at, event, text, by, call in found
    )
    return Timeline(lines=lines, cut=total - len(lines))


def _alert(row: Sequence[Any]) -> AlertRecord:
    key, status, severity, labels, annotations, starts, ends, url, first, last, seen = row
    return AlertRecord(
        key=key,
        status=status,
        severity=severity,
        labels=json.loads(labels),
        annotations=json.loads(annotations),
        starts_at=rows.from_stored(starts),
        ends_at=rows.from_stored(ends),
        url=url,
        first_seen=rows.from_stored(first),
        last_seen=rows.from_stored(last),
        seen=seen,
    )


def _time(stored: int) -> datetime:
    at = rows.from_stored(stored)
    assert at is not None, "the column is never null"
    return at
