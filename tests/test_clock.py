"""The clocks: engine time never jumps, and virtual time wakes sleepers in one order only."""

import asyncio
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from escalator.clock import Clock, SystemClock, VirtualClock, boottime_source

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def test_both_clocks_are_clocks() -> None:
    clocks: list[Clock] = [SystemClock(), VirtualClock()]

    assert all(clock.now().tzinfo is UTC and clock.wall().tzinfo is UTC for clock in clocks)


def test_engine_time_follows_the_boot_clock_from_the_wall_clock_at_start() -> None:
    clock = SystemClock()
    before = clock.boottime(), clock.now()

    while clock.boottime() == before[0]:
        pass
    after = clock.boottime(), clock.now()

    elapsed = (after[1] - before[1]).total_seconds()
    assert elapsed > 0
    assert elapsed == pytest.approx(after[0] - before[0], abs=0.05)
    assert abs(clock.now() - clock.wall()) < timedelta(seconds=5)


async def test_the_system_clock_sleeps_for_the_seconds_asked() -> None:
    clock = SystemClock()
    begin = clock.boottime()

    await clock.sleep(0.05)

    assert 0.05 <= clock.boottime() - begin < 2


async def test_sleeping_for_nothing_or_less_returns_at_once() -> None:
    clock = SystemClock()
    begin = clock.boottime()

    await clock.sleep(0)
    await clock.sleep(-3600)

    assert clock.boottime() - begin < 2


def test_boottime_counts_suspended_time_where_the_kernel_can() -> None:
    read = boottime_source(time.CLOCK_BOOTTIME)

    assert read() == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=1)


@pytest.mark.parametrize("missing", [None, 9_999], ids=["python lacks it", "kernel lacks it"])
def test_without_boottime_the_monotonic_clock_stands_in(missing: int | None) -> None:
    assert boottime_source(missing) is time.monotonic


async def test_sleepers_wake_in_the_order_of_their_time_whatever_order_they_lay_down_in() -> None:
    clock = VirtualClock(START)
    woken: list[tuple[str, datetime]] = []

    async def sleep(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    async with asyncio.TaskGroup() as group:
        for name, seconds in (("late", 30), ("early", 10), ("twin a", 20), ("twin b", 20)):
            group.create_task(sleep(name, seconds))
        await clock.advance(60)

    assert [name for name, _ in woken] == ["early", "twin a", "twin b", "late"]
    assert [(at - START).total_seconds() for _, at in woken] == [10, 20, 20, 30]
    assert clock.now() == START + timedelta(seconds=60)


async def test_a_sleeper_that_lies_down_again_is_woken_again_within_one_advance() -> None:
    clock = VirtualClock(START)
    beats: list[float] = []

    async def beat() -> None:
        for _ in range(3):
            await clock.sleep(10)
            beats.append(clock.boottime())

    async with asyncio.TaskGroup() as group:
        group.create_task(beat())
        await clock.advance(timedelta(minutes=1))

    assert beats == [10, 20, 30]


async def test_nobody_wakes_before_the_time() -> None:
    clock = VirtualClock(START)
    sleeper = asyncio.ensure_future(clock.sleep(10))

    await clock.advance(9.999)
    asleep = not sleeper.done()
    await clock.advance(0.001)

    assert asleep
    assert sleeper.done()


async def test_a_canceled_sleeper_is_forgotten() -> None:
    clock = VirtualClock(START)
    sleeper = asyncio.ensure_future(clock.sleep(10))
    await clock.advance(1)
    assert clock.next_wake == START + timedelta(seconds=10)

    sleeper.cancel()
    await clock.advance(1)

    assert clock.next_wake is None


async def test_a_jump_of_the_wall_clock_moves_no_timer() -> None:  # (T1, T2)
    clock = VirtualClock(START)
    sleeper = asyncio.ensure_future(clock.sleep(60))
    await clock.advance(0)

    clock.jump_wall(timedelta(hours=1))
    await clock.advance(59)

    assert clock.wall() == START + timedelta(hours=1, seconds=59)
    assert clock.now() == START + timedelta(seconds=59)
    assert not sleeper.done()
    await clock.advance(1)
    assert sleeper.done()


async def test_sleeping_for_nothing_in_virtual_time_lets_others_run_once() -> None:
    clock = VirtualClock(START)
    other = asyncio.ensure_future(asyncio.sleep(0))

    await clock.sleep(0)
    await clock.sleep(-1)

    assert other.done()
    assert clock.now() == START


async def test_time_does_not_go_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        await VirtualClock(START).advance(-1)


def test_a_virtual_clock_wants_to_know_its_zone() -> None:
    with pytest.raises(ValueError, match="aware"):
        VirtualClock(datetime(2026, 11, 2, 9, 0))  # noqa: DTZ001 - the fault under test


def test_a_virtual_clock_speaks_utc() -> None:
    clock = VirtualClock(datetime(2026, 11, 2, 10, 0, tzinfo=timezone(timedelta(hours=1))))

    assert clock.now() == START
    assert clock.now().utcoffset() == timedelta(0)


async def test_who_is_overdue_after_a_standstill_wakes_next_and_time_goes_on_from_there() -> None:
    clock = VirtualClock(START)
    woken: list[datetime] = []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(clock.now())

    sleepers = [asyncio.ensure_future(sleeper(seconds)) for seconds in (5, 90)]
    await clock.advance(1)
    clock.stand_still(timedelta(seconds=60))
    assert (clock.boottime(), woken) == (61, [])

    await clock.advance(0)
    await clock.advance(30)

    assert woken == [START + timedelta(seconds=61), START + timedelta(seconds=90)]
    await asyncio.gather(*sleepers)


async def test_a_clock_that_stood_still_on_the_way_does_not_go_back():
    clock, woken = VirtualClock(), []

    async def sleeper(seconds):
        await clock.sleep(seconds)
        if seconds == 1:
            clock.stand_still(timedelta(minutes=15))
        woken.append((seconds, clock.boottime()))

    tasks = [asyncio.ensure_future(sleeper(seconds)) for seconds in (1, 2, 60)]
    await clock.advance(5)
    await asyncio.gather(*tasks)

    assert woken == [(1, 901.0), (2, 901.0), (60, 901.0)]
    assert clock.boottime() == 901.0
