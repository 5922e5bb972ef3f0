"""Prompts, keys, joining, direct calls, and the end of calls."""

from dataclasses import replace

import pytest
from call_story import CONFIG, TO, CallStory
from playbook import Playbook, policy, rules, step

from escalator.escalation.calls import AnswerRequest, CallKind, CallOutcome, CallState
from escalator.escalation.decide_call import action_of
from escalator.escalation.events import Action, Asked, PagePlaced
from escalator.escalation.incidents import Phase
from escalator.escalation.rules import Keys

SNOOZE = replace(CONFIG, keys=Keys(snooze="9"))


def ringing(*incidents, config=CONFIG):
    return CallStory(config).intended(*incidents or ("i1",)).accepted().reported("ringing")


def talking(*incidents, config=CONFIG):
    return ringing(*incidents, config=config).prompted()


def asked(story):
    return [(one.incident_id, str(one.action)) for one in story.follow if isinstance(one, Asked)]


def told(story):
    return {page.incident_id: page.told for page in story.call.pages}


# ---- prompts


def test_the_first_prompt_tells_every_open_page_and_says_that_the_phone_was_picked_up():
    story = talking("i1", "i2")

    assert told(story) == {"i1": True, "i2": True}
    assert (story.state, story.call.answered_at, story.call.prompts) == (
        CallState.IN_PROGRESS,
        story.now,
        1,
    )
    assert story.lines.count("answered") == 2, "once for each incident"


def test_the_answer_request_is_kept_as_it_came_in_first():
    story = talking().after(9).prompted(body="second")

    assert story.call.answer_request == AnswerRequest(
        at=story.call.answered_at, content_type="application/x-www-form-urlencoded", body="a=b"
    )
    assert story.lines.count("answered") == 1


def test_that_somebody_picked_up_is_said_although_the_status_came_first():
    story = ringing().reported("in-progress").prompted()

    assert "answered" in story.lines


def test_a_page_that_joined_is_told_by_the_next_prompt_and_a_closed_one_by_none():
    story = talking("i1").joined("i2").joined("i3").closed("i3")
    assert told(story) == {"i1": True, "i2": False, "i3": False}

    assert told(story.prompted()) == {"i1": True, "i2": True, "i3": False}


def test_a_prompt_after_the_end_changes_nothing():
    """(W17)"""
    story = ringing().reported("completed")
    before = story.call

    assert story.prompted().call == replace(before, heard_at=story.now)


# ---- keys


@pytest.mark.parametrize(
    ("key", "action"),
    [
        ("4", Action.ACKNOWLEDGE),
        ("5", Action.ESCALATE),
        ("6", Action.RESOLVE),
        ("9", Action.SNOOZE),
        ("*", None),
        ("1", None),
        ("", None),
    ],
)
def test_what_a_key_means(key, action):
    assert action_of(SNOOZE.keys, key) is action


def test_silence_is_no_key_although_snooze_has_none():
    assert action_of(Keys(), "") is None


@pytest.mark.parametrize("key", ["*", "1", ""])
def test_a_key_without_meaning_changes_nothing(key):
    """(W26)"""
    story = talking()
    before = story.call

    assert story.pressed(key).call == before
    assert story.follow == ()


@pytest.mark.parametrize(
    ("key", "action"), [("4", "acknowledge"), ("6", "resolve"), ("9", "snooze")]
)
def test_a_key_applies_to_every_open_page_that_was_heard(key, action):
    story = talking("i1", "i2", config=SNOOZE).pressed(key, heard=2)

    assert asked(story) == [("i1", action), ("i2", action)]
    assert story.call.acted
    assert story.follow[0].by == "ana"
    assert story.follow[0].call_id == "c"


def test_a_key_applies_to_nothing_that_came_after_the_prompt():
    story = talking("i1").joined("i2").pressed("4", heard=1)

    assert asked(story) == [("i1", "acknowledge")]


