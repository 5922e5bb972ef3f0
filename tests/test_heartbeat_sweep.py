"""Heartbeats over the real store: alarmed once, resolved by the next beat, never for time that was ours (G2)."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from cast import alert, rules, step
from test_engine import stage

from escalator.attention import STOOD_STILL_SECONDS, Attention
from escalator.engine import CYCLE
from escalator.escalation.alerts import AlertStatus
from escalator.escalation.events import Action, Asked
from escalator.escalation.heartbeats import Signs, Standing
from escalator.escalation.incidents import Phase
from escalator.escalation.matchers import parse_matcher
from escalator.escalation.rules import Heartbeat, Rules
from escalator.heartbeats import Heartbeats
from escalator.store.errors import StoreError
from escalator.store.reading import alerts_of, list_incidents

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
EU = Heartbeat(
    name="eu",
    every=MINUTE,
    grace=5 * MINUTE,
    matchers=(parse_matcher('alertname="Watchdog"'),),
    policy="ben",
    severity="error",
)
BACKUP = Heartbeat(name="backup", every=MINUTE, grace=MINUTE, expect_at_start=True)
BEAT, FAILURE = Signs(beats=("eu",)), Signs(failures=("eu",))


def with_heartbeats(*heartbeats: Heartbeat) -> Rules:
    made = rules(step("ana"))
    return Rules(
        people=made.people, policies=made.policies, routes=made.routes, heartbeats=heartbeats
    )


@asynccontextmanager
async def watch(path, *heartbeats, clock=None):
    """A process from its start to its end: an engine, and the heartbeats that it hears."""
    async with stage(path, with_heartbeats(*(heartbeats or (EU,))), clock, runs=False) as on:
        started_at = on.clock.now()
        on.heartbeats = Heartbeats(on.engine, lambda: started_at)
        await on.heartbeats.sweep()
        yield on


async def incidents(on):
    return await on.reader.in_thread(lambda db: list_incidents(db, list(Phase), 99, None))


async def phases(on):
    return [one.phase.value for one in await incidents(on)]


def standings(on):
    return {one.name: found.standing for one, _, found in on.heartbeats.shown()}


async def test_an_alarm_is_raised_once_when_the_period_is_over_and_the_next_beat_resolves_it(
    tmp_path,
):
    """(G2)"""
    async with watch(tmp_path / "e.db") as on:
        await on.heartbeats.hear(BEAT)
        await on.clock.advance(6 * MINUTE - SECOND)
        next_by = await on.heartbeats.sweep()
        assert next_by == on.clock.now() + SECOND
        assert await incidents(on) == []

        await on.clock.advance(SECOND)
        for _ in range(3):
            await on.heartbeats.sweep()
        await on.clock.advance(timedelta(hours=1))
        await on.heartbeats.sweep()

        (incident,) = await incidents(on)
        assert (incident.receiver, incident.policy, incident.severity, incident.phase) == (
            "heartbeat",
            "ben",
            "error",
            Phase.TRIGGERED,
        )
        assert incident.summary == "Nothing was heard of eu since 2026-11-02 09:00 UTC"
        (told,) = await on.reader.in_thread(lambda db: alerts_of(db, incident.id, 9))
        assert told.seen == 1
        assert on.count("heartbeats_missed") == 1

        await on.heartbeats.hear(BEAT)
        await on.heartbeats.sweep()

        assert await phases(on) == ["resolved"]
        assert on.count("heartbeats_missed") == 0
        assert on.count("heartbeat_last_timestamp_seconds", heartbeat="eu") == (
            on.clock.now().timestamp()
        )


async def test_it_is_not_armed_before_the_first_beat_unless_it_is_expected_at_start(tmp_path):
    """(G2)"""
    async with watch(tmp_path / "e.db", EU, BACKUP) as on:
        assert standings(on) == {"eu": Standing.WAITING, "backup": Standing.ARMED}

        await on.clock.advance(timedelta(hours=1))
        await on.heartbeats.sweep()

        assert standings(on) == {"eu": Standing.WAITING, "backup": Standing.MISSED}
        (incident,) = await incidents(on)
        assert (incident.title, incident.policy) == ("HeartbeatMissed", "default")


async def test_a_resolved_watchdog_is_missed_at_once_and_the_next_beat_ends_it(tmp_path):
    """(G2) Whether or not it was ever heard before."""
    async with watch(tmp_path / "e.db") as on:
        await on.heartbeats.hear(FAILURE)
        await on.heartbeats.hear(FAILURE)

        (incident,) = await incidents(on)
        assert "its sender resolved it" in incident.summary
        assert standings(on) == {"eu": Standing.MISSED}

        await on.heartbeats.hear(BEAT)
        assert await phases(on) == ["resolved"]
        assert standings(on) == {"eu": Standing.ARMED}


async def test_the_worker_alarms_within_a_cycle_of_the_period_though_it_slept_when_the_first_beat_came(
    tmp_path,
):
    """(G2)"""
    brief = Heartbeat(name="eu", every=2 * SECOND, grace=SECOND, policy="ben")
    daily = Heartbeat(name="daily", every=timedelta(days=1), grace=SECOND, expect_at_start=True)
    async with watch(tmp_path / "e.db", brief, daily) as on, running(on.heartbeats.run()):
        await on.clock.advance(0.5)
        heard_at = on.clock.now()
        await on.heartbeats.hear(BEAT)
        for _ in range(20):
            await on.clock.advance(1)
            await on.quiet()
        assert on.count("heartbeats_missed") == 1

        (incident,) = await incidents(on)
        assert 3 * SECOND <= incident.created_at - heard_at <= 3 * SECOND + CYCLE


@asynccontextmanager
async def running(worker):
    task = asyncio.ensure_future(worker)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_after_a_downtime_a_full_period_passes_before_an_alarm(tmp_path):
    """(G2) It was armed before, and stays so."""
    async with watch(tmp_path / "e.db") as on:
        await on.heartbeats.hear(BEAT)
        clock = on.clock
    await clock.advance(timedelta(hours=5))

    async with watch(tmp_path / "e.db", clock=clock) as on:
        await clock.advance(6 * MINUTE - SECOND)
        await on.heartbeats.sweep()
        assert await incidents(on) == []

        await clock.advance(SECOND)
        await on.heartbeats.sweep()

        (incident,) = await incidents(on)
        assert "since 2026-11-02 09:00 UTC" in incident.summary


async def test_after_a_suspension_a_full_period_passes_whoever_wakes_first(tmp_path):
    """(G2)"""
    async with stage(tmp_path / "e.db", with_heartbeats(EU), runs=False) as on:
        attention = Attention(on.clock, on.metrics)
        heartbeats = Heartbeats(on.engine, lambda: attention.since)
        async with running(attention.run()):
            await on.clock.advance(1)
            await heartbeats.hear(BEAT)
            await heartbeats.sweep()
            on.clock.stand_still(timedelta(hours=3))

            await heartbeats.sweep()
            await on.clock.advance(6 * MINUTE - SECOND)
            await heartbeats.sweep()
            assert await incidents(on) == []

            await on.clock.advance(SECOND)
            await heartbeats.sweep()
            assert await phases(on) == ["triggered"]
        (told,) = [one for one in on.logs if one["event"] == "stood_still"]
        assert told["seconds"] == pytest.approx(3 * 3600, abs=2)


async def test_a_short_hiccup_is_no_suspension(tmp_path):
    async with stage(tmp_path / "e.db", with_heartbeats(EU), runs=False) as on:
        attention = Attention(on.clock, on.metrics)
        since = attention.since
        async with running(attention.run()):
            await on.clock.advance(1)
            on.clock.stand_still(timedelta(seconds=STOOD_STILL_SECONDS - 1))
            await on.clock.advance(5)

        assert attention.since == since
        assert on.count("event_loop_lag_seconds_sum") == pytest.approx(STOOD_STILL_SECONDS - 2, 1)


@pytest.mark.parametrize("jump", [timedelta(hours=9), -timedelta(hours=9)])
async def test_a_jump_of_the_wall_clock_neither_raises_nor_keeps_back(tmp_path, jump):
    """(G2, T1)"""
    async with watch(tmp_path / "e.db") as on:
        await on.heartbeats.hear(BEAT)
        on.clock.jump_wall(jump)
        await on.clock.advance(6 * MINUTE - SECOND)
        await on.heartbeats.sweep()
        assert await incidents(on) == []

        await on.clock.advance(SECOND)
        await on.heartbeats.sweep()

        assert await phases(on) == ["triggered"]


# ---- the process dies in between


async def test_killed_between_an_alarm_and_whatever_came_after_it_is_neither_lost_nor_raised_twice(
    tmp_path,
):
    """(G2) That it is missed is told by the alarm itself, so nothing is left to be marked."""
    async with watch(tmp_path / "e.db") as on:
        await on.heartbeats.hear(BEAT)
        await on.clock.advance(6 * MINUTE)
        await on.heartbeats._miss(EU, on.heartbeats.shown()[0][1])
        clock = on.clock

    async with watch(tmp_path / "e.db", clock=clock) as on:
        assert standings(on) == {"eu": Standing.MISSED}
        await clock.advance(timedelta(hours=1))
        await on.heartbeats.sweep()
        assert await phases(on) == ["triggered"]
        assert (await incidents(on))[0].firing == 1

        await on.heartbeats.hear(BEAT)
        assert await phases(on) == ["resolved"]


async def test_killed_between_resolving_and_writing_the_beat_it_is_waited_for_anew(tmp_path):
    """(G2)"""
    async with watch(tmp_path / "e.db") as on:
        await on.heartbeats.hear(FAILURE)
        await on.heartbeats._resolve(["eu"])
        clock = on.clock

    async with watch(tmp_path / "e.db", clock=clock) as on:
        assert await phases(on) == ["resolved"]
        assert standings(on) == {"eu": Standing.ARMED}
        await clock.advance(6 * MINUTE)
        await on.heartbeats.sweep()

        assert await phases(on) == ["triggered"]


async def test_a_beat_that_could_not_be_stored_is_refused_and_counts_all_the_same(tmp_path):
    """(G2) The sender did not fail; we did. It is written down once that works again."""
    async with watch(tmp_path / "e.db") as on:
        await on.heartbeats.hear(BEAT)
        await on.clock.advance(5 * MINUTE)
        await on.engine.change("ALTER TABLE heartbeats RENAME TO away")
        await on.engine.change("CREATE VIEW heartbeats AS SELECT * FROM away")

        with pytest.raises(StoreError):
            await on.heartbeats.hear(BEAT)

        await on.engine.change("DROP VIEW heartbeats")
        await on.engine.change("ALTER TABLE away RENAME TO heartbeats")
        heard_at = on.clock.now()
        await on.clock.advance(2 * MINUTE)
        await on.heartbeats.sweep()

        assert await incidents(on) == []
        ((_, state, _),) = on.heartbeats.shown()
        assert (state.last_at, state.beats) == (heard_at, 2)


# ---- the config changes


async def test_a_heartbeat_that_left_the_config_is_resolved_and_forgotten(tmp_path):
    async with watch(tmp_path / "e.db", EU, BACKUP) as on:
        await on.heartbeats.hear(FAILURE)
        await on.clock.advance(5 * MINUTE)
        await on.heartbeats.sweep()
        assert await phases(on) == ["triggered", "triggered"]

        on.engine.rules = with_heartbeats()
        await on.heartbeats.sweep()
        await on.heartbeats.sweep()

        assert await phases(on) == ["resolved", "resolved"]
        assert rows(on) == []
        assert len([one for one in on.logs if one["event"] == "heartbeat_forgotten"]) == 2

        on.engine.rules = with_heartbeats(EU)
        assert standings(on) == {"eu": Standing.WAITING}


def rows(on):
    with sqlite3.connect(on.path) as connection:
        return connection.execute("SELECT name, beats FROM heartbeats").fetchall()


async def test_one_that_is_new_or_written_otherwise_gets_a_full_period(tmp_path):
    """(G2) However long the daemon has been up, and however long ago the last beat was."""
    slow = Heartbeat(name="eu", every=timedelta(days=1), grace=MINUTE)
    async with watch(tmp_path / "e.db", slow) as on:
        await on.heartbeats.hear(BEAT)
        await on.clock.advance(timedelta(hours=5))
        on.engine.rules = with_heartbeats(EU, BACKUP)

        await on.heartbeats.sweep()
        await on.clock.advance(2 * MINUTE - SECOND)
        await on.heartbeats.sweep()
        assert await incidents(on) == []
        await on.clock.advance(SECOND)
        await on.heartbeats.sweep()
        assert standings(on) == {"eu": Standing.ARMED, "backup": Standing.MISSED}

        on.engine.rules = with_heartbeats(EU, BACKUP)
        await on.clock.advance(4 * MINUTE)
        await on.heartbeats.sweep()
        assert standings(on) == {"eu": Standing.MISSED, "backup": Standing.MISSED}


async def test_one_resolved_by_hand_is_not_raised_again_before_the_next_beat(tmp_path):
    """(G2) Once."""
    async with watch(tmp_path / "e.db") as on:
        await on.heartbeats.hear(FAILURE)
        (incident,) = await incidents(on)
        await on.engine.submit(Asked(incident_id=incident.id, action=Action.RESOLVE, by="ben"))
        await on.clock.advance(timedelta(hours=1))
        await on.heartbeats.sweep()
        assert await phases(on) == ["resolved"]

        await on.heartbeats.hear(BEAT)
        await on.clock.advance(6 * MINUTE)
        await on.heartbeats.sweep()
        assert await phases(on) == ["triggered", "resolved"]


async def test_under_policy_none_it_is_on_file_and_rings_nobody(tmp_path):
    quiet = Heartbeat(name="eu", every=MINUTE, grace=MINUTE, policy="none")
    async with watch(tmp_path / "e.db", quiet) as on:
        await on.heartbeats.hear(FAILURE)
        await on.heartbeats.sweep()

        assert await incidents(on) == []
        assert standings(on) == {"eu": Standing.MISSED}
        await on.heartbeats.hear(BEAT)
        assert standings(on) == {"eu": Standing.ARMED}


async def test_alerts_that_are_beats_are_sorted_out_by_the_rules_in_force(tmp_path):
    watchdog = alert("w", title="Watchdog")
    async with watch(tmp_path / "e.db") as on:
        assert on.heartbeats.sort_out([watchdog]) == ([], BEAT)
        resolved = alert("w", title="Watchdog", status=AlertStatus.RESOLVED)
        assert on.heartbeats.sort_out([resolved]) == ([], FAILURE)

        on.engine.rules = with_heartbeats()
        assert on.heartbeats.sort_out([watchdog]) == ([watchdog], Signs())
