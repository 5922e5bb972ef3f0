"""Which policy an alert falls under, and which incident it belongs to."""

from dataclasses import replace
from datetime import timedelta

import pytest
from playbook import Playbook, alert_of, person, policy, route, rules
from world import START

from escalator.escalation.assign import EMERGENCY_POLICY, Choice, assign, place, policy_for
from escalator.escalation.events import Action
from escalator.escalation.incidents import Incident, Phase
from escalator.escalation.rules import Policy

SOFT = route('severity="warning"', "soft")
MUTED = route('severity="info"', "none")
CONFIG = rules(policy("ana"), policy("ben", name="soft"), routes=(SOFT, MUTED))


# ---- the route


@pytest.mark.parametrize(
    ("severity", "chosen", "by"),
    [
        ("warning", "soft", "to soft"),
        ("info", "none", "to none"),
        ("critical", "default", ""),
        (None, "default", ""),
    ],
)
def test_the_first_route_that_matches_picks_the_policy_else_the_default(severity, chosen, by):
    """(C13)"""
    found = place(CONFIG, alert_of("disk-full", severity=severity), START)

    assert (found.policy, found.route, found.severity) == (chosen, by, severity or "")


@pytest.mark.parametrize(
    ("group_by", "group", "key"),
    [
        (None, "storage", "storage"),
        (None, "", "disk-full"),
        ((), "storage", "disk-full"),
        (("cluster", "rack"), "storage", "cluster='eu',rack=''"),
    ],
    ids=["the sender's", "none of the sender's", "each", "labels"],
)
def test_alerts_are_grouped_as_the_route_says(group_by, group, key):
    config = rules(policy("ana"), routes=(route('cluster="eu"', "default", group_by=group_by),))

    assert place(config, alert_of("disk-full", group=group, cluster="eu"), START).group_key == key


def test_labels_that_look_alike_when_joined_make_different_groups():
    config = rules(
        policy("ana"), routes=(route('alertname=~".*"', "default", group_by=("a", "b")),)
    )

    one = place(config, alert_of("x", a="1',b='2", b=""), START)
    other = place(config, alert_of("x", a="1", b="2"), START)

    assert one.group_key != other.group_key


# ---- the policy


def test_a_vanished_policy_becomes_the_default_else_any_else_everyone_is_rung():
    assert policy_for(CONFIG, "soft").name == "soft"
    assert policy_for(CONFIG, "gone").name == "default"
    assert policy_for(CONFIG, "none").name == "default"
    assert policy_for(rules(policy("ana", name="soft")), "gone").name == "soft"
    assert policy_for(rules(), "gone") is EMERGENCY_POLICY


def test_without_any_policy_everyone_is_rung():
    with Playbook(rules(people=(person("ana"), person("ben")))) as page:
        page.alert("disk-full").rings("ana", "ben")


def test_a_policy_that_lost_its_steps_counts_as_vanished():
    assert policy_for(rules(policy("ana"), Policy(name="soft", steps=())), "soft").name == "default"


# ---- policy none


def test_policy_none_keeps_the_alert_and_opens_nothing():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", severity="info").stays_quiet().has_incidents(0)
        page.resolves("disk-full", severity="info").stays_quiet()
        assert page.world.memory.alerts["prod", "disk-full"].incident_id == ""


def test_an_alert_that_falls_under_none_now_leaves_its_incident():
    with Playbook(CONFIG) as page:
        page.alert("disk-full").rings("ana")
        page.alert("disk-full", severity="info").hangs_up("ana").is_in(Phase.RESOLVED)


def test_an_alert_that_falls_under_a_policy_again_opens_an_incident():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", severity="info").alert("disk-full").rings("ana")


# ---- grouping and regrouping


def test_alerts_of_one_group_are_one_incident_and_of_another_are_another():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", group="g1").rings("ana").alert(
            "disk-slow", group="g1"
        ).stays_quiet()
        page.has_incidents(1).alert("cpu-hot", group="g2").has_incidents(2)


def test_the_same_group_of_another_receiver_is_another_incident():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", group="g1").rings("ana")
        page.alert("disk-full", group="g1", receiver="dev").has_incidents(2)


