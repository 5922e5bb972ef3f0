"""Which call at the carrier is ours, and which of them have to be ended."""

import pytest
from call_story import CallStory
from playbook import Playbook, policy, rules

from escalator.escalation.calls import CallState

TALKING = CallState.IN_PROGRESS


def posting():
    return CallStory().intended("i1")


def posted_again():
    """The first POST never showed, a second one is under way."""
    return posting().unclear().after(30).listed().intended()


# ---- the first word binds


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (lambda story: story.reported("initiated"), CallState.QUEUED),
        (lambda story: story.reported("ringing"), CallState.RINGING),
        (lambda story: story.reported("in-progress"), TALKING),
        (lambda story: story.prompted(), TALKING),
        (lambda story: story.pressed("4"), TALKING),
        (lambda story: story.reported("completed"), CallState.ENDED),
    ],
    ids=["initiated", "ringing", "in-progress", "answer", "key", "completed"],
)
def test_a_callback_binds_before_the_201_and_the_201_then_changes_nothing(word, state):
    story = word(posting())
    assert (story.call.sid, story.call.posts[0].sid, story.state) == ("CA1", "CA1", state)
    before = story.call

    story.accepted("CA1")

    assert (story.state, story.call.endings) == (before.state, before.endings)


@pytest.mark.parametrize("word", ["reported", "prompted", "pressed"])
def test_who_is_in_conversation_at_the_first_word_has_answered(word):
    args = {"reported": ("in-progress",), "pressed": ("4",)}.get(word, ())
    story = getattr(posting().after(7), word)(*args)

    assert story.call.answered_at == story.now


def test_a_callback_for_an_unclear_post_settles_it():
    """(K6)"""
    story = posting().unclear().reported("ringing")

    assert (story.state, story.call.unclear_at) == (CallState.RINGING, None)


def test_a_callback_of_a_call_planned_again_binds_it_and_no_second_is_made():
    story = posting().unclear().after(30).listed().reported("ringing")

    assert (story.state, story.call.sid) == (CallState.RINGING, "CA1")


def test_a_call_that_nobody_needs_any_more_is_taken_back_as_soon_as_its_sid_is_known():
    """(C2.9)"""
    story = posting().closed("i1").accepted()

    assert story.endings() == {"CA1": False}


def test_a_direct_call_has_no_pages_and_is_needed_all_the_same():
    assert CallStory().direct().intended().accepted().endings() == {}


def test_a_call_given_up_for_nobody_needed_it_is_cut_when_it_shows_late():
    story = posting().unclear().closed("i1").after(30).listed().reported("ringing")

    assert story.state is CallState.ENDED
    assert story.endings() == {"CA1": True}
    assert story.call.due_at == story.now
    assert story.reported("ringing").endings() == {"CA1": True}


# ---- surplus calls


def test_a_second_sid_is_a_surplus_call_and_gets_ended():
    """(W18)"""
    story = posting().accepted("CA1").reported("queued", sid="CA2")

    assert (story.call.sid, story.endings()) == ("CA1", {"CA2": True})
    assert story.lines.count("surplus") == 1


def test_a_late_sid_of_the_first_post_wins_over_the_second_that_is_not_bound():
    story = posted_again().reported("ringing", sid="CA1", token="t1")
    assert (story.state, story.call.sid) == (CallState.RINGING, "CA1")

    story.accepted("CA2", token="t2")

    assert (story.call.sid, story.endings()) == ("CA1", {"CA2": True})
    assert [post.sid for post in story.call.posts] == ["CA1", "CA2"]


def test_the_call_in_conversation_stays_and_the_one_that_rings_is_ended():
    story = posting().accepted("CA1").reported("ringing").prompted(sid="CA2")

    assert (story.call.sid, story.state) == ("CA2", TALKING)
    assert story.endings() == {"CA1": True}
    assert story.call.answered_at == story.now


