"""The one door and its timers: on time, once, and whatever else is broken."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from cast import RULES, cleared, fired, rules, step
from structlog.testing import capture_logs

from escalator.clock import SystemClock, VirtualClock
from escalator.engine import Bell, Engine, Undecided, new_id
from escalator.escalation.events import Action, Asked, Due
from escalator.store.errors import StoreError
from escalator.store.reading import Reader, timeline_of
from escalator.store.rows import to_stored
from escalator.store.sqlite import SqliteStore
from escalator.telemetry import Metrics

INCIDENT = "incident-disk"
MINUTE = timedelta(minutes=1)
STEPS = rules(step("ana", wait=5 * MINUTE), step("ben", wait=10 * MINUTE), repeat=1)


class Stage:
    """An engine on a real file, whose time passes by hand."""

    def __init__(self, path, rules_in_force, clock):
        self.path, self.clock, self.metrics = path, clock, Metrics()
        self.reader = Reader(path) if path.exists() else None
        store = SqliteStore(path, self.metrics)
        self.reader = Reader(path)
        self.engine = Engine(store, self.reader, clock, rules_in_force, self.metrics)
        self.cycles = 0
        self.running = None

    def run(self):
        self.running = asyncio.ensure_future(self.engine.run(self._cycle_ended))

    def _cycle_ended(self):
        self.cycles += 1

    def incident(self, incident_id=INCIDENT):
        return self.reader.incident(incident_id)

    async def events(self, incident_id=INCIDENT):
        timeline = await self.reader.in_thread(lambda db: timeline_of(db, incident_id))
        return [line.event for line in timeline.lines]

    async def until(self, condition):
        """Let the writer's thread and the loop go on until this holds; a moment passes on the clock as well."""
        async with asyncio.timeout(10):
            while not (value := condition()):
                if self.running is not None and self.running.done():
                    self.running.result()
                await asyncio.sleep(0.002)
                if isinstance(self.clock, VirtualClock):
                    await self.clock.advance(0.001)
        return value

    async def quiet(self):
        """Until nothing moves any more: two turns of the writer without an event between them."""
        before = -1
        while before != (before := self.count("store_batch_events_count")):
            await self.engine.change("SELECT 1")
            await asyncio.sleep(0.01)

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"escalator_{name}", labels)


@asynccontextmanager
async def stage(path, rules_in_force=STEPS, clock=None, *, runs=True):
    on = Stage(path, rules_in_force, clock or VirtualClock())
    on.engine.start()
    if runs:
        on.run()
    try:
        # Tracebacks are not written out: for terminals that takes seconds.
        with capture_logs() as on.logs:
            yield on
    finally:
        if on.running is not None:
            on.running.cancel()
            await asyncio.wait({on.running})
        await on.engine.stop()
        on.reader.close()


async def test_a_step_lasts_its_time_and_not_less(tmp_path):
    """(K12) One step on, and only when its time has come."""
    async with stage(tmp_path / "e.db") as on:
        await on.engine.submit(fired())
        await on.clock.advance(5 * MINUTE - timedelta(milliseconds=1))
        await on.quiet()
        assert on.incident().step == 0

        await on.clock.advance(timedelta(milliseconds=1))
        await on.until(lambda: on.incident().step == 1)

        assert on.incident().due_at == on.incident().updated_at + 10 * MINUTE


async def test_timers_fire_by_the_systems_clock_as_well(tmp_path):
    brief = rules(step("ana", wait=timedelta(seconds=0.05)), step("ben"))
    async with stage(tmp_path / "e.db", brief, SystemClock()) as on:
        await on.engine.submit(fired())

        await on.until(lambda: on.incident().step == 1)

        assert on.incident().updated_at - on.incident().created_at >= timedelta(seconds=0.05)


async def test_a_step_that_was_slept_through_is_made_up_for_once(tmp_path):
    """(T4, T5) Downtime delays steps, it neither skips nor bursts them."""
    async with stage(tmp_path / "e.db", runs=False) as on:
        await on.engine.submit(fired())
        await on.clock.advance(timedelta(hours=5))

        on.run()
        await on.until(lambda: on.incident().step == 1)
        await on.quiet()

        assert (await on.events()).count("step") == 2
        assert on.incident().due_at == on.incident().updated_at + 10 * MINUTE


async def test_a_jump_of_the_wall_clock_moves_no_timer(tmp_path):
    """(T1, T2)"""
    async with stage(tmp_path / "e.db") as on:
        await on.engine.submit(fired())
        on.clock.jump_wall(timedelta(hours=1))
        on.engine.ring()
        await on.quiet()
        assert on.incident().step == 0

        on.clock.jump_wall(timedelta(hours=-9))
        await on.clock.advance(5 * MINUTE)

        await on.until(lambda: on.incident().step == 1)


@pytest.mark.parametrize("column", ["until", "due_at"])
async def test_a_due_time_absurdly_far_ahead_runs_now_and_once(tmp_path, column):
    """(T3) Written by a clock that was years ahead; nobody may wait for that, and nothing may spin."""
    async with stage(tmp_path / "e.db", runs=False) as on:
        await on.engine.submit(fired())
        later = to_stored(on.clock.now() + timedelta(days=3650))
        columns = "until = ?1, due_at = ?1" if column == "until" else "due_at = ?1"
        await on.engine.change(f"UPDATE incidents SET {columns}", (later,))

        on.run()
        await on.until(lambda: on.incident().due_at <= on.clock.now() + 10 * MINUTE)
        await on.quiet()

        assert on.incident().step == (1 if column == "until" else 0)