def test_one_senders_group_may_be_two_incidents():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", group="g1").rings("ana")
        page.alert("disk-slow", group="g1", severity="warning").rings("ben").has_incidents(2)


def test_an_alert_stays_in_its_open_incident_whatever_group_it_comes_in():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", group="g1").rings("ana")
        page.alert("disk-full", group="g2").stays_quiet().has_incidents(1)
        page.resolves("disk-full", group="g3").hangs_up("ana").is_in(Phase.RESOLVED)


def test_an_alert_that_resolved_in_an_open_incident_comes_back_to_it():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", group="g1").rings("ana").alert("disk-slow", group="g1")
        page.resolves("disk-slow", group="g1").alert("disk-slow", group="g2").has_incidents(1)
        assert page.incident().firing == 2


def test_an_alert_whose_severity_moves_it_leaves_one_incident_for_the_other_at_once():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", severity="warning", group="g1").rings("ben")
        page.alert("disk-full", severity="critical", group="g1").rings("ana").hangs_up("ben")
        first, second = page.world.memory.incidents.values()
        assert (first.phase, first.firing, second.firing) == (Phase.RESOLVED, 0, 1)
        assert first.resolved_by is None


def test_an_alert_that_moves_leaves_the_others_behind():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", severity="warning", group="g1").rings("ben")
        page.alert("disk-slow", severity="warning", group="g1")
        page.alert("disk-full", group="g1").rings("ana")
        assert [one.firing for one in page.world.memory.incidents.values()] == [1, 1]


def test_an_alert_that_moves_joins_the_open_incident_of_its_group():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", group="g1").rings("ana")
        page.alert("disk-slow", severity="warning", group="g1").rings("ben")
        page.alert("disk-slow", severity="critical", group="g1").hangs_up("ben").has_incidents(2)
        assert page.incident("disk-full").firing == 2


def test_reloaded_routes_move_an_alert_when_it_is_next_heard_of():
    moved = rules(
        policy("ana"), policy("ben", name="soft"), routes=(route('alertname=~".*"', "soft"),)
    )

    with Playbook(CONFIG) as page:
        page.alert("disk-full").rings("ana").reloads(moved).stays_quiet()
        page.alert("disk-full").rings("ben").hangs_up("ana").has_incidents(2)


def test_a_reload_never_rekeys_an_open_incident():
    each = rules(policy("ana"), routes=(route('alertname=~".*"', "default", group_by=()),))

    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full", group="g1").rings("ana").alert("disk-slow", group="g1")
        page.reloads(each).alert("disk-full", group="g1").alert("disk-slow", group="g1")
        page.has_incidents(1).stays_quiet()


# ---- flapping


def test_firing_within_the_flap_window_reopens_the_same_incident():
    with Playbook(CONFIG) as page:
        page.alert("disk-full").rings("ana").resolves("disk-full").hangs_up("ana")
        page.after("9m").alert("disk-full").rings("ana").has_incidents(1).notes("reopened")
        assert page.incident().resolved_at is None
        assert (page.incident().firing, page.incident().resolved) == (1, 0)


def test_firing_after_the_flap_window_opens_a_new_incident():
    with Playbook(CONFIG) as page:
        page.alert("disk-full").rings("ana").resolves("disk-full").hangs_up("ana")
        page.after("10m").alert("disk-full").rings("ana").has_incidents(2)


def test_the_flap_window_is_the_policys():
    own = rules(policy("ana", flap_window=timedelta(minutes=1)))

    with Playbook(own) as page:
        page.alert("disk-full").rings("ana").resolves("disk-full").hangs_up("ana")
        page.after("59s").alert("disk-full").has_incidents(1).resolves("disk-full")
        page.after("60s").alert("disk-full").rings("ana")
        page.has_incidents(2)


def test_another_alert_of_the_group_reopens_it_as_well():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", group="g1").rings("ana")
        page.resolves("disk-full", group="g1").hangs_up("ana")
        page.after("6m").alert("disk-slow", group="g1").rings("ana").has_incidents(1)
        assert (page.incident().firing, page.incident().resolved) == (1, 1)


def test_an_alert_that_flaps_into_another_group_reopens_its_own_incident():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", group="g1").rings("ana")
        page.resolves("disk-full", group="g1").hangs_up("ana")
        page.after("6m").alert("disk-full", group="g2").rings("ana").has_incidents(1)


