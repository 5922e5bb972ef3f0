"""What a test of the phone side can do to time, and to the requests for calls."""

import asyncio
from datetime import datetime, timedelta

from escalator.clock import SystemClock
from escalator.phone.twilio import TwilioCarrier


class LeapingClock(SystemClock):
    """The machine's clock, which a test may put forward: whoever sleeps until then wakes."""

    def __init__(self) -> None:
        self._leapt = 0.0
        self._wall_ahead = 0.0
        self._moved = asyncio.Event()
        super().__init__()

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._leapt)

    def wall(self) -> datetime:
        return super().wall() + timedelta(seconds=self._leapt + self._wall_ahead)

    def boottime(self) -> float:
        return super().boottime() + self._leapt

    async def sleep(self, seconds: float) -> None:
        end = self.boottime() + seconds
        while (left := end - self.boottime()) > 0:
            try:
                await asyncio.wait_for(self._moved.wait(), left)
            except TimeoutError:
                continue

    def leap(self, seconds: float) -> None:
        """Let so much time have passed."""
        self._leapt += seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def put_wall_right(self, seconds: float) -> None:
        """The wall clock was wrong by so much, and is no more; no timer knows."""
        self._wall_ahead += seconds


class Turnstile:
    """Lets everybody through until it is shut."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()

    def shut(self) -> None:
        self.reached.clear()
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    async def go_through(self) -> None:
        self.reached.set()
        await self._open.wait()


class HeldCarrier:
    """The real client, whose requests for calls can be held back: before they leave, or with their answer in hand."""

    def __init__(self, client: TwilioCarrier, before: Turnstile, after: Turnstile) -> None:
        self._client = client
        self._before, self._after = before, after

    async def place(self, call):
        await self._before.go_through()
        outcome = await self._client.place(call)
        await self._after.go_through()
        return outcome

    def __getattr__(self, name):
        return getattr(self._client, name)
