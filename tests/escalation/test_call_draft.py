"""A call while it is being decided: what follows for its incidents, and what has to be ended."""

import pytest
from call_story import CallStory, wanted
from world import START

from escalator.escalation.call_draft import CallDraft
from escalator.escalation.calls import (
    Call,
    CallKind,
    CallOutcome,
    CallPage,
    CallState,
    Ending,
    Post,
)
from escalator.escalation.incidents import Line


def call(**about):
    return Call(
        **{
            "id": "c",
            "kind": CallKind.PAGE,
            "to": "+15550100001",
            "person": "ana",
            "created_at": START,
            "lasts": 385.0,
            "state": CallState.RINGING,
            "sid": "CA1",
            "posts": (Post(token_hash="t1", at=START, sid="CA1"),),
            **about,
        }
    )


def page(n, **about):
    return CallPage(n=n, incident_id=f"i{n}", person="ana", **about)


def test_a_draft_that_changes_nothing_decides_nothing():
    decision = CallDraft(call(), START).decision()

    assert (decision.call, decision.follow, decision.lines) == (call(), (), ())


def test_a_line_goes_to_the_timeline_of_each_incident_that_travels_along():
    draft = CallDraft(call(pages=(page(1), page(2))), START)

    draft.say("ringing", "the phone rings")

    line = Line(event="ringing", text="the phone rings", call="c")
    assert draft.decision().lines == (("i1", line), ("i2", line))


@pytest.mark.parametrize(
    ("state", "told", "joined", "spent"),
    [
        (CallState.RINGING, False, False, True),
        (CallState.RINGING, True, False, True),
        (CallState.RINGING, False, True, False),
        (CallState.RINGING, True, True, True),
        (CallState.PLANNED, False, False, False),
    ],
    ids=["not told", "told", "joined, not told", "joined, told", "not placed yet"],
)
def test_a_try_is_spent_if_the_person_could_have_heard_of_it(state, told, joined, spent):
    draft = CallDraft(call(state=state, pages=(page(1, told=told, joined=joined),)), START)

    draft.end(CallOutcome.NO_ANSWER)

    assert [end.spent for end in draft.decision().follow] == [spent]


def test_the_end_of_a_call_closes_its_pages_and_tells_only_the_open_ones():
    draft = CallDraft(call(pages=(page(1, is_open=False), page(2)), timer_at=START), START)

    draft.end(CallOutcome.BUSY, duration=3, detail="why")

    ended = draft.decision()
    assert [(end.incident_id, end.detail) for end in ended.follow] == [("i2", "why")]
    assert ended.call.open_pages == ()
    assert (ended.call.ended_at, ended.call.timer_at, ended.call.duration) == (START, None, 3)


def test_a_call_ends_once():
    draft = CallDraft(call(pages=(page(1),)), START)

    draft.end(CallOutcome.BUSY)
    draft.end(CallOutcome.FAILED)

    assert draft.call.outcome is CallOutcome.BUSY
    assert len(draft.decision().follow) == 1


def test_what_is_over_need_not_be_ended_and_a_surplus_call_still_must():
    endings = (
        Ending(sid="CA1", cut=False, due_at=START),
        Ending(sid="CA2", cut=True, due_at=START),
    )
    draft = CallDraft(call(endings=endings), START)

    draft.end(CallOutcome.CANCELED)

    assert [ending.sid for ending in draft.call.endings] == ["CA2"]


def test_an_ending_is_asked_for_once_and_cutting_prevails():
    draft = CallDraft(call(), START)

    draft.add_ending("", cut=True)
    draft.add_ending("CA1", cut=False)
    draft.add_ending("CA1", cut=False)
    assert [(one.sid, one.cut) for one in draft.call.endings] == [("CA1", False)]

    draft.add_ending("CA1", cut=True)
    draft.add_ending("CA1", cut=False)
    assert [(one.sid, one.cut) for one in draft.call.endings] == [("CA1", True)]

    draft.drop_ending("CA1")
    assert draft.call.endings == ()


def test_a_sid_is_noted_at_its_own_post_and_stays():
    posts = (Post(token_hash="t1", at=START), Post(token_hash="t2", at=START))
    draft = CallDraft(call(posts=posts), START)

    draft.note_sid("t2", "CA2")
    draft.note_sid("t2", "CA3")
    draft.note_sid("t9", "CA9")

    assert [post.sid for post in draft.call.posts] == ["", "CA2"]
    assert draft.call.heard_at == START


def test_a_page_is_put_in_place_of_the_one_of_its_number():
    draft = CallDraft(call(pages=(page(1), page(2))), START)

    draft.put_page(page(2, told=True))

    assert [(one.n, one.told) for one in draft.call.pages] == [(1, False), (2, True)]


def test_a_story_reads_a_page_as_it_is_written():
    assert (wanted("i1/ben").incident_id, wanted("i1/ben").person) == ("i1", "ben")
    assert CallStory().call is None
