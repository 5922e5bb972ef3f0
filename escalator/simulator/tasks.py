"""Keeps the simulator's tasks, so that none of them dies unseen.

The simulator is started and stopped from different places (a fixture, a command), so a task group
that must be left by the task that entered it does not fit. A task that fails is kept and raised
when the simulator stops.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Tasks:
    """The running tasks and the failures of those that are over."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self.failures: list[BaseException] = []

    def start(self, work: Coroutine[Any, Any, T], *, awaited: bool = False) -> asyncio.Task[T]:
        """Run the coroutine in a task of its own. `awaited`: the caller takes its failure
        itself.
        """
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard if awaited else self._over)
        return task

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.failures.append(failure)

    async def end(self) -> None:
        """Cancel what still runs. Raises an `ExceptionGroup` of everything that failed since the
        start.
        """
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        failures, self.failures = self.failures, []
        if failures:
            raise BaseExceptionGroup("the simulator itself failed", failures)
