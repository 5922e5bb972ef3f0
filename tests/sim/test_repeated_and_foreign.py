"""A body that comes again, and a number that comes in a body: neither rings anybody who should not be rung."""

from dataclasses import replace
from datetime import timedelta

import pytest
from clockwork import imagine
from fate import Fate, Person
from playbook import policy, rules, step
from scenes import ANA, BEN, incidents, is_sent, lines_of, phases, until
from simulation import World
from structlog.testing import capture_logs

from escalator.engine import new_id
from escalator.escalation.alerts import Alert, AlertStatus
from escalator.escalation.events import Action, AlertReceived, Asked

STEPS = rules(
    policy(
        step("ana", wait="2m"),
        step("ben", wait="2m"),
        repeat=1,
        fallback_every=timedelta(minutes=5),
    )
)
FLAP_WINDOW = timedelta(minutes=10)
STRANGER = "+15005550199"
KNOWN = {number for one in STEPS.people.values() for number in one.phones}


def play(folder, fate, story):
    """Run a story in a world of its own; the numbers that were rung, in order."""

    async def run(clock):
        world = World(clock, folder, fate, STEPS)
        try:
            await story(world)
            return [line.new.to for line in world.exchange.lines]
        finally:
            await world.close()

    with capture_logs():
        return imagine(run)


async def replay(world, times=5):
    """The very bytes of the first message, again and again."""
    for _ in range(times):
        await is_sent(world, "disk")
        await world.pass_time(20.0)


def test_a_replayed_body_rings_nobody_while_its_incident_is_open_and_once_after_its_end(in_memory):
    """(X8) Open: known already. Just resolved: the same incident, which somebody has. Later: rather once too often."""
    rung = {}

    async def story(world):
        await is_sent(world, "disk")
        await replay(world)
        rung["open"] = len(world.exchange.lines)
        assert phases(world) == {"acknowledged"}
        assert incidents(world) == 1

        await is_sent(world, "disk", firing=False)
        await until(world, lambda world: phases(world) == {"resolved"})
        await replay(world, times=1)
        rung["just resolved"] = len(world.exchange.lines)
        assert incidents(world) == 1

        await is_sent(world, "disk", firing=False)
        await world.pass_time(FLAP_WINDOW + timedelta(seconds=1))
        await replay(world)
        rung["long resolved"] = len(world.exchange.lines)
        assert incidents(world) == 2

    play(in_memory, Fate(), story)

    assert rung == {"open": 1, "just resolved": 1, "long resolved": 2}


@pytest.mark.parametrize("where", ["labels", "annotations", "key"])
def test_a_number_that_stands_in_a_payload_only_is_never_rung(where, in_memory):
    """(X19) Whatever the sender calls it; not by the fallback either."""
    words = ("phone", "to", "call", "person", "fallback", "policy", "escalate_to", "oncall")
    named = dict.fromkeys(words, STRANGER)
    plain = Alert(
        receiver="prod",
        key="k",
        group="k",
        status=AlertStatus.FIRING,
        labels={"alertname": "Fraud"},
    )
    alert = {
        "labels": replace(plain, labels={**plain.labels, **named}),
        "annotations": replace(plain, annotations=named),
        "key": replace(plain, key=STRANGER, group=STRANGER, url=f"tel:{STRANGER}"),
    }[where]

    async def story(world):
        await world.pass_time(1)
        event = AlertReceived(alert=alert, fresh_id=new_id(world.clock.now()))
        world.spawn(world.ready.submit(event))
        await world.pass_time(timedelta(minutes=20))
        assert phases(world) == {"exhausted"}

    nobody = Person(how="no-answer")
    rung = play(in_memory, Fate({ANA: nobody, BEN: nobody}), story)

    assert {ANA, BEN} <= set(rung) <= KNOWN


@pytest.mark.parametrize("action", [Action.ACKNOWLEDGE, Action.ESCALATE, Action.SNOOZE])
def test_a_number_that_is_somebodys_login_only_is_never_rung(action, in_memory):
    """(X19) A stolen session bears any name; who is rung stands in the config."""

    async def story(world):
        await is_sent(world, "disk")
        (incident,) = world.incidents()
        until_then = world.ready.clock.now() + timedelta(minutes=1)
        asked = Asked(
            incident_id=incident,
            action=action,
            by=STRANGER,
            until=until_then if action is Action.SNOOZE else None,
        )
        world.spawn(world.ready.submit(asked))
        await world.pass_time(timedelta(minutes=20))
        assert lines_of(world, "step")

    nobody = Person(how="no-answer")
    rung = play(in_memory, Fate({ANA: nobody, BEN: nobody}), story)

    assert set(rung) <= KNOWN
    assert rung or action is Action.ACKNOWLEDGE
