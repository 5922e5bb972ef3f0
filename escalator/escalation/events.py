"""Everything that can happen to an incident. Each event says which incident it concerns; those of calls are in
`call_events`, those of messages in `message_events`.

Names are in the past tense where the world did something and `Asked` where somebody wants
something. Ids come with the event: nothing that decides draws lots.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from escalator.escalation.alerts import Alert, Known
from escalator.escalation.assign import Place
from escalator.escalation.call_events import CallEvent
from escalator.escalation.calls import CallOutcome
from escalator.escalation.holding import Hold
from escalator.escalation.message_events import MessageEvent


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
    this policy, and an incident that it opens rings the fallback at once. `policy` overrules the
    routes alone: silences and hours hold the alert as any other.
    """

    alert: Alert
    fresh_id: str
    fallback_of: str | None = None
    policy: str | None = None


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
class HoldAsked:
    """Silences, intervals or rules may have changed, or a hold is over: is this incident still held?"""

    incident_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldFound:
    """What holds all that fires in a held incident; None when something is held by nothing."""

    incident_id: str
    hold: Hold | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPlaced:
    """The messages owed to `person` travel in a message from now on."""

    incident_id: str
    person: str
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEnded:
    """What came of a message: `what` in words, for the timeline. It never counts as reached."""

    incident_id: str
    person: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPassed:
    """The messages owed to `person` cannot be sent at all (the person left the config, say)."""

    incident_id: str
    person: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WentStale:
    """The sender has said nothing of this incident since `last_seen`."""

    incident_id: str
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """The auditor found that nobody would ever be rung for this incident any more, or that somebody
    would be who must not be. `what` says how it was found.
    """

    incident_id: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyReceived:
    """Somebody answered by message. `sid` is the carrier's id of it: told twice it counts once."""

    sid: str
    asks: tuple[Asked, ...]


IncidentEvent: TypeAlias = (
    AlertFired
    | AlertCleared
    | Due
    | Asked
    | PagePlaced
    | PageEnded
    | PagePassed
    | HoldFound
    | TextPlaced
    | TextEnded
    | TextPassed
    | WentStale
    | Stuck
)


Event: TypeAlias = (
    AlertReceived | HoldAsked | IncidentEvent | CallEvent | MessageEvent | ReplyReceived
)
