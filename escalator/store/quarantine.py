"""Something that cannot be decided, however often it is tried, is taken out of play by force.

A row that raises is closed with plain SQL, since no rule can be asked about it: its timers run no more, its pages are
gone, and the sender's next repeat of its alerts opens a fresh incident. The row as it was is kept for the report.
"""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from escalator.escalation.call_events import CallAsked, CallIntended, PageJoined
from escalator.escalation.events import AlertCleared, AlertFired, AlertReceived, Event
from escalator.escalation.message_events import MessageEvent, MessageIntended
from escalator.store.loading import load_call, load_incident
from escalator.store.message_rows import load_message
from escalator.store.rows import known_value, to_stored

_INCIDENT_CLOSED = (
    "UPDATE incidents SET phase = 'resolved', before = 'triggered', due_at = NULL, until = NULL, step = 0, round = 1, "
    "firing = 0, last_placed_at = NULL, acknowledged_at = NULL, acknowledged_by = NULL, resolved_at = ?1, "
    "resolved_by = 'escalator', created_at = ?1, updated_at = ?1 WHERE id = ?2"
)
_CALL_CLOSED = (
    "UPDATE calls SET kind = 'page', state = 'ended', outcome = 'lost', due_at = NULL, timer_at = NULL, "
    "posted_at = NULL, unclear_at = NULL, heard_at = NULL, answered_at = NULL, created_at = ?1, ended_at = ?1, "
    "endings = '[]', speech = NULL, answer_request = NULL WHERE id = ?2"
)
_MESSAGE_CLOSED = (
    "UPDATE messages SET state = 'lost', timer_at = NULL, posted_at = NULL, unclear_at = NULL, created_at = ?1, "
    "ended_at = ?1 WHERE id = ?2"
)
_LINE = "INSERT INTO timeline (incident_id, at, event, text) VALUES (?, ?, 'quarantined', ?)"
_KEEP = (
    "INSERT INTO meta (name, value) VALUES (?, ?) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """Whose fault it may be: an incident, a call, a message or an alert (its id: receiver, a slash, key)."""

    kind: Literal["incident", "call", "message", "alert"]
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


def suspects_of(connection: sqlite3.Connection, event: Event) -> list[Suspect]:
    """Whose fault it may be that this event could not be decided.

    Whatever of it cannot even be loaded; when all of it can, the one that the event is about.
    """
    about = _about(connection, event)
    unreadable = [one for one in about if not _is_readable(connection, one)]
    return unreadable or about[:1]


def describe(connection: sqlite3.Connection, suspect: Suspect) -> tuple[str, str]:
    """What to call it on the phone, and the policy whose fallback should know ("": the default one)."""
    if suspect.kind == "incident":
        row = connection.execute(
            "SELECT title, policy FROM incidents WHERE id = ?", (suspect.id,)
        ).fetchone()
        return (f"the incident {row[0]}", str(row[1])) if row else ("an incident", "")
    if suspect.kind == "call":
        return "a call", ""
    if suspect.kind == "message":
        return "a message", ""
    return f"an alert of receiver {suspect.id.partition('/')[0]}", ""


def put_aside(connection: sqlite3.Connection, suspect: Suspect, why: str, now: datetime) -> None:
    """Take it out of play, inside a transaction."""
    at = to_stored(now)
    if suspect.kind == "incident":
        _keep(connection, "incidents", suspect, why)
        connection.execute(_INCIDENT_CLOSED, (at, suspect.id))
        connection.execute("DELETE FROM pages WHERE incident_id = ?", (suspect.id,))
        connection.execute("DELETE FROM texts WHERE incident_id = ?", (suspect.id,))
        connection.execute(
            "UPDATE alerts SET is_current = 0, status = 'resolved' WHERE incident_id = ?",
            (suspect.id,),
        )
        connection.execute("UPDATE call_pages SET is_open = 0 WHERE incident_id = ?", (suspect.id,))
        connection.execute(_LINE, (suspect.id, at, f"set aside after three failures: {why}"))
    elif suspect.kind == "call":
        _keep(connection, "calls", suspect, why)
        connection.execute(_CALL_CLOSED, (at, suspect.id))
    elif suspect.kind == "message":
        _keep(connection, "messages", suspect, why)
        connection.execute(_MESSAGE_CLOSED, (at, suspect.id))
    else:
        receiver, _, key = suspect.id.partition("/")
        connection.execute(
            "UPDATE alerts SET is_current = 0, status = 'resolved' WHERE receiver = ? AND key = ?",
            (receiver, key),
        )


def _keep(connection: sqlite3.Connection, table: str, suspect: Suspect, why: str) -> None:
    """The row as it was, kept as JSON under a name of its own."""
    cursor = connection.execute(f"SELECT * FROM {table} WHERE id = ?", (suspect.id,))
    row = cursor.fetchone()
    names = [column[0] for column in cursor.description]
    found = {} if row is None else dict(zip(names, row, strict=True))
    kept = json.dumps({"why": why, "row": found}, default=str)
    connection.execute(_KEEP, (f"quarantine:{suspect}", kept))


def _about(connection: sqlite3.Connection, event: Event) -> list[Suspect]:
    if isinstance(event, AlertReceived | AlertFired | AlertCleared):
        receiver, key = event.alert.receiver, event.alert.key
        alert = Suspect(kind="alert", id=f"{receiver}/{key}")
        current = _incident_of(connection, receiver, key)
        return [Suspect(kind="incident", id=current), alert] if current else [alert]
    if isinstance(event, MessageEvent):
        told = event.tells if isinstance(event, MessageIntended) else ()
        owing = {one.incident_id for one in told} | _told_by(connection, event.message_id)
        others = [Suspect(kind="incident", id=one) for one in sorted(owing)]
        return [Suspect(kind="message", id=event.message_id), *others]
    call_id, incident_id = getattr(event, "call_id", None), getattr(event, "incident_id", None)
    if incident_id:
        return [Suspect(kind="incident", id=incident_id)]
    if not call_id or isinstance(event, CallAsked):
        return []
    wanted = event.pages if isinstance(event, CallIntended) else ()
    if isinstance(event, PageJoined):
        wanted = (event.page,)
    incidents = {page.incident_id for page in wanted} | _incidents_of(connection, call_id)
    others = [Suspect(kind="incident", id=one) for one in sorted(incidents)]
    return [Suspect(kind="call", id=call_id), *others]


def _incident_of(connection: sqlite3.Connection, receiver: str, key: str) -> str:
    row = connection.execute(
        "SELECT incident_id FROM alerts WHERE receiver = ? AND key = ? AND is_current = 1",
        (receiver, key),
    ).fetchone()
    return "" if row is None else str(row[0])


def _incidents_of(connection: sqlite3.Connection, call_id: str) -> set[str]:
    found = connection.execute("SELECT incident_id FROM call_pages WHERE call_id = ?", (call_id,))
    return {str(row[0]) for row in found}


def _told_by(connection: sqlite3.Connection, message_id: str) -> set[str]:
    found = connection.execute(
        "SELECT incident_id FROM message_incidents WHERE message_id = ?", (message_id,)
    )
    return {str(row[0]) for row in found}


def _is_readable(connection: sqlite3.Connection, suspect: Suspect) -> bool:
    try:
        if suspect.kind == "incident":
            load_incident(connection, suspect.id)
        elif suspect.kind == "call":
            load_call(connection, suspect.id)
        elif suspect.kind == "message":
            load_message(connection, suspect.id)
        else:
            _load_alert(connection, suspect.id)
    except Exception:  # noqa: BLE001 - whatever it raises is what was asked for
        return False
    return True


def _load_alert(connection: sqlite3.Connection, alert_id: str) -> None:
    receiver, _, key = alert_id.partition("/")
    row = connection.execute(
        "SELECT incident_id, status, severity FROM alerts WHERE receiver = ? AND key = ? AND is_current = 1",
        (receiver, key),
    ).fetchone()
    if row is not None:
        known_value(row)
