"""Write what a batch has changed: a few bulk statements, inside the transaction of the batch."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from escalator.escalation.calls import Call, CallPage
from escalator.escalation.incidents import Incident
from escalator.store import rows
from escalator.store.changes import AlertChange, Changes
from escalator.store.message_rows import write_messages


def _upsert(table: str, key: Sequence[str], columns: Sequence[str]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" * len(columns))
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in key)
    return f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"


_PUT_INCIDENT = _upsert("incidents", ("id",), (*rows.INCIDENT_COLUMNS, "code"))
_PUT_PAGE = _upsert("pages", ("incident_id", "person"), (*rows.PAGE_COLUMNS, "incident_id"))
_PUT_TEXT = "INSERT OR IGNORE INTO texts (person, due_at, is_sent, incident_id) VALUES (?, ?, ?, ?)"
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

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def write(
    connection: sqlite3.Connection,
    changes: Changes,
    now: datetime,
    before: Mapping[str, Call | None],
) -> None:
    """Write all of these changes; `now` is the time of the batch, `before` the calls as they are on file."""
    run = connection.executemany
    _write_alerts(connection, changes.alerts, now)
    if changes.incidents:
        incidents = changes.incidents.values()
        # A resolved incident makes room for the open one of its group within the same batch.
        ordered = sorted(incidents, key=lambda incident: incident.is_open)
        run(_PUT_INCIDENT, [rows.incident_row(incident) for incident in ordered])
        _write_pages(connection, incidents)
    if changes.calls:
        _write_calls(connection, list(changes.calls.values()), before)
    if changes.messages or changes.replies:
        write_messages(connection, list(changes.messages.values()), changes.replies, now)
    if changes.lines:
        at = rows.to_stored(now)
        run(
            _PUT_LINE,
            [
                (incident_id, at, line.event, line.text, line.by, line.call)
                for incident_id, line in changes.lines
            ],
        )


def _write_alerts(
    connection: sqlite3.Connection, changes: Sequence[AlertChange], now: datetime
) -> None:
    left = [
        (one.alert.receiver, one.alert.key, one.before.incident_id)
        for one in changes
        if one.before is not None and one.before.incident_id != one.incident_id
    ]
    if left:
        connection.executemany(_LEAVE_ALERT, left)
    if changes:
        at = rows.to_stored(now)
        connection.executemany(_PUT_ALERT, [_alert_row(one, at) for one in changes])


def _write_pages(connection: sqlite3.Connection, incidents: Iterable[Incident]) -> None:
    run = connection.executemany
    run("DELETE FROM pages WHERE incident_id = ?", [(one.id,) for one in incidents])
    pages = [(*rows.page_row(page), one.id) for one in incidents for page in one.pages]
    if pages:
        run(_PUT_PAGE, pages)
    run("DELETE FROM texts WHERE incident_id = ?", [(one.id,) for one in incidents])
    texts = [(*rows.text_row(text), one.id) for one in incidents for text in one.texts]
    if texts:
        run(_PUT_TEXT, texts)


def _write_calls(
    connection: sqlite3.Connection, calls: Sequence[Call], before: Mapping[str, Call | None]
) -> None:
    run = connection.executemany
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
        [
            (*rows.call_page_row(page), call.id)
            for call in calls
            for page in _other_pages(call, before.get(call.id))
        ],
    )


def _other_pages(call: Call, before: Call | None) -> Iterator[CallPage]:
    """The pages that are not on file as they are: in a storm, a few of thousands (L1)."""
    known = () if before is None else before.pages
    for n, page in enumerate(call.pages):
        if n >= len(known) or page is not known[n]:
            yield page


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
