"""Who is rung in a step, when again, and what comes after it."""

from datetime import timedelta

import pytest
from memory import Memory
from playbook import Playbook, alert_of, person, policy, route, rules, span, step
from world import START

from escalator.escalation.events import Action, AlertReceived, Due
from escalator.escalation.incidents import PageState, Phase
from escalator.escalation.reaching import fallback_people
from escalator.escalation.responders import responders
from escalator.escalation.rules import Policy, Rules, Step

TWO_PHONES = person("ana", "+491713920012", "+493023125012")
A, B = TWO_PHONES.phones


def numbers(page):
    return [call.to for call in page.calls()]


def only(*steps, **keys):
    """Rules with one policy that goes through its steps once."""
    return rules(policy(*steps, repeat=1, fallback=("dee",), **keys))


# ---- who stands behind a target


def test_targets_are_people_in_their_order_each_once():
    config = rules(policy("ana"))

    assert responders(config, ("ben", "ana", "ben", "nobody"), START).people == ("ben", "ana")
    assert responders(config, ("cy", "everyone"), START).people == ("cy", "ana", "ben", "dee")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (policy("ana", fallback=("dee", "cy")), ("dee", "cy")),
        (policy("ben", step("ana", "ben")), ("ben", "ana")),
        (policy("ana", fallback=("left",)), ("ana", "ben", "cy", "dee")),
        (policy("left"), ("ana", "ben", "cy", "dee")),
    ],
    ids=["named", "all of the policy", "gone", "nobody named"],
)
def test_the_fallback_is_who_is_named_else_the_policys_people_else_everyone(made, expected):
    assert fallback_people(rules(made), made, START) == expected


def test_two_targets_that_are_one_person_are_one_page():
    with Playbook(rules(policy(step("ana", "ana", "ben")))) as page:
        page.alert("disk-full").rings("ana", "ben")


def test_everyone_is_a_target():
    with Playbook(rules(policy(step("everyone")))) as page:
        page.alert("disk-full").rings("ana", "ben", "cy", "dee")


# ---- retries


def test_each_target_is_tried_again_until_the_wait_is_over():
    with Playbook(only(step("ana", "ben", retry="2m", wait="5m"))) as page:
        page.alert("disk-full").rings("ana", "ben")
        page.after("2m").rings("ana", "ben")
        page.after("2m").rings("ana", "ben")
        page.after("1m").rings("dee")


def test_a_try_counts_from_when_the_last_one_was_placed_and_never_before_it_ended():
    with Playbook(only(step("ana", retry="10s", wait="5m"))) as page:
        page.alert("disk-full").rings("ana")
        page.after("24s").stays_quiet()
        page.after("1s").rings("ana")


def test_a_retry_after_the_wait_would_be_over_is_none():
    with Playbook(only(step("ana", retry="6m", wait="5m"), "ben")) as page:
        page.alert("disk-full").rings("ana").after("25s").stays_quiet()
        assert page.incident().pages[0].state is PageState.DONE
        page.after("4m").stays_quiet().after("35s").rings("ben")


def test_a_busy_phone_is_tried_after_30_seconds_three_times_and_then_as_any_other():
    """(W19)"""
    with Playbook(only(step("ana", retry="2m", wait="9m"))) as page:
        page.phone("ana", "busy").alert("disk-full").rings("ana")
        page.after("30s").rings("ana").after("30s").rings("ana").after("30s").rings("ana")
        page.after("119s").stays_quiet().after("1s").rings("ana")


def test_who_is_due_is_tried_and_who_is_not_yet_due_is_not():
    with Playbook(only(step("ana", "ben", retry="2m", wait="9m"))) as page:
        page.phone("ana", "busy").alert("disk-full").rings("ana", "ben")
        page.after("30s").rings("ana").after("60s").rings("ana", "ana").after("30s").rings("ben")


