"""What a call is, and when it has to be looked at."""

from datetime import timedelta

import pytest
from world import START

from escalator.escalation.calls import (
    BOUND,
    LIVE,
    Call,
    CallKind,
    CallPage,
    CallState,
    Ending,
    Post,
)

LATER = START + timedelta(minutes=1)


def call(**about):
    return Call(
        id="c", kind=CallKind.PAGE, to="+1", person="ana", created_at=START, lasts=1.0, **about
    )


@pytest.mark.parametrize("state", list(CallState))
def test_a_call_takes_its_number_from_the_intent_to_the_end(state):
    is_live = state not in (CallState.PLANNED, CallState.ENDED)

    assert call(state=state).is_live is is_live
    assert (state in LIVE) is is_live


def test_a_call_that_is_bound_is_live():
    assert {CallState.QUEUED, CallState.RINGING, CallState.IN_PROGRESS} == BOUND
    assert BOUND < LIVE


@pytest.mark.parametrize(
    ("state", "timer", "ending", "due"),
    [
        (CallState.RINGING, None, None, None),
        (CallState.RINGING, LATER, None, LATER),
        (CallState.RINGING, LATER, START, START),
        (CallState.RINGING, START, LATER, START),
        (CallState.ENDED, None, START, START),
        (CallState.PLANNED, START, None, None),
        (CallState.PLANNED, START, LATER, LATER),
    ],
    ids=[
        "nothing",
        "its timer",
        "an ending before it",
        "an ending after it",
        "over, with a surplus call to end",
        "planned: the dialer's affair",
        "planned, with a surplus call to end",
    ],
)
def test_a_call_is_due_at_its_timer_or_when_something_has_to_be_ended(state, timer, ending, due):
    endings = () if ending is None else (Ending(sid="CA2", cut=True, due_at=ending),)

    assert call(state=state, timer_at=timer, endings=endings).due_at == due


def test_the_open_pages_are_those_that_still_need_somebody():
    pages = (
        CallPage(n=1, incident_id="i1", person="ana", is_open=False),
        CallPage(n=2, incident_id="i2", person="ana"),
    )

    assert call(pages=pages).open_pages == pages[1:]


def test_a_token_finds_its_own_post():
    posts = (Post(token_hash="t1", at=START), Post(token_hash="t2", at=START))

    assert call(posts=posts).post_of("t2") is posts[1]
    assert call(posts=posts).post_of("t3") is None
