"""A disk that is full under the engine: alerts wait, calls go on from the reserve, the fallback hears of it (D2)."""

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from cast import RULES, fired
from test_engine import Stage

from escalator.clock import VirtualClock
from escalator.engine import Engine
from escalator.escalation.events import Action, Asked
from escalator.escalation.incidents import Phase
from escalator.store.ballast import Ballast
from escalator.store.errors import StoreBroken, StoreFull
from escalator.store.reading import list_incidents
from escalator.store.sqlite import SqliteStore
from escalator.store.writer import Lane


class SmallStage(Stage):
    """An engine whose store has a small reserve, and a file that can be forbidden to grow."""

    def __init__(self, path):
        super().__init__(path, RULES, VirtualClock())
        self.ballast = Ballast(path, size=4096, room=4096)
        store = SqliteStore(path, self.metrics, ballast=self.ballast)
        self.engine = Engine(store, self.reader, self.clock, RULES, self.metrics)

    async def grow(self, pages):
        await self.engine.change(f"PRAGMA max_page_count = {pages}")

    async def fill(self):
        """Alerts until the file may not grow any more: SQLite's own SQLITE_FULL."""
        await self.grow(1)
        for n in range(200):
            await self.engine.submit(fired(f"{n}", text="x" * 4000), lane=Lane.INTAKE)

    async def own(self):
        found = await self.reader.in_thread(lambda db: list_incidents(db, list(Phase), 9, None))
        return [one for one in found if one.receiver == "escalator"]


@asynccontextmanager
async def small_stage(path):
    on = SmallStage(path)
    on.engine.start()
    try:
        yield on
    finally:
        if on.running is not None:
            on.running.cancel()
        await on.engine.stop()
        on.reader.close()


async def test_alerts_wait_and_key_presses_do_not(tmp_path):
    """(D2) Once the disk was full, what room there is belongs to calls."""
    async with small_stage(tmp_path / "e.db") as on:
        await on.engine.submit(fired())
        with pytest.raises(StoreFull):
            await on.fill()
        await on.grow(100_000)

        with pytest.raises(StoreFull, match="kept for calls"):
            await on.engine.submit(fired("late"), lane=Lane.INTAKE)
        pressed = Asked(incident_id="incident-disk", action=Action.ACKNOWLEDGE, by="ana")
        await on.engine.submit(pressed)

        assert on.incident().phase is Phase.ACKNOWLEDGED
        assert not on.ballast.is_there


async def test_the_fallback_hears_of_it_and_of_its_end(tmp_path):
    """(D2) By an ordinary page; nobody restarts anything."""
    async with small_stage(tmp_path / "e.db") as on:
        with pytest.raises(StoreFull):
            await on.fill()
        await on.grow(100_000)
        on.ballast._room = 10**18  # the disk has no room to spare yet
        on.run()
        await on.until(lambda: on.count("engine_last_cycle_timestamp_seconds"))
        await on.quiet()
        (told,) = await on.own()
        assert (told.title, told.phase) == ("DiskFull", Phase.EXHAUSTED)
        assert [page.person for page in on.incident(told.id).pages] == ["dee"]

        on.ballast._room = 0
        await on.clock.advance(timedelta(seconds=10))
        await on.until(lambda: on.incident(told.id).phase is Phase.RESOLVED)

        assert on.ballast.is_there
        await on.engine.submit(fired("late"), lane=Lane.INTAKE)


async def test_a_store_that_must_not_be_used_any_more_ends_the_engine(tmp_path):
    """(D4, D9, K18) And the daemon with it: it is one of its tasks."""
    async with small_stage(tmp_path / "e.db") as on:
        on.run()
        await on.until(lambda: on.count("engine_last_cycle_timestamp_seconds"))
        (tmp_path / "e.db").unlink()
        await on.clock.advance(timedelta(seconds=10))

        with pytest.raises(StoreBroken, match="deleted while it was open"):
            await on.until(lambda: False)

        assert not on.engine.is_writable
        assert on.count("store_errors_total") == 1
