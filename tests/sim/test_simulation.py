"""The daemon in bad weather: whatever goes wrong, in whatever order, I1 to I5 hold after every event.

`make simulate SEEDS=n` runs as many worlds as one likes; a seed that shows a fault becomes an example here.
"""

from datetime import timedelta

import pytest
from cast import PEOPLE, RULES
from playbook import person, policy, rules
from simulation import World
from storm import SeedBroken, simulate
from world import START

from escalator.escalation.call_events import Wanted
from escalator.escalation.calls import CallKind, CallState
from escalator.escalation.dialing import DuePage, Join, OpenCall, plan

SEEDS = range(1, 9)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_the_weather_nothing_is_lost_and_no_phone_rung_twice(seed, in_memory):
    """(I1 to I5)"""
    report = simulate(seed, in_memory)

    assert report.calls > 3
    assert sum(report.faults.values()) + report.crashes > 0


def test_the_same_seed_gives_the_same_trace(in_memory):
    """Else a seed could not be looked at again."""
    first = simulate(5, in_memory).trace
    for file in in_memory.iterdir():
        file.unlink()

    assert simulate(5, in_memory).trace == first
    assert len(first) > 50


def test_a_seed_that_shows_a_fault_tells_how_to_see_it_again(in_memory):
    """A number that nobody may ring, say, makes the very first call a breach of I5."""

    class Forgetful(World):
        def _asked(self, new):
            self.process.engine.rules = rules(
                policy("ana"), people=(person("ana", "+15005550107"),)
            )
            super()._asked(new)

    with pytest.raises(SeedBroken, match=r"\(I5\)(.|\n)*make simulate SEED=5"):
        simulate(5, in_memory, world=Forgetful)


# ---- what the simulation has found


def test_a_page_joins_the_call_that_its_person_is_in_rather_than_one_to_their_number():
    """Found by seed 24: two people share a number, one of them talks on a second phone; nobody is in two calls (I2)."""
    ben = PEOPLE["ben"].phones[0]
    people = {**PEOPLE, "chi": person("cy", ben, "+442079460123")}
    talking = {
        "a": (ben, frozenset({"ben"})),
        "b": ("+442079460123", frozenset({"chi"})),
    }
    calls = [
        OpenCall(
            id=call_id,
            kind=CallKind.PAGE,
            state=CallState.RINGING,
            to=to,
            people=who,
            created_at=START,
            timer_at=START + timedelta(minutes=1),
        )
        for call_id, (to, who) in talking.items()
    ]
    due = DuePage(
        incident_id="i", person="chi", severity="critical", since=START, tries=0, was_called=False
    )
    config = RULES.__class__(people=people, policies=RULES.policies)

    assert plan(config, [due], calls, START) == [
        Join(call_id="b", page=Wanted(incident_id="i", person="chi"))
    ]