def test_a_busy_phone_is_tried_sooner_where_retry_is_shorter():
    with Playbook(only(step("ana", retry="10s", wait="1m"))) as page:
        page.phone("ana", "busy").alert("disk-full").rings("ana").after("10s").rings("ana")


@pytest.mark.parametrize("behaviour", ["nobody", "failed", "picks-up", "machine"])
def test_whatever_reached_nobody_is_tried_again(behaviour):
    """(W20, W21, W22, W25)"""
    page = Playbook(only(step("ana", retry="2m", wait="5m"))).phone("ana", behaviour)

    with page:
        page.alert("disk-full").rings("ana").hangs_up(*["ana"] * (behaviour == "machine"))
        page.after("119s").stays_quiet().is_in(Phase.TRIGGERED)
        page.after("1s").rings("ana").hangs_up(*["ana"] * (behaviour == "machine"))


# ---- several phones


def test_the_phones_of_a_person_are_tried_in_order_try_by_try():
    config = rules(policy(step("ana", retry="1m", wait="4m")), people=(TWO_PHONES,))

    with Playbook(config) as page:
        page.alert("disk-full").rings("ana").after("3m").rings(*["ana"] * 3)
        assert numbers(page) == [A, B, A, B]


def test_a_refused_number_gives_way_to_the_persons_next_at_once():
    config = rules(policy(step("ana")), people=(TWO_PHONES,))

    with Playbook(config) as page:
        page.phone(A, "refused").alert("disk-full").tries("ana").rings("ana")
        assert numbers(page) == [A, B]


def test_a_person_whose_every_number_is_refused_is_skipped_at_once():
    """(W1)"""
    config = rules(policy(step("ana"), step("ben")), people=(TWO_PHONES, person("ben")))

    with Playbook(config) as page:
        page.phone("ana", "refused").alert("disk-full").tries("ana", "ana").rings("ben")
        page.notes("step_skipped")


def test_a_refused_second_number_does_not_silence_the_first():
    config = rules(policy(step("ana", retry="1m", wait="1h")), people=(TWO_PHONES,))

    with Playbook(config) as page:
        page.phone(B, "refused").alert("disk-full").rings("ana")
        page.after("50m").tries(*["ana"] * 50).rings(*["ana"] * 50)
        assert page.incident().step == 0


def test_one_refused_target_does_not_stop_the_others_of_the_step():
    with Playbook(only(step("ana", "ben", wait="5m", retry="5m"), "cy")) as page:
        page.phone("ana", "refused").alert("disk-full").tries("ana").rings("ben")
        page.after("299s").stays_quiet().after("1s").rings("cy")


# ---- steps, rounds, the fallback


def test_a_policy_is_gone_through_repeat_times_and_then_the_fallback_is_rung():
    with Playbook(rules(policy("ana", "ben", repeat=2, fallback=("dee",)))) as page:
        page.alert("disk-full").rings("ana").after("15m").rings("ben", "ana", "ben")
        page.after("5m").rings("dee").is_in(Phase.EXHAUSTED).notes("exhausted")
        assert page.incident().round == 2


def test_an_open_incident_never_goes_silent():
    """(W32)"""
    with Playbook(only("ana")) as page:
        page.alert("disk-full").rings("ana").after("5m").rings("dee")
        page.after("3d").rings(*["dee"] * 432).is_in(Phase.EXHAUSTED)


def test_the_fallback_goes_by_its_own_interval():
    with Playbook(only("ana", fallback_every=timedelta(minutes=3))) as page:
        page.alert("disk-full").rings("ana").after("5m").rings("dee").after("6m").rings(
            "dee", "dee"
        )


def test_a_busy_fallback_is_tried_again_soon():
    with Playbook(only("ana")) as page:
        page.phone("dee", "busy").alert("disk-full").rings("ana")
        page.after("5m").rings("dee").after("90s").rings("dee", "dee", "dee")
        page.after("510s").rings("dee")


