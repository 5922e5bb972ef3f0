"""How fast simulated time runs, and what o'clock it is.

Rings, talk, gather timeouts and the calls-per-second queue are counted in simulated seconds: at
speed 500 a phone that rings for 25 s rings for 50 ms. Network timeouts are real seconds and never
scaled. Dates in answers and callbacks are wall-clock time, because the other side compares them
with its own clock.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime


def _wall_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a carrier has a clock of its own, not its customer's


class Pace:
    """Simulated seconds per real second, and the wall clock. `speed` must be positive; it may be
    changed at any time, and the clock goes on from where it is.
    """

    def __init__(self, speed: float = 1.0, now: Callable[[], datetime] | None = None) -> None:
        self._passed = 0.0
        self._since: float | None = None
        self._now = now or _wall_clock
        self.speed = speed

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be positive, it is {speed}")
        if self._since is not None:
            self._passed = self.seconds()
            self._since = asyncio.get_running_loop().time()
        self._speed = speed

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        return self._now()

    def seconds(self) -> float:
        """A clock that only goes forward, in simulated seconds since it was first asked."""
        now = asyncio.get_running_loop().time()
        if self._since is None:
            self._since = now
        return self._passed + (now - self._since) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Let that many simulated seconds pass."""
        await asyncio.sleep(seconds / self.speed)

    async def wait(self, bell: asyncio.Event, seconds: float) -> bool:
        """Wait for the bell, at most that many simulated seconds; whether it rang."""
        try:
            async with asyncio.timeout(max(seconds, 0.0) / self.speed):
                await bell.wait()
        except TimeoutError:
            return False
        return True
