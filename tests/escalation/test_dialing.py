"""Which phones to ring next, and with what."""

from dataclasses import replace
from datetime import timedelta

import pytest
from playbook import Playbook, alert_of, person, policy, rules, step
from world import LASTS, START

from escalator.escalation.call_events import CallIntended, PageJoined, Wanted
from escalator.escalation.calls import CallKind, CallState
from escalator.escalation.dialing import Drop, DuePage, Join, OpenCall, Pass, Place, Spent, plan
from escalator.escalation.events import AlertReceived
from escalator.escalation.incidents import Phase
from escalator.escalation.rules import Caps

ANA, ANA_2 = "+491713920012", "+493023125012"
SHARED = "+447700900123"
CONFIG = rules(
    policy("ana"),
    people=(person("ana", ANA, ANA_2), person("ben", SHARED), person("cy", SHARED)),
)
LIVE = (
    CallState.POSTING,
    CallState.UNCLEAR,
    CallState.QUEUED,
    CallState.RINGING,
    CallState.IN_PROGRESS,
)


def due(incident, someone="ana", *, severity="critical", age=0, tries=0, was_called=False):
    return DuePage(
        incident_id=incident,
        person=someone,
        severity=severity,
        since=START - timedelta(seconds=age),
        tries=tries,
        was_called=was_called,
    )


def call(name, to, *people, state=CallState.RINGING, kind=CallKind.PAGE, age=0, timer=None):
    return OpenCall(
        id=name,
        kind=kind,
        state=state,
        to=to,
        people=frozenset(people),
        created_at=START - timedelta(seconds=age),
        timer_at=timer,
    )


def planned(name, to, *people, **about):
    return call(name, to, *people, state=CallState.PLANNED, **about)


def direct(name, to, *people, **about):
    return call(name, to, *people, kind=CallKind.DIRECT, **about)


def wanted(*incidents, someone="ana"):
    return tuple(Wanted(incident_id=one, person=someone) for one in incidents)


def planning(pages=(), calls=(), config=CONFIG):
    return plan(config, pages, calls, START)


# ---- bundles


def test_nothing_due_rings_nobody():
    assert planning() == []


def test_all_pages_due_for_one_number_travel_together():
    [place] = planning([due("i1"), due("i2"), due("i3", "ana", severity="warning")])

    assert place == Place(call_id="", to=ANA, person="ana", pages=wanted("i1", "i2", "i3"))


def test_people_who_share_a_number_share_the_call_and_keep_their_own_pages():
    [place] = planning([due("i1", "cy"), due("i1", "ben")])

    assert place.to == SHARED
    assert place.pages == (*wanted("i1", someone="cy"), *wanted("i1", someone="ben"))


def test_a_persons_pages_take_the_number_that_their_oldest_page_is_at():
    [place] = planning([due("young", tries=0, age=1), due("old", tries=1, age=9)])

    assert place.to == ANA_2
    assert {page.incident_id for page in place.pages} == {"young", "old"}


@pytest.mark.parametrize(("tries", "to"), [(0, ANA), (1, ANA_2), (2, ANA), (7, ANA_2)])
def test_phones_are_tried_in_order_try_by_try(tries, to):
    assert planning([due("i1", tries=tries)])[0].to == to


# ---- the order


def test_the_worst_goes_first_then_who_was_never_called_then_the_oldest():
    """(W12)"""
    people = tuple(person(f"p{n}", f"+1555010000{n}") for n in range(5))
    config = rules(policy("p1"), people=people)
    pages = [
        due("i0", "p0", severity="warning", age=99),
        due("i1", "p1", severity="critical", was_called=True, age=50),
        due("i2", "p2", severity="critical", age=1),
        due("i3", "p3", severity="critical", age=2),
        due("i4", "p4", severity="nobody-knows", age=3),
    ]

    places = planning(pages, config=config)

    assert [place.person for place in places] == ["p4", "p3", "p2", "p1", "p0"]


# ---- one phone, one call


@pytest.mark.parametrize("state", LIVE)
def test_a_page_joins_the_call_to_its_number(state):
    """(W29)"""
    steps = planning([due("i2")], [call("c1", ANA, "ana", state=state)])

    assert steps == [Join(call_id="c1", page=Wanted(incident_id="i2", person="ana"))]


@pytest.mark.parametrize(
    ("someone", "to"), [("ana", ANA_2), ("ben", SHARED)], ids=["other phone", "shared number"]
)
def test_a_page_joins_the_call_that_its_person_or_its_number_is_in(someone, to):
    [join] = planning([due("i2", someone)], [call("c1", to, "ana", "cy")])

    assert join == Join(call_id="c1", page=Wanted(incident_id="i2", person=someone))


def test_a_page_joins_the_call_whose_own_pages_have_closed():
    """Its person is still talking to us, so another phone of theirs may not ring."""
    [join] = planning([due("i2", tries=1)], [call("c1", ANA, "ana", state=CallState.IN_PROGRESS)])

    assert join.call_id == "c1"


