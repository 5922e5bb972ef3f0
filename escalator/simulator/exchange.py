"""Moves calls on: the queue, dialling, ringing, the outcome, the conversation, the end.

A call leaves the queue when the account's calls per second allow it, is initiated, rings, and ends
in one of the final states. A call canceled in the queue ends without a word to anybody. Every other
ending is reported once, as the event `completed`.
"""

import math

import aiohttp

from escalator.simulator.calls import SimCall
from escalator.simulator.carrier import Carrier
from escalator.simulator.conversation import Conversation, Step
from escalator.simulator.errors import ApiError
from escalator.simulator.journal import Answered, CallQueued, Ended, Ringing
from escalator.simulator.line import (
    Declined,
    Diverted,
    HungUp,
    Line,
    MachineVerdict,
    PickedUp,
    Source,
    Stopped,
    TimeUp,
)
from escalator.simulator.pace import Pace
from escalator.simulator.parameters import CallRequest
from escalator.simulator.people import Outcome
from escalator.simulator.reporter import Reporter

_DIALLING = 0.5
_DETECTION = 4.0
_GREETING = 12.0
_OK, _BUSY, _GIVEN_UP, _REJECTED = 200, 486, 487, 603


class _Ended(Exception):
    """The call ends before it was answered."""

    def __init__(self, status: str, sip: int) -> None:
        self.status = status
        self.sip = sip
        super().__init__(status)


class Queue:
    """Lets calls out at the account's rate, in order. `per_second` None lets all out at once."""

    def __init__(self, pace: Pace, per_second: float | None) -> None:
        self._pace = pace
        self._per_second = per_second
        self._next = 0.0

    def reserve(self) -> float:
        """When a call made now may leave, on the pace's clock."""
        turn = self._pace.seconds()
        if self._per_second is not None:
            turn = max(turn, self._next)
            self._next = turn + 1 / self._per_second
        return turn