def test_a_surplus_call_that_is_picked_up_before_it_was_ended_is_the_one_that_stays():
    story = posting().accepted("CA1").reported("ringing", sid="CA2")
    assert story.endings() == {"CA2": True}

    story.prompted(sid="CA2")

    assert (story.call.sid, story.endings()) == ("CA2", {"CA1": True})


def test_of_two_in_conversation_the_older_stays():
    story = posting().accepted("CA1").prompted(sid="CA1").prompted(sid="CA2")

    assert (story.call.sid, story.endings()) == ("CA1", {"CA2": True})


def test_a_call_to_be_taken_back_softly_is_cut_when_it_is_the_surplus_one():
    story = posting().accepted("CA1").closed("i1")
    assert story.endings() == {"CA1": False}

    story.prompted(sid="CA2")

    assert story.endings() == {"CA1": True}


def test_a_surplus_call_is_noted_and_ended_once_however_often_it_is_heard_of():
    """(W13)"""
    story = posted_again().accepted("CA2", token="t2")
    for _ in range(3):
        story.reported("ringing", sid="CA1", token="t1")
    assert story.lines.count("surplus") == 1

    story.ended("CA1", "canceled").reported("ringing", sid="CA1", token="t1")

    assert story.endings() == {}
    assert story.lines.count("surplus") == 1


def test_the_end_of_a_surplus_call_needs_no_ending_any_more():
    story = posting().accepted("CA1").reported("ringing", sid="CA2").reported("busy", sid="CA2")

    assert (story.state, story.endings()) == (CallState.QUEUED, {})


def test_the_status_of_a_surplus_call_is_not_that_of_ours():
    story = posting().accepted("CA1").reported("ringing", sid="CA2")

    assert story.state is CallState.QUEUED


def test_a_surplus_call_of_a_call_that_is_over_is_ended():
    story = posting().accepted("CA1").reported("busy").prompted(sid="CA2")

    assert story.endings() == {"CA2": True}


def test_a_key_pressed_in_a_surplus_call_acknowledges():
    """(W18)"""
    story = (
        posting().accepted("CA1").reported("ringing").prompted(sid="CA2").pressed("4", sid="CA1")
    )

    assert [str(one.action) for one in story.follow] == ["acknowledge"]


# ---- a number that is taken meanwhile


def late_while_taken():
    """A call waits to be placed again; another one has its number; then the first POST shows."""
    story = posting().unclear().after(30).listed().intended().not_sent()
    story.is_taken = True
    return story.reported("ringing")


def test_a_call_that_surfaces_while_its_number_is_in_another_call_is_ended():
    story = late_while_taken()

    assert (story.state, story.call.sid) == (CallState.PLANNED, "")
    assert story.endings() == {"CA1": True}
    assert story.call.posts[0].sid == "CA1"
    assert story.call.open_pages != ()


def test_such_a_call_does_not_become_ours_when_the_number_is_free_again():
    story = late_while_taken()
    story.is_taken = False
    story.reported("in-progress")
    assert story.state is CallState.PLANNED

    story.intended().accepted("CA2", token="t3")

    assert (story.call.sid, story.state) == ("CA2", CallState.QUEUED)


def test_a_key_pressed_in_such_a_call_acknowledges():
    story = late_while_taken().prompted().pressed("4")

    assert [str(one.action) for one in story.follow] == ["acknowledge"]


# ---- taking calls back, played through


def test_a_ringing_call_is_taken_back_when_nobody_needs_it():
    """(K13)"""
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana").resolves("disk-full").hangs_up("ana")
        assert [str(call.outcome) for call in page.calls()] == ["canceled"]


def test_a_conversation_is_not_cut_when_nobody_needs_it():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana").answers("ana").resolves("disk-full").stays_quiet()
        assert page.calls()[0].state is TALKING
        page.puts_down("ana").stays_quiet()


def test_a_call_that_still_tells_something_else_is_not_taken_back():
    with Playbook(rules(policy("ana"))) as page:
        page.alert_batch("one", "two").rings("ana").resolves("one").stays_quiet()
        page.resolves("two").hangs_up("ana")
