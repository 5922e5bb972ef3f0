"""Everything that can happen to a call. Each event says which call it concerns.

Names are in the past tense where the world did something. Ids come with the event: nothing that
decides draws lots. `token_hash` is the SHA-256 of the secret in the URLs of one POST, `sid` the
carrier's id, numbers are E.164.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from escalator.escalation.calls import AnswerRequest, Speech


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAsked:
    """Somebody wants a direct call."""

    call_id: str
    to: str
    person: str
    speech: Speech
    lasts: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A page that the dialer wants to place."""

    incident_id: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallIntended:
    """A POST is about to leave. Committed before its first byte; a call of that id may exist
    already, planned.
    """

    call_id: str
    to: str
    from_: str
    person: str
    token_hash: str
    lasts: float
    pages: tuple[Wanted, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageJoined:
    """A page falls due while its person's phone is in a call already: it travels along."""

    call_id: str
    page: Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDropped:
    """A planned call may not be placed any more (its number left the config, say)."""

    call_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAccepted:
    """The carrier answered a POST with 201 and a SID."""

    call_id: str
    token_hash: str
    sid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNotSent:
    """A POST provably had no effect (never sent, 429, or the account cannot call): to be tried
    again at `retry_at`.
    """

    call_id: str
    reason: str
    retry_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRefused:
    """The carrier will not place this call."""

    call_id: str
    code: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUnclear:
    """The carrier may have heard us: timeout, reset, a 5xx, or our own restart in between."""

    call_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallListed:
    """The carrier's list was asked for an unclear call. `sids` are unbound candidates, best first;
    None: unreadable.
    """

    call_id: str
    sids: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReported:
    """The carrier told (or was asked) how a call stands. `token_hash` is "" when we asked.

    `status` is the carrier's word: initiated, queued, ringing, in-progress, completed, busy,
    failed, no-answer, canceled.
    """

    call_id: str
    token_hash: str
    sid: str
    status: str
    duration: int | None = None
    sip_code: int | None = None
    machine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUnreadable:
    """The carrier was asked how a call stands and did not say."""

    call_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPrompted:
    """The carrier fetched what to say: the phone was picked up, or the next prompt is due."""

    call_id: str
    token_hash: str
    sid: str
    request: AnswerRequest
    machine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPressed:
    """A key was pressed after a prompt that told the pages up to `heard`."""

    call_id: str
    token_hash: str
    sid: str
    key: str
    heard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """The carrier was told to end a call. `status` is how the call stands now, "" when that is not
    known.
    """

    call_id: str
    sid: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PagesClosed:
    """Pages of this call are over: their incidents were acknowledged, resolved or snoozed."""

    call_id: str
    pages: frozenset[Wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDue:
    """The call's timer went off and nobody is at work on it."""

    call_id: str


CallEvent: TypeAlias = (
    CallAsked
    | CallIntended
    | PageJoined
    | CallDropped
    | CallAccepted
    | CallNotSent
    | CallRefused
    | CallUnclear
    | CallListed
    | CallReported
    | CallUnreadable
    | CallPrompted
    | KeyPressed
    | CallEnded
    | PagesClosed
    | CallDue
)
