"""The one door: everything that happens to an incident or a call is submitted here, and is committed on return.

The engine also keeps the timers: it submits `Due` for every incident whose time has come, and rings the bells of the
workers (dialer, follower) after each commit, so that nobody polls. A finished cycle, a write to the database
included, is what the watchdog is fed by.
"""

import asyncio
import itertools
import secrets
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from escalator.clock import Clock
from escalator.escalation.alerts import Alert
from escalator.escalation.events import AlertReceived, Due, Event, HoldAsked
from escalator.escalation.own_alerts import disk_full, disk_has_room, quarantined
from escalator.escalation.rules import DEFAULT_POLICY, Rules
from escalator.escalation.schedules import CalendarEvent
from escalator.rulebook import Rulebook
from escalator.store import quarantine
from escalator.store.changes import Result
from escalator.store.errors import StoreBroken, StoreError, StoreFull
from escalator.store.live import load_live
from escalator.store.quarantine import Suspect
from escalator.store.reading import Reader
from escalator.store.sqlite import SqliteStore
from escalator.store.writer import Lane, Outcomes, Writer
from escalator.telemetry import Metrics, get_logger

log = get_logger("engine")
_T = TypeVar("_T")

CYCLE = timedelta(seconds=10)
POISON_WAIT = timedelta(minutes=1)
STORE_RETRY = 1.0
STRIKES_MAX = 3
LOG_LARGE_BYTES = 256 * 1024 * 1024


class Undecided(Exception):
    """An event could not be decided; what else was submitted with it is stored. This is a defect of escalator."""


_process = secrets.token_hex(4)
_numbers = itertools.count(secrets.randbelow(2**20))


def new_id(now: datetime) -> str:
    """An id that sorts by time and is used once: 12 hexadecimal digits of milliseconds, 8 of this process, 6 counted.

    It is no secret; asking the system for randomness each time would cost more than the rest of an alert.
    """
    return f"{int(now.timestamp() * 1000):012x}{_process}{next(_numbers) & 0xFFFFFF:06x}"


