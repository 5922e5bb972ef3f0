"""What an incident and its pages are.

An incident is our record of one group of alerts that belongs on somebody's phone. It holds counts
and the worst severity, never its alerts. A page is the duty to reach one person about one incident
now; an incident has at most one page a person.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

FALLBACK_STEP = -1


class Phase(StrEnum):
    """Where an incident stands. Only a resolved one is over."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    EXHAUSTED = "exhausted"
    RESOLVED = "resolved"


class PageState(StrEnum):
    """Where a page stands within its step."""

    DUE = "due"  # the dialer owes a call
    CALLING = "calling"  # travels in a call
    WAITING = "waiting"  # the next try is at `next_at`
    DONE = "done"  # no more tries in this step


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The duty to reach one person about one incident.

    `step` is the step it belongs to (-1: the fallback). `tries` counts the calls of this step that
    were spent on it, `refused` the refusals in a row, `unreachable` says that no further try of
    this step could reach the person. `planned` are the further calls that the person wants by rule,
    earliest first; after the last of them come the step's retries.
    """

    person: str
    step: int
    state: PageState
    since: datetime
    tries: int = 0
    busy: int = 0
    refused: int = 0
    call_id: str = ""
    placed_at: datetime | None = None
    next_at: datetime | None = None
    planned: tuple[datetime, ...] = ()
    unreachable: bool = False

    @property
    def is_owed(self) -> bool:
        """Due and never placed: such a page outlives its step."""
        return self.state is PageState.DUE and self.tries == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A message about one incident, to one person at `due_at`. It stays on record until its step
    is over.
    """

    person: str
    due_at: datetime
    is_sent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One group of alerts that belongs on somebody's phone.

    `until` is the end of the present phase: of the step while triggered, of the acknowledgement, of
    the snooze, until the fallback rings again while exhausted. `baseline` is the worst severity at
    the moment somebody (or nobody) took it; `before` the phase it was resolved from, so that a
    flapping incident goes on where it left off. `held` says why a snoozed incident has not paged
    anybody yet (a silence, an interval), "" when a person snoozed it. `stale_at` is when it was
    noticed that its sender says nothing any more.
    """

    id: str
    receiver: str
    policy: str
    route: str
    group_key: str
    title: str
    summary: str
    severity: str
    created_at: datetime
    updated_at: datetime
    phase: Phase = Phase.TRIGGERED
    firing: int = 0
    resolved: int = 0
    step: int = 0
    round: int = 1
    until: datetime | None = None
    due_at: datetime | None = None
    baseline: str = ""
    before: Phase = Phase.TRIGGERED
    last_placed_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    held: str = ""
    stale_at: datetime | None = None
    pages: tuple[Page, ...] = ()
    texts: tuple[Text, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether somebody may still be needed."""
        return self.phase is not Phase.RESOLVED

    @property
    def code(self) -> str:
        """Six digits that stand for this incident in a message and its reply; derived, so that it
        need not be stored or drawn by lot.
        """
        digest = hashlib.sha256(self.id.encode()).digest()
        return f"{int.from_bytes(digest[:8]) % 1_000_000:06d}"

    def page_of(self, person: str) -> Page | None:
        """The page of one person, if there is one."""
        return next((page for page in self.pages if page.person == person), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an incident's timeline: what was decided, and why, in words."""

    event: str
    text: str
    by: str | None = None
    call: str | None = None


@dataclass(frozen=True, slots=True)
class ClosePage:
    """An effect: the page of `person` about `incident_id` is over; the call it travels in need not
    tell it.
    """

    call_id: str
    incident_id: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an event did to an incident: its new value, the calls that lose a page, the timeline's
    lines.
    """

    incident: Incident | None
    effects: tuple[ClosePage, ...] = ()
    lines: tuple[Line, ...] = ()
    is_new: bool = False
