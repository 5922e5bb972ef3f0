"""Everything that can happen. Each event concerns one incident or one call, and says which.

Names are in the past tense where the world did something and `Asked` where somebody wants
something. Ids come with the event: nothing that decides draws lots.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from escalator.escalation.alerts import Alert, Known
from escalator.escalation.assign import Place
from escalator.escalation.calls import AnswerRequest, CallOutcome, Speech


class Action(StrEnum):
    """What a person can do to an incident, by key, API or command line."""

    ACKNOWLEDGE = "acknowledge"
    ESCALATE = "escalate"
    RESOLVE = "resolve"
    SNOOZE = "snooze"
    NOTE = "note"
    ALSO = "also"  # pressed acknowledge after the page was over: recorded, changes nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertReceived:
    """A sender told of an alert. `fresh_id` names the incident that it may open.

    `fallback_of` is for what escalator itself raises: whatever the routes say, the alert falls under
    this policy, and an incident that it opens rings the fallback at once.
    """

    alert: Alert
    fresh_id: str
    fallback_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFired:
    """A firing alert was assigned to this incident. `known` is what this incident knew of it
    before.
    """

    alert: Alert
    place: Place
    known: Known | None
    fresh_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCleared:
    """A firing alert of this incident is so no more; `moved`: it belongs to another policy now.

    Not `was_firing`: one that the incident never knew, told when nothing else fires in it.
    """

    alert: Alert
    moved: bool = False
    was_firing: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The incident's timer went off."""

    incident_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Somebody wants something of an incident. `until` is the end of a snooze (None: the policy's
    span).
    """

    incident_id: str
    action: Action
    by: str | None = None
    call_id: str | None = None
    text: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePlaced:
    """The page of `person` travels in a call from now on."""

    incident_id: str
    person: str
    call_id: str
    to: str
    joined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEnded:
    """The call that a page travelled in is over. `spent` is False when the person never could have
    heard of it.
    """

    incident_id: str
    person: str
    call_id: str
    outcome: CallOutcome
    spent: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePassed:
    """The page of `person` cannot be placed at all (the person left the config, say)."""

    incident_id: str
    person: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """The auditor found that nobody would ever be rung for this incident any more, or that somebody
    would be who must not be. `what` says how it was found.
    """

    incident_id: str
    what: str


IncidentEvent: TypeAlias = (
    AlertFired | AlertCleared | Due | Asked | PagePlaced | PageEnded | PagePassed | Stuck
)


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
Event: TypeAlias = AlertReceived | IncidentEvent | CallEvent