def test_a_key_does_not_apply_to_what_was_closed_meanwhile_but_acknowledge_is_on_record():
    """(W27, W28)"""
    story = talking("i1", "i2").closed("i1")

    assert asked(story.pressed("4", heard=2)) == [("i2", "acknowledge"), ("i1", "also")]
    assert asked(story.pressed("6", heard=2)) == [("i2", "resolve")]


def test_who_presses_acknowledge_too_late_is_on_record_once():
    """(W13, W28)"""
    story = talking("i1", "i1/ben").closed("i1").closed("i1/ben")

    assert asked(story.pressed("4", heard=2)) == [("i1", "also")]
    assert asked(story.pressed("4", heard=2)) == []


def test_one_key_is_one_wish_however_many_people_of_the_number_it_rings_for():
    story = talking("i1", "i1/ben").pressed("5", heard=2)

    assert asked(story) == [("i1", "escalate")]
    assert [str(end) for _, end, _ in story.page_ends()] == ["heard", "heard"]


def test_who_passes_a_page_on_is_done_with_it():
    story = talking("i1").pressed("5")

    assert story.call.open_pages == ()
    assert not story.call.acted
    assert story.page_ends() == [("i1", "heard", True)]
    assert story.endings() == {}


def test_a_repeated_pass_on_request_passes_on_once():
    """(W13)"""
    story = talking("i1").pressed("5").pressed("5")

    assert story.follow == ()


def test_a_repeated_pass_on_request_skips_no_step():
    """(W13)"""
    with Playbook(rules(policy("ana", "ben", "cy"))) as page:
        page.alert("disk-full").rings("ana").answers("ana")
        made = next(iter(page.world.at_carrier.values()))
        page.world.press(made, "5")
        page.world.press(made, "5")
        page.puts_down("ana").rings("ben")
        assert page.incident().step == 1


def test_a_repeated_acknowledge_of_a_shared_phone_is_nobody_elses():
    """(W13) Ben's page is over, Ana's is taken; the same press once more is not Ben's."""
    story = talking("i1/ben", "i1").closed("i1/ben")

    assert asked(story.pressed("4", heard=2)) == [("i1", "acknowledge")]
    assert asked(story.closed("i1").pressed("4", heard=2)) == []


def test_a_repeated_acknowledge_is_one():
    """(K11, W13)"""
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana").answers("ana")
        made = next(iter(page.world.at_carrier.values()))
        page.world.press(made, "4")
        page.world.press(made, "4")
        page.is_acknowledged_by("ana")
        events = [line.event for _, _, line in page.world.memory.timeline]
        assert events.count("acknowledged") == 1
        assert "also_acknowledged" not in events


def test_a_key_after_the_call_has_ended_changes_nothing():
    """(W17)"""
    with Playbook(rules(policy(step("ana")))) as page:
        page.alert("disk-full").rings("ana").answers("ana").puts_down("ana")
        page.world.press(next(iter(page.world.at_carrier.values())), "4")
        page.stays_quiet().is_in(Phase.TRIGGERED)


# ---- joining and closing


def test_a_page_joins_with_the_next_number_and_its_incident_hears_so():
    story = ringing("i1").joined("i2/ben")

    assert [(page.n, page.incident_id, page.joined) for page in story.call.pages] == [
        (1, "i1", False),
        (2, "i2", True),
    ]
    assert story.follow == (
        PagePlaced(incident_id="i2", person="ben", call_id="c", to=TO, joined=True),
    )


def test_a_call_is_taken_back_when_its_last_page_closes():
    story = ringing("i1", "i2").closed("i1")
    assert story.endings() == {}

    assert story.closed("i2").endings() == {"CA1": False}


def test_a_page_that_is_not_in_the_call_closes_nothing():
    assert ringing("i1").closed("i1/ben").closed("i2").call.open_pages != ()


def test_a_call_that_is_over_is_not_taken_back():
    assert ringing().reported("completed").closed("i1").endings() == {}


def test_a_call_picked_up_in_the_meantime_is_not_cut():
    story = ringing().closed("i1").reported("in-progress")

    assert (story.endings(), story.state) == ({}, CallState.IN_PROGRESS)


# ---- direct calls


