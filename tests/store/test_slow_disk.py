"""A disk that takes long for every commit: how many of them an alert, a key press and a call wait for (D11).

Counted in commits, so that it holds for a disk of any slowness: at five seconds each, two of them are ten seconds.
"""

import asyncio
import sqlite3
import time

import pytest
from cast import ANA, OURS, RULES, fired

from escalator.clock import SystemClock
from escalator.engine import Engine
from escalator.escalation.call_events import CallAccepted, CallIntended, Wanted
from escalator.escalation.events import Action, Asked
from escalator.store.connection import open_for_writing
from escalator.store.errors import StoreBusy
from escalator.store.reading import Reader
from escalator.store.sqlite import SqliteStore
from escalator.store.writer import BATCH_MAX, WAITING_MAX, Lane
from escalator.telemetry import Metrics

COMMIT_SECONDS = 0.05
SENDERS = 40
INTENT = CallIntended(
    call_id="call-1",
    to=ANA,
    from_=OURS,
    person="ana",
    token_hash="hash-1",
    lasts=385.0,
    pages=(Wanted(incident_id="incident-disk", person="ana"),),
)


class Disk:
    """The real write connection, each commit of which takes its time. `commits` counts those that were done."""

    def __init__(self, path):
        self._connection = open_for_writing(path)
        self.commits = 0

    def execute(self, statement, parameters=()):
        if statement == "COMMIT":
            time.sleep(COMMIT_SECONDS)  # noqa: TID251 - on the writer's thread, as a disk would
        done = self._connection.execute(statement, parameters)
        self.commits += statement == "COMMIT"
        return done

    def __getattr__(self, name):
        return getattr(self._connection, name)


@pytest.fixture
async def slow(tmp_path):
    """An engine on such a disk, and the disk."""
    disks = []

    def connect(path) -> sqlite3.Connection:
        disks.append(Disk(path))
        return disks[0]

    path, metrics = tmp_path / "e.db", Metrics()
    store = SqliteStore(path, metrics, connect=connect)
    engine = Engine(store, Reader(path), SystemClock(), RULES, metrics)
    engine.start()
    yield engine, disks[0]
    await engine.stop()
    engine.reader.close()


async def commits_of(disk, work) -> int:
    """How many commits were done while this was waited for, the one that it came in at included."""
    before = disk.commits
    await work
    return disk.commits - before


async def flood(engine, disk, stop) -> list[int]:
    """Senders that send one alert after the other, and how many commits each alert waited for."""
    waited = []

    async def sender(lane):
        number = 0
        while not stop.is_set():
            alert = fired(f"{lane}-{number}")
            waited.append(await commits_of(disk, engine.submit(alert, lane=Lane.INTAKE)))
            number += 1

    await asyncio.gather(*(sender(lane) for lane in range(SENDERS)))
    return waited


async def test_an_alert_waits_for_two_commits_at_most_however_many_are_sent(slow):
    """(D11) The one that it came in at, and its own."""
    engine, disk = slow
    stop = asyncio.Event()
    pouring = asyncio.ensure_future(flood(engine, disk, stop))
    while disk.commits < 6:  # noqa: ASYNC110 - another thread sets no event
        await asyncio.sleep(COMMIT_SECONDS)
    stop.set()
    waited = await pouring

    assert len(waited) >= 4 * SENDERS
    assert max(waited) <= 2


async def test_a_call_and_a_key_press_wait_for_no_more_than_that_in_the_midst_of_a_flood(slow):
    """(D11) Nothing of a storm goes before them."""
    engine, disk = slow
    await engine.submit(fired())
    stop = asyncio.Event()
    pouring = asyncio.ensure_future(flood(engine, disk, stop))
    many = [fired(f"large-{n}") for n in range(5 * BATCH_MAX)]
    body = asyncio.ensure_future(engine.submit(*many, lane=Lane.INTAKE))
    await asyncio.sleep(2 * COMMIT_SECONDS)
    press = Asked(incident_id="incident-disk", action=Action.ACKNOWLEDGE, by="ana")
    taken = CallAccepted(call_id="call-1", token_hash="hash-1", sid="CA1")

    waited = [await commits_of(disk, engine.submit(one)) for one in (INTENT, taken, press)]

    assert not body.done(), "the flood was over too early for this test"
    stop.set()
    await asyncio.gather(pouring, body)
    assert max(waited) <= 2
    assert engine.reader.incident("incident-disk").acknowledged_by == "ana"


async def test_the_moment_of_the_commit_is_after_it_and_not_before(slow):
    """(H2, D11) What is waited for the disk does not count as time that the process stood still."""
    engine, _ = slow
    await engine.submit(fired())
    began = engine.clock.now()

    outcomes = await engine.submit_each(INTENT)

    waited = (outcomes.committed_at - began).total_seconds()
    assert waited >= COMMIT_SECONDS
    assert outcomes.committed_at <= engine.clock.now()


async def test_more_than_the_queue_holds_is_refused_at_once_and_not_after_minutes(slow):
    """(D11, L1) A 503 that a sender hears in time is better than a 202 that it does not wait for."""
    engine, disk = slow
    many = [fired(f"{n}") for n in range(WAITING_MAX + 1)]

    before = disk.commits
    with pytest.raises(StoreBusy):
        await engine.submit(*many, lane=Lane.INTAKE)

    assert disk.commits == before
    await engine.submit(fired(), lane=Lane.INTAKE)
