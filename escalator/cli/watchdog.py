"""The demo's monitoring: a Watchdog that says every few seconds that it is alive, until it is stopped.

That it has stopped is not said to anybody: noticing it is what a heartbeat is for.
"""

import asyncio
from collections.abc import Awaitable, Callable

from escalator.cli.child import StageError

Beat = Callable[[], Awaitable[None]]
Report = Callable[[str], None]


class Watchdog:
    """Beats every `every` seconds while it is started. `report` gets a sentence about each beat that failed."""

    def __init__(self, beat: Beat, report: Report, every: float) -> None:
        self.every = every
        self.has_begun = False
        self._beat = beat
        self._report = report
        self._alive = asyncio.Event()

    @property
    def is_beating(self) -> bool:
        """Whether it is alive."""
        return self._alive.is_set()

    async def start(self) -> None:
        """Beat once, and go on. Raises `StageError` when the first beat is not taken."""
        await self._beat()
        self.has_begun = True
        self._alive.set()

    def stop(self) -> None:
        """Fall silent; a beat that is under way may still arrive."""
        self._alive.clear()

    async def run(self) -> None:
        """Beat while it is started, until canceled."""
        while True:
            await self._alive.wait()
            await asyncio.sleep(self.every)
            if not self.is_beating:
                continue
            try:
                await self._beat()
            except StageError as error:
                self._report(f"the Watchdog was not heard: {error}")
