"""One alert in a world where nobody ever answers: what the daemon would do, moment by moment.

The incident and its calls are decided by the same functions as in the daemon. What is imagined is
the rest: a dialer as patient as the configured one, and phones that ring for their whole time and
then are given up. Nothing else is going on meanwhile: no other incident, no call of the last hour.
Time is wall time throughout, so that timers and schedules agree.
"""

import heapq
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from escalator.escalation.alerts import Alert
from escalator.escalation.assign import Choice, Place, assign, place, policy_for, route_of
from escalator.escalation.call_events import (
    CallAccepted,
    CallEvent,
    CallIntended,
    CallReported,
    PageJoined,
)
from escalator.escalation.calls import Call, CallState
from escalator.escalation.decide import decide
from escalator.escalation.decide_call import decide_call
from escalator.escalation.dialing import DuePage, Join, OpenCall, Pass, Spent, plan
from escalator.escalation.dialing import Place as Dial
from escalator.escalation.events import (
    AlertFired,
    Due,
    HoldFound,
    IncidentEvent,
    PagePassed,
    TextPlaced,
)
from escalator.escalation.holding import Hold, hold_of
from escalator.escalation.incidents import FALLBACK_STEP, Incident, Line, Page, PageState, Phase
from escalator.escalation.rules import Rules

INCIDENT = "imagined"
BEFORE = -1
TURNS_MAX = 1000
# What holds an incident is followed so far, then no end of it is in sight.
HELD_MAX = timedelta(days=400)
HOLDS_MAX = 20
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phones:
    """How calls are placed: how long an unanswered one rings, and the carrier's limits (None: none)."""

    ring: timedelta = timedelta(seconds=25)
    calls_per_second: float | None = 1.0
    concurrent_calls: int | None = 10


class Rung(NamedTuple):
    """A phone rings. `call` counts from 1; `pages` are those that it is about."""

    at: datetime
    call: int
    to: str
    round: int
    pages: tuple[Page, ...]


class Written(NamedTuple):
    """A message is due to somebody."""

    at: datetime
    person: str
    step: int
    round: int


class Noted(NamedTuple):
    """A line of the incident's timeline, with the step that begins, else the one that the incident
    was in (`BEFORE` the first).
    """

    at: datetime
    line: Line
    step: int
    round: int


class Held(NamedTuple):
    """From `since` on this keeps the incident from paging anybody."""

    since: datetime
    hold: Hold