@pytest.mark.parametrize("tries", [0, 1], ids=["its number", "the other number"])
def test_a_page_waits_for_the_end_of_a_direct_call_to_its_person(tries):
    assert planning([due("i1", tries=tries)], [direct("d1", ANA, "ana")]) == []


def test_a_page_for_another_number_does_not_wait_for_a_direct_call():
    [place] = planning([due("i1", "ben")], [direct("d1", ANA, "ana")])

    assert place.to == SHARED


def test_a_direct_call_waits_for_a_page_call_to_its_number():
    assert planning([], [call("c1", ANA, "ana"), planned("d1", ANA, kind=CallKind.DIRECT)]) == []


def test_a_bundle_leaves_out_who_is_talking_to_us_elsewhere():
    elsewhere = "+15550100009"
    [place] = planning([due("i1", "ben"), due("i1", "cy")], [direct("d1", elsewhere, "ben")])

    assert place.pages == wanted("i1", someone="cy")


# ---- calls planned before


def test_a_planned_call_takes_along_what_is_due_at_its_number_by_now():
    [place] = planning([due("i2")], [planned("c1", ANA, "ana")])

    assert place == Place(call_id="c1", to=ANA, person="ana", pages=wanted("i2"))


def test_a_page_takes_the_number_that_its_person_has_a_planned_call_to():
    [place] = planning([due("i2", tries=0)], [planned("c1", ANA_2, "ana")])

    assert (place.call_id, place.to) == ("c1", ANA_2)


def test_a_planned_call_waits_for_its_time_and_so_does_what_is_due_at_its_number():
    later = START + timedelta(seconds=1)

    assert planning([due("i2")], [planned("c1", ANA, "ana", timer=later)]) == []
    assert planning([due("i2")], [planned("c1", ANA, "ana", timer=START)]) != []


def test_planned_calls_go_in_the_order_they_were_made_and_one_number_gets_one():
    calls = [
        planned("young", ANA, kind=CallKind.DIRECT, age=1),
        planned("other", SHARED, kind=CallKind.DIRECT, age=2),
        planned("old", ANA, kind=CallKind.DIRECT, age=3),
    ]

    assert [place.call_id for place in planning([], calls)] == ["old", "other"]


def test_a_direct_call_takes_no_page_along_and_pages_wait_for_it():
    [place] = planning([due("i1")], [planned("d1", ANA, kind=CallKind.DIRECT)])

    assert place == Place(call_id="d1", to=ANA, person="", pages=())


def test_pages_do_not_wait_for_a_direct_call_whose_time_has_not_come():
    later = START + timedelta(seconds=1)
    waiting = planned("d1", ANA, "ana", kind=CallKind.DIRECT, timer=later)

    [place] = planning([due("i1")], [waiting])

    assert (place.call_id, place.to) == ("", ANA)


# ---- reloads


def test_a_page_of_somebody_who_left_the_config_is_passed_over():
    """(C4)"""
    [step] = planning([due("i1", "dee")])

    assert step == Pass(
        page=Wanted(incident_id="i1", person="dee"), reason="no longer in the config"
    )


@pytest.mark.parametrize(
    ("number", "who"), [(ANA, "dee"), ("+15550100009", "ana")], ids=["person", "number"]
)
def test_a_planned_call_that_reaches_nobody_of_the_config_is_dropped_before_its_time(number, who):
    """(C4, I5)"""
    later = START + timedelta(minutes=1)
    [drop] = planning([], [planned("c1", number, who, timer=later)])

    assert drop == Drop(call_id="c1", reason="the number is no longer in the config")


def test_a_direct_call_may_go_to_a_number_that_is_not_in_the_config():
    [place] = planning([], [planned("d1", "+15550100009", kind=CallKind.DIRECT)])

    assert place.to == "+15550100009"


def test_what_is_due_at_the_number_of_a_dropped_call_is_placed_the_next_time():
    assert [type(one) for one in planning([due("i2", "ben")], [planned("c1", SHARED, "dee")])] == [
        Drop
    ]


# ---- played through


def test_a_second_incident_travels_in_the_call_under_way_and_is_told_at_the_next_prompt():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("one").rings("ana").answers("ana").alert("two").stays_quiet()
        page.presses("ana", "4").is_acknowledged_by("ana", "one").is_in(Phase.TRIGGERED, "two")
        page.answers("ana").presses("ana", "4").is_acknowledged_by("ana", "two").stays_quiet()


def test_a_page_that_was_not_told_before_the_call_ended_is_due_again_at_once():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("one").rings("ana").answers("ana").alert("two").stays_quiet()
        page.puts_down("ana").rings("ana")
        assert page.incident("two").page_of("ana").tries == 0
        assert page.incident("one").page_of("ana").tries == 1