class Bell:
    """Wakes one worker. Rung while nobody waits, it is heard at the next wait."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake the worker."""
        self._event.set()

    async def wait(self, clock: Clock, seconds: float | None) -> None:
        """Wait until the bell rings or `seconds` have passed (None: for ever)."""
        if seconds is None:
            await self._event.wait()
        elif seconds > 0:
            sleeper = asyncio.ensure_future(clock.sleep(seconds))
            waiter = asyncio.ensure_future(self._event.wait())
            try:
                await asyncio.wait({sleeper, waiter}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeper.cancel()
                waiter.cancel()
        self._event.clear()


class Engine:
    """The door and the timers. `rules` are those in force; a reload puts another config in their place.

    `writer` is what owns the store: the daemon's has a thread of its own, a simulation's is stepped.
    """

    def __init__(
        self,
        store: SqliteStore,
        reader: Reader,
        clock: Clock,
        rules: Rules,
        metrics: Metrics,
        *,
        writer: Callable[..., Writer] = Writer,
    ):
        self.rulebook = Rulebook(rules, clock, on_change=self._rules_changed)
        self.reader = reader
        self.clock = clock
        self.metrics = metrics
        self._store = store
        self._bells: list[Bell] = []
        self._bell = self.new_bell()
        self.is_writable = True
        self._strikes: Counter[Suspect] = Counter()
        self._disk_told = False
        self._log_told = False
        self._holds_doubtful = True
        self._writer = writer(
            store,
            rules=self.rulebook.current,
            now=clock.now,
            on_commit=self.ring,
        )

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        return self.rulebook.current()

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self.rulebook.use(rules)

    def new_bell(self) -> Bell:
        """A bell that rings after each commit and each reload."""
        bell = Bell()
        self._bells.append(bell)
        return bell

    def ring(self) -> None:
        """Wake all workers."""
        for bell in self._bells:
            bell.ring()

    def start(self) -> None:
        """Begin to write. Nothing is submitted before."""
        wall = self.clock.wall()
        self.rulebook.use_live(self._store.transact(lambda db: load_live(db, wall)))
        self._writer.start()

    async def stop(self) -> None:
        """Commit what waits and close the store."""
        await self._writer.stop()

    async def submit(self, *events: Event, lane: Lane = Lane.URGENT) -> list[Result]:
        """Decide these events and return once they are committed.

        Raises `StoreError` when the commit failed (nothing, or only the first batches of many, are stored) and
        `Undecided` when one of them could not be decided.
        """
        results = await self.submit_each(*events, lane=lane)
        for event, result in zip(events, results, strict=True):
            if isinstance(result, Exception):
                raise Undecided(f"{type(event).__name__} could not be decided") from result
        return [result for result in results if isinstance(result, Result)]

    async def submit_each(self, *events: Event, lane: Lane = Lane.URGENT) -> Outcomes:
        """As `submit`, with the exception of an undecidable event in its place."""
        if lane is Lane.INTAKE and self._store.is_scarce:
            raise StoreFull("the disk is full: what room is left is kept for calls")
        results = await self._writer.submit(events, lane)
        for event, result in zip(events, results, strict=True):
            if isinstance(result, Exception):
                self.metrics.events_undecided.inc()
                log.error("event_undecided", event_kind=type(event).__name__, exc_info=result)
                await self._blame(event, result)
            elif self._strikes:
                incident_id = getattr(event, "incident_id", "")
                self._strikes.pop(Suspect(kind="incident", id=incident_id), None)
        return results

    async def tell(self, alert: Alert, policy: str = "") -> None:
        """Ring the fallback of a policy ("": the default one) about escalator itself."""
        await self.submit(
            AlertReceived(
                alert=alert,
                fresh_id=new_id(self.clock.now()),
                fallback_of=policy or DEFAULT_POLICY,
            )
        )

    async def change(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """Run a chore's statement between two batches."""
        changed: int = await self._writer.run(lambda: self._store.change(statement, parameters))
        return changed

    async def change_live(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Change overrides or silences on file. What this returns is in force for the next event."""

        def run() -> _T:
            wall = self.clock.wall()
            value, live = self._store.transact(lambda db: (work(db), load_live(db, wall)))
            calendars = self.rulebook.live.calendars
            self.rulebook.use_live(replace(live, calendars=calendars))
            return value

        value: _T = await self._writer.run(run)
        self._bell.ring()
        return value

    async def use_calendars(self, calendars: Mapping[str, tuple[CalendarEvent, ...]]) -> None:
        """Put these events of calendars in force, whole, for the next event."""

        def run() -> None:
            self.rulebook.use_live(replace(self.rulebook.live, calendars=calendars))

        await self._writer.run(run)
        self._bell.ring()

    async def watch_writer(self) -> None:
        """Wait for ever. Raises `StoreBroken` when the thread that writes has died."""
        await self._writer.watch()

    async def run_due(self) -> int:
        """Submit every incident whose timer is over. Returns how many there were."""
        now = self.clock.now()
        due = self.reader.due_incidents(now)
        if not due:
            return 0
        results = await self.submit_each(*(Due(incident_id=incident) for incident in due))
        for incident, result in zip(due, results, strict=True):
            if isinstance(result, Exception):
                await self._set_aside(incident, now)
        return len(due)

    async def run(self, on_cycle: Callable[[], None]) -> None:
        """Keep the timers until canceled. `on_cycle` hears of each cycle that ended with a write.

        Raises `StoreBroken` when the store must not be used any more.
        """
        last_beat = self.clock.now() - CYCLE
        while True:
            try:
                await self._ask_held()
                await self.run_due()
                now = self.clock.now()
                if now - last_beat >= CYCLE:
                    await self._beat(now)
                    last_beat = now
                    on_cycle()
                pause = self._pause(self.clock.now(), last_beat)
            except StoreBroken:
                self.is_writable = False
                self.metrics.store_errors.inc()
                raise
            except StoreError as error:
                self.is_writable = False
                self.metrics.store_errors.inc()
                log.error("store_failed", error=str(error), retry_in="1s")  # noqa: TRY400 - no defect of ours
                pause = STORE_RETRY
            await self._bell.wait(self.clock, pause)

    def _rules_changed(self) -> None:
        """Whether incidents are still held has to be asked anew, at the next turn of the engine."""
        self._holds_doubtful = True

    async def _ask_held(self) -> None:
        if not self._holds_doubtful:
            return
        self._holds_doubtful = False
        held = self.reader.held_incidents()
        await self.submit_each(*(HoldAsked(incident_id=incident) for incident in held))

    def _pause(self, now: datetime, last_beat: datetime) -> float:
        next_due = self.reader.next_due_incident()
        wake_at = last_beat + CYCLE
        if next_due is not None and next_due < wake_at:
            wake_at = next_due
        return max((wake_at - now).total_seconds(), 0.001)

    async def _beat(self, now: datetime) -> None:
        await self._writer.run(lambda: self._store.beat(now))
        self.is_writable = True
        self.metrics.engine_last_cycle_timestamp_seconds.set(now.timestamp())
        self._look_at_log()
        if self._store.is_scarce != self._disk_told:
            is_full = self._store.is_scarce
            await self.tell(disk_full() if is_full else disk_has_room(self.clock.wall()))
            self._disk_told = is_full
        while self.reader.unreadable:
            suspect, error = self.reader.unreadable.popitem()
            log.error("row_unreadable", suspect=str(suspect), exc_info=error)
            await self._strike(suspect, error)

    def _look_at_log(self) -> None:
        """A log that cannot be folded in (somebody reads for hours) grows; every commit tries again. Told once."""
        size = self.reader.log_size()
        self.metrics.store_log_size_bytes.set(size)
        is_large = size > LOG_LARGE_BYTES
        if is_large and not self._log_told:
            log.warning("store_log_large", bytes=size, hint="who has the database open for long?")
        self._log_told = is_large

    # ---- what cannot be decided

    async def _blame(self, event: Event, error: Exception) -> None:
        """Three failures, and whose fault it is goes out of play, so that it harms nothing else."""
        if isinstance(event, AlertReceived) and event.fallback_of is not None:
            return
        try:
            suspects = await self.reader.in_thread(lambda db: quarantine.suspects_of(db, event))
            for suspect in suspects:
                await self._strike(suspect, error)
        except StoreError as failure:
            log.error("not_set_aside", error=str(failure))  # noqa: TRY400 - no defect of ours

    async def _strike(self, suspect: Suspect, error: Exception) -> None:
        self._strikes[suspect] += 1
        if self._strikes[suspect] >= STRIKES_MAX:
            await self.quarantine(suspect, type(error).__name__)
            del self._strikes[suspect]

    async def quarantine(self, suspect: Suspect, why: str) -> None:
        """Take this out of play by force, once the fallback of its policy is being told."""
        called, policy = await self.reader.in_thread(lambda db: quarantine.describe(db, suspect))
        log.error("quarantined", suspect=str(suspect), why=why)
        await self.tell(quarantined(str(suspect), called, why), policy)
        now = self.clock.now()
        await self._writer.run(
            lambda: self._store.transact(lambda db: quarantine.put_aside(db, suspect, why, now))
        )
        self.metrics.quarantines.inc()
        self.ring()

    async def _set_aside(self, incident_id: str, now: datetime) -> None:
        """A bad row must not stop the others: it is tried again in a minute."""
        later = int((now + POISON_WAIT).timestamp() * 1_000_000)
        await self.change(
            "UPDATE incidents SET due_at = ? WHERE id = ? AND phase != 'resolved'",
            (later, incident_id),
        )
        log.error("incident_set_aside", incident=incident_id, retry_in="60s")
