"""Follow the calls that were asked for: settle the unclear ones, read the silent ones, end the unneeded ones.

Works from the table alone: a call says by its timers that somebody must look at it, and what is due follows from its
state. So a restart needs no recovery of its own, save that a POST which was under way when the last process ended is
unclear at once.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from escalator.engine import Engine, Undecided
from escalator.escalation.call_events import (
    CallDue,
    CallEnded,
    CallListed,
    CallReported,
    CallUnclear,
    CallUnreadable,
)
from escalator.escalation.calls import BOUND, Call, CallState, Ending
from escalator.escalation.events import Event
from escalator.escalation.wrong_clock import is_absurd
from escalator.phone.carrier import (
    Carrier,
    CarrierCall,
    Ended,
    EndStatus,
    Gone,
    Listed,
    Unreadable,
)
from escalator.store.errors import StoreBroken, StoreError
from escalator.telemetry import get_logger

log = get_logger("follower")

STORE_RETRY_SECONDS = 1.0
UNDECIDED_RETRY_SECONDS = 60.0
AT_ONCE_MAX = 5
LIST_BEFORE = timedelta(seconds=5)
LIST_AFTER = timedelta(seconds=25)
_OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


class Follower:
    """One worker, woken by a bell, with a few look-ups under way at once."""

    def __init__(self, engine: Engine, carrier: Callable[[], Carrier], tasks: asyncio.TaskGroup):
        self._engine = engine
        self._reader = engine.reader
        self._clock = engine.clock
        self._carrier = carrier
        self._tasks = tasks
        self._bell = engine.new_bell()
        self._at_work: set[str] = set()
        self._lookups: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """At start: whatever was being posted when the last process ended may have been heard."""
        orphans = [call for call in self._reader.open_calls() if call.state is CallState.POSTING]
        events = [CallUnclear(call_id=call.id, reason="escalator restarted") for call in orphans]
        # One that cannot be decided is logged at the door; it must not keep the others from being rung about.
        await self._engine.submit_each(*events)

    async def run(self) -> None:
        """Look after calls until canceled."""
        while True:
            try:
                self.start_due()
                pause = self._pause()
            except StoreBroken:
                raise
            except StoreError as error:
                log.error("store_failed", error=str(error), retry_in="1s")  # noqa: TRY400 - no defect of ours
                pause = STORE_RETRY_SECONDS
            await self._bell.wait(self._clock, pause)

    def stop(self) -> None:
        """Leave what is under way: it is all in the table."""
        for task in tuple(self._lookups):
            task.cancel()

    def start_due(self) -> None:
        """Start a look-up for each call that is due and has none under way."""
        for call in self._reader.due_calls(self._clock.now()):
            if call.id in self._at_work or len(self._at_work) >= AT_ONCE_MAX:
                continue
            self._at_work.add(call.id)
            task = self._tasks.create_task(self._look_after(call), name="follow")
            self._lookups.add(task)
            task.add_done_callback(self._lookups.discard)

    def _pause(self) -> float | None:
        """Until the first timer; while something due is under way its end rings the bell."""
        due_at = self._reader.next_due_call()
        if due_at is None:
            return None
        seconds = (due_at - self._clock.now()).total_seconds()
        is_held = self._at_work or self._reader.unreadable
        return max(seconds, 1.0 if is_held else 0.001)

    async def _look_after(self, call: Call) -> None:
        try:
            event = await self._chore(call)
            if event is not None:
                await self._engine.submit(event)
        except StoreError as error:
            log.error("store_failed", call=call.id, error=str(error), retry_in="1s")  # noqa: TRY400 - no defect of ours
            await self._clock.sleep(STORE_RETRY_SECONDS)
        except Undecided:
            await self._clock.sleep(UNDECIDED_RETRY_SECONDS)  # logged at the door
        finally:
            self._at_work.discard(call.id)
            self._bell.ring()

    async def _chore(self, call: Call) -> Event | None:
        now = self._clock.now()
        if is_absurd(call.due_at, now):
            return CallDue(call_id=call.id)
        ending = next((one for one in call.endings if one.due_at <= now), None)
        if ending is not None:
            return await self._end(call, ending)
        if call.state is CallState.POSTING:
            return CallDue(call_id=call.id)
        if call.state is CallState.UNCLEAR:
            return await self._list(call)
        if call.state in BOUND:
            return await self._read(call)
        return None

    async def _list(self, call: Call) -> Event:
        listed = await self._carrier().list_calls(call.to, call.from_)
        if isinstance(listed, Unreadable):
            log.warning("list_unreadable", call=call.id, reason=listed.reason)
            return CallListed(call_id=call.id, sids=None)
        sids = candidates(call, listed, self._clock.wall() - self._clock.now())
        if not sids and not listed.complete:
            return CallListed(call_id=call.id, sids=None)
        log.info("call_looked_for", call=call.id, found=len(sids))
        return CallListed(call_id=call.id, sids=sids)

    async def _read(self, call: Call) -> Event:
        found = await self._carrier().read(call.sid)
        if isinstance(found, CarrierCall):
            return CallReported(
                call_id=call.id,
                token_hash="",
                sid=call.sid,
                status=found.status,
                duration=found.duration,
                machine=is_machine(found.answered_by),
            )
        reason = "the carrier knows no such call" if isinstance(found, Gone) else found.reason
        log.warning("call_unreadable", call=call.id, reason=reason)
        return CallUnreadable(call_id=call.id, reason=reason)

    async def _end(self, call: Call, ending: Ending) -> Event:
        is_talking = ending.sid == call.sid and call.state is CallState.IN_PROGRESS
        first: EndStatus = "completed" if ending.cut and is_talking else "canceled"
        status = await self._end_as(ending, first)
        log.info("call_end_asked", call=call.id, cut=ending.cut, status=status or "unknown")
        return CallEnded(call_id=call.id, sid=ending.sid, status=status)

    async def _end_as(self, ending: Ending, status: EndStatus) -> str:
        """How the call stands after it was told to end; "" when that has to be tried again."""
        outcome = await self._carrier().end(ending.sid, status)
        if isinstance(outcome, Ended):
            return status
        if isinstance(outcome, Unreadable):
            return ""
        found = await self._carrier().read(ending.sid)
        if isinstance(found, Gone):
            return "completed"
        if not isinstance(found, CarrierCall):
            return ""
        if found.status == "in-progress" and ending.cut and status == "canceled":
            return await self._end_as(ending, "completed")
        return found.status if found.status in _OVER or found.status == "in-progress" else ""


def candidates(call: Call, listed: Listed, ahead: timedelta) -> tuple[str, ...]:
    """The listed calls that this POST may have made, the closest in time first.

    The carrier's list holds no mark of ours, so number, direction and the moment of creation decide. `ahead` is how
    far the wall clock, which is the carrier's too, is ahead of engine time.
    """
    if call.posted_at is None:
        return ()
    posted = call.posted_at + ahead
    fitting = [
        (_distance(found.created_at, posted), found.sid)
        for found in listed.calls
        if found.direction.startswith("outbound") and found.to == call.to and _may_be(found, posted)
    ]
    return tuple(sid for _, sid in sorted(fitting))


def _may_be(found: CarrierCall, posted: datetime) -> bool:
    """Whether a listed call is of the right time. One that still waits in the carrier's queue may have no date yet."""
    if found.created_at is None:
        return found.status not in _OVER
    return posted - LIST_BEFORE <= found.created_at <= posted + LIST_AFTER


def _distance(created_at: datetime | None, posted: datetime) -> timedelta:
    return LIST_AFTER if created_at is None else abs(created_at - posted)


def is_machine(answered_by: str) -> bool:
    """Whether the carrier's verdict is that no person picked up. An unsure one counts as a person."""
    return answered_by.startswith("machine") or answered_by == "fax"
