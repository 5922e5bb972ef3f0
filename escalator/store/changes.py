"""What a batch loads, what comes of each of its events, and what it changes: the values of the fold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from escalator.escalation.alerts import Alert, Known
from escalator.escalation.calls import Call
from escalator.escalation.incidents import Incident, Line
from escalator.escalation.messages import Message

GroupKey = tuple[str, str, str]
AlertKey = tuple[str, str]


class MessageSource(Protocol):
    """Where the fold loads messages from."""

    def message(self, message_id: str) -> Message | None: ...
    def pending_for(self, number: str) -> str | None: ...
    def message_of_sid(self, sid: str) -> str | None: ...
    def is_answered(self, sid: str) -> bool: ...


class Source(Protocol):
    """Where the fold loads from: a store, inside the transaction of the batch."""

    def incident(self, incident_id: str) -> Incident | None: ...
    def call(self, call_id: str) -> Call | None: ...
    def known(self, receiver: str, key: str) -> Known | None: ...
    def incident_of_group(self, receiver: str, policy: str, group_key: str) -> str | None: ...
    def firing_labels(self, incident_id: str) -> Iterable[tuple[str, Mapping[str, str]]]: ...
    def live_call_on(self, number: str) -> str | None: ...
    def call_of_sid(self, sid: str) -> str | None: ...
    @property
    def messages(self) -> MessageSource: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one event. `refused` says why nothing was done, where that is the caller's
    affair; `incidents` are those that an answer by message asked for.
    """

    incident: Incident | None = None
    call: Call | None = None
    message: Message | None = None
    incidents: tuple[Incident, ...] = ()
    is_new: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """An alert to write: as received, with its incident now and what was on file before."""

    alert: Alert
    incident_id: str
    severity: str
    before: Known | None


@dataclass(slots=True)
class Changes:
    """What a batch has changed, in the order to be written.

    `stirs`: a timer, a page, a call or a message is among it, so that a worker may have something to do.
    """

    incidents: dict[str, Incident] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    replies: list[str] = field(default_factory=list)
    alerts: list[AlertChange] = field(default_factory=list)
    lines: list[tuple[str, Line]] = field(default_factory=list)
    first_rings: list[Incident] = field(default_factory=list)
    suppressed: list[str] = field(default_factory=list)
    stirs: bool = False

    def grown(self) -> tuple[list[Any], ...]:
        """What only ever grows."""
        return (self.alerts, self.lines, self.first_rings, self.suppressed, self.replies)
