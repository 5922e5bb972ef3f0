"""The one thread that writes, and the queue before it: group commit.

Whatever waits is drained, decided and committed together; then all its callers wake at once. Key presses, callbacks
and timers go before alerts and are never refused; only alerts meet the bound.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Protocol

from escalator.escalation.events import Event
from escalator.escalation.rules import Rules
from escalator.store.changes import Result
from escalator.store.errors import StoreBroken, StoreBusy, StoreError

BATCH_MAX = 1000
WAITING_MAX = 60_000


class Lane(Enum):
    """Who goes first."""

    URGENT = "urgent"
    INTAKE = "intake"


class Applies(Protocol):
    """What the writer needs of a store. `stirred`: the last batch left something for a worker to do."""

    @property
    def stirred(self) -> bool: ...

    def apply(
        self, events: Sequence[Event], rules: Rules, now: datetime
    ) -> list[Result | Exception]: ...

    def close(self) -> None: ...


class Outcomes(list["Result | Exception"]):
    """What came of events that were handed in together, one each.

    `committed_at` is when the last of them was on disk, by the clock of the engine.
    """

    committed_at = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True, eq=False)
class _Job:
    """Events that somebody submitted together. The caller wakes after the last of them is committed."""

    events: Sequence[Event]
    future: asyncio.Future[Outcomes]
    results: Outcomes = field(default_factory=Outcomes)

    @property
    def rest(self) -> Sequence[Event]:
        return self.events[len(self.results) :]


class Writer:
    """Owns the store on a thread of its own.

    `on_commit` is called on the loop, once for each batch that decided something.
    """

    def __init__(
        self,
        store: Applies,
        *,
        rules: Callable[[], Rules],
        now: Callable[[], datetime],
        on_commit: Callable[[], None],
    ):
        self._store = store
        self._rules = rules
        self._now = now
        self._on_commit = on_commit
        self._lanes: dict[Lane, deque[_Job]] = {lane: deque() for lane in Lane}
        self._chores: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._waiting = 0
        self._stopping = False
        self._wake = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self) -> None:
        """Begin to write. Must be called on the loop whose callers will wait."""
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.create_future()
        self._end.add_done_callback(_look_at)
        self._thread.start()

    async def watch(self) -> None:
        """Wait for ever. Raises `StoreBroken` when the thread has died."""
        assert self._end is not None, "the writer was started"
        await asyncio.shield(self._end)

    async def stop(self) -> None:
        """Write what waits, close the store, end the thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    async def submit(self, events: Sequence[Event], lane: Lane) -> Outcomes:
        """Hand in events and wait for their commit. An event that could not be decided yields its exception.

        Raises `StoreBusy` when too much waits and `StoreError` when a commit failed.
        """
        if not events:
            return Outcomes()
        job = _Job(events, asyncio.get_running_loop().create_future())
        with self._wake:
            if self._stopping:
                raise StoreError("the store is closing; nothing of this is stored")
            if lane is Lane.INTAKE and self._waiting + len(events) > WAITING_MAX:
                raise StoreBusy(f"{self._waiting} alerts wait to be stored; try again")
            self._waiting += len(events)
            self._lanes[lane].append(job)
            self._wake.notify()
        return await asyncio.shield(job.future)

    async def run(self, chore: Callable[[], Any]) -> Any:
        """Run a chore on the writer's thread, between two batches."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with self._wake:
            if self._stopping:
                raise StoreError("the store is closing")
            self._chores.append((chore, future))
            self._wake.notify()
        return await asyncio.shield(future)

    # ---- on the thread

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - a thread that dies unseen would leave everybody waiting
            self._died(error)

    def _died(self, error: BaseException) -> None:
        """Nothing is written any more: whoever waits hears so, and the daemon ends."""
        broken = StoreBroken(f"the thread that writes has died of {type(error).__name__}: {error}")
        with self._wake:
            self._stopping = True
            waiting: list[asyncio.Future[Any]] = [
                job.future for lane in self._lanes.values() for job in lane
            ]
            waiting += [future for _, future in self._chores]
        assert self._loop is not None, "the writer was started"
        for future in (self._end, *waiting):
            if future is not None:
                self._loop.call_soon_threadsafe(_settle, future, None, broken)

    def _work(self) -> None:
        while True:
            with self._wake:
                while not (self._stopping or self._has_work()):
                    self._wake.wait()
                if not self._has_work():
                    break
            self.turn()
        self._store.close()

    def _has_work(self) -> bool:
        return bool(self._chores) or any(self._lanes.values())

    def turn(self) -> None:
        """Commit what waits, up to a batch, then run one chore. Whoever owns the store calls it, and nobody else."""
        with self._wake:
            batch = self._take()
            # One chore a turn, however much waits: the engine's beat is a chore too.
            chore = self._chores.popleft() if self._chores else None
        if batch:
            self._write(batch)
        if chore is not None:
            self._do(*chore)

    def _take(self) -> list[tuple[_Job, Sequence[Event]]]:
        """Up to a batch of events, urgent ones first. A job larger than a batch goes on in the next."""
        batch: list[tuple[_Job, Sequence[Event]]] = []
        room = BATCH_MAX
        for lane in Lane:
            jobs = self._lanes[lane]
            while jobs and room:
                job = jobs[0]
                events = job.rest[:room]
                batch.append((job, events))
                room -= len(events)
                if len(events) < len(job.rest):
                    break
                jobs.popleft()
        return batch

    def _write(self, batch: list[tuple[_Job, Sequence[Event]]]) -> None:
        events = [event for _, part in batch for event in part]
        try:
            results = self._store.apply(events, self._rules(), self._now())
        except Exception as error:  # noqa: BLE001 - whatever went wrong, its callers must hear of it
            self._fail(batch, error)
            return
        at, committed_at = 0, self._now()
        for job, part in batch:
            job.results.extend(results[at : at + len(part)])
            job.results.committed_at = committed_at
            at += len(part)
        self._finish(batch, len(events), None, stirred=self._store.stirred)

    def _fail(self, batch: list[tuple[_Job, Sequence[Event]]], error: Exception) -> None:
        """Whatever is left of these jobs is not tried either: their callers are told now."""
        failed = [job for job, _ in batch]
        with self._wake:
            for lane in self._lanes.values():
                if lane and lane[0] in failed:
                    job = lane.popleft()
                    self._waiting -= len(job.rest) - len(_part_of(batch, job))
        count = sum(len(part) for _, part in batch)
        self._finish(batch, count, error)

    def _finish(
        self,
        batch: list[tuple[_Job, Sequence[Event]]],
        count: int,
        error: Exception | None,
        *,
        stirred: bool = False,
    ) -> None:
        with self._wake:
            self._waiting -= count
        assert self._loop is not None, "the writer was started"
        self._loop.call_soon_threadsafe(
            self._wake_callers, [job for job, _ in batch], error, stirred
        )

    def _do(self, chore: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        assert self._loop is not None, "the writer was started"
        try:
            value = chore()
        except Exception as error:  # noqa: BLE001 - the caller of the chore decides
            self._loop.call_soon_threadsafe(_settle, future, None, error)
        else:
            self._loop.call_soon_threadsafe(_settle, future, value, None)

    # ---- on the loop

    def _wake_callers(
        self,
        jobs: list[_Job],
        error: Exception | None,
        stirred: bool,  # noqa: FBT001 - passed by the loop, which knows no keywords
    ) -> None:
        for job in jobs:
            if error is not None:
                _settle(job.future, None, error)
            elif not job.rest:
                _settle(job.future, job.results, None)
        # Workers that were rung for what cannot be decided would at once try it again, for ever.
        if stirred:
            self._on_commit()


def _part_of(batch: list[tuple[_Job, Sequence[Event]]], job: _Job) -> Sequence[Event]:
    return next(part for one, part in batch if one is job)


def _look_at(ended: asyncio.Future[None]) -> None:
    """Its failure is told to whoever watches; nobody need."""
    if not ended.cancelled():
        ended.exception()


def _settle(future: asyncio.Future[Any], value: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(value)
