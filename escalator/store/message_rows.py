"""Messages between values and rows: load one whole, write what a batch has changed, answer the fold."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from escalator.escalation.calls import Post
from escalator.escalation.messages import PENDING, Message, MessageState, Told
from escalator.store.rows import from_stored, to_stored

_COLUMNS = (
    'id, person, "to", from_, body, state, sid, created_at, posted_at, unclear_at, ended_at, timer_at, not_sent, '
    "error_code, error_message"
)
_CHANGES = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[1:])
IS_PENDING = "state IN ('planned', 'posting', 'unclear')"


def load_message(connection: sqlite3.Connection, message_id: str) -> Message | None:
    """A message with its posts and what it tells, by id."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM messages WHERE id = ?", (message_id,)
    ).fetchone()
    if row is None:
        return None
    posts = connection.execute(
        "SELECT token_hash, at, sid FROM message_posts WHERE message_id = ? ORDER BY at",
        (message_id,),
    )
    tells = connection.execute(
        "SELECT incident_id, person FROM message_incidents WHERE message_id = ? ORDER BY n",
        (message_id,),
    )
    return _message(
        row,
        tuple(Post(token_hash=token, at=_time(at), sid=sid) for token, at, sid in posts),
        tuple(Told(incident_id=incident_id, person=person) for incident_id, person in tells),
    )


def write_messages(
    connection: sqlite3.Connection,
    messages: Sequence[Message],
    replies: Sequence[str],
    at: datetime,
) -> None:
    """Write these messages, and that these answers of people were taken."""
    run = connection.executemany
    # One that is with the carrier makes room for the next of its number within the same batch.
    ordered = sorted(messages, key=lambda one: one.state in PENDING)
    run(
        f"INSERT INTO messages ({_COLUMNS}) VALUES ({', '.join('?' * 15)}) ON CONFLICT (id) DO UPDATE SET {_CHANGES}",
        [_row(one) for one in ordered],
    )
    run("DELETE FROM message_posts WHERE message_id = ?", [(one.id,) for one in messages])
    run(
        "INSERT INTO message_posts (token_hash, message_id, at, sid) VALUES (?, ?, ?, ?)",
        [
            (post.token_hash, one.id, to_stored(post.at), post.sid)
            for one in messages
            for post in one.posts
        ],
    )
    run(
        "INSERT OR IGNORE INTO message_incidents (message_id, n, incident_id, person) VALUES (?, ?, ?, ?)",
        [
            (one.id, n, told.incident_id, told.person)
            for one in messages
            for n, told in enumerate(one.tells, 1)
        ],
    )
    run(
        "INSERT OR IGNORE INTO replies (sid, at) VALUES (?, ?)",
        [(sid, to_stored(at)) for sid in replies],
    )


class MessageSource:
    """Where the fold loads messages from, inside the transaction of the batch."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def message(self, message_id: str) -> Message | None:
        """A message by id."""
        return load_message(self._connection, message_id)

    def pending_for(self, number: str) -> str | None:
        """The message to this number that is not known to be with the carrier."""
        return self._one(f'SELECT id FROM messages WHERE "to" = ? AND {IS_PENDING}', number)

    def message_of_sid(self, sid: str) -> str | None:
        """The message that one of the carrier's ids belongs to."""
        return self._one("SELECT message_id FROM message_posts WHERE sid = ? AND sid != ''", sid)

    def is_answered(self, sid: str) -> bool:
        """Whether this answer of somebody's was taken already."""
        return self._one("SELECT sid FROM replies WHERE sid = ?", sid) is not None

    def _one(self, statement: str, parameter: str) -> str | None:
        row = self._connection.execute(statement, (parameter,)).fetchone()
        return None if row is None else str(row[0])


def _message(row: Sequence[Any], posts: tuple[Post, ...], tells: tuple[Told, ...]) -> Message:
    (id_, person, to, from_, body, state, sid, created, posted, unclear, ended, timer, *rest) = row
    not_sent, error_code, error_message = rest
    return Message(
        id=id_,
        person=person,
        to=to,
        from_=from_,
        body=body,
        state=MessageState(state),
        sid=sid,
        created_at=_time(created),
        posted_at=from_stored(posted),
        unclear_at=from_stored(unclear),
        ended_at=from_stored(ended),
        timer_at=from_stored(timer),
        not_sent=not_sent,
        error_code=error_code,
        error_message=error_message,
        posts=posts,
        tells=tells,
    )


def _row(message: Message) -> tuple[Any, ...]:
    return (
        message.id,
        message.person,
        message.to,
        message.from_,
        message.body,
        message.state.value,
        message.sid,
        to_stored(message.created_at),
        to_stored(message.posted_at),
        to_stored(message.unclear_at),
        to_stored(message.ended_at),
        to_stored(message.timer_at),
        message.not_sent,
        message.error_code,
        message.error_message,
    )


def _time(stored: int) -> datetime:
    at = from_stored(stored)
    if at is None:
        raise ValueError("a time is missing")
    return at