def test_a_direct_call_is_planned_with_its_words():
    story = CallStory().direct()

    call = story.call
    assert (call.kind, call.state, call.to, call.pages) == (
        CallKind.DIRECT,
        CallState.PLANNED,
        TO,
        (),
    )
    assert (call.speech.say, call.speech.loop) == ("hello", 3)
    assert story.timer() == 0
    assert story.direct().call == call, "asked for again: the same one"


def test_a_direct_call_is_one_try():
    story = CallStory().direct().intended().accepted().reported("no-answer")

    assert (story.state, story.call.outcome) == (CallState.ENDED, CallOutcome.NO_ANSWER)
    assert story.follow == ()


def test_an_event_for_a_call_that_nobody_knows_makes_none():
    story = CallStory().reported("ringing")

    assert story.call is None
    assert story.follow == ()


# ---- silence


def test_an_unreadable_call_is_asked_for_again():
    story = ringing().after(60).unreadable()

    assert (story.state, story.timer()) == (CallState.RINGING, 30)


def test_a_call_neither_heard_of_nor_readable_is_closed_as_lost_and_its_pages_go_on():
    """(W15)"""
    story = ringing().after(384.9).unreadable()
    assert story.state is CallState.RINGING

    story.after(0.1).unreadable()

    assert (story.state, story.call.outcome) == (CallState.ENDED, CallOutcome.LOST)
    assert story.page_ends() == [("i1", "lost", True)]


def test_a_word_from_the_carrier_keeps_a_call_from_being_lost():
    story = ringing().after(300).reported("ringing", token="").after(300).unreadable()

    assert story.state is CallState.RINGING


def test_that_a_call_is_unreadable_does_not_matter_before_it_is_bound_and_after_its_end():
    story = CallStory().intended("i1").after(900).unreadable()
    assert story.state is CallState.POSTING

    assert ringing().reported("busy").after(900).unreadable().call.outcome is CallOutcome.BUSY


def test_escalation_never_waits_for_a_callback():
    """(W15)"""
    with Playbook(rules(policy(step("ana", retry="2m", wait="5m"), "ben"))) as page:
        page.phone("ana", "silent").alert("disk-full").rings("ana").after("5m").rings("ben")
        page.after("90s").stays_quiet().notes("call_ended")
        assert page.calls()[0].outcome is CallOutcome.LOST


# ---- ending calls at the carrier


def test_a_call_that_was_taken_back_is_over():
    """(K13)"""
    story = ringing().closed("i1").ended("CA1", "canceled")

    assert (story.state, story.call.outcome, story.endings()) == (
        CallState.ENDED,
        CallOutcome.CANCELED,
        {},
    )
    assert story.call.due_at is None


def test_an_ending_that_failed_is_tried_again_ever_more_slowly_and_never_given_up():
    story = ringing().closed("i1")
    waits = []
    for _ in range(60):
        story.ended("CA1", "")
        [ending] = story.call.endings
        waits.append((ending.due_at - story.now).total_seconds())
        story.now = ending.due_at

    assert waits[:7] == [1, 2, 4, 8, 16, 30, 30]
    assert set(waits[5:]) == {30}


def test_one_of_two_endings_fails_and_the_other_does_not_mind():
    story = ringing().closed("i1").reported("queued", sid="CA2").ended("CA2", "")

    assert [(one.sid, one.tries) for one in story.call.endings] == [("CA1", 0), ("CA2", 1)]


def test_an_ending_that_came_too_late_leaves_the_conversation():
    """(21220: read once, and in-progress is not over.)"""
    story = ringing().closed("i1").ended("CA1", "in-progress")

    assert (story.state, story.endings()) == (CallState.IN_PROGRESS, {})


def test_the_end_of_a_surplus_call_is_not_the_end_of_ours():
    story = ringing().reported("queued", sid="CA2").ended("CA2", "canceled")

    assert (story.state, story.endings()) == (CallState.RINGING, {})


def test_an_ending_that_nobody_asked_for_changes_nothing():
    story = ringing()
    before = story.call

    assert story.ended("CA1", "canceled").call == before