def test_an_alert_that_flaps_joins_what_its_group_has_open_by_now():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", group="g1").rings("ana")
        page.resolves("disk-full", group="g1").hangs_up("ana").after("1m")
        page.alert("disk-slow", group="g2").rings("ana")
        page.alert("disk-full", group="g2").has_incidents(2)
        assert page.incident("disk-slow").firing == 2


def test_a_group_never_has_two_open_incidents_though_the_flap_window_grew():
    """The window was none when the group opened its second incident, and is ten minutes now."""
    strict = rules(policy("ana", flap_window=timedelta(0)))

    with Playbook(strict) as page:
        page.alert("disk-full", group="g1").rings("ana")
        page.resolves("disk-full", group="g1").hangs_up("ana")
        page.alert("disk-slow", group="g1").rings("ana").has_incidents(2)
        page.reloads(rules(policy("ana"))).alert("disk-full", group="g2").has_incidents(2)
        assert page.incident("disk-slow").firing == 2


def test_a_reopened_incident_is_its_groups_again_within_one_batch():
    """The index of the batch has to follow: two alerts of one payload, regrouped by the sender."""
    strict = rules(policy("ana", flap_window=timedelta(0)))

    with Playbook(strict) as page:
        page.alert("disk-full", group="g1").rings("ana")
        page.resolves("disk-full", group="g1").hangs_up("ana")
        page.alert("disk-slow", group="g1").rings("ana")
        page.resolves("disk-slow", group="g1").hangs_up("ana").reloads(rules(policy("ana")))
        page.alert_batch("disk-full", "disk-slow", group="g2").stays_quiet()
        page.alert("cpu-hot", group="g1").after("5m").rings("ana").has_incidents(2)


# ---- resolved by a person


def test_what_a_person_resolved_stays_closed_until_the_sender_resolves_it():
    with Playbook(CONFIG) as page:
        page.alert("disk-full").rings("ana").presses("ana", "6")
        page.after("1m").alert("disk-full").stays_quiet().is_in(Phase.RESOLVED)
        page.resolves("disk-full").alert("disk-full").rings("ana").has_incidents(2)


def test_what_a_person_resolved_stays_closed_until_the_flap_window_is_over():
    with Playbook(CONFIG) as page:
        page.alert("disk-full").rings("ana").presses("ana", "6")
        page.after("9m").alert("disk-full").stays_quiet()
        page.after("1m").alert("disk-full").rings("ana").has_incidents(2)


def test_another_alert_of_what_a_person_resolved_opens_a_new_incident():
    with Playbook(CONFIG) as page:
        page.alert("disk-full", group="g1").rings("ana").presses("ana", "6")
        page.alert("disk-slow", group="g1").rings("ana").has_incidents(2)
        page.alert("disk-full", group="g1").stays_quiet().has_incidents(2)


def test_what_the_operator_resolved_counts_as_resolved_by_a_person():
    with Playbook(CONFIG) as page:
        page.alert("disk-full").rings("ana").asks(Action.RESOLVE, by=None).hangs_up("ana")
        page.alert("disk-full").stays_quiet().has_incidents(1)


# ---- the choice itself


def test_a_group_whose_last_incident_a_person_resolved_opens_a_new_one():
    closed = incident(phase=Phase.RESOLVED, resolved_at=START, resolved_by="ana")

    chosen = assign(CONFIG, WHERE, START, known=None, current=None, of_group=closed)

    assert chosen.choice is Choice.OPEN


def test_an_incident_of_another_policy_is_never_reopened():
    other = incident(phase=Phase.RESOLVED, resolved_at=START, policy="soft")

    chosen = assign(CONFIG, WHERE, START, known=None, current=other, of_group=None)

    assert chosen.choice is Choice.OPEN
    assert not chosen.leaves


WHERE = place(CONFIG, alert_of("disk-full"), START)


def incident(**about):
    blank = Incident(
        id="i",
        receiver="prod",
        policy="default",
        route="",
        group_key="disk-full",
        title="disk-full",
        summary="",
        severity="critical",
        created_at=START,
        updated_at=START,
    )
    return replace(blank, **about)
