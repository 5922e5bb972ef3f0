"""The world around the pure core, in imagined time: dialer, follower and carrier over a store in memory.

The dialer asks `plan` as the real one does and the follower does its chores; the carrier makes,
refuses or loses calls as each number has been told to. Nothing waits, nothing is drawn by lot.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from memory import Memory, people_of, seconds

from escalator.escalation.call_events import (
    CallAccepted,
    CallDropped,
    CallDue,
    CallEnded,
    CallIntended,
    CallListed,
    CallNotSent,
    CallPrompted,
    CallRefused,
    CallReported,
    CallUnclear,
    CallUnreadable,
    KeyPressed,
    PageJoined,
)
from escalator.escalation.calls import BOUND, AnswerRequest, Call, CallState
from escalator.escalation.dialing import Drop, Join, Pass, Place, plan
from escalator.escalation.events import Due, Event, PagePassed, TextPlaced
from escalator.escalation.rules import Rules
from escalator.store.changes import Result

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
RINGS_FOR = seconds(25)
TALKS_FOR = seconds(60)
LASTS = 385.0
TURNS_MAX = 300
OVER = ("completed", "busy", "failed", "no-answer", "canceled")
MAKES_NO_CALL = ("refused", "not-sent", "unclear")


@dataclass
class CarrierCall:
    """A call as the carrier sees it."""

    sid: str
    call_id: str
    token: str
    to: str
    status: str = "ringing"
    is_silent: bool = False


class World:
    """Time, the store, the carrier. `on_effect` hears what people would notice: (what, whom)."""

    def __init__(self, rules: Rules, on_effect: Callable[[str, str], None]):
        self.rules = rules
        self.now = START
        self.memory = Memory()
        self.at_carrier: dict[str, CarrierCall] = {}
        self.behaviour: dict[str, str] = {}
        self.list_is_readable = True
        self._on_effect = on_effect
        self._coming: list[tuple[datetime, int, Callable[[], None]]] = []
        self._counter = itertools.count(1)

    # ---- time

    def submit(self, *events: Event) -> list[Result]:
        return self.memory.apply(self.rules, self.now, *events)

    def run_until(self, end: datetime) -> None:
        """Let everything happen that happens until then."""
        self.settle()
        while (wake := self._next_moment()) is not None and wake <= end:
            self.now = wake
            self.settle()
        self.now = end
        self.settle()

    def settle(self) -> None:
        """All that happens at this one moment; it has to come to an end."""
        for _ in range(TURNS_MAX):
            if not self._turn():
                return
        raise AssertionError(f"livelock: after {TURNS_MAX} turns something is still due")

    def _next_moment(self) -> datetime | None:
        times = [self.memory.next_timer(self.now), self._coming[0][0] if self._coming else None]
        return min((time for time in times if time is not None), default=None)

    def _turn(self) -> bool:
        did = False
        while self._coming and self._coming[0][0] <= self.now:
            heapq.heappop(self._coming)[2]()
            did = True
        for incident_id in self.memory.due_incidents(self.now):
            self.submit(Due(incident_id=incident_id))
            did = True
        for call in self.memory.due_calls(self.now):
            self.submit(self._chore(call))
            did = True
        return self._text() or self._dial() or did

    def _text(self) -> bool:
        """The texter: whoever is owed a message gets one, however many it is about."""
        owed = self.memory.due_texts(self.now)
        for person in dict.fromkeys(person for _, person in owed):
            self._on_effect("texts", person)
            self.submit(
                *(
                    TextPlaced(incident_id=incident_id, person=person, message_id="SM1")
                    for incident_id, one in owed
                    if one == person
                )
            )
        return bool(owed)

    def later(self, wait: timedelta, happens: Callable[[], None]) -> None:
        heapq.heappush(self._coming, (self.now + wait, next(self._counter), happens))

    # ---- the dialer

    def _dial(self) -> bool:
        did = False
        memory = self.memory
        spent = memory.spent(self.now, self.rules.caps.person_span)
        for step in plan(self.rules, memory.due_pages(), memory.open_calls(), self.now, spent):
            if isinstance(step, Place):
                did = self._place(step) or did
            else:
                [result] = self.submit(event_of(step))
                did = did or not result.refused
        return did

    def _place(self, place: Place) -> bool:
        token = f"token-{next(self._counter)}"
        intent = CallIntended(
            call_id=place.call_id or f"call-{next(self._counter)}",
            to=place.to,
            from_="+15005550006",
            person=place.person,
            token_hash=token,
            lasts=LASTS,
            pages=place.pages,
        )
        [result] = self.submit(intent)
        if result.refused or result.call is None:
            return False
        self._post(result.call, token)
        return True

    # ---- the carrier

    def _post(self, call: Call, token: str) -> None:
        behaviour = self.behaviour.get(call.to, "nobody")
        made = behaviour not in MAKES_NO_CALL
        self._on_effect("rings" if made else "tries", "+".join(sorted(people_of(call))))
        if behaviour == "refused":
            self.submit(CallRefused(call_id=call.id, code=21211, message="not a phone number"))
        elif behaviour == "not-sent":
            retry_at = self.now + seconds(30)
            self.submit(CallNotSent(call_id=call.id, reason="no connection", retry_at=retry_at))
        elif behaviour == "unclear":
            self.submit(CallUnclear(call_id=call.id, reason="timeout"))
        else:
            self._make(call, token, behaviour)

    def _make(self, call: Call, token: str, behaviour: str) -> None:
        sid = f"CA{next(self._counter)}"
        made = CarrierCall(sid, call.id, token, call.to, is_silent=behaviour == "silent")
        self.at_carrier[sid] = made
        if behaviour == "reply-lost":
            self.submit(CallUnclear(call_id=call.id, reason="reset"))
            made.is_silent = True
            return
        self.submit(CallAccepted(call_id=call.id, token_hash=token, sid=sid))
        if behaviour == "silent":
            return
        self.report(made, "ringing")
        if behaviour in ("busy", "failed"):
            self.report(made, behaviour)
        elif behaviour == "machine":
            self.report(made, "in-progress", machine=True)
        elif behaviour == "picks-up":
            self.later(seconds(5), lambda: self.answer(made))
            self.later(TALKS_FOR, lambda: self.report(made, "completed"))
        else:
            self.later(RINGS_FOR, lambda: self._give_up(made))

    def _give_up(self, made: CarrierCall) -> None:
        if made.status == "ringing":
            self.report(made, "no-answer")

    def report(self, made: CarrierCall, status: str, *, machine: bool = False) -> None:
        """The carrier's status callback."""
        if made.status in OVER:
            return
        made.status = status
        self.submit(
            CallReported(
                call_id=made.call_id,
                token_hash=made.token,
                sid=made.sid,
                status=status,
                machine=machine,
            )
        )

    def answer(self, made: CarrierCall) -> None:
        """The phone is picked up, or the next prompt is due."""
        if made.status in OVER:
            return
        made.status = "in-progress"
        request = AnswerRequest(at=self.now, content_type="", body="")
        self.submit(
            CallPrompted(call_id=made.call_id, token_hash=made.token, sid=made.sid, request=request)
        )

    def press(self, made: CarrierCall, key: str) -> None:
        """A key, after the prompt that told everything told so far."""
        pages = self.memory.calls[made.call_id].pages
        heard = max((page.n for page in pages if page.told), default=0)
        self.submit(
            KeyPressed(
                call_id=made.call_id, token_hash=made.token, sid=made.sid, key=key, heard=heard
            )
        )

    # ---- the follower

    def _chore(self, call: Call) -> Event:
        ending = next((one for one in call.endings if one.due_at <= self.now), None)
        if ending is not None:
            return CallEnded(
                call_id=call.id, sid=ending.sid, status=self._end(ending.sid, cut=ending.cut)
            )
        if call.state is CallState.POSTING:
            return CallDue(call_id=call.id)
        if call.state is CallState.UNCLEAR:
            return CallListed(call_id=call.id, sids=self._listed(call.to))
        assert call.state in BOUND, f"nobody knows what to do about a due {call.state} call"
        made = self.at_carrier[call.sid]
        if made.is_silent:
            return CallUnreadable(call_id=call.id, reason="500")
        return CallReported(call_id=call.id, token_hash="", sid=call.sid, status=made.status)

    def _end(self, sid: str, *, cut: bool) -> str:
        made = self.at_carrier[sid]
        if made.status in ("queued", "ringing") or (cut and made.status == "in-progress"):
            made.status = "canceled" if made.status != "in-progress" else "completed"
            people = people_of(self.memory.calls[made.call_id])
            self._on_effect("hangs up", "+".join(sorted(people)))
        return made.status

    def _listed(self, to: str) -> tuple[str, ...] | None:
        if not self.list_is_readable:
            return None
        return tuple(one.sid for one in self.at_carrier.values() if one.to == to)


def event_of(step: Join | Pass | Drop) -> Event:
    """What the dialer submits for a step that rings nobody."""
    if isinstance(step, Join):
        return PageJoined(call_id=step.call_id, page=step.page)
    if isinstance(step, Drop):
        return CallDropped(call_id=step.call_id, reason=step.reason)
    page = step.page
    return PagePassed(incident_id=page.incident_id, person=page.person, reason=step.reason)