def test_a_step_that_nobody_stands_behind_is_skipped_at_once():
    """(C7)"""
    with Playbook(only("left", "ben")) as page:
        page.alert("disk-full").rings("ben").notes("step_skipped")


def test_when_no_step_reaches_anybody_the_fallback_is_rung_at_once():
    """(C7)"""
    with Playbook(rules(policy("left", "gone", fallback=("dee",)))) as page:
        page.alert("disk-full").rings("dee").is_in(Phase.EXHAUSTED)


def test_without_anybody_in_the_config_the_timer_goes_on():
    nobody = Rules(
        people={}, policies={"default": Policy(name="default", steps=(Step(targets=("x",)),))}
    )

    with Playbook(nobody) as page:
        page.alert("disk-full").after("1h").stays_quiet().is_in(Phase.EXHAUSTED)
        assert page.incident().due_at is not None
        page.reloads(rules(policy("ana"))).after("10m").rings("ana")


# ---- pass on


def test_pass_on_stops_the_retries_of_the_old_step():
    with Playbook(only(step("ana", "ben", retry="1m"), step("cy", retry="5m"))) as page:
        page.alert("disk-full").rings("ana", "ben")
        page.presses("ana", "5").rings("cy")
        page.after("4m").stays_quiet()


def test_a_call_of_the_step_before_goes_on_after_pass_on_and_may_acknowledge():
    with Playbook(only(step("ana", "ben"), step("cy"))) as page:
        page.alert("disk-full").rings("ana", "ben").answers("ben")
        page.presses("ana", "5").rings("cy")
        page.presses("ben", "4").is_acknowledged_by("ben").hangs_up("cy")


def test_pass_on_to_oneself_rings_again_after_the_retry_spacing():
    with Playbook(only(step("ana"), step("ana"))) as page:
        page.alert("disk-full").rings("ana")
        page.presses("ana", "5").stays_quiet()
        assert page.incident().step == 1
        page.after("2m").rings("ana")


# ---- owed pages


def test_a_page_that_was_never_placed_outlives_its_step():
    """The next step starts on time, whatever happens."""
    with Playbook(only(step("ana", wait="1m"), step("ben", wait="5m", retry="5m"))) as page:
        page.phone("ana", "not-sent").alert("disk-full").tries("ana")
        page.after("1m").tries("ana", "ana").rings("ben")
        page.phone("ana", "nobody").after("30s").rings("ana")
        page.after("3m").stays_quiet()


def test_a_page_still_due_when_its_step_ends_stays_due_until_it_is_placed():
    """Its number was in another call all the while, say."""
    in_force, memory = only(step("ana", wait="1m"), step("ben", wait="5m")), Memory()
    memory.apply(in_force, START, AlertReceived(alert=alert_of("disk-full"), fresh_id="i"))

    [result] = memory.apply(in_force, START + span("1m"), Due(incident_id="i"))

    assert result.incident is not None
    due = {page.person: page.state for page in result.incident.pages}
    assert due == {"ana": PageState.DUE, "ben": PageState.DUE}


def test_a_retry_that_was_not_placed_is_over_with_its_step():
    """Only a page that was never placed is owed."""
    with Playbook(only(step("ana", retry="1m", wait="90s"), step("ben", retry="5m"))) as page:
        page.alert("disk-full").rings("ana").phone("ana", "not-sent")
        page.after("1m").tries("ana").resolves("disk-full").is_in(Phase.RESOLVED)
        page.after("1h").stays_quiet()


def test_a_page_in_a_call_when_its_step_ends_belongs_to_the_next_step_if_that_rings_the_same():
    with Playbook(
        only(step("ana", retry="1m", wait="70s"), step("ana", "ben", retry="5m"))
    ) as page:
        page.alert("disk-full").rings("ana")
        page.after("1m").rings("ana")
        page.after("10s").rings("ben")
        assert {one.person: one.step for one in page.incident().pages} == {"ana": 1, "ben": 1}
        page.after("4m").stays_quiet()


