"""Imagined time for a whole daemon: one event loop, one clock, no thread, and nothing waits for real.

Everything that sleeps sleeps on the `VirtualClock`; the loop's own timers (`asyncio.wait_for`) follow it too. So the
order in which things happen depends on nothing but what they do.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from escalator.clock import VirtualClock

T = TypeVar("T")
TICK = timedelta(microseconds=1)
TURNS_MAX = 20_000


OWNED: contextvars.ContextVar[list[asyncio.Task[Any]]] = contextvars.ContextVar("OWNED")
"""The tasks of the process that the running task belongs to: they all end with it."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers go by a virtual clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.errors: list[BaseException] = []
        super().__init__()
        self.set_exception_handler(self._note)

    def _note(self, _: asyncio.AbstractEventLoop, what: dict[str, Any]) -> None:
        """What a dead process did not fetch is no error; what a callback raised is one."""
        if what["message"].startswith("Exception in callback"):
            self.errors.append(what["exception"])

    def create_task(self, coro: Any, **settings: Any) -> asyncio.Task[Any]:
        task = super().create_task(coro, **settings)
        # A task in a context of its own belongs to whom that context says, whoever made it.
        context = settings.get("context")
        owned = OWNED.get(None) if context is None else context.get(OWNED)
        if owned is not None:
            owned[:] = [one for one in owned if not one.done()]
            owned.append(task)
        return task

    def time(self) -> float:
        return self.clock.boottime()

    @property
    def is_idle(self) -> bool:
        """Whether nothing could run before time passes."""
        return not self._ready

    @property
    def next_timer(self) -> datetime | None:
        """When the first of the loop's own timers is over."""
        live = (timer for timer in self._scheduled if not timer.cancelled())
        when = min((timer.when() for timer in live), default=None)
        if when is None:
            return None
        return self.clock.now() + max(timedelta(seconds=when - self.time()), timedelta(0)) + TICK


async def settle() -> None:
    """Let everything happen that happens at this moment. It has to come to an end."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop), "run it by `imagine`"
    for _ in range(TURNS_MAX):
        await asyncio.sleep(0)
        if loop.is_idle:
            return
    raise AssertionError(f"livelock: at {loop.clock.now()} something is still going on")


async def step_until(end: datetime) -> bool:
    """Let time pass to the next moment at which anything happens, or to `end`. False: it is `end`."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop), "run it by `imagine`"
    await settle()
    times = (loop.clock.next_wake, loop.next_timer)
    wake = min((time for time in times if time is not None), default=end)
    await loop.clock.advance(max(min(wake, end) - loop.clock.now(), timedelta(0)))
    await settle()
    return wake <= end and loop.clock.now() < end


def imagine(story: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """Run a story on a loop and a clock of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        return runner.run(story(loop.clock))


class ProcessClock:
    """The clocks as one process sees them: its engine time begins at whatever the wall clock says when it starts."""

    def __init__(self, clock: VirtualClock):
        self._clock = clock
        self._ahead = clock.wall() - clock.now()

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def wall(self) -> datetime:
        return self._clock.wall()

    def boottime(self) -> float:
        return self._clock.boottime()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