class Exchange:
    """All calls of the account, in the order in which they were made."""

    def __init__(self, carrier: Carrier, calls_per_second: float | None) -> None:
        self.calls: list[SimCall] = []
        self.is_dialling = True
        self._carrier = carrier
        self._queue = Queue(carrier.pace, calls_per_second)

    def place(self, request: CallRequest) -> SimCall:
        """Accept a call. Raises `ApiError` if the number's script refuses it."""
        if self._carrier.people[request.to].outcome is Outcome.REFUSED:
            raise ApiError(self._carrier.people.take(request.to).code)
        turn = self._queue.reserve()
        call = SimCall(
            account_sid=self._carrier.account_sid,
            request=request,
            script=self._carrier.people.take(request.to),
            line=Line(self._carrier.pace, self._carrier.tasks),
            pace=self._carrier.pace,
            journal=self._carrier.journal,
            queue_ms=round((turn - self._carrier.pace.seconds()) * 1000),
        )
        self.calls.append(call)
        self._carrier.journal.tell(CallQueued(call))
        if self.is_dialling:
            self._carrier.tasks.start(self._drive(call, turn))
        return call

    def find(self, sid: str) -> SimCall | None:
        """The call with this SID, unless it was deleted."""
        return next((call for call in self.calls if call.sid == sid and not call.deleted), None)

    def cancel(self, call: SimCall) -> None:
        """End a call that was not answered yet. Raises `ApiError` 21220."""
        if call.status not in ("queued", "ringing"):
            raise ApiError(21220, f"The call is {call.status}; it can no longer be canceled.")
        call.line.put(Stopped())

    def complete(self, call: SimCall) -> None:
        """End a call whatever it is doing. Raises `ApiError` 21220 if it is over."""
        if call.is_over:
            raise ApiError(21220, f"The call is {call.status} already.")
        call.line.put(Stopped())

    def divert(self, call: SimCall, source: Source) -> None:
        """Give a call in progress other TwiML. Raises `ApiError` 21220."""
        if call.status != "in-progress":
            raise ApiError(21220, f"The call is {call.status}, not in progress; it has no TwiML.")
        call.line.put(Diverted(source))

    async def _drive(self, call: SimCall, turn: float) -> None:
        async with self._carrier.sessions() as session:
            reporter = Reporter(call, self._carrier.callbacks, session, self._carrier.tasks)
            try:
                await self._course(call, turn, reporter, session)
            finally:
                await reporter.delivered()
        call.finished.set()
        self._carrier.journal.changed()

    async def _course(
        self, call: SimCall, turn: float, reporter: Reporter, session: aiohttp.ClientSession
    ) -> None:
        try:
            await _answered_within(call, turn - self._carrier.pace.seconds())
        except _Ended as canceled:
            self._end(call, canceled.status, None)
        else:
            await self._connect(call, reporter, session)

    async def _connect(
        self, call: SimCall, reporter: Reporter, session: aiohttp.ClientSession
    ) -> None:
        call.started_at = self._carrier.pace.now()
        reporter.report("initiated", "initiated")
        try:
            await self._ring(call, reporter)
        except _Ended as ending:
            self._end(call, ending.status, ending.sip)
        else:
            await self._talk(call, reporter, session)
            self._end(call, "completed", _OK)
        reporter.report("completed", call.status)

    async def _ring(self, call: SimCall, reporter: Reporter) -> None:
        """Returns when somebody answers. Raises `_Ended`."""
        script = call.script
        await _answered_within(call, _DIALLING)
        if script.outcome is Outcome.FAILS:
            raise _Ended("failed", script.sip)
        call.move("ringing")
        reporter.report("ringing", "ringing")
        self._carrier.journal.tell(Ringing(call))
        patience = call.request.ring_seconds
        reacts = (
            script.outcome not in (Outcome.NO_ANSWER, Outcome.MANUAL) and script.rings < patience
        )
        if await _answered_within(call, script.rings if reacts else patience):
            return
        if not reacts:
            raise _Ended("no-answer", _GIVEN_UP)
        if script.outcome is Outcome.BUSY:
            raise _Ended("busy", _BUSY)
        if not script.picks_up:
            raise _Ended("no-answer", _REJECTED)

    async def _talk(
        self, call: SimCall, reporter: Reporter, session: aiohttp.ClientSession
    ) -> None:
        began = call.line.clock
        call.move("in-progress")
        reporter.report("answered", "in-progress")
        self._carrier.journal.tell(Answered(call))
        call.line.plan(call.request.time_limit, TimeUp())
        if call.script.hangs_up_after is not None:
            call.line.plan(call.script.hangs_up_after, HungUp())
        silence, fields = _detection(call)
        conversation = Conversation(call, self._carrier.callbacks, session, reporter)
        await conversation.hold(Step(call.request.source, "answer", fields), silence=silence)
        call.duration = math.ceil(call.line.clock - began)

    def _end(self, call: SimCall, status: str, sip: int | None) -> None:
        call.sip = sip
        call.ended_at = self._carrier.pace.now()
        call.ended_clock = self._carrier.pace.seconds()
        call.move(status)
        self._carrier.journal.tell(Ended(call))


async def _answered_within(call: SimCall, seconds: float) -> bool:
    """Let seconds pass; True as soon as the callee answers. Raises `_Ended` if the call is
    stopped or declined.
    """
    line = call.line
    until = line.clock + seconds
    while (signal := await line.next(until - line.clock)) is not None:
        match signal:
            case Stopped():
                raise _Ended("canceled", _GIVEN_UP)
            case Declined():
                raise _Ended("no-answer", _REJECTED)
            case PickedUp():
                return True
    return False


def _detection(call: SimCall) -> tuple[float, tuple[tuple[str, str], ...]]:
    """Machine detection of a call just answered: how long it holds the TwiML back, and the
    fields it adds.
    """
    request = call.request
    if not request.detects_machines:
        return 0.0, ()
    verdict = call.script.detected(request.machine_detection)
    seconds = _GREETING if verdict.startswith("machine_end") else _DETECTION
    milliseconds = round(seconds * 1000)
    if not request.async_amd:
        call.answered_by = verdict
        return seconds, (("AnsweredBy", verdict), ("MachineDetectionDuration", str(milliseconds)))
    if not request.machine_callback:
        call.note(
            21262, "AsyncAmd without AsyncAmdStatusCallback: nobody will hear of it", warning=True
        )
    call.line.plan(seconds, MachineVerdict(verdict, milliseconds))
    return 0.0, ()
