"""The rules in force: the parts are put in place one by one, and are read as a whole."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from cast import RULES, fired, rules, step

from escalator.clock import VirtualClock
from escalator.engine import Engine
from escalator.escalation.live import Live
from escalator.escalation.matchers import parse_matcher
from escalator.escalation.schedules import Override, Schedule
from escalator.escalation.silences import Silence
from escalator.rulebook import Rulebook
from escalator.store import live
from escalator.store.reading import Reader
from escalator.store.sqlite import SqliteStore
from escalator.telemetry import Metrics

CLOCK = VirtualClock()
HOUR = timedelta(hours=1)
SILENCE = Silence(
    id="s1",
    matchers=(parse_matcher('alertname="Disk full"'),),
    start=CLOCK.wall(),
    end=CLOCK.wall() + HOUR,
    created_at=CLOCK.wall(),
)
OVERRIDE = Override(
    id="o1", schedule="primary", person="ben", start=CLOCK.wall(), end=CLOCK.wall() + HOUR
)
PRIMARY = {"primary": Schedule(name="primary", zone=ZoneInfo("UTC"))}


def test_a_reload_keeps_what_was_added_live():
    book = Rulebook(RULES, VirtualClock(), on_change=lambda: None)
    book.use_live(Live(silences=(SILENCE,), overrides=(OVERRIDE,)))

    book.use(replace(rules(step("ana")), schedules=PRIMARY))

    assert book.current().silences == (SILENCE,)
    assert book.current().schedules["primary"].overrides == (OVERRIDE,)


def test_the_rules_follow_the_wall_clock_and_say_that_they_changed():
    """(T1, T2)"""
    clock, changes = VirtualClock(), []
    book = Rulebook(RULES, clock, on_change=lambda: changes.append(1))

    assert book.current().wall_ahead == timedelta(0)
    clock.jump_wall(HOUR)
    assert book.current().wall(clock.now()) == clock.wall()
    clock.jump_wall(timedelta(milliseconds=300))
    assert book.current().wall_ahead == HOUR
    assert len(changes) == 1


class Stage:
    """An engine on a real file, whose time passes by hand."""

    def __init__(self, path, clock):
        self.clock = clock
        store = SqliteStore(path, Metrics())
        self.reader = Reader(path)
        self.engine = Engine(store, self.reader, clock, RULES, Metrics())
        self.engine.start()

    async def silences(self):
        await self.engine.change_live(lambda db: live.add_silence(db, SILENCE))

    async def runs_until(self, phase):
        """The engine runs, and within some turns the incident stands so."""
        running = asyncio.ensure_future(self.engine.run(lambda: None))
        async with asyncio.timeout(10):
            while self.reader.incident("incident-disk").phase != phase:
                await asyncio.sleep(0.002)
                await self.clock.advance(0.001)
        running.cancel()

    async def end(self):
        await self.engine.stop()
        self.reader.close()


async def test_a_silence_is_in_force_for_the_next_alert_and_after_a_restart(tmp_path):
    clock = VirtualClock()
    first = Stage(tmp_path / "e.db", clock)
    await first.silences()
    await first.engine.submit(fired("disk"))
    assert first.reader.incident("incident-disk").phase == "snoozed"
    await first.end()

    second = Stage(tmp_path / "e.db", clock)
    assert second.engine.rules.silences == (SILENCE,)
    await clock.advance(HOUR)
    await second.runs_until("triggered")
    await second.end()


async def test_a_silence_that_is_ended_lets_go_at_the_next_turn(tmp_path):
    on = Stage(tmp_path / "e.db", VirtualClock())
    await on.silences()
    await on.engine.submit(fired("disk"))

    await on.engine.change_live(
        lambda db: live.expire_silence(db, SILENCE.id, on.clock.wall() + HOUR / 2)
    )
    assert on.engine.rules.silences[0].end == SILENCE.start + HOUR / 2
    await on.engine.change_live(lambda db: live.expire_silence(db, SILENCE.id, on.clock.wall()))
    assert on.engine.rules.silences == ()

    await on.runs_until("triggered")
    await on.end()
