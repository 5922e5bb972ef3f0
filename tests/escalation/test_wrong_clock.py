"""What a clock that was years ahead has left behind is made due now."""

from dataclasses import replace
from datetime import timedelta

import pytest
from call_story import CallStory
from playbook import Playbook, policy, rules, step
from world import START

from escalator.escalation.calls import CallState, Ending
from escalator.escalation.incidents import PageState
from escalator.escalation.wrong_clock import is_absurd, mend_call, mend_incident

YEARS = timedelta(days=20_000)


@pytest.mark.parametrize(
    ("ahead", "absurd"),
    [
        (timedelta(days=-9000), False),
        (timedelta(0), False),
        (timedelta(days=31), False),
        (timedelta(days=31, microseconds=1), True),
    ],
)
def test_a_time_further_ahead_than_anything_we_plan_is_absurd(ahead, absurd):
    assert is_absurd(START + ahead, START) is absurd


def test_no_time_at_all_is_not_absurd():
    assert not is_absurd(None, START)


def story():
    """An incident whose first step rings two, of whom one is between two tries."""
    page = Playbook(rules(policy(step("ana", "ben", retry="4m"), "cy")))
    return page.alert("disk-full").rings("ana", "ben").after("30s")


def test_an_incident_in_order_is_left_as_it_is():
    incident = story().incident()

    assert mend_incident(incident, START) == incident


def test_the_timers_of_an_incident_are_made_due():
    incident = story().incident()
    pages = tuple(replace(page, next_at=START + YEARS) for page in incident.pages)

    mended = mend_incident(replace(incident, until=START + YEARS, pages=pages), START)

    assert mended.until == START
    assert {page.next_at for page in mended.pages} == {START}


def test_a_page_that_waits_for_no_time_is_left_as_it_is():
    incident = story().incident()
    done = tuple(replace(page, state=PageState.DONE, next_at=None) for page in incident.pages)

    assert mend_incident(replace(incident, pages=done), START).pages == done


def test_an_incident_with_an_absurd_timer_goes_on():
    """(T3)"""
    page = story().stays_quiet()
    memory = page.world.memory
    absurd = replace(page.incident(), until=page.world.now + YEARS)
    memory.incidents[absurd.id] = absurd

    with page:
        page.after("210s").rings("cy")


def test_a_call_in_order_is_left_as_it_is():
    call = CallStory().intended("i1").accepted().reported("ringing").call

    assert mend_call(call, START) == call


@pytest.mark.parametrize("name", ["timer_at", "posted_at", "unclear_at", "heard_at"])
def test_the_times_of_a_call_are_mended(name):
    call = replace(CallStory().intended("i1").unclear().call, **{name: START + YEARS})

    assert getattr(mend_call(call, START), name) == START


def test_the_endings_of_a_call_are_mended():
    endings = (
        Ending(sid="CA1", cut=True, due_at=START + YEARS, tries=2),
        Ending(sid="CA2", cut=True, due_at=START),
    )
    call = replace(CallStory().intended("i1").call, endings=endings)

    mended = mend_call(call, START).endings

    assert mended == (replace(endings[0], due_at=START), endings[1])


def test_a_ringing_call_from_a_wrong_clock_is_read_every_30_seconds_and_not_without_end():
    """(T3)"""
    past = CallStory()
    past.now = START + YEARS
    past.intended("i1").accepted().reported("ringing")
    past.now = START

    assert past.reported("ringing", token="").timer() == 60
    assert past.after(60).reported("ringing", token="").timer() == 30


def test_an_unclear_call_from_a_wrong_clock_is_settled():
    """(T3)"""
    past = CallStory()
    past.now = START + YEARS
    past.intended("i1").unclear()
    past.now = START

    assert past.listed().timer() == 3
    assert past.after(30).listed().state is CallState.PLANNED