def test_a_page_of_an_old_step_is_dropped_when_its_call_has_ended():
    with Playbook(only(step("ana", retry="1m", wait="70s"), step("ben", retry="5m"))) as page:
        page.alert("disk-full").rings("ana").after("1m").rings("ana").after("10s").rings("ben")
        page.after("20s").stays_quiet()
        assert [one.person for one in page.incident().pages] == ["ben"]


def test_a_page_of_an_old_step_that_was_not_told_is_dropped_if_it_had_its_try_before():
    """Ana's second page travels in her other call and is not told before that ends."""
    config = rules(policy(step("ana", retry="50s", wait="1m"), step("ben", wait="9m", retry="9m")))

    with Playbook(config) as page:
        page.alert("one").rings("ana").after("30s").stays_quiet()
        page.alert("two").rings("ana").answers("ana")
        page.after("25s").stays_quiet().notes("call_joined").after("10s").rings("ben")
        page.puts_down("ana").stays_quiet()
        assert page.incident("one").page_of("ana") is None


def test_a_page_of_an_old_step_that_was_never_told_is_owed():
    config = rules(policy(step("ana", wait="30s"), step("ben", wait="9m", retry="9m")))

    with Playbook(config) as page:
        page.alert("one").rings("ana").answers("ana").after("20s").alert("two").stays_quiet()
        page.after("10s").rings("ben").after("20s").stays_quiet()
        page.puts_down("ana").rings("ana").after("25s").rings("ben")
        page.after("8m").stays_quiet()


# ---- late timers


def test_a_timer_that_was_missed_runs_once_and_the_rest_counts_from_now():
    """(T4, T5)"""
    with Playbook(rules(policy("ana", "ben", "cy"))) as page:
        page.alert("disk-full").rings("ana").after("1m").stays_quiet()
        page.sleeps("30m").rings("ben")
        page.after("4m").stays_quiet().after("1m").rings("cy")


def test_downtime_within_a_step_brings_one_retry():
    with Playbook(only(step("ana", retry="2m", wait="1h"))) as page:
        page.alert("disk-full").rings("ana").after("1m").stays_quiet()
        page.sleeps("30m").rings("ana").after("1m").stays_quiet()


# ---- reload


def test_an_edit_takes_effect_at_the_next_step():
    with Playbook(rules(policy("ana", "ben"))) as page:
        page.alert("disk-full").rings("ana")
        page.reloads(rules(policy("ana", "cy"))).stays_quiet().after("5m").rings("cy")


def test_a_step_past_the_end_of_an_edited_policy_is_the_end_of_the_round():
    with Playbook(rules(policy("ana", "ben", "cy"))) as page:
        page.alert("disk-full").rings("ana").after("5m").rings("ben").after("5m").rings("cy")
        page.reloads(rules(policy("dee"))).after("5m").rings("dee")
        assert (page.incident().step, page.incident().round) == (0, 2)


def test_a_call_that_ends_in_a_step_that_is_no_more_starts_the_next_round():
    with Playbook(rules(policy("ana", "ben"))) as page:
        page.alert("disk-full").rings("ana").after("5m").rings("ben")
        page.reloads(rules(policy("cy"))).after("25s").rings("cy")


def test_a_vanished_policy_becomes_the_default_with_a_note():
    own = policy("ana", "ben", name="own")
    to_own = (route('alertname=~".*"', "own"),)

    with Playbook(rules(own, policy("ana", "cy"), routes=to_own)) as page:
        page.alert("disk-full").rings("ana").reloads(rules(policy("ana", "cy"), routes=to_own))
        page.after("5m").rings("cy").notes("policy_gone")


def test_a_person_added_to_the_step_is_rung_at_the_next_try():
    with Playbook(only(step("ana", retry="1m"))) as page:
        page.alert("disk-full").rings("ana")
        page.reloads(only(step("ana", "ben", retry="1m"))).stays_quiet()
        page.after("1m").rings("ana", "ben")