def test_a_page_told_in_a_call_that_ends_without_a_key_has_spent_its_try():
    with Playbook(rules(policy(step("ana")))) as page:
        page.alert("one").rings("ana").answers("ana").alert("two").answers("ana")
        page.puts_down("ana").stays_quiet()
        assert page.incident("two").page_of("ana").tries == 1


def test_two_people_at_one_number_are_rung_by_one_call_and_one_key_does_for_both():
    people = (person("ana"), person("ben", SHARED), person("cy", SHARED))

    with Playbook(rules(policy(step("ben", "cy")), people=people)) as page:
        page.alert("disk-full").rings("ben+cy").presses("cy", "4")
        page.is_acknowledged_by("ben").after("1h").stays_quiet()


def test_a_storm_of_alerts_is_one_call():
    """(L1)"""
    with Playbook(rules(policy("ana"))) as page:
        page.alert_batch(*(f"alert-{n}" for n in range(300))).rings("ana")
        page.has_incidents(300)
        assert len(page.calls()[0].pages) == 300
        page.presses("ana", "4").stays_quiet()
        assert {one.phase for one in page.world.memory.incidents.values()} == {Phase.ACKNOWLEDGED}


# ---- a plan that comes too late is refused


def too_late(page, *events):
    return [result.refused for result in page.world.submit(*events)]


def test_an_intent_is_refused_while_its_number_is_in_a_call():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana")
        alert = AlertReceived(alert=alert_of("cpu-hot"), fresh_id="i2")
        page.world.submit(alert)

        assert too_late(page, intent("new", ANA, ("i2", "ana"))) == ["the number is in a call"]
        page.stays_quiet()


def test_an_intent_is_refused_when_its_call_is_placed_or_nothing_is_due_any_more():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana")
        [call], incident = page.calls(), page.incident().id

        assert too_late(page, intent(call.id, ANA, (incident, "ana"))) == [
            "the call is not planned any more"
        ]
        assert too_late(
            page, intent("new", "+15550100009", (incident, "ana"), ("gone", "ana"))
        ) == ["nothing is due for this number any more"]


def test_a_page_is_refused_by_a_call_that_is_over_and_when_it_is_due_no_more():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana")
        [call] = page.calls()
        joining = PageJoined(
            call_id=call.id, page=Wanted(incident_id=page.incident().id, person="ana")
        )

        assert too_late(page, joining) == ["the call or the page is over"]
        assert too_late(page, replace(joining, call_id="gone")) == ["the call or the page is over"]


def intent(call_id, to, *pages):
    return CallIntended(
        call_id=call_id,
        to=to,
        from_="+15005550006",
        person=pages[0][1],
        token_hash=f"token of {call_id}",
        lasts=LASTS,
        pages=tuple(Wanted(incident_id=one, person=someone) for one, someone in pages),
    )


# ---- caps


def capped(*steps, **caps):
    return rules(policy(*steps, repeat=1), caps=Caps(**caps))


def test_who_was_called_too_often_is_passed_over_at_once_and_the_next_one_is_rung():
    config = capped(step("ana", retry="1m", wait="5m"), "ben", per_person=2)
    with Playbook(config) as page:
        page.alert("disk-full").rings("ana")
        page.after("1m").rings("ana")
        page.after("1m").rings("ben").notes("passed_over", "step_skipped")
        page.presses("ben", "4")


def test_the_fallback_is_under_no_cap():
    with Playbook(capped("ana", per_person=1, per_day=1)) as page:
        page.alert("disk-full").rings("ana")
        page.after("5m").rings("ana").is_in("exhausted")
        page.after("10m").rings("ana").presses("ana", "4")


def test_after_the_calls_of_a_day_only_the_fallback_is_called():
    config = capped("ana", "ben", per_day=1)
    config = replace(
        config, policies={"default": replace(config.policies["default"], fallback=("dee",))}
    )
    with Playbook(config) as page:
        page.alert("disk-full").rings("ana")
        page.after("5m").rings("dee").presses("dee", "4")
        page.after("25h").alert("cpu-hot").rings("ana").presses("ana", "4")


def test_a_cap_counts_what_was_placed_within_its_span():
    with Playbook(capped(step("ana", retry="1h", wait="3h"), per_person=1)) as page:
        page.alert("disk-full").rings("ana")
        page.after("1h").rings("ana").presses("ana", "4")


def test_where_the_phone_rings_anyway_who_is_over_the_cap_travels_along():
    shared = "+15005550109"
    config = replace(
        capped(step("ana", "dee"), per_person=1),
        people={key: person(key, shared) for key in ("ana", "dee")},
    )
    pages = [due("i1", "ana"), due("i1", "dee")]

    [placed] = plan(config, pages, [], START, Spent(by_person={"dee": 1}))
    passed = plan(config, pages, [], START, Spent(by_person={"dee": 1, "ana": 1}))

    assert isinstance(placed, Place)
    assert {page.person for page in placed.pages} == {"ana", "dee"}
    assert [type(one) for one in passed] == [Pass, Pass]
    assert passed[0].reason == "called 1 times within an hour"
