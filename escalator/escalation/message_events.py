"""Everything that can happen to a message. Each event says which message it concerns.

`token_hash` is the SHA-256 of the secret in the URL of one POST, `sid` the carrier's id, numbers
are E.164.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from escalator.escalation.messages import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageIntended:
    """A POST is about to leave. Committed before its first byte; a message of that id may exist
    already, planned, and then keeps its body and what it tells.
    """

    message_id: str
    person: str
    to: str
    from_: str
    body: str
    token_hash: str
    tells: tuple[Told, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAccepted:
    """The carrier answered a POST with 201 and a SID."""

    message_id: str
    token_hash: str
    sid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageNotSent:
    """A POST provably had no effect (never sent, 429, or the account cannot send): to be tried
    again at `retry_at`.
    """

    message_id: str
    reason: str
    retry_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRefused:
    """The carrier will not send this message."""

    message_id: str
    code: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageUnclear:
    """The carrier may have heard us: timeout, reset, a 5xx, or our own restart in between."""

    message_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageListed:
    """The carrier's list was asked for an unclear message. `sids` are unbound candidates, best
    first; None: unreadable.
    """

    message_id: str
    sids: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReported:
    """The carrier told (or was asked) how a message stands. `token_hash` is "" when we asked.

    `status` is the carrier's word: accepted, queued, sending, sent, delivered, undelivered, failed,
    canceled, read.
    """

    message_id: str
    token_hash: str
    sid: str
    status: str
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDropped:
    """A planned message need not be sent any more: nobody waits for what it tells."""

    message_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDue:
    """The message's timer went off, and nothing new is known of it."""

    message_id: str


MessageEvent: TypeAlias = (
    MessageIntended
    | MessageAccepted
    | MessageNotSent
    | MessageRefused
    | MessageUnclear
    | MessageListed
    | MessageReported
    | MessageDropped
    | MessageDue
)
