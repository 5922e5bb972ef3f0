"""What becomes of a POST: intended, taken, refused, not sent, unclear, settled."""

from dataclasses import replace
from datetime import timedelta

import pytest
from call_story import CallStory
from playbook import Playbook, policy, rules
from world import START

from escalator.escalation.calls import CallKind, CallOutcome, CallState
from escalator.escalation.events import PagePlaced
from escalator.escalation.incidents import Phase

BOTH = rules(policy("ana", "ben"))


def posting():
    return CallStory().intended("i1")


def unclear():
    return posting().unclear()


# ---- the intent


def test_an_intent_is_a_call_with_its_token_and_its_pages():
    story = posting()

    call = story.call
    assert (call.state, call.kind, call.to, call.from_) == (
        CallState.POSTING,
        CallKind.PAGE,
        "+491713920012",
        "+15005550006",
    )
    assert [(post.token_hash, post.sid) for post in call.posts] == [("t1", "")]
    assert [(page.n, page.incident_id, page.told) for page in call.pages] == [(1, "i1", False)]
    assert story.follow == (
        PagePlaced(incident_id="i1", person="ana", call_id="c", to=call.to, joined=False),
    )


def test_only_a_planned_call_is_posted():
    with pytest.raises(AssertionError, match="only a planned call is posted"):
        posting().intended("i2")


def test_a_post_whose_answer_never_came_is_unclear_after_20_seconds():
    """(K5, K6)"""
    story = posting()
    assert story.timer() == 20

    assert story.after(20).due().state is CallState.UNCLEAR
    assert "unclear" in story.lines


@pytest.mark.parametrize("state", ["queued", "ringing"])
def test_a_timer_of_any_other_call_is_the_workers_affair(state):
    story = posting().accepted().reported(state)
    before = story.call

    assert story.due().call == before


def test_a_live_call_that_lost_its_timer_gets_one():
    """The auditor asks for that."""
    story = posting().accepted().reported("ringing")
    story.call = replace(story.call, timer_at=None)

    assert story.due().timer() == 0


# ---- accepted


def test_a_201_binds_the_sid():
    story = posting().accepted("CA7")

    assert (story.state, story.call.sid) == (CallState.QUEUED, "CA7")
    assert story.call.posts[0].sid == "CA7"
    assert story.timer() == 60


# ---- refused


@pytest.mark.parametrize(
    ("code", "detail"), [(21211, "not a number (21211)"), (None, "not a number")]
)
def test_a_refused_call_is_over_and_its_pages_hear_why(code, detail):
    """(W1, W2)"""
    story = posting().refused(code)

    assert (story.state, story.call.outcome) == (CallState.ENDED, CallOutcome.REFUSED)
    assert (story.call.error_code, story.call.error_message) == (code, "not a number")
    assert story.page_ends() == [("i1", "refused", True)]
    assert story.follow[0].detail == detail


@pytest.mark.parametrize("late", ["refused", "not_sent", "unclear"])
def test_an_answer_to_a_post_that_is_bound_already_changes_nothing(late):
    story = posting().accepted()
    before = story.call

    getattr(story, late)()

    assert story.call == before
    assert story.follow == ()


# ---- not sent


def test_a_call_that_was_not_sent_is_planned_again_with_its_pages_and_costs_no_try():
    """(W3, W5, W6)"""
    story = posting().not_sent(retry_in=4)

    assert (story.state, story.timer(), story.call.not_sent) == (CallState.PLANNED, 4, 1)
    assert story.call.posts == ()
    assert [page.is_open for page in story.call.pages] == [True]
    assert story.follow == ()
    assert story.call.due_at is None, "a planned call waits for the dialer"


def test_that_a_call_was_not_sent_is_said_once():
    story = posting().not_sent().after(1).intended("i2").not_sent().after(1).intended().not_sent()

    assert story.lines.count("not_sent") == 1
    assert story.call.not_sent == 3
    assert [page.incident_id for page in story.call.pages] == ["i1", "i2"]


def test_a_call_that_was_not_sent_and_is_needed_by_nobody_any_more_is_over():
    story = posting().closed("i1").not_sent()

    assert (story.state, story.call.outcome) == (CallState.ENDED, CallOutcome.CANCELED)


def test_a_planned_call_that_is_needed_by_nobody_any_more_is_over_at_once():
    story = posting().not_sent().closed("i1")

    assert (story.state, story.call.outcome) == (CallState.ENDED, CallOutcome.CANCELED)
    assert story.follow == ()


def test_a_direct_call_that_cannot_be_sent_fails_after_ten_minutes():
    story = CallStory().direct().after(599).intended().not_sent()
    assert story.state is CallState.PLANNED

    story.after(1).intended().not_sent()

    assert (story.call.outcome, story.call.error_message) == (CallOutcome.FAILED, "no route")


