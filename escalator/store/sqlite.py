"""SQLite as the store: load what a batch names, write what it changed, one commit.

Used by one thread only (see `writer`). Every read inside a batch happens in its transaction, so what is decided is
decided on what is true.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from escalator.escalation.alerts import Known
from escalator.escalation.calls import Call
from escalator.escalation.events import AlertReceived, Event
from escalator.escalation.incidents import Incident
from escalator.escalation.rules import Rules
from escalator.store import rows
from escalator.store.connection import open_for_writing
from escalator.store.errors import StoreError
from escalator.store.fold import AlertChange, AlertKey, Changes, Fold, Result
from escalator.store.tally import count
from escalator.telemetry import Metrics

# What is wrong with one row and not with the database: a constraint, a type, a size.
_REFUSED = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError)
_INCIDENT = f"SELECT {', '.join(rows.INCIDENT_COLUMNS)} FROM incidents WHERE id = ?"
_PAGES = (
    f"SELECT {', '.join(rows.PAGE_COLUMNS)} FROM pages WHERE incident_id = ? ORDER BY since, person"
)
_CALL_ALL = (*(f'"{name}"' for name in rows.CALL_COLUMNS), "endings", "speech", "answer_request")
_CALL = f"SELECT {', '.join(_CALL_ALL)} FROM calls WHERE id = ?"
_POSTS = "SELECT token_hash, at, sid FROM posts WHERE call_id = ? ORDER BY at"
_CALL_PAGES = (
    f"SELECT {', '.join(rows.CALL_PAGE_COLUMNS)} FROM call_pages WHERE call_id = ? ORDER BY n"
)
_KNOWN = "SELECT incident_id, status, severity FROM alerts WHERE receiver = ? AND key = ? AND is_current = 1"
_GROUP = (
    "SELECT id FROM incidents WHERE receiver = ? AND policy = ? AND group_key = ? "
    "ORDER BY resolved_at IS NOT NULL, resolved_at DESC LIMIT 1"
)

KEYS_AT_ONCE = 256


def _upsert(table: str, key: Sequence[str], columns: Sequence[str]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" * len(columns))
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in key)
    return f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"


_PUT_INCIDENT = _upsert("incidents", ("id",), rows.INCIDENT_COLUMNS)
_PUT_PAGE = _upsert("pages", ("incident_id", "person"), (*rows.PAGE_COLUMNS, "incident_id"))
_PUT_CALL = _upsert("calls", ("id",), (*rows.CALL_COLUMNS, "endings", "speech", "answer_request"))
_PUT_POST = _upsert("posts", ("token_hash",), ("token_hash", "call_id", "at", "sid"))
_PUT_CALL_PAGE = _upsert("call_pages", ("call_id", "n"), (*rows.CALL_PAGE_COLUMNS, "call_id"))
_PUT_ALERT = (
    "INSERT INTO alerts (receiver, key, incident_id, is_current, status, severity, labels, annotations, "
    "starts_at, ends_at, url, raw, first_seen, last_seen, seen) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) "
    "ON CONFLICT (receiver, key, incident_id) DO UPDATE SET is_current = 1, status = excluded.status, "
    "severity = excluded.severity, labels = excluded.labels, annotations = excluded.annotations, "
    "starts_at = excluded.starts_at, ends_at = excluded.ends_at, url = excluded.url, raw = excluded.raw, "
    "last_seen = excluded.last_seen, seen = seen + 1"
)
_LEAVE_ALERT = (
    "UPDATE alerts SET is_current = 0, status = 'resolved' "
    "WHERE receiver = ? AND key = ? AND incident_id = ?"
)
_PUT_LINE = (
    "INSERT INTO timeline (incident_id, at, event, text, by, call) VALUES (?, ?, ?, ?, ?, ?)"
)


class SqliteStore:
    """The write side of one database file."""

    def __init__(self, path: Path, metrics: Metrics):
        self.path = path
        self._metrics = metrics
        self.stirred = False  # whether the last batch left something for a worker to do
        self._connection = open_for_writing(path)

    def close(self) -> None:
        """Close the connection. The write-ahead log is folded in by SQLite."""
        self._connection.close()

    def apply(
        self, events: Sequence[Event], rules: Rules, now: datetime
    ) -> list[Result | Exception]:
        """Decide a batch and commit it. An event that could not be decided, or whose outcome the tables refuse, yields
        its exception and changes nothing.

        Raises `StoreError` when the batch could not be written; then nothing of it is stored, save for a batch that
        was taken apart because of a refused event.
        """
        self.stirred = False
        return self._apply(events, rules, now)

    def _apply(
        self, events: Sequence[Event], rules: Rules, now: datetime
    ) -> list[Result | Exception]:
        started = time.perf_counter()
        try:
            results, changes = self._commit(events, rules, now)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - it is some event's fault, and must not be the others'
            if len(events) == 1:
                return [error]
        else:
            self.stirred = self.stirred or changes.stirs
            count(self._metrics, changes, len(events), now, time.perf_counter() - started)
            return results
        half = len(events) // 2
        return [*self._apply(events[:half], rules, now), *self._apply(events[half:], rules, now)]

    def _commit(
        self, events: Sequence[Event], rules: Rules, now: datetime
    ) -> tuple[list[Result | Exception], Changes]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            fold = Fold(self, rules, now)
            fold.expect(self._known_of(events))
            results = [_decided(fold, event) for event in events]
            self._write(fold.changes, now)
            self._connection.execute("COMMIT")
        except _REFUSED:
            self._roll_back()
            raise
        except sqlite3.Error as error:
            self._roll_back()
            raise StoreError(f"{self.path}: the batch could not be written: {error}") from error
        except BaseException:
            self._roll_back()
            raise
        return results, fold.changes

    def change(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement in a transaction of its own and count the rows. For chores, never for incidents."""
        try:
            return self._connection.execute(statement, parameters).rowcount
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error

    # ---- loading, for the fold

    def incident(self, incident_id: str) -> Incident | None:
        """An incident with its pages."""
        return load_incident(self._connection, incident_id)

    def call(self, call_id: str) -> Call | None:
        """A call with its posts and pages."""
        return load_call(self._connection, call_id)

    def known(self, receiver: str, key: str) -> Known | None:
        """What is on file about an alert."""
        row = self._connection.execute(_KNOWN, (receiver, key)).fetchone()
        return None if row is None else rows.known_value(row)

    def _known_of(self, events: Sequence[Event]) -> dict[AlertKey, Known | None]:
        """What is on file of all alerts of a batch, in a query a receiver and some hundred keys."""
        asked = [
            (event.alert.receiver, event.alert.key)
            for event in events
            if isinstance(event, AlertReceived)
        ]
        found: dict[AlertKey, Known | None] = dict.fromkeys(asked)
        for receiver in {receiver for receiver, _ in asked}:
            keys = [key for one, key in found if one == receiver]
            for at in range(0, len(keys), KEYS_AT_ONCE):
                some = keys[at : at + KEYS_AT_ONCE]
                # A fixed number of marks, so that the statement is prepared once.
                marks = (*some, *[None] * (_bucket(len(some)) - len(some)))
                rows_found = self._connection.execute(_known_many(len(marks)), (receiver, *marks))
                for key, *row in rows_found:
                    found[receiver, key] = rows.known_value(row)
        return found

    def incident_of_group(self, receiver: str, policy: str, group_key: str) -> str | None:
        """The open incident of a group, else the one resolved last."""
        return self._one(_GROUP, (receiver, policy, group_key))

    def live_call_on(self, number: str) -> str | None:
        """The call that a number is in."""
        return self._one(
            "SELECT id FROM calls WHERE \"to\" = ? AND state NOT IN ('planned', 'ended')", (number,)
        )

    def call_of_sid(self, sid: str) -> str | None:
        """The call that one of the carrier's ids belongs to."""
        return self._one("SELECT call_id FROM posts WHERE sid = ? AND sid != ''", (sid,))

    def _one(self, statement: str, parameters: Sequence[Any]) -> str | None:
        row = self._connection.execute(statement, parameters).fetchone()
        return None if row is None else str(row[0])

    # ---- writing what the fold changed

    def _write(self, changes: Changes, now: datetime) -> None:
        run = self._connection.executemany
        self._write_alerts(changes.alerts, now)
        if changes.incidents:
            incidents = changes.incidents.values()
            # A resolved incident makes room for the open one of its group within the same batch.
            ordered = sorted(incidents, key=lambda incident: incident.is_open)
            run(_PUT_INCIDENT, [rows.incident_row(incident) for incident in ordered])
            self._write_pages(incidents)
        if changes.calls:
            self._write_calls(list(changes.calls.values()))
        if changes.lines:
            at = rows.to_stored(now)
            run(
                _PUT_LINE,
                [
                    (incident_id, at, line.event, line.text, line.by, line.call)
                    for incident_id, line in changes.lines
                ],
            )

    def _write_alerts(self, changes: Sequence[AlertChange], now: datetime) -> None:
        left = [
            (one.alert.receiver, one.alert.key, one.before.incident_id)
            for one in changes
            if one.before is not None and one.before.incident_id != one.incident_id
        ]
        if left:
            self._connection.executemany(_LEAVE_ALERT, left)
        if changes:
            at = rows.to_stored(now)
            self._connection.executemany(_PUT_ALERT, [_alert_row(one, at) for one in changes])

    def _write_pages(self, incidents: Iterable[Incident]) -> None:
        run = self._connection.executemany
        run("DELETE FROM pages WHERE incident_id = ?", [(one.id,) for one in incidents])
        pages = [(*rows.page_row(page), one.id) for one in incidents for page in one.pages]
        if pages:
            run(_PUT_PAGE, pages)

    def _write_calls(self, calls: Sequence[Call]) -> None:
        run = self._connection.executemany
        # An ended call makes room for the live one of its number within the same batch.
        ordered = sorted(calls, key=lambda call: call.is_live)
        run(_PUT_CALL, [rows.call_row(call) for call in ordered])
        run("DELETE FROM posts WHERE call_id = ?", [(call.id,) for call in calls])
        run(
            _PUT_POST,
            [
                (post.token_hash, call.id, rows.to_stored(post.at), post.sid)
                for call in calls
                for post in call.posts
            ],
        )
        run(
            _PUT_CALL_PAGE,
            [(*rows.call_page_row(page), call.id) for call in calls for page in call.pages],
        )

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                raise StoreError(f"{self.path}: a rollback failed: {error}") from error