class ImaginedWorld:
    """One incident from its alert on. `history` is what happened, in order; `held` what kept it back."""

    def __init__(self, rules: Rules, phones: Phones, at: datetime):
        self._rules = rules
        self._phones = phones
        self._alert: Alert | None = None
        self.now = at
        self.incident: Incident | None = None
        self.history: list[Rung | Written | Noted] = []
        self.held: list[Held] = []
        self.calls = 0
        self._start = at
        self._open: dict[str, Call] = {}
        self._ends: list[tuple[datetime, int, str]] = []
        self._placed: list[tuple[datetime, frozenset[str]]] = []
        self._next_slot = at
        self._is_paced = False

    def receive(self, alert: Alert) -> Place:
        """The alert fires: where the routes put it. With a policy that pages, its incident begins."""
        self._alert = alert
        where = place(self._rules, alert, self.now)
        chosen = assign(self._rules, where, self.now, known=None, current=None, of_group=None)
        if chosen.choice is Choice.OPEN:
            self._note_hold(where.hold)
            self._decide(AlertFired(alert=alert, place=where, known=None, fresh_id=INCIDENT))
            self._settle()
        return where

    def move_on(self) -> bool:
        """Go to the next moment at which something happens; False when nothing more does."""
        coming = self._next_moment()
        if coming is None:
            return False
        self.now = coming
        self._settle()
        return True

    @property
    def is_told(self) -> bool:
        """Whether all is known: the fallback has been rung once, or what holds it has no end."""
        incident = self.incident
        if incident is None or self.is_held_on:
            return True
        if incident.phase is not Phase.EXHAUSTED:
            return False
        joined = {page.person for call in self._open.values() for page in call.pages if page.joined}
        return not any(
            page.state is PageState.DUE
            or (page.state is PageState.CALLING and page.person in joined)
            for page in incident.pages
            if page.step == FALLBACK_STEP
        )

    @property
    def is_held_on(self) -> bool:
        """Whether it is still held at the end of what is looked at."""
        is_held = self.incident is not None and bool(self.incident.held)
        is_far = self.now > self._start + HELD_MAX or len(self.held) >= HOLDS_MAX
        return is_held and is_far

    # ---- time

    def _next_moment(self) -> datetime | None:
        times = [end for end, _, _ in self._ends[:1]]
        if self.incident is not None:
            times += [] if self.incident.due_at is None else [self.incident.due_at]
            times += [text.due_at for text in self.incident.texts if not text.is_sent]
        if self._is_paced:
            times.append(self._next_slot)
        return min((time for time in times if time > self.now), default=None)

    def _settle(self) -> None:
        """All that happens at this one moment."""
        for _ in range(TURNS_MAX):
            if not self._turn():
                return

    def _turn(self) -> bool:
        did = False
        while self._ends and self._ends[0][0] <= self.now:
            self._give_up(heapq.heappop(self._ends)[2])
            did = True
        incident = self.incident
        if incident is not None and incident.due_at is not None and incident.due_at <= self.now:
            self._due(incident)
            did = True
        return self._write() or self._dial() or did

    # ---- the incident

    def _decide(self, event: IncidentEvent) -> None:
        before = self.incident
        outcome = decide(self._rules, before, event, self.now)
        self.incident = after = outcome.incident
        assert after is not None, "an incident that is explained stays"
        stood = (BEFORE, 1) if before is None or before.held else (before.step, before.round)
        for line in outcome.lines:
            begins = line.event == "step"
            place = (after.step, after.round) if begins else stood
            self.history.append(Noted(self.now, line, *place))

    def _due(self, incident: Incident) -> None:
        if not incident.held:
            self._decide(Due(incident_id=INCIDENT))
            return
        assert self._alert is not None, "an incident begins with its alert"
        labels, rules = self._alert.labels, self._rules
        policy = policy_for(rules, incident.policy)
        hold = hold_of(rules, labels, route_of(rules, labels), policy, self.now)
        self._note_hold(hold)
        self._decide(HoldFound(incident_id=INCIDENT, hold=hold))

    def _note_hold(self, hold: Hold | None) -> None:
        if hold is not None and (not self.held or self.held[-1].hold != hold):
            self.held.append(Held(self.now, hold))

    def _write(self) -> bool:
        """Whoever is owed a message gets one."""
        incident = self.incident
        if incident is None:
            return False
        owed = [one for one in incident.texts if not one.is_sent and one.due_at <= self.now]
        for person in dict.fromkeys(one.person for one in owed):
            self.history.append(Written(self.now, person, incident.step, incident.round))
            self._decide(TextPlaced(incident_id=INCIDENT, person=person, message_id=""))
        return bool(owed)

    # ---- the phones

    def _dial(self) -> bool:
        """As the dialer: first what rings nobody, then calls as fast and as many as may be."""
        self._is_paced = False
        pages = self._due_pages()
        if not pages:
            return False
        steps = plan(self._rules, pages, self._open_calls(), self.now, self._spent())
        did = False
        for step in steps:
            if isinstance(step, Pass):
                self._decide(
                    PagePassed(incident_id=INCIDENT, person=step.page.person, reason=step.reason)
                )
                did = True
            elif isinstance(step, Join) and self._is_due(step.page.person):
                self._call(PageJoined(call_id=step.call_id, page=step.page))
                did = True
        for step in steps:
            if isinstance(step, Dial) and self._may_place():
                did = self._place(step) or did
        return did

    def _may_place(self) -> bool:
        most = self._phones.concurrent_calls
        if most is not None and len(self._open) >= most:
            return False
        self._is_paced = self._is_paced or self._next_slot > self.now
        return not self._is_paced

    def _place(self, dial: Dial) -> bool:
        pages = tuple(page for page in dial.pages if self._is_due(page.person))
        if not pages:
            return False
        self.calls += 1
        call_id, token = f"call-{self.calls}", f"token-{self.calls}"
        ring = self._phones.ring
        self._call(
            CallIntended(
                call_id=call_id,
                to=dial.to,
                from_="",
                person=dial.person,
                token_hash=token,
                lasts=ring.total_seconds(),
                pages=pages,
            )
        )
        self._call(CallAccepted(call_id=call_id, token_hash=token, sid=call_id))
        heapq.heappush(self._ends, (self.now + ring, self.calls, call_id))
        if self._phones.calls_per_second is not None:
            self._next_slot = self.now + timedelta(seconds=1 / self._phones.calls_per_second)
        people = frozenset(page.person for page in pages)
        self._placed.append((self.now, people))
        assert self.incident is not None, "only an incident's pages are called about"
        rung = tuple(page for page in self.incident.pages if page.person in people)
        self.history.append(Rung(self.now, self.calls, dial.to, self.incident.round, rung))
        return True

    def _give_up(self, call_id: str) -> None:
        """It rang for its whole time, and nobody answered."""
        status = "no-answer"
        self._call(CallReported(call_id=call_id, token_hash="", sid=call_id, status=status))

    def _call(self, event: CallEvent) -> None:
        decision = decide_call(self._rules, self._open.get(event.call_id), event, self.now)
        assert decision.call is not None, "only calls that there are happen here"
        if decision.call.state is CallState.ENDED:
            del self._open[event.call_id]
        else:
            self._open[event.call_id] = decision.call
        for follow in decision.follow:
            self._decide(follow)

    # ---- what the dialer goes by

    def _is_due(self, person: str) -> bool:
        page = self.incident.page_of(person) if self.incident is not None else None
        return page is not None and page.state is PageState.DUE

    def _due_pages(self) -> list[DuePage]:
        incident = self.incident
        if incident is None:
            return []
        return [
            DuePage(
                incident_id=INCIDENT,
                person=page.person,
                severity=incident.severity,
                since=page.since,
                tries=page.tries,
                was_called=incident.last_placed_at is not None,
                is_fallback=page.step == FALLBACK_STEP,
            )
            for page in incident.pages
            if page.state is PageState.DUE
        ]

    def _open_calls(self) -> list[OpenCall]:
        return [
            OpenCall(
                id=call.id,
                kind=call.kind,
                state=call.state,
                to=call.to,
                people=frozenset(page.person for page in call.pages),
                created_at=call.created_at,
                timer_at=call.timer_at,
            )
            for call in self._open.values()
        ]

    def _spent(self) -> Spent:
        since = self.now - self._rules.caps.person_span
        late = [people for at, people in self._placed if at > since]
        return Spent(
            by_person=Counter(person for people in late for person in people),
            today=sum(at > self.now - DAY for at, _ in self._placed),
        )