def test_a_person_taken_from_the_step_is_not_tried_again():
    with Playbook(only(step("ana", "ben", retry="1m"))) as page:
        page.alert("disk-full").rings("ana", "ben").after("30s").stays_quiet()
        page.reloads(only(step("ben", retry="1m"))).after("30s").rings("ben")
        assert page.incident().page_of("ana").unreachable


def test_a_step_is_over_at_once_when_all_who_were_tried_are_gone_or_refused():
    with Playbook(only(step("ana", "ben", retry="1m", wait="1h"), step("cy"))) as page:
        page.phone("ben", "refused").alert("disk-full").tries("ben").rings("ana").after("30s")
        page.reloads(only(step("ben", retry="1m", wait="1h"), step("cy"))).after("30s").rings("cy")


def test_a_person_removed_while_being_called_gives_way_when_that_call_has_ended():
    """(C4)"""
    people = (person("ben"), person("dee"))

    with Playbook(rules(policy("ana", "ben"))) as page:
        page.alert("disk-full").rings("ana")
        page.reloads(rules(policy("ana", "ben"), people=people)).stays_quiet()
        page.after("25s").rings("ben")


def test_a_person_removed_while_being_called_may_still_acknowledge():
    """(C4)"""
    with Playbook(rules(policy("ana", "ben"))) as page:
        page.alert("disk-full").rings("ana")
        page.reloads(rules(policy("ana", "ben"), people=(person("ben"),)))
        page.presses("ana", "4").is_acknowledged_by("ana")


def test_who_stands_behind_the_step_instead_is_rung_when_somebody_is_passed_over():
    """Ana left the config before her call was placed, and Cy has taken her place."""
    page = Playbook(rules(policy(step("ana"), step("ben"))))

    with page:
        page.phone("ana", "not-sent").alert("disk-full").tries("ana")
        page.reloads(rules(policy(step("cy"), step("ben")), people=(person("ben"), person("cy"))))
        page.rings("cy").notes("passed_over")
        assert page.incident().step == 0


def test_a_number_changed_while_it_rings_is_used_from_the_next_try_on():
    """(C5)"""
    changed = rules(policy(step("ana", retry="1m")), people=(person("ana", B),))

    with Playbook(rules(policy(step("ana", retry="1m")), people=(person("ana", A),))) as page:
        page.alert("disk-full").rings("ana").reloads(changed).after("1m").rings("ana")
        assert numbers(page) == [A, B]


def test_a_fallback_person_who_is_passed_over_leaves_the_others():
    with Playbook(rules(policy("left", fallback=("ana", "ben")))) as page:
        page.phone("ana", "not-sent").alert("disk-full").tries("ana").rings("ben")
        page.reloads(rules(policy("left", fallback=("ana", "ben")), people=(person("ben"),)))
        page.after("30s").stays_quiet().is_in(Phase.EXHAUSTED)
        page.after("10m").rings("ben")


# ---- flapping: going on where it left off


def test_a_reopened_incident_goes_on_with_its_step_and_its_whole_wait():
    with Playbook(rules(policy("ana", step("ben", retry="1m"), "cy"))) as page:
        page.alert("disk-full").rings("ana").after("5m").rings("ben")
        page.after("4m").rings(*["ben"] * 4).resolves("disk-full").hangs_up("ben")
        page.after("2m").alert("disk-full").rings("ben").notes("reopened")
        assert page.incident().step == 1
        page.after("4m").rings(*["ben"] * 4).after("1m").rings("cy")


def test_nobody_is_rung_sooner_after_reopening_than_the_retry_spacing_allows():
    """(L8)"""
    with Playbook(rules(policy(step("ana", retry="2m")))) as page:
        page.alert("disk-full").rings("ana").resolves("disk-full").hangs_up("ana")
        page.after("5s").alert("disk-full").stays_quiet().is_in(Phase.TRIGGERED)
        page.after("114s").stays_quiet().after("1s").rings("ana")


