"""What a message is: one text to one number, which tells of one or more incidents.

Like a call it is placed by a POST whose intent is on file, and a POST whose fate is unclear is
settled before another follows. Unlike a call it never counts as reached, and cannot be taken back.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from escalator.escalation.calls import Post


class MessageState(StrEnum):
    """Where a message stands. It only ever moves down this list, save that an unsent or settled
    POST is planned again.
    """

    PLANNED = "planned"
    POSTING = "posting"
    UNCLEAR = "unclear"
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    REFUSED = "refused"
    LOST = "lost"
    DROPPED = "dropped"


PENDING = frozenset({MessageState.PLANNED, MessageState.POSTING, MessageState.UNCLEAR})
"""Not known to be with the carrier: until then the number gets no other message."""
WITH_CARRIER = frozenset({MessageState.QUEUED, MessageState.SENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An incident that a message tells, and the person it was owed to."""

    incident_id: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One text to one number.

    `person` is the first whom it is meant for, `sid` the carrier's id of the message we follow;
    `ended_at` says that no more is awaited: a message may end as `sent` where no network ever tells
    of its delivery.
    """

    id: str
    person: str
    to: str
    body: str
    created_at: datetime
    tells: tuple[Told, ...]
    from_: str = ""
    state: MessageState = MessageState.PLANNED
    posts: tuple[Post, ...] = ()
    sid: str = ""
    posted_at: datetime | None = None
    unclear_at: datetime | None = None
    ended_at: datetime | None = None
    timer_at: datetime | None = None
    not_sent: int = 0
    error_code: int | None = None
    error_message: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is awaited."""
        return self.ended_at is not None

    @property
    def incidents(self) -> tuple[str, ...]:
        """The incidents that it tells, each once."""
        return tuple(dict.fromkeys(one.incident_id for one in self.tells))
