"""What the texter, and whoever answers a message, asks of the file; over read-only connections.

A row that is no value is passed over and noted as a suspect, so that the others go on.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial

from escalator.escalation.bundling import DueText
from escalator.escalation.incidents import Incident, Phase
from escalator.escalation.messages import Message
from escalator.escalation.wrong_clock import ABSURD
from escalator.store.message_rows import IS_PENDING, load_message
from escalator.store.quarantine import Suspect
from escalator.store.reading import Reader
from escalator.store.rows import from_stored, to_stored

DUE_MAX = 200
TEXTS_MAX = 2000

_NO_VALUE = (ValueError, TypeError, OverflowError, KeyError)


# ---- what the texter asks


def due_texts(reader: Reader, now: datetime) -> list[DueText]:
    """The messages that open incidents owe by now, the longest due first."""
    found = reader.at_once(
        lambda db: db.execute(
            "SELECT t.incident_id, t.person, i.severity, t.due_at, i.phase, i.stale_at FROM texts t "
            "JOIN incidents i ON i.id = t.incident_id WHERE t.is_sent = 0 AND (t.due_at <= ? OR t.due_at > ?) "
            "ORDER BY t.due_at LIMIT ?",
            (to_stored(now), to_stored(now + ABSURD), TEXTS_MAX),
        ).fetchall()
    )
    texts = []
    for incident_id, person, severity, due_at, phase, stale_at in found:
        try:
            text = DueText(
                incident_id=incident_id,
                person=person,
                severity=severity,
                due_at=min(_stored_time(due_at), now),
                is_stale=Phase(phase) is Phase.ACKNOWLEDGED and stale_at is not None,
            )
        except _NO_VALUE as error:
            reader.unreadable[Suspect(kind="incident", id=incident_id)] = error
        else:
            texts.append(text)
    return texts


def due_messages(reader: Reader, now: datetime) -> list[Message]:
    """The messages that somebody must look at, the longest due first."""
    found = reader.at_once(
        lambda db: db.execute(
            "SELECT id FROM messages WHERE timer_at <= ? OR timer_at > ? ORDER BY timer_at LIMIT ?",
            (to_stored(now), to_stored(now + ABSURD), DUE_MAX),
        ).fetchall()
    )
    return _readable(reader, (row[0] for row in found))


def posting_messages(reader: Reader) -> list[Message]:
    """The messages whose POST is under way."""
    found = reader.at_once(
        lambda db: db.execute("SELECT id FROM messages WHERE state = 'posting'").fetchall()
    )
    return _readable(reader, (row[0] for row in found))


def incidents_of(reader: Reader, ids: Iterable[str]) -> Iterator[Incident]:
    """The incidents with these ids, those that there are."""
    for incident_id in ids:
        try:
            incident = reader.incident(incident_id)
        except _NO_VALUE as error:
            reader.unreadable[Suspect(kind="incident", id=incident_id)] = error
        else:
            if incident is not None:
                yield incident


def last_written(reader: Reader, since: datetime) -> dict[str, datetime | None]:
    """The numbers that a message is under way to (None), and when others were written to after `since`."""
    rows = reader.at_once(
        lambda db: db.execute(
            f'SELECT "to", max(posted_at), max({IS_PENDING}) FROM messages '
            f'WHERE posted_at > ?1 OR {IS_PENDING} GROUP BY "to"',
            (to_stored(since),),
        ).fetchall()
    )
    return {number: None if pending else from_stored(at) for number, at, pending in rows}


def next_due(reader: Reader) -> datetime | None:
    """When the first owed message falls due, or the first message has to be looked at."""
    row = reader.at_once(
        lambda db: db.execute(
            "SELECT min(at) FROM (SELECT min(due_at) AS at FROM texts WHERE is_sent = 0 "
            "UNION ALL SELECT min(timer_at) FROM messages WHERE timer_at IS NOT NULL)"
        ).fetchone()
    )
    return from_stored(row[0])


def last_heard(reader: Reader, incident_id: str) -> datetime | None:
    """When the sender last spoke of what fires in an incident."""
    row = reader.at_once(
        lambda db: db.execute(
            "SELECT max(last_seen) FROM alerts WHERE incident_id = ? AND status = 'firing'",
            (incident_id,),
        ).fetchone()
    )
    return from_stored(row[0])


# ---- what comes back


def message_of_token(reader: Reader, token_hash: str) -> Message | None:
    """The message whose callbacks carry this token."""
    row = reader.at_once(
        lambda db: db.execute(
            "SELECT message_id FROM message_posts WHERE token_hash = ?", (token_hash,)
        ).fetchone()
    )
    return None if row is None else reader.at_once(lambda db: load_message(db, row[0]))


def incident_of_code(
    reader: Reader, code: str, number: str
) -> tuple[Incident, tuple[str, ...]] | None:
    """The incident with this code, and the people whom it was told at this number.

    An open one, or one that is over by now and was told there. Of several open ones, which is one in a million, the
    one that was last told there.
    """
    found = reader.at_once(lambda db: _open_with(db, code, number) or _over_with(db, code, number))
    incident = reader.incident(found) if found is not None else None
    if incident is None:
        return None
    people = reader.at_once(
        lambda db: db.execute(
            "SELECT DISTINCT t.person FROM message_incidents t JOIN messages m ON m.id = t.message_id "
            'WHERE t.incident_id = ? AND m."to" = ? ORDER BY t.person',
            (incident.id, number),
        ).fetchall()
    )
    return incident, tuple(row[0] for row in people)


def _open_with(connection: sqlite3.Connection, code: str, number: str) -> str | None:
    row = connection.execute(
        "SELECT i.id, (SELECT max(m.created_at) FROM message_incidents t JOIN messages m ON m.id = t.message_id "
        'WHERE t.incident_id = i.id AND m."to" = ?2) AS told FROM incidents i '
        "WHERE i.code = ?1 AND i.phase != 'resolved' ORDER BY told IS NULL, told DESC, i.id DESC LIMIT 1",
        (code, number),
    ).fetchone()
    return None if row is None else str(row[0])


def _over_with(connection: sqlite3.Connection, code: str, number: str) -> str | None:
    row = connection.execute(
        "SELECT i.id FROM messages m JOIN message_incidents t ON t.message_id = m.id "
        'JOIN incidents i ON i.id = t.incident_id WHERE m."to" = ? AND i.code = ? ORDER BY m.created_at DESC LIMIT 1',
        (number, code),
    ).fetchone()
    return None if row is None else str(row[0])


def messages_of(connection: sqlite3.Connection, incident_id: str) -> list[Message]:
    """The messages that told an incident, in order."""
    found = connection.execute(
        "SELECT DISTINCT m.id FROM message_incidents t JOIN messages m ON m.id = t.message_id "
        "WHERE t.incident_id = ? ORDER BY m.created_at, m.id",
        (incident_id,),
    ).fetchall()
    loaded = (load_message(connection, row[0]) for row in found)
    return [message for message in loaded if message is not None]


def _readable(reader: Reader, ids: Iterable[str]) -> list[Message]:
    messages = []
    for message_id in ids:
        try:
            message = reader.at_once(partial(load_message, message_id=message_id))
        except _NO_VALUE as error:
            reader.unreadable[Suspect(kind="message", id=message_id)] = error
        else:
            messages += [message] if message is not None else []
    return messages


def _stored_time(stored: int) -> datetime:
    at = from_stored(stored)
    if at is None:
        raise ValueError("a time is missing")
    return at
