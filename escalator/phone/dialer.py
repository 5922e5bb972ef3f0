"""Place the calls that are due: the worst first, no faster and no more at once than the carrier allows.

The intent to POST is committed before the first byte leaves, and the POST leaves within two seconds of that commit or
not at all: a process that stood still meanwhile does not know what has happened since. What the POST came to is
submitted as an event; an unclear one is the follower's to settle. A refusal to take anything (429, no connection, a
suspended account) holds back all calls for a while and costs no step.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from secrets import SystemRandom

from escalator.engine import Engine, Undecided, new_id
from escalator.escalation.call_events import (
    CallAccepted,
    CallDropped,
    CallIntended,
    CallNotSent,
    CallRefused,
    CallUnclear,
    PageJoined,
)
from escalator.escalation.call_status import silence
from escalator.escalation.calls import LIVE, Call, CallKind
from escalator.escalation.dialing import Drop, DuePage, Join, OpenCall, Pass, Place, Step, plan
from escalator.escalation.events import Event, PagePassed
from escalator.phone import counting
from escalator.phone.carrier import (
    Accepted,
    Carrier,
    NewCall,
    NotSent,
    PlaceOutcome,
    Refused,
    Scope,
    Unclear,
)
from escalator.phone.gate import Gate, Trouble
from escalator.phone.settings import (
    DIRECT_LIMIT_SECONDS,
    RING_LIMIT_SECONDS,
    PhoneSettings,
)
from escalator.phone.tokens import new_token, token_hash
from escalator.store.errors import StoreBroken, StoreError
from escalator.telemetry import get_logger

log = get_logger("dialer")

STORE_RETRY_SECONDS = 1.0
ACCOUNT_WAIT_SECONDS = 30.0
INTENT_LASTS = timedelta(seconds=2)
_chance = SystemRandom().random
# Our own address is refused: nothing can be called until that is mended, so no try is spent on it.
_CALLBACK_REFUSED = frozenset({11100, 21205, 21609})


class Dialer:
    """One worker, woken by a bell. `settings` is the config in force; `chance` spreads what is tried again."""

    def __init__(
        self,
        engine: Engine,
        carrier: Callable[[], Carrier],
        settings: PhoneSettings,
        tasks: asyncio.TaskGroup,
        *,
        chance: Callable[[], float] = _chance,
    ):
        self.settings = settings
        self._engine = engine
        self._reader = engine.reader
        self._clock = engine.clock
        self._carrier = carrier
        self._tasks = tasks
        self._bell = engine.new_bell()
        self._gate = Gate(engine.clock, chance)
        self._next_slot: datetime | None = None
        self._posts: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def run(self) -> None:
        """Place what is due until canceled."""
        while True:
            try:
                pause = await self.drain()
            except StoreBroken:
                raise
            except StoreError as error:
                log.error("store_failed", error=str(error), retry_in="1s")  # noqa: TRY400 - no defect of ours
                pause = STORE_RETRY_SECONDS
            await self._bell.wait(self._clock, pause)

    async def stop(self, patience_seconds: float) -> None:
        """Place nothing more, and give the POSTs under way time to be answered."""
        self._stopping = True
        if self._posts:
            _, unanswered = await asyncio.wait(self._posts, timeout=patience_seconds)
            for post in unanswered:
                post.cancel()  # settled after the next start, as any POST without an answer

    async def drain(self) -> float | None:
        """Do all that can be done now. Returns the seconds until more can be, None for: when the bell rings."""
        if self._stopping:
            return None
        calls = self._reader.open_calls()
        pages = self._reader.due_pages()
        rules, now = self._engine.rules, self._clock.now()
        spent = self._reader.spent(now, rules.caps.person_span) if pages else None
        steps = plan(rules, pages, calls, now, spent)
        self._note_caps(steps)
        # Together: a storm that joins a call, one commit a page, would keep everybody else waiting for minutes.
        await self._engine.submit_each(
            *(_event_of(step) for step in steps if not isinstance(step, Place))
        )
        places = [step for step in steps if isinstance(step, Place)]
        room = self.settings.concurrent_calls - sum(call.state in LIVE for call in calls)
        for place in places:
            if room <= 0 or self._stopping:
                return None
            wait = max(self._gate.opens_in(), self._slot_in())
            if wait > 0:
                return wait
            placed = await self._place(place)
            room -= placed
            if placed:
                self._note_lateness(place, pages)
        return self._until_planned(calls)

    def _note_caps(self, steps: Sequence[Step]) -> None:
        """A cap that keeps a phone from ringing is not to be found out about later."""
        for step in steps:
            if isinstance(step, Pass):
                log.warning(
                    "page_passed",
                    incident=step.page.incident_id,
                    person=step.page.person,
                    why=step.reason,
                )

    def _note_lateness(self, place: Place, pages: list[DuePage]) -> None:
        carried = {(page.incident_id, page.person) for page in place.pages}
        due = [page.since for page in pages if (page.incident_id, page.person) in carried]
        if due:
            counting.call_begun(self._engine.metrics, self._clock.now(), min(due))

    def _slot_in(self) -> float:
        if self._next_slot is None:
            return 0.0
        return max(0.0, (self._next_slot - self._clock.now()).total_seconds())

    def _until_planned(self, calls: list[OpenCall]) -> float | None:
        now = self._clock.now()
        later = [
            call.timer_at for call in calls if call.timer_at is not None and call.timer_at > now
        ]
        return (min(later) - now).total_seconds() if later else None

    async def _place(self, place: Place) -> int:
        """Commit the intent and send the POST. Returns how many calls that makes: 0 when nothing was due any more."""
        token = new_token()
        now = self._clock.now()
        settings = self.settings
        outcomes = await self._engine.submit_each(
            CallIntended(
                call_id=place.call_id or new_id(now),
                to=place.to,
                from_=settings.from_number(place.to),
                person=place.person,
                token_hash=token_hash(token),
                lasts=silence(settings.ring_seconds, RING_LIMIT_SECONDS),
                pages=place.pages,
            )
        )
        [result] = outcomes
        if isinstance(result, Exception) or result.refused or result.call is None:
            return 0
        self._next_slot = now + timedelta(seconds=1 / settings.calls_per_second)
        post = self._post(result.call, token, outcomes.committed_at)
        task = self._tasks.create_task(post, name="post")
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)
        return 1

    async def _post(self, call: Call, token: str, committed_at: datetime) -> None:
        late = self._clock.now() - committed_at
        if late >= INTENT_LASTS:
            event: Event = self._held_back(call, late)
        elif not self._may_ring(call):
            why = "the number left the config before it could be rung"
            event = CallNotSent(call_id=call.id, reason=why, retry_at=self._clock.now())
        else:
            event = await self._request(call, token)
        await self._submit(call, event)

    def _may_ring(self, call: Call) -> bool:
        """A reload may have come between the intent and its first byte: pages ring numbers of the config only (I5)."""
        people = self._engine.rules.people.values()
        return call.kind is not CallKind.PAGE or any(call.to in one.phones for one in people)

    def _held_back(self, call: Call, late: timedelta) -> Event:
        """Suspended, stopped or starved since the commit: the call is looked for before it is asked for again."""
        seconds = round(late / timedelta(seconds=1), 1)
        log.warning("call_held_back", call=call.id, to=call.to, late_seconds=seconds)
        reason = f"escalator stood still for {seconds} s before it could ask"
        return CallUnclear(call_id=call.id, reason=reason)

    async def _request(self, call: Call, token: str) -> Event:
        started = self._clock.boottime()
        outcome = await self._carrier().place(self._new_call(call, token))
        took = self._clock.boottime() - started
        counting.call_requested(self._engine.metrics, took, outcome)
        event = self._event_after(call, token, outcome)
        log.info(
            "call_requested",
            call=call.id,
            to=call.to,
            outcome=type(outcome).__name__.lower(),
            reason=getattr(outcome, "reason", None) or getattr(outcome, "message", None),
        )
        return event

    async def _submit(self, call: Call, event: Event) -> None:
        while True:
            try:
                await self._engine.submit(event)
            except StoreError as error:
                log.error("store_failed", call=call.id, error=str(error), retry_in="1s")  # noqa: TRY400 - no defect of ours
                await self._clock.sleep(STORE_RETRY_SECONDS)
            except Undecided:
                return  # logged at the door; the call's own timer has the follower settle it
            else:
                return

    def _new_call(self, call: Call, token: str) -> NewCall:
        settings = self.settings
        is_direct = call.kind is CallKind.DIRECT
        url = settings.callback_url(token, "answer")
        return NewCall(
            to=call.to,
            from_=call.from_,
            url=url,
            fallback_url=url,
            status_callback=settings.callback_url(token, "status"),
            ring_seconds=settings.ring_seconds,
            limit_seconds=DIRECT_LIMIT_SECONDS if is_direct else RING_LIMIT_SECONDS,
            machine_detection=settings.machine_detection and not is_direct,
            machine_callback=settings.callback_url(token, "machine"),
        )

    def _event_after(self, call: Call, token: str, outcome: PlaceOutcome) -> Event:
        match outcome:
            case Accepted(sid):
                self._gate.open()
                return CallAccepted(call_id=call.id, token_hash=token_hash(token), sid=sid)
            case NotSent(reason, retry_after, too_many):
                trouble = Trouble.TOO_MANY if too_many else Trouble.AWAY
                retry_at = self._gate.close(retry_after, trouble)
                return CallNotSent(call_id=call.id, reason=reason, retry_at=retry_at)
            case Refused(code, message) if self._is_of_account(call, outcome):
                retry_at = self._gate.close(ACCOUNT_WAIT_SECONDS)
                log.error(
                    "carrier_refuses_all",
                    code=code,
                    reason=message,
                    retry_in="30s",
                    hint="check the account, its balance and the credentials",
                )
                return CallNotSent(call_id=call.id, reason=f"{message} ({code})", retry_at=retry_at)
            case Refused(code, message):
                self._gate.open()
                return CallRefused(call_id=call.id, code=code or None, message=message)
            case Unclear(reason):
                return CallUnclear(call_id=call.id, reason=reason)

    @staticmethod
    def _is_of_account(call: Call, refused: Refused) -> bool:
        """Whether nobody could be called. A direct call is one try, so it just fails."""
        if call.kind is CallKind.DIRECT:
            return False
        return refused.scope is Scope.ACCOUNT or refused.code in _CALLBACK_REFUSED


def _event_of(step: Join | Pass | Drop) -> Event:
    match step:
        case Join():
            return PageJoined(call_id=step.call_id, page=step.page)
        case Pass():
            return PagePassed(
                incident_id=step.page.incident_id, person=step.page.person, reason=step.reason
            )
        case Drop():
            return CallDropped(call_id=step.call_id, reason=step.reason)
