"""One call's own time: what the callee will do when, and what comes in from outside.

A scripted callee is a schedule in simulated seconds, so that what comes first, the key or the
timeout, does not depend on how busy the machine is. Waiting for the other side's HTTP answers takes
no simulated time. What comes from outside (a person at a manual phone, a REST update) interrupts
both.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from escalator.simulator.pace import Pace
from escalator.simulator.tasks import Tasks

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """Where TwiML comes from: a URL to fetch, or the text itself."""

    url: str = ""
    method: str = "POST"
    twiml: str = ""


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A key of the callee's phone."""

    key: str


@dataclass(frozen=True, slots=True)
class PickedUp:
    """The callee answers."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The callee rejects the ringing call."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The callee puts the phone down."""


@dataclass(frozen=True, slots=True)
class TimeUp:
    """The call's TimeLimit has passed."""


@dataclass(frozen=True, slots=True)
class MachineVerdict:
    """Answering machine detection has made up its mind."""

    answered_by: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The REST API ended the call."""


@dataclass(frozen=True, slots=True)
class Diverted:
    """The REST API gave the live call other TwiML."""

    source: Source


Signal = KeyPressed | PickedUp | Declined | HungUp | TimeUp | MachineVerdict | Stopped | Diverted
_INTERRUPTS = (HungUp, Stopped, Diverted)


class Interrupted(Exception):
    """Something came in that makes the work in hand pointless; it is next on the line."""


class Line:
    """The signals of one call, in order. `clock`: simulated seconds since the line was made."""

    def __init__(self, pace: Pace, tasks: Tasks) -> None:
        self.clock = 0.0
        self._pace = pace
        self._tasks = tasks
        self._inbox: deque[Signal] = deque()
        self._bell = asyncio.Event()
        self._schedule: list[tuple[float, int, Signal]] = []
        self._scheduled = 0
        self._work: asyncio.Task[Any] | None = None

    def put(self, signal: Signal) -> None:
        """Something happens now."""
        self._inbox.append(signal)
        self._bell.set()
        if self._work is not None and isinstance(signal, _INTERRUPTS):
            self._work.cancel()

    def plan(self, after: float, signal: Signal) -> None:
        """Something will happen in that many simulated seconds, unless the call is over by then."""
        self._scheduled += 1
        heapq.heappush(self._schedule, (self.clock + after, self._scheduled, signal))

    async def next(self, seconds: float) -> Signal | None:
        """The next signal within that many simulated seconds, else None when they have passed."""
        if self._inbox:
            return self._take()
        until = self.clock + max(seconds, 0.0)
        planned = bool(self._schedule) and self._schedule[0][0] <= until
        due = max(self._schedule[0][0], self.clock) if planned else until
        if await self._outside_until(due):
            return self._take()
        self.clock = due
        return heapq.heappop(self._schedule)[2] if planned else None

    async def _outside_until(self, due: float) -> bool:
        if due <= self.clock:
            await asyncio.sleep(0)
            return bool(self._inbox)
        began = self._pace.seconds()
        if not await self._pace.wait(self._bell, due - self.clock):
            return False
        self.clock = min(due, self.clock + self._pace.seconds() - began)
        return True

    def forget_keys(self) -> None:
        """Keys pressed while nobody collected them are lost."""
        self._inbox = deque(s for s in self._inbox if not isinstance(s, KeyPressed))
        if not self._inbox:
            self._bell.clear()

    def _take(self) -> Signal:
        signal = self._inbox.popleft()
        if not self._inbox:
            self._bell.clear()
        return signal

    async def unless_interrupted(self, work: Coroutine[Any, Any, T]) -> T:
        """The work's result. Raises `Interrupted` when a hang-up or an update comes in first."""
        if self._interrupting():
            work.close()
            raise Interrupted
        self._work = self._tasks.start(work, awaited=True)
        try:
            result: T = await self._work
        except asyncio.CancelledError:
            if self._interrupting() and not _being_cancelled():
                raise Interrupted from None
            raise
        finally:
            self._work = None
        return result

    def _interrupting(self) -> bool:
        return any(isinstance(signal, _INTERRUPTS) for signal in self._inbox)


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
