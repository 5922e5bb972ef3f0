"""What the carrier's word about a call means: forward only, and never an acknowledgement."""

from itertools import product

import pytest
from call_story import CallStory
from playbook import Playbook, policy, rules

from escalator.escalation.call_status import TERMINAL, silence
from escalator.escalation.calls import CallOutcome, CallState

FORWARD = ("queued", "ringing", "in-progress", "completed")
STATES = (CallState.QUEUED, CallState.RINGING, CallState.IN_PROGRESS, CallState.ENDED)


def ringing():
    return CallStory().intended("i1").accepted().reported("ringing")


@pytest.mark.parametrize(("first", "second"), list(product(range(4), range(4))))
def test_status_only_moves_forward(first, second):
    """(W13, W14)"""
    story = CallStory().intended("i1").accepted()

    story.reported(FORWARD[first]).reported(FORWARD[second])

    assert story.state is STATES[max(first, second)]


@pytest.mark.parametrize("status", [*sorted(TERMINAL), "ringing", "in-progress"])
def test_a_repeated_status_changes_nothing(status):
    """(W13)"""
    story = ringing().reported(status)
    before, lines = story.call, list(story.lines)

    story.reported(status)

    assert (story.call, story.lines) == (before, lines)


@pytest.mark.parametrize("status", FORWARD)
def test_no_status_acknowledges(status):
    """(W22)"""
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana")
        page.world.report(page.world.at_carrier[page.calls()[0].sid], status)
        page.is_in("triggered").stays_quiet()


@pytest.mark.parametrize(
    ("status", "sip", "outcome", "detail"),
    [
        ("busy", None, CallOutcome.BUSY, ""),
        ("no-answer", None, CallOutcome.NO_ANSWER, ""),
        ("failed", None, CallOutcome.FAILED, ""),
        ("failed", 503, CallOutcome.FAILED, "SIP 503"),
        ("failed", 480, CallOutcome.NO_ANSWER, "SIP 480"),
        ("canceled", None, CallOutcome.CANCELED, ""),
    ],
)
def test_how_a_call_ended_without_being_picked_up(status, sip, outcome, detail):
    """(W9, W20)"""
    story = ringing().reported(status, sip_code=sip)

    assert (story.state, story.call.outcome) == (CallState.ENDED, outcome)
    assert story.page_ends() == [("i1", str(outcome), True)]
    assert story.follow[0].detail == detail


def test_completed_without_a_prompt_is_unheard():
    """(W24)"""
    story = ringing().reported("completed", duration=4)

    assert (story.call.outcome, story.call.duration) == (CallOutcome.UNHEARD, 4)


def test_completed_without_a_key_is_heard():
    """(W25)"""
    assert ringing().prompted().reported("completed").call.outcome is CallOutcome.HEARD


@pytest.mark.parametrize(
    ("key", "outcome"), [("4", "acknowledged"), ("6", "acknowledged"), ("5", "heard")]
)
def test_completed_after_a_key_that_took_the_incident_is_acknowledged(key, outcome):
    story = ringing().prompted().pressed(key).closed("i1").reported("completed")

    assert story.call.outcome == outcome


def test_when_somebody_picked_up_is_kept():
    story = ringing().after(8).reported("in-progress").after(5).reported("in-progress")

    assert (story.now - story.call.answered_at).total_seconds() == 5


def test_a_call_is_read_after_60_seconds_and_then_every_30():
    """(K8, W15)"""
    story = CallStory().intended("i1").accepted()
    assert story.timer() == 60

    assert story.after(2).reported("ringing").timer() == 58
    assert story.after(58).reported("ringing", token="").timer() == 30


def test_a_status_that_nobody_knows_changes_nothing_but_the_next_reading():
    story = ringing().after(60).reported("on-the-moon")

    assert (story.state, story.timer()) == (CallState.RINGING, 30)


def test_the_ringing_of_the_phone_is_noted_once():
    story = ringing().reported("ringing").reported("queued").reported("ringing")

    assert story.lines.count("ringing") == 1


# ---- machines


def test_a_call_that_a_machine_picked_up_is_cut_and_reached_nobody():
    """(W21)"""
    story = ringing().prompted().reported("in-progress", machine=True)
    assert story.endings() == {"CA1": True}
    assert "machine" in story.lines

    story.ended("CA1", "completed")

    assert story.call.outcome is CallOutcome.MACHINE
    assert story.page_ends() == [("i1", "machine", True)]


def test_a_machine_that_is_known_at_the_answer_is_remembered_and_hangs_up_by_itself():
    """What it hears ends with a hang-up, so that nothing has to be ended."""
    story = ringing().prompted(machine=True)
    assert story.endings() == {}

    assert story.reported("completed").call.outcome is CallOutcome.MACHINE


def test_the_verdict_machine_is_noted_once():
    story = ringing().reported("in-progress", machine=True).reported("in-progress", machine=True)

    assert story.lines.count("machine") == 1
    assert len(story.call.endings) == 1


def test_a_key_counts_though_the_verdict_was_machine():
    """(W23)"""
    story = ringing().prompted().reported("in-progress", machine=True).pressed("4")

    assert [str(one.action) for one in story.follow] == ["acknowledge"]
    assert story.closed("i1").reported("completed").call.outcome is CallOutcome.ACKNOWLEDGED


def test_a_silent_call_is_given_up_after_ring_and_limit_and_a_minute():
    assert silence(25, 300) == 385