def test_escalation_goes_on_while_nothing_can_be_sent():
    """(W3, W6)"""
    with Playbook(BOTH) as page:
        page.phone("ana", "not-sent").alert("disk-full").tries("ana")
        page.after("5m").tries(*["ana"] * 10).rings("ben")


# ---- dropped


def test_a_dropped_call_gives_its_pages_back_unspent():
    story = posting().not_sent().dropped()

    assert (story.state, story.call.outcome) == (CallState.ENDED, CallOutcome.CANCELED)
    assert story.page_ends() == [("i1", "canceled", False)]


def test_a_call_that_was_bound_meanwhile_is_not_dropped():
    story = posting().accepted()
    before = story.call

    assert story.dropped().call == before


# ---- unclear and settled


def test_an_unclear_post_is_looked_for_at_3_6_12_20_and_30_seconds():
    story = unclear()
    looks = []
    while story.state is CallState.UNCLEAR:
        looks.append((story.call.timer_at - START).total_seconds())
        story.after(story.timer()).listed()

    assert looks == [3, 6, 12, 20, 30]
    assert (story.state, story.timer(), story.call.ambiguous) == (CallState.PLANNED, 0, 1)
    assert "settled" in story.lines


def test_the_30_seconds_count_from_when_it_became_unclear():
    story = posting().after(20).due().after(29.9).listed()
    assert story.state is CallState.UNCLEAR

    assert story.after(0.1).listed().state is CallState.PLANNED


def test_a_call_found_in_the_list_is_bound_and_no_other_is_made():
    """(K6)"""
    story = unclear().after(6).listed("CA9", "CA8")

    assert (story.state, story.call.sid, story.call.posts[0].sid) == (
        CallState.QUEUED,
        "CA9",
        "CA9",
    )
    assert "settled" in story.lines


def test_while_the_list_is_unreadable_the_wait_goes_on_to_60_seconds():
    story = unclear().after(30).list_unreadable()
    assert (story.state, story.timer()) == (CallState.UNCLEAR, 5)

    story.after(29.9).list_unreadable()
    assert story.state is CallState.UNCLEAR

    assert story.after(0.1).list_unreadable().state is CallState.PLANNED


def test_a_call_is_posted_again_with_a_token_of_its_own():
    story = unclear().after(30).listed().intended()

    assert [post.token_hash for post in story.call.posts] == ["t1", "t2"]
    assert [page.incident_id for page in story.call.pages] == ["i1"]
    assert story.state is CallState.POSTING


def test_an_unclear_call_that_nobody_needs_any_more_is_not_posted_again():
    story = unclear().closed("i1")
    assert story.state is CallState.UNCLEAR

    story.after(30).listed()

    assert (story.state, story.call.outcome) == (CallState.ENDED, CallOutcome.CANCELED)


def test_an_unclear_direct_call_is_settled_and_posted_again_as_any_other():
    story = CallStory().direct().intended().unclear().after(30).listed()

    assert story.state is CallState.PLANNED


def test_a_list_read_too_late_changes_nothing():
    story = posting().accepted()
    before = story.call

    assert story.listed("CA9").call == before


def test_an_unclear_call_delays_its_try_and_never_a_step():
    with Playbook(BOTH) as page:
        page.phone("ana", "unclear").alert("disk-full").tries("ana")
        page.after("29s").stays_quiet().phone("ana", "nobody").after("1s").rings("ana")
        page.after("270s").rings("ben")


def test_a_call_whose_answer_was_lost_is_found_and_rings_once():
    """(K6, K7, W7)"""
    with Playbook(BOTH) as page:
        page.phone("ana", "reply-lost").alert("disk-full").rings("ana")
        page.after("5m").rings("ben").notes("settled")
        assert [call.ambiguous for call in page.calls()] == [1, 0]


def test_a_key_pressed_while_the_post_is_unclear_acknowledges():
    with Playbook(BOTH) as page:
        page.phone("ana", "reply-lost").alert("disk-full").rings("ana")
        page.after("3s").presses("ana", "4").is_acknowledged_by("ana")


def test_resolved_while_unclear_rings_nobody_again():
    """(C2.9)"""
    with Playbook(BOTH) as page:
        page.phone("ana", "unclear").alert("disk-full").tries("ana")
        page.resolves("disk-full").is_in(Phase.RESOLVED).after("1h").stays_quiet()


def test_resolved_while_unclear_takes_the_call_back_when_it_shows():
    with Playbook(BOTH) as page:
        page.phone("ana", "reply-lost").alert("disk-full").rings("ana")
        page.resolves("disk-full").stays_quiet().after("3s").hangs_up("ana")


def test_a_restart_while_posting_is_unclear_at_once():
    story = posting().after(2).unclear()

    assert story.call.unclear_at == START + timedelta(seconds=2)
    assert story.timer() == 3
