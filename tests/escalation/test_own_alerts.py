"""What escalator raises about itself enters as any alert does, and rings somebody."""

import pytest
from playbook import Playbook, policy, route, rules
from world import START

from escalator.escalation.assign import place
from escalator.escalation.decide import summary_of, title_of
from escalator.escalation.incidents import Phase
from escalator.escalation.own_alerts import (
    OWN_RECEIVER,
    disk_full,
    disk_has_room,
    quarantined,
    store_damaged,
    store_lost,
    stuck,
)

RAISED = {
    "StoreLost": store_lost("aside.db"),
    "StoreDamaged": store_damaged("row 7"),
    "DiskFull": disk_full(),
    "InvariantViolated": stuck("i1", "an incident had no timer"),
    "Quarantined": quarantined("i1", "disk-full", "division by zero"),
}


@pytest.mark.parametrize("name", RAISED)
def test_an_own_alert_fires_and_says_what_is_wrong_and_what_to_do(name):
    alert = RAISED[name]

    assert alert.is_firing
    assert (alert.receiver, title_of(alert)) == (OWN_RECEIVER, name)
    assert summary_of(alert).startswith("Escalator")
    assert alert.annotations["description"]


@pytest.mark.parametrize("name", RAISED)
def test_an_own_alert_counts_as_the_worst_and_is_a_group_of_its_own(name):
    config = rules(policy("ana"), routes=(route('severity="info"', "none"),))

    found = place(config, RAISED[name], START)

    assert (found.policy, found.group_key) == ("default", RAISED[name].key)
    assert config.severity_rank(found.severity) == 0


def test_an_own_alert_rings_the_fallback_at_once_whatever_the_routes_say():
    config = rules(policy("ana", fallback=("dee",)), routes=(route('alertname=~".*"', "none"),))

    with Playbook(config) as page:
        page.receives(disk_full(), fallback_of="default").rings("dee").is_in(Phase.EXHAUSTED)
        page.receives(disk_full(), fallback_of="default").stays_quiet().has_incidents(1)
        page.after("10m").rings("dee").presses("dee", "4").is_acknowledged_by("dee")
        page.receives(disk_has_room(page.world.now), fallback_of="default").is_in(Phase.RESOLVED)


def test_an_own_alert_of_a_policy_that_is_gone_rings_the_fallback_of_another():
    with Playbook(rules(policy("ana", fallback=("dee",)))) as page:
        page.receives(disk_full(), fallback_of="gone").rings("dee")
        assert page.incident().policy == "default"


def test_different_troubles_have_different_keys_and_the_same_one_told_twice_has_the_same():
    keys = [alert.key for alert in RAISED.values()]

    assert len(set(keys)) == len(keys)
    assert stuck("i1", "x").key == stuck("i1", "y").key
    assert stuck("i1", "x").key != stuck("i2", "x").key
    assert quarantined("i1", "x", "y").key != quarantined("i2", "x", "y").key


def test_room_on_the_disk_resolves_the_alert_that_it_was_full():
    room = disk_has_room(START)

    assert not room.is_firing
    assert (room.receiver, room.key) == (disk_full().receiver, disk_full().key)
    assert room.ends_at == START