def load_incident(connection: sqlite3.Connection, incident_id: str) -> Incident | None:
    """An incident with its pages, by id."""
    row = connection.execute(_INCIDENT, (incident_id,)).fetchone()
    if row is None:
        return None
    pages = connection.execute(_PAGES, (incident_id,)).fetchall()
    return rows.incident_value(row, tuple(rows.page_value(page) for page in pages))


def load_call(connection: sqlite3.Connection, call_id: str) -> Call | None:
    """A call with its posts and pages, by id."""
    row = connection.execute(_CALL, (call_id,)).fetchone()
    if row is None:
        return None
    posts = connection.execute(_POSTS, (call_id,)).fetchall()
    pages = connection.execute(_CALL_PAGES, (call_id,)).fetchall()
    return rows.call_value(
        row,
        tuple(rows.post_value(post) for post in posts),
        tuple(rows.call_page_value(page) for page in pages),
    )


def _bucket(count: int) -> int:
    """The next power of four, so that few statements serve batches of any size."""
    size = 1
    while size < count:
        size *= 4
    return size


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@cache
def _known_many(keys: int) -> str:
    marks = ", ".join("?" * keys)
    return (
        "SELECT key, incident_id, status, severity FROM alerts "
        f"WHERE receiver = ? AND key IN ({marks}) AND is_current = 1"
    )


def _decided(fold: Fold, event: Event) -> Result | Exception:
    try:
        return fold.submit(event)
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001 - one event that cannot be decided must not stop the others
        return error


def _alert_row(change: AlertChange, at: int | None) -> tuple[Any, ...]:
    alert = change.alert
    return (
        alert.receiver,
        alert.key,
        change.incident_id,
        alert.status.value,
        change.severity,
        _encode(alert.labels),
        _encode(alert.annotations),
        rows.to_stored(alert.starts_at),
        rows.to_stored(alert.ends_at),
        alert.url,
        alert.raw,
        at,
        at,
    )
