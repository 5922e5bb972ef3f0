"""A policy that is edited while its incident runs: it is looked up by name at each step (C6)."""

from datetime import timedelta

from clockwork import imagine
from fate import Fate, Person
from playbook import PHONES, policy, rules, step
from scenes import is_sent, lines_of
from simulation import World
from structlog.testing import capture_logs

NOBODY = Person(how="no-answer")
WAIT = "2m"
BEFORE = rules(policy(step("ana", wait=WAIT), step("ben", wait=WAIT)))
AFTER = rules(policy(step("ana", wait=WAIT), step("cy", wait=WAIT), repeat=1))
SHORTER = rules(policy(step("ana", wait=WAIT), repeat=1))


def rung_when_edited_to(folder, config):
    """Who is rung, in order, when the config is replaced in the first step; and the lines of the steps."""

    async def story(clock):
        fate = Fate({number: NOBODY for numbers in PHONES.values() for number in numbers})
        world = World(clock, folder, fate, BEFORE)
        try:
            await is_sent(world, "disk")
            await world.pass_time(timedelta(seconds=50))
            world.config = config
            world.ready.reload(config)
            await world.pass_time(timedelta(minutes=3))
            return [line.new.to for line in world.exchange.lines], lines_of(world, "step")
        finally:
            await world.close()

    with capture_logs():
        return imagine(story)


def test_the_next_step_is_the_new_one(in_memory):
    """(C6) Whoever was written in meanwhile is rung, whoever was taken out is not."""
    rung, steps = rung_when_edited_to(in_memory, AFTER)

    assert PHONES["cy"][0] in rung
    assert PHONES["ben"][0] not in rung
    assert steps == ["step 1 of round 1: Ana", "step 2 of round 1: Cy"]


def test_a_step_past_the_new_end_is_the_end_of_the_round(in_memory):
    """(C6) Then the fallback is rung: nothing waits for a step that is gone."""
    rung, steps = rung_when_edited_to(in_memory, SHORTER)

    assert steps[0] == "step 1 of round 1: Ana"
    assert rung[0] == PHONES["ana"][0]
    assert len(rung) > 1


def test_without_an_edit_the_old_one_goes_on(in_memory):
    """(C6)"""
    rung, _ = rung_when_edited_to(in_memory, BEFORE)

    assert PHONES["ben"][0] in rung
