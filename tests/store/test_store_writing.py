"""Group commit: what waits together is committed together, in the order of the lanes, or not at all."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from cast import RULES, alert, cleared, fired

from escalator.clock import VirtualClock
from escalator.escalation.alerts import AlertStatus
from escalator.escalation.call_events import CallIntended, Wanted
from escalator.escalation.events import Action, AlertReceived, Asked, Due
from escalator.store.errors import StoreBusy, StoreError
from escalator.store.reading import Reader
from escalator.store.sqlite import SqliteStore
from escalator.store.writer import BATCH_MAX, WAITING_MAX, Lane, Writer
from escalator.telemetry import Metrics


class Bench:
    """A writer on a real file, with everything that it commits counted."""

    def __init__(self, path):
        self.path = path
        self.metrics = Metrics()
        self.clock = VirtualClock()
        self.bells = 0
        self.store = SqliteStore(path, self.metrics)
        self.writer = Writer(
            self.store, rules=lambda: RULES, now=self.clock.now, on_commit=self._ring
        )
        self.reader = Reader(path)

    def _ring(self):
        self.bells += 1

    @property
    def commits(self):
        """The sizes of all batches so far are not kept, but how many and how much is."""
        sample = self.metrics.registry.get_sample_value
        return (
            sample("escalator_store_batch_events_count"),
            sample("escalator_store_batch_events_sum"),
        )

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep the writer busy, so that what is submitted meanwhile waits together."""
        begun, go_on = threading.Event(), threading.Event()

        def chore():
            begun.set()
            assert go_on.wait(10)

        busy = asyncio.ensure_future(self.writer.run(chore))
        await asyncio.to_thread(begun.wait, 10)
        try:
            yield
        finally:
            go_on.set()
            await busy

    def statement(self, text):
        return self.writer.run(lambda: self.store.change(text))


@pytest.fixture
async def bench(tmp_path):
    bench = Bench(tmp_path / "e.db")
    bench.writer.start()
    yield bench
    await bench.writer.stop()
    bench.reader.close()


def submitted(bench, *events, lane=Lane.URGENT):
    return asyncio.ensure_future(bench.writer.submit(events, lane))


async def test_a_commit_can_be_read_by_the_time_its_caller_wakes(bench):
    await bench.writer.submit([fired()], Lane.INTAKE)

    assert bench.reader.incident("incident-disk").title == "Disk full"
    assert bench.bells == 1


async def test_all_that_waits_becomes_one_commit(bench):
    """(D11) A slow disk costs one wait, not one a caller."""
    async with bench.held():
        waiting = [submitted(bench, fired(f"alert-{n}"), lane=Lane.INTAKE) for n in range(50)]
        await asyncio.sleep(0)
    results = await asyncio.gather(*waiting)

    assert all(result.is_new for (result,) in results)
    assert bench.commits == (1, 50)
    assert bench.bells == 1


async def test_a_key_press_goes_before_the_alerts_that_came_first(bench):
    await bench.writer.submit([fired()], Lane.INTAKE)
    key = Asked(incident_id="incident-disk", action=Action.ACKNOWLEDGE, by="ana")
    async with bench.held():
        repeat = submitted(bench, cleared(), lane=Lane.INTAKE)
        await asyncio.sleep(0)
        acknowledged = submitted(bench, key)
        await asyncio.sleep(0)
    await asyncio.gather(repeat, acknowledged)

    assert acknowledged.result()[0].incident.phase == "acknowledged"
    assert repeat.result()[0].incident.acknowledged_by == "ana"


async def test_only_intake_meets_the_bound_and_nothing_of_it_is_stored(bench):
    """(D2) A full queue is the sender's 503; timers, keys and callbacks still get through."""
    async with bench.held():
        many = submitted(bench, *[Due(incident_id="none")] * WAITING_MAX)
        await asyncio.sleep(0)
        with pytest.raises(StoreBusy, match="try again"):
            await bench.writer.submit([fired()], Lane.INTAKE)
        urgent = submitted(bench, Due(incident_id="none"))
        await asyncio.sleep(0)
    await asyncio.gather(many, urgent)

    assert bench.reader.incident("incident-disk") is None
    (result,) = await bench.writer.submit([fired()], Lane.INTAKE)
    assert result.is_new


async def test_a_job_larger_than_a_batch_is_committed_in_order_and_answered_once(bench):
    """(L2) One webhook with thousands of alerts."""
    events = [fired(f"alert-{n:04}") for n in range(2 * BATCH_MAX + 1)]

    results = await bench.writer.submit(events, Lane.INTAKE)

    assert [result.incident.id for result in results] == [event.fresh_id for event in events]
    assert bench.commits == (3, len(events))


async def test_an_event_that_cannot_be_decided_leaves_the_others_and_no_trace(bench):
    """(K17, D8) A row that no longer makes sense."""
    await bench.writer.submit([fired(), fired("cpu", ring="ben")], Lane.INTAKE)
    await bench.statement("UPDATE incidents SET phase = 'broken' WHERE id = 'incident-disk'")

    bad, good = await bench.writer.submit(
        [Due(incident_id="incident-disk"), cleared("cpu", ring="ben")], Lane.URGENT
    )

    assert isinstance(bad, ValueError)
    assert good.incident.phase == "resolved"


async def test_what_the_tables_refuse_is_set_apart_from_its_batch(bench):
    """(K17) One alert that cannot be written must not make every sender's retry fail."""
    bad = replace(alert("bad"), url="\ud800")
    async with bench.held():
        waiting = [
            submitted(bench, fired("first"), lane=Lane.INTAKE),
            submitted(bench, AlertReceived(alert=bad, fresh_id="bad"), lane=Lane.INTAKE),
            submitted(bench, fired("last"), lane=Lane.INTAKE),
        ]
        await asyncio.sleep(0)
    first, second, last = await asyncio.gather(*waiting)

    assert first[0].is_new
    assert isinstance(second[0], UnicodeEncodeError)
    assert last[0].is_new
    assert bench.reader.incident("bad") is None


