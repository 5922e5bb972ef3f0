"""Decide what happens to a message: its POST, its status, its end. It never counts as reached.

The intent is committed before the first byte leaves. An unclear POST is looked for, by callbacks
that carry its token and in the carrier's list, for thirty seconds from the moment that it became
unclear; only then is it posted again, three times in all. Status only moves forward. The end yields
one `TextEnded` for each incident and person that the message tells.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from escalator.escalation import settling
from escalator.escalation.calls import Post
from escalator.escalation.events import IncidentEvent, TextEnded, TextPlaced
from escalator.escalation.incidents import Line
from escalator.escalation.message_codes import meaning_of
from escalator.escalation.message_events import (
    MessageAccepted,
    MessageDropped,
    MessageDue,
    MessageEvent,
    MessageIntended,
    MessageListed,
    MessageNotSent,
    MessageRefused,
    MessageReported,
    MessageUnclear,
)
from escalator.escalation.messages import PENDING, WITH_CARRIER, Message, MessageState
from escalator.escalation.wrong_clock import is_absurd

POSTS_MAX = 3
VALIDITY = timedelta(minutes=30)
"""How long the carrier may try; a page that comes hours later only confuses."""
SILENCE = VALIDITY + timedelta(minutes=5)
"""After which a message that nothing is heard of any more is given up."""
READ_EVERY = timedelta(minutes=5)
UNSENT_MAX = timedelta(minutes=10)

_STATES = {
    "accepted": MessageState.QUEUED,
    "scheduled": MessageState.QUEUED,
    "queued": MessageState.QUEUED,
    "sending": MessageState.QUEUED,
    "sent": MessageState.SENT,
    "delivered": MessageState.DELIVERED,
    "read": MessageState.DELIVERED,
    "undelivered": MessageState.FAILED,
    "failed": MessageState.FAILED,
    "canceled": MessageState.FAILED,
}
_ORDER = tuple(MessageState)

_PostingEvent: TypeAlias = (
    MessageIntended
    | MessageAccepted
    | MessageNotSent
    | MessageRefused
    | MessageUnclear
    | MessageListed
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDecision:
    """What an event did to a message: its new value, events for its incidents, lines for their
    timelines.
    """

    message: Message | None
    follow: tuple[IncidentEvent, ...] = ()
    lines: tuple[tuple[str, Line], ...] = ()


def decide_message(message: Message | None, event: MessageEvent, now: datetime) -> MessageDecision:
    """Decide one event. `message` is None when there is none of that id yet; only an intent makes
    one.
    """
    if message is None:
        if not isinstance(event, MessageIntended):
            return MessageDecision(message=None)
        message = _new(event, now)
        draft = _Draft(message, now)
        for told in message.tells:
            draft.follow.append(
                TextPlaced(incident_id=told.incident_id, person=told.person, message_id=message.id)
            )
    else:
        draft = _Draft(_mended(message, now), now)
    _apply(draft, event)
    return draft.decision()


class _Draft:
    """One decision about one message in the making."""

    def __init__(self, message: Message, now: datetime):
        self.message = message
        self.now = now
        self.follow: list[IncidentEvent] = []
        self._lines: list[tuple[str, Line]] = []

    def say(self, event: str, text: str) -> None:
        """Add a line to the timeline of each incident that the message tells."""
        line = Line(event=event, text=text, call=self.message.id)
        self._lines.extend((incident_id, line) for incident_id in self.message.incidents)

    def end(self, state: MessageState, what: str) -> None:
        """Nothing more is awaited; each incident hears what came of it."""
        self.message = replace(self.message, state=state, ended_at=self.now, timer_at=None)
        self.follow += [
            TextEnded(incident_id=told.incident_id, person=told.person, what=what)
            for told in self.message.tells
        ]

    def set_timer(self, at: datetime) -> None:
        """When this message must be looked at again."""
        self.message = replace(self.message, timer_at=at)

    def decision(self) -> MessageDecision:
        """The decision as a value."""
        return MessageDecision(
            message=self.message, follow=tuple(self.follow), lines=tuple(self._lines)
        )


def _new(event: MessageIntended, now: datetime) -> Message:
    return Message(
        id=event.message_id,
        person=event.person,
        to=event.to,
        body=event.body,
        created_at=now,
        tells=event.tells,
    )


def _apply(draft: _Draft, event: MessageEvent) -> None:
    match event:
        case MessageReported():
            _reported(draft, event)
        case MessageDropped():
            if draft.message.state is MessageState.PLANNED:
                draft.end(MessageState.DROPPED, f"not sent: {event.reason}")
        case MessageDue():
            _due(draft)
        case _:
            _post(draft, event)


# ---- the POST


def _post(draft: _Draft, event: _PostingEvent) -> None:
    match event:
        case MessageIntended():
            _intend(draft, event)
        case MessageAccepted():
            _bind(draft, event.token_hash, event.sid)
        case MessageNotSent():
            _not_sent(draft, event)
        case MessageRefused():
            _refused(draft, event)
        case MessageUnclear():
            _unclear(draft, event.reason)
        case MessageListed():
            _listed(draft, event)
        case _:
            assert_never(event)


def _intend(draft: _Draft, event: MessageIntended) -> None:
    """The last thing before the POST. Only a planned message may be posted."""
    message, now = draft.message, draft.now
    assert message.state is MessageState.PLANNED, "only a planned message is posted"
    draft.message = replace(
        message,
        state=MessageState.POSTING,
        from_=event.from_,
        posted_at=now,
        unclear_at=None,
        posts=(*message.posts, Post(token_hash=event.token_hash, at=now)),
        timer_at=now + settling.POST_TAKES + settling.LOOK_AGAIN,
    )


def _bind(draft: _Draft, token_hash: str, sid: str) -> None:
    """The carrier knows this SID as ours; the first one is followed. None can be taken back."""
    message = draft.message
    is_known = sid in (message.sid, *(post.sid for post in message.posts))
    draft.message = message = replace(
        message, posts=tuple(_with_sid(post, token_hash, sid) for post in message.posts)
    )
    if message.sid:
        if not is_known:
            draft.say(
                "text_doubled",
                "the carrier sent the message twice: the first try came through after all",
            )
        return
    draft.message = replace(message, sid=sid)
    if message.state in PENDING:
        draft.message = replace(
            draft.message, state=MessageState.QUEUED, unclear_at=None, error_message=""
        )
        draft.set_timer(draft.now + settling.FIRST_READ)


def _with_sid(post: Post, token_hash: str, sid: str) -> Post:
    return replace(post, sid=sid) if post.token_hash == token_hash and not post.sid else post


def _not_sent(draft: _Draft, event: MessageNotSent) -> None:
    message = draft.message
    if message.state is not MessageState.POSTING:
        return
    draft.message = replace(
        message,
        state=MessageState.PLANNED,
        not_sent=message.not_sent + 1,
        posts=message.posts[:-1],
        error_message=event.reason,
    )
    if draft.now >= message.created_at + UNSENT_MAX:
        draft.end(MessageState.FAILED, f"not sent for ten minutes: {event.reason}")
        return
    if message.not_sent == 0:
        draft.say(
            "text_not_sent", f"the carrier did not take the message: {event.reason}; trying on"
        )
    draft.set_timer(event.retry_at)


def _refused(draft: _Draft, event: MessageRefused) -> None:
    if draft.message.state is not MessageState.POSTING:
        return
    draft.message = replace(draft.message, error_code=event.code, error_message=event.message)
    draft.end(MessageState.REFUSED, f"refused: {meaning_of(event.code, event.message)}")


def _unclear(draft: _Draft, reason: str) -> None:
    if draft.message.state is not MessageState.POSTING:
        return
    draft.message = replace(draft.message, state=MessageState.UNCLEAR, unclear_at=draft.now)
    draft.set_timer(settling.first_look(draft.now))
    draft.say(
        "text_unclear", f"the message may or may not be on its way ({reason}); looking for it"
    )


def _listed(draft: _Draft, event: MessageListed) -> None:
    message, now = draft.message, draft.now
    if message.state is not MessageState.UNCLEAR or message.unclear_at is None:
        return
    if event.sids:
        _bind(draft, message.posts[-1].token_hash, event.sids[0])
        draft.say("text_settled", "the message was found in the carrier's list")
    elif not settling.is_settled(message.unclear_at, now, list_readable=event.sids is not None):
        draft.set_timer(settling.next_look(message.unclear_at, now))
    elif len(message.posts) >= POSTS_MAX:
        draft.end(MessageState.LOST, f"tried {POSTS_MAX} times; whether it was sent is not known")
    else:
        draft.message = replace(message, state=MessageState.PLANNED, unclear_at=None)
        draft.set_timer(now)
        draft.say("text_settled", "the carrier shows no such message; sending it again")


# ---- its status


def _reported(draft: _Draft, event: MessageReported) -> None:
    """Late and repeated words change nothing; a second message for one try may only bring good
    news.
    """
    if event.token_hash:
        _bind(draft, event.token_hash, event.sid)
    message, state = draft.message, _STATES.get(event.status)
    if state is None or message.is_over:
        return
    if state is MessageState.FAILED and event.sid != message.sid:
        return
    if _ORDER.index(state) > _ORDER.index(message.state):
        draft.message = replace(message, state=state)
    if draft.message.state is MessageState.DELIVERED:
        draft.end(MessageState.DELIVERED, "delivered")
    elif draft.message.state is MessageState.FAILED:
        draft.message = replace(draft.message, error_code=event.code)
        draft.end(MessageState.FAILED, f"not delivered: {meaning_of(event.code)}")
    else:
        _go_on(draft)


def _due(draft: _Draft) -> None:
    """A POST whose task is gone is unclear; of one that the carrier has, nothing is known yet."""
    if draft.message.state is MessageState.POSTING:
        _unclear(draft, "no answer in time")
    elif draft.message.state in WITH_CARRIER:
        _go_on(draft)


def _go_on(draft: _Draft) -> None:
    """It is asked about from time to time, until nothing more can come."""
    message = draft.message
    since = message.posted_at or message.created_at
    if draft.now < since + SILENCE:
        draft.set_timer(draft.now + READ_EVERY)
    elif message.state is MessageState.SENT:
        draft.end(MessageState.SENT, "sent; its network does not tell whether it arrived")
    else:
        draft.end(MessageState.LOST, "nothing was heard of it any more")


def _mended(message: Message, now: datetime) -> Message:
    """The message without the times that a clock which was years ahead has left behind."""

    def mended(at: datetime | None) -> datetime | None:
        return now if is_absurd(at, now) else at

    return replace(
        message,
        timer_at=mended(message.timer_at),
        posted_at=mended(message.posted_at),
        unclear_at=mended(message.unclear_at),
        created_at=mended(message.created_at) or now,
    )
