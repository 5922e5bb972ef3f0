"""The only place that reads a clock; everything else gets its time as an argument.

Two times live side by side. *Wall* time is what the machine believes the date to be; it may jump,
and only schedule look-ups and what people read follow it. *Engine* time is the wall clock at start
plus the seconds since then on CLOCK_BOOTTIME: it never jumps, it goes on while the machine is
suspended, and every timer is written in it.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

# asyncio waits on CLOCK_MONOTONIC, which stands still while the machine is suspended. Waiting in
# slices bounds how late a sleeper notices that it was.
_SLICE_SECONDS = 5.0
_SETTLE_TURNS = 20
_NO_WAIT = timedelta(0)


class Clock(Protocol):
    """What may be asked about time. All datetimes are aware and UTC."""

    def now(self) -> datetime:
        """Engine time: for timers and for everything that is stored as due."""
        ...

    def wall(self) -> datetime:
        """Wall time: for schedules and for what is shown to people."""
        ...

    def boottime(self) -> float:
        """Seconds since some fixed moment, suspended time included; only differences count."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` of engine time have passed; 0 or less only lets others run."""
        ...


def boottime_source(clock_id: int | None) -> Callable[[], float]:
    """The reader of that POSIX clock, or of the monotonic one where there is no such clock."""
    if clock_id is None:
        return time.monotonic
    try:
        time.clock_gettime(clock_id)
    except OSError:
        return time.monotonic
    return lambda: time.clock_gettime(clock_id)


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._boottime = boottime_source(getattr(time, "CLOCK_BOOTTIME", None))
        self._start_wall = self.wall()
        self._start_boottime = self._boottime()

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self._start_wall + timedelta(seconds=self._boottime() - self._start_boottime)

    def wall(self) -> datetime:
        """See `Clock.wall`."""
        return datetime.now(UTC)  # noqa: TID251 - the one place that reads the wall clock

    def boottime(self) -> float:
        """See `Clock.boottime`."""
        return self._boottime()

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`. After a suspension it returns at most five seconds late."""
        end = self._boottime() + seconds
        await asyncio.sleep(min(max(seconds, 0.0), _SLICE_SECONDS))
        while (left := end - self._boottime()) > 0:  # noqa: ASYNC110 - time passing sets no event
            await asyncio.sleep(min(left, _SLICE_SECONDS))


class VirtualClock:
    """A clock that stands still until a test moves it, and wakes sleepers in one order only.

    `advance` goes from one sleeper's time to the next, earliest first and in the order of going to
    sleep where two are due together. It gives the loop some turns after each, so that a sleeper
    that lies down again is woken again within the same call. What waits for a thread or a socket
    is not waited for.
    """

    def __init__(self, start: datetime = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock starts at an aware time; give `start` a zone")
        self._now = start.astimezone(UTC)
        self._wall_offset = _NO_WAIT
        self._elapsed = _NO_WAIT
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self._now

    def wall(self) -> datetime:
        """See `Clock.wall`."""
        return self._now + self._wall_offset

    def boottime(self) -> float:
        """See `Clock.boottime`."""
        return self._elapsed.total_seconds()

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        due = self._now + timedelta(seconds=seconds)
        heapq.heappush(self._sleepers, (due, next(self._order), woken))
        await woken

    @property
    def next_wake(self) -> datetime | None:
        """Engine time at which the next sleeper is due, or None while nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def stand_still(self, by: timedelta) -> None:
        """Let this much time pass while nobody runs, as in a suspended machine. Who is overdue then wakes next."""
        self._move_to(self._now + by)

    def jump_wall(self, by: timedelta) -> None:
        """Move the wall clock alone, as an operator or NTP would; no timer moves with it."""
        self._wall_offset += by

    async def advance(self, by: timedelta | float) -> None:
        """Let this much time pass (a number is seconds), waking sleepers on the way."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        if step < _NO_WAIT:
            raise ValueError("time does not go backwards; use jump_wall to move the wall clock")
        target = self._now + step
        await _let_others_run()
        while (due := self.next_wake) is not None and due <= max(target, self._now):
            self._move_to(max(due, self._now))
            heapq.heappop(self._sleepers)[2].set_result(None)
            await _let_others_run()
        self._move_to(target)

    def _move_to(self, moment: datetime) -> None:
        """Never back: somebody who stood still on the way is later than whoever waited for them."""
        if moment > self._now:
            self._elapsed += moment - self._now
            self._now = moment


async def _let_others_run() -> None:
    for _ in range(_SETTLE_TURNS):
        await asyncio.sleep(0)