async def test_a_retry_absurdly_far_ahead_is_due_now(tmp_path):
    """(T3)"""
    async with stage(tmp_path / "e.db", runs=False) as on:
        await on.engine.submit(fired())
        later = to_stored(on.clock.now() + timedelta(days=3650))
        await on.engine.change("UPDATE pages SET state = 'waiting', next_at = ?", (later,))
        await on.engine.change("UPDATE incidents SET due_at = ?1, until = ?1", (later,))

        on.run()
        await on.until(lambda: on.reader.due_pages())
        await on.quiet()

        assert on.incident().step == 1


async def test_a_poisoned_incident_is_set_aside_for_a_minute_and_the_others_go_on(tmp_path):
    """(K17) Never a loop that spins, never a process that dies of one row."""
    async with stage(tmp_path / "e.db") as on:
        await on.engine.submit(fired("bad"), fired())
        await on.engine.change("UPDATE incidents SET phase = 'broken' WHERE id = 'incident-bad'")
        await on.clock.advance(5 * MINUTE)
        await on.until(lambda: on.incident().step == 1)
        await on.quiet()
        assert on.count("events_undecided_total") == 1

        await on.clock.advance(MINUTE - timedelta(seconds=1))
        await on.quiet()
        assert on.count("events_undecided_total") == 1
        await on.clock.advance(timedelta(seconds=1))
        await on.until(lambda: on.count("events_undecided_total") == 2)

        await on.engine.change("UPDATE incidents SET phase = 'triggered' WHERE id = 'incident-bad'")
        await on.clock.advance(MINUTE)
        await on.until(lambda: on.incident("incident-bad").step == 1)


async def test_a_cycle_that_cannot_write_is_tried_again_after_a_second(tmp_path):
    """(D2, D5) Without dying; readiness tells, and so does the metric."""
    async with stage(tmp_path / "e.db") as on:
        await on.engine.submit(fired())
        await on.engine.change("PRAGMA busy_timeout = 10")
        other = sqlite3.connect(on.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await on.clock.advance(5 * MINUTE)
        await on.until(lambda: on.count("store_errors_total") == 1)
        assert not on.engine.is_writable

        other.close()
        await on.clock.advance(timedelta(seconds=1))

        await on.until(lambda: on.incident().step == 1)
        await on.clock.advance(timedelta(seconds=10))
        await on.until(lambda: on.engine.is_writable)


async def test_the_watchdog_hears_of_each_cycle_that_ended_with_a_write(tmp_path):
    """(K19) And of no other: at once, then every ten seconds while nothing happens."""
    async with stage(tmp_path / "e.db") as on:
        await on.until(lambda: on.cycles == 1)
        await on.engine.change("PRAGMA busy_timeout = 10")
        await on.clock.advance(timedelta(seconds=9.9))
        await on.quiet()
        assert on.cycles == 1
        other = sqlite3.connect(on.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        await on.clock.advance(timedelta(seconds=0.2))
        await on.until(lambda: on.count("store_errors_total") == 1)
        assert on.cycles == 1

        other.close()
        await on.clock.advance(timedelta(seconds=1))
        await on.until(lambda: on.cycles == 2)
        beat = on.count("engine_last_cycle_timestamp_seconds")
        assert beat == pytest.approx(on.clock.now().timestamp(), abs=1)


async def test_more_incidents_than_one_cycle_takes_are_all_run(tmp_path):
    async with stage(tmp_path / "e.db") as on:
        await on.engine.submit(*(fired(f"{n:03}") for n in range(450)))
        await on.clock.advance(5 * MINUTE)

        await on.until(lambda: not on.reader.due_incidents(on.clock.now()))

        assert on.count("escalation_steps_total", policy="default") == 900


async def test_an_event_that_cannot_be_decided_is_told_to_its_caller_and_the_rest_is_stored(
    tmp_path,
):
    async with stage(tmp_path / "e.db", runs=False) as on:
        await on.engine.submit(fired())
        await on.engine.change("UPDATE incidents SET phase = 'broken'")

        with pytest.raises(Undecided, match="Due could not be decided"):
            await on.engine.submit(Due(incident_id=INCIDENT), fired("cpu"))

        assert on.incident("incident-cpu").is_open
        assert on.count("events_undecided_total") == 1
        told = [line["event"] for line in on.logs if line["event"] != "decided"]
        assert told == ["event_undecided"]


async def test_a_reload_counts_from_the_next_event_on(tmp_path):
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        on.engine.rules = rules(step("chi"))

        await on.engine.submit(fired())

        assert [page.person for page in on.incident().pages] == ["chi"]


async def test_submitting_when_the_store_is_closed_says_so(tmp_path):
    async with stage(tmp_path / "e.db", runs=False) as on:
        await on.engine.stop()

        with pytest.raises(StoreError, match="nothing of this is stored"):
            await on.engine.submit(cleared())


async def test_acting_on_an_unknown_incident_changes_nothing(tmp_path):
    async with stage(tmp_path / "e.db", runs=False) as on:
        asked = Asked(incident_id="nobody", action=Action.ACKNOWLEDGE, by="ana")

        (result,) = await on.engine.submit(asked)

        assert result.incident is None


async def test_a_bell_rung_while_nobody_waits_is_heard_at_the_next_wait():
    clock, bell = VirtualClock(), Bell()
    bell.ring()

    await bell.wait(clock, None)

    waiting = asyncio.ensure_future(bell.wait(clock, 10))
    await clock.advance(9.9)
    assert not waiting.done()
    await clock.advance(0.1)
    await waiting


async def test_ids_sort_by_time_and_are_never_alike():
    clock = VirtualClock()
    first = {new_id(clock.now()) for _ in range(100)}
    await clock.advance(0.001)

    later = new_id(clock.now())

    assert len(first) == 100
    assert max(first) < later
    assert len(later) == 26
