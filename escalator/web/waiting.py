"""Hold an answer until a call has come so far, woken by commits and never by polling.

At most so many wait at once; one more is answered with the call as it is. When the listener stops, everybody is
answered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from escalator.engine import Bell, Engine
from escalator.escalation.calls import Call, CallState

WAITING_MAX = 200


def is_answered(call: Call) -> bool:
    """Whether the phone has been picked up, or never will be.

    The carrier's request for instructions is the proof, and what a workflow waits for; the status "answered" may come
    in before it.
    """
    return call.answer_request is not None or is_ended(call)


def is_ended(call: Call) -> bool:
    """Whether the call is over."""
    return call.state is CallState.ENDED


@dataclass(frozen=True, slots=True)
class Wish:
    """How far a call is to have come, how long that may take, and whether nobody listens any more."""

    is_far_enough: Callable[[Call], bool]
    patience: timedelta
    is_gone: Callable[[], bool]


class Waiting:
    """Those who wait for calls. Bells are the engine's, and used again and again."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._free: list[Bell] = []
        self._count = 0
        self._stopping = False

    def stop(self) -> None:
        """Answer everybody now, and whoever comes later at once."""
        self._stopping = True
        self._engine.ring()

    async def until(self, call: Call, wish: Wish) -> Call:
        """The call once it is far enough, or as it is when patience ends or nobody listens any more."""
        if self._count >= WAITING_MAX or wish.is_far_enough(call):
            return call
        self._count += 1
        bell = self._free.pop() if self._free else self._engine.new_bell()
        try:
            return await self._wait(bell, call, wish)
        finally:
            self._count -= 1
            self._free.append(bell)

    async def _wait(self, bell: Bell, call: Call, wish: Wish) -> Call:
        clock = self._engine.clock
        end = clock.now() + wish.patience
        while True:
            call = self._engine.reader.call(call.id) or call
            left = (end - clock.now()).total_seconds()
            if wish.is_far_enough(call) or left <= 0 or self._stopping or wish.is_gone():
                return call
            await bell.wait(clock, left)