def test_an_alert_that_flaps_every_five_seconds_brings_one_call_and_ends_with_the_true_state():
    """(L8)"""
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana").resolves("disk-full").hangs_up("ana")
        for _ in range(20):
            page.after("5s").alert("disk-full").stays_quiet()
            page.after("5s").resolves("disk-full").stays_quiet()
        page.has_incidents(1).is_in(Phase.RESOLVED).after("1d").stays_quiet()


def test_an_incident_reopened_in_a_step_that_is_no_more_goes_on_after_it():
    with Playbook(rules(policy("ana", "ben"))) as page:
        page.alert("disk-full").rings("ana").after("5m").rings("ben")
        page.resolves("disk-full").hangs_up("ben").reloads(rules(policy("cy")))
        page.alert("disk-full").rings("cy").notes("reopened")


def test_an_incident_reopened_with_nobody_behind_its_step_goes_on_after_it():
    with Playbook(rules(policy("ana", "ben"))) as page:
        page.alert("disk-full").rings("ana").resolves("disk-full").hangs_up("ana")
        page.reloads(rules(policy("left", "ben"))).alert("disk-full").rings("ben")


def test_an_acknowledged_incident_reopens_acknowledged():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana").presses("ana", "4").is_acknowledged_by("ana")
        page.resolves("disk-full").after("9m").alert("disk-full").is_acknowledged_by("ana")
        page.after("1d").stays_quiet()


def test_a_snoozed_incident_reopens_snoozed_until_the_same_moment():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana").asks(Action.SNOOZE).hangs_up("ana")
        page.after("1m").resolves("disk-full").after("1m").alert("disk-full").is_in(Phase.SNOOZED)
        page.after("57m").stays_quiet().after("1m").rings("ana")


def test_an_incident_whose_snooze_is_over_reopens_at_step_0():
    with Playbook(rules(policy("ana", "ben"))) as page:
        page.alert("disk-full").rings("ana").after("5m").rings("ben")
        page.asks(Action.SNOOZE, until=page.world.now + timedelta(minutes=5)).hangs_up("ben")
        page.after("4m").resolves("disk-full").after("2m").alert("disk-full").rings("ana")


def test_an_incident_whose_policy_has_vanished_reopens_at_step_0():
    with Playbook(rules(policy("ana", "ben"))) as page:
        page.alert("disk-full").rings("ana").after("5m").rings("ben")
        page.resolves("disk-full").hangs_up("ben")
        page.reloads(rules(policy("cy", "dee", name="other")))
        page.alert("disk-full").rings("cy").notes("reopened", "policy_gone")


def test_an_exhausted_incident_reopens_exhausted_and_keeps_its_interval():
    with Playbook(only("ana")) as page:
        page.alert("disk-full").rings("ana").after("5m").rings("dee")
        page.after("1m").resolves("disk-full").after("1m").alert("disk-full").is_in(Phase.EXHAUSTED)
        page.after("479s").stays_quiet().after("1s").rings("dee")


def test_an_incident_that_nobody_was_ever_rung_for_reopens_and_rings_at_once():
    """Its number was in a direct call all the time, say."""
    with Playbook(rules(policy("ana"))) as page:
        page.phone("ana", "not-sent").alert("disk-full").tries("ana").resolves("disk-full")
        page.phone("ana", "nobody").after("3m").alert("disk-full").after("2m").rings("ana")


def test_a_timer_in_a_step_that_only_waits_changes_nothing():
    with Playbook(only(step("ana", retry="5m", wait="5m"))) as page:
        page.alert("disk-full").rings("ana").after("1m").stays_quiet()
        page.world.submit(Due(incident_id=page.incident().id))
        page.stays_quiet()
