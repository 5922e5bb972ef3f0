"""A machine that slept between an intent and its request: the request may not leave any more (H2)."""

from dataclasses import dataclass, field

import pytest
from clockwork import imagine
from fate import Fate
from scenes import STEPS, lines_of, page_and_acknowledge
from simulation import World
from structlog.testing import capture_logs

JUST_IN_TIME, TOO_LATE = 1.9, 2.0


@dataclass
class Sleeps(Fate):
    """The machine sleeps once, right after the commit of a batch with this kind of event."""

    seconds: float = 0.0
    after: str = "CallIntended"
    asleep: list[str] = field(default_factory=list)

    def stands_still(self, batch: str) -> float:
        if self.after not in batch or self.asleep:
            return 0.0
        self.asleep.append(batch)
        return self.seconds


@dataclass
class SlowDisk(Fate):
    """Every commit takes five seconds."""

    def commit_seconds(self) -> float:
        return 5.0


def play(folder, fate):
    """One page, until it is acknowledged: the world, what the timeline said of doubts, and the logs."""

    async def story(clock):
        world = World(clock, folder, fate, STEPS)
        try:
            await page_and_acknowledge(world)
            return world, lines_of(world, "unclear")
        finally:
            await world.close()

    with capture_logs() as logs:
        world, doubts = imagine(story)
    return world, doubts, [one for one in logs if one["event"] == "call_held_back"]


def posts(world):
    return [line for line in world.trace if " POST " in line]


@pytest.mark.parametrize("seconds", [TOO_LATE, 15.0])
def test_after_two_seconds_nothing_is_sent_and_the_call_is_looked_for_first(seconds, in_memory):
    """(H2) Another process might have rung meanwhile. When the list shows nothing, the phone rings: once."""
    world, doubts, logs = play(in_memory, Sleeps(seconds=seconds))

    assert [f"stood still for {seconds} s" in line for line in doubts] == [True]
    assert [one["late_seconds"] for one in logs] == [seconds]
    assert len(posts(world)) == len(world.exchange.lines) == 1
    slept = next(number for number, line in enumerate(world.trace) if "stands still" in line)
    asked = next(number for number, line in enumerate(world.trace) if " POST " in line)
    since = float(world.trace[asked].split()[0]) - float(world.trace[slept].split()[0]) - seconds
    assert 30.0 <= since <= 35.0


def test_a_moment_that_anybody_may_take_delays_nothing(in_memory):
    """(H2)"""
    world, doubts, logs = play(in_memory, Sleeps(seconds=JUST_IN_TIME))

    assert (doubts, logs) == ([], [])
    assert len(posts(world)) == 1


def test_a_disk_that_takes_long_to_commit_the_intent_is_no_pause(in_memory):
    """(D11, H2) The two seconds begin when the commit is done: a slow disk must not keep all phones silent."""
    world, doubts, logs = play(in_memory, SlowDisk())

    assert (doubts, logs) == ([], [])
    assert len(posts(world)) == 1
