"""Clocks that jump, stop, start in 1970 or belong to somebody else (T1 to T9), over the real store."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cast import fired as fires
from cast import rules, step
from test_engine import stage

from escalator.clock import VirtualClock
from escalator.config.values import read_timezone
from escalator.escalation.incidents import Phase
from escalator.store.rows import to_stored

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
STEPS = rules(step("ana", wait=5 * MINUTE), step("ben", wait=10 * MINUTE), repeat=1)


@pytest.mark.parametrize("jump", [HOUR, -HOUR, timedelta(days=400), timedelta(days=-400)], ids=str)
async def test_a_jump_of_the_wall_clock_fires_nothing_early_and_nothing_late(tmp_path, jump):
    """(T1, T2) To the second, through every step to the fallback."""
    async with stage(tmp_path / "e.db", STEPS) as on:
        await on.engine.submit(fires())
        await on.clock.advance(2 * MINUTE)
        on.clock.jump_wall(jump)
        on.engine.ring()
        await on.quiet()
        assert on.incident().step == 0

        await on.clock.advance(3 * MINUTE - timedelta(seconds=1))
        await on.quiet()
        assert on.incident().step == 0
        await on.clock.advance(1)
        await on.until(lambda: on.incident().step == 1)
        on.clock.jump_wall(-jump)
        await on.clock.advance(10 * MINUTE - timedelta(seconds=1))
        await on.quiet()
        assert on.incident().phase is Phase.TRIGGERED
        await on.clock.advance(1)
        await on.until(lambda: on.incident().phase is Phase.EXHAUSTED)

        assert (await on.events()).count("step") == 2


async def test_half_an_hour_of_downtime_is_made_up_for_by_one_step(tmp_path):
    """(T5) From the stored due times alone, by a process that knows nothing else."""
    path, clock = tmp_path / "e.db", VirtualClock()
    async with stage(path, STEPS, clock, runs=False) as on:
        await on.engine.submit(fires())
    await clock.advance(30 * MINUTE)

    async with stage(path, STEPS, clock) as on:
        await on.until(lambda: on.incident().step == 1)
        await on.quiet()

        assert (await on.events()).count("step") == 2
        assert on.incident().phase is Phase.TRIGGERED


async def test_what_was_stored_before_a_start_in_1970_runs_at_once_and_once(tmp_path):
    """(T3) Due times half a century ahead are nobody's plan."""
    path = tmp_path / "e.db"
    async with stage(path, STEPS, runs=False) as on:
        await on.engine.submit(fires())

    async with stage(path, STEPS, VirtualClock(datetime(1970, 1, 1, 0, 1, tzinfo=UTC))) as on:
        await on.until(lambda: on.incident().step == 1)
        await on.quiet()

        assert (await on.events()).count("step") == 2
        assert on.incident().due_at == on.incident().updated_at + 10 * MINUTE


async def test_the_clock_set_right_after_a_start_in_1970_skips_nobody(tmp_path):
    """(T3) NTP steps the wall clock; engine time goes on from where it was, and the next start runs what is overdue."""
    path = tmp_path / "e.db"
    early = VirtualClock(datetime(1970, 1, 1, tzinfo=UTC))
    async with stage(path, STEPS, early) as on:
        await on.engine.submit(fires())
        early.jump_wall(timedelta(days=20_000))
        await early.advance(5 * MINUTE)
        await on.until(lambda: on.incident().step == 1)

    async with stage(path, STEPS) as on:
        await on.until(lambda: on.incident().phase is Phase.EXHAUSTED)

        assert (await on.events()).count("fallback") == 1


@pytest.mark.parametrize("days", [-3650, 3650])
async def test_a_senders_clock_moves_no_timer(tmp_path, days):
    """(T9) Its times are shown, and nothing is planned by them."""
    async with stage(tmp_path / "e.db", STEPS) as on:
        event = fires()
        skewed = on.clock.now() + timedelta(days=days)
        await on.engine.submit(_at(event, skewed))

        assert on.incident().due_at == on.clock.now() + 5 * MINUTE
        await on.clock.advance(5 * MINUTE)
        await on.until(lambda: on.incident().step == 1)
        stored = await on.reader.in_thread(
            lambda db: db.execute("SELECT starts_at FROM alerts").fetchone()[0]
        )
        assert stored == to_stored(skewed)


def _at(event, starts_at):
    return replace(event, alert=replace(event.alert, starts_at=starts_at, ends_at=starts_at))


def test_an_unknown_zone_fails_the_config_check_by_name():
    """(T8)"""
    with pytest.raises(ValueError, match="did you mean 'Europe/Berlin'"):
        read_timezone("Europe/Berlim")