async def test_nobody_is_rung_for_what_could_not_be_decided(bench):
    """(K17) Else a worker that met it would try it again at once, for ever."""
    await bench.writer.submit([fired()], Lane.INTAKE)
    await bench.statement("UPDATE incidents SET phase = 'broken'")
    before = bench.bells

    await bench.writer.submit([Due(incident_id="incident-disk")], Lane.URGENT)

    assert bench.bells == before


async def test_while_another_process_writes_everybody_hears_so_and_nothing_is_stored(bench):
    """(D5) After the wait for the lock; when it is free again, so are we."""
    await bench.statement("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(bench.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = [submitted(bench, fired(f"alert-{n}"), lane=Lane.INTAKE) for n in range(3)]

    outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [StoreError] * 3
    assert "e.db: the batch could not be written: database is locked" in str(outcomes[0])
    assert bench.bells == 0
    other.execute("ROLLBACK")
    other.close()
    assert bench.reader.incident("incident-alert-0") is None
    (result,) = await bench.writer.submit([fired("alert-0")], Lane.INTAKE)
    assert result.is_new


async def test_a_full_disk_stores_nothing_by_halves_and_heals_without_a_restart(bench):
    """(D2) The sender gets a 503 and tries again."""
    await bench.writer.submit([fired()], Lane.INTAKE)
    pages = bench.reader._connection.execute("PRAGMA page_count").fetchone()[0]
    await bench.statement(f"PRAGMA max_page_count = {pages + 4}")
    flood = [fired(f"alert-{n:04}") for n in range(300)]

    with pytest.raises(StoreError, match="database or disk is full"):
        await bench.writer.submit(flood, Lane.INTAKE)

    assert all(bench.reader.incident(event.fresh_id) is None for event in flood)
    await bench.statement("PRAGMA max_page_count = 1000000")
    results = await bench.writer.submit(flood, Lane.INTAKE)
    assert len(results) == len(flood)
    assert bench.reader.incident(flood[-1].fresh_id) is not None


async def test_chores_are_done_however_much_waits(bench):
    """(K19) The engine's beat is a chore: a flood of alerts must not look like a stuck engine."""
    done_after = []
    events = [Due(incident_id="none")] * (3 * BATCH_MAX)
    async with bench.held():
        flood = submitted(bench, *events)
        await asyncio.sleep(0)
        chore = asyncio.ensure_future(bench.writer.run(lambda: done_after.append(bench.commits[1])))
        await asyncio.sleep(0)
    await asyncio.gather(flood, chore)

    assert done_after == [BATCH_MAX]


async def test_a_chore_that_fails_is_its_callers_affair(bench):
    with pytest.raises(StoreError, match="no such table: nowhere"):
        await bench.statement("DELETE FROM nowhere")

    (result,) = await bench.writer.submit([fired()], Lane.INTAKE)
    assert result.is_new


async def test_nothing_is_a_commit_of_its_own(bench):
    assert await bench.writer.submit([], Lane.INTAKE) == []
    assert bench.commits[0] == 0


async def test_what_waits_at_the_end_is_written_and_what_comes_after_is_refused(tmp_path):
    """(K16) SIGTERM commits."""
    bench = Bench(tmp_path / "e.db")
    bench.writer.start()
    async with bench.held():
        waiting = submitted(bench, fired(), lane=Lane.INTAKE)
        await asyncio.sleep(0)
        ending = asyncio.ensure_future(bench.writer.stop())
        await asyncio.sleep(0)
        for late in (bench.writer.submit([fired("late")], Lane.URGENT), bench.writer.run(dict)):
            with pytest.raises(StoreError, match="closing"):
                await late
    (result,) = await waiting
    await ending

    assert result.is_new
    assert bench.reader.incident("incident-disk") is not None
    bench.reader.close()


async def test_two_calls_to_one_number_in_one_batch_become_one(bench):
    """(I2) Decided in order: the second finds the number taken by what is not even committed yet."""
    await bench.writer.submit([fired(), fired("cpu")], Lane.INTAKE)

    def intended(call, incident):
        return CallIntended(
            call_id=call,
            to=RULES.people["ana"].phones[0],
            from_="+15005550006",
            person="ana",
            token_hash=call,
            lasts=385.0,
            pages=(Wanted(incident_id=incident, person="ana"),),
        )

    first, second = await bench.writer.submit(
        [intended("one", "incident-disk"), intended("two", "incident-cpu")], Lane.URGENT
    )

    assert first.call.state == "posting"
    assert second.refused == "the number is in a call"
    assert bench.reader.call("two") is None


async def test_a_resolved_incident_makes_room_for_the_next_of_its_group_in_one_batch(bench):
    """(I2) Rows are written in the order that the unique index on open incidents asks for."""
    await bench.writer.submit([fired(group="g")], Lane.INTAKE)
    before = bench.commits[0]
    resolve = Asked(incident_id="incident-disk", action=Action.RESOLVE, by="ana")

    _, second = await bench.writer.submit([resolve, fired("other", group="g")], Lane.URGENT)

    assert second.is_new
    assert bench.commits[0] == before + 1
    assert bench.reader.incident("incident-disk").phase == "resolved"
    assert bench.reader.incident("incident-other").is_open


async def test_a_status_is_kept_for_each_alert(bench):
    await bench.writer.submit([fired(), cleared()], Lane.INTAKE)

    known = bench.store.known("am", "disk")

    assert (known.incident_id, known.status) == ("incident-disk", AlertStatus.RESOLVED)
