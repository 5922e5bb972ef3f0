"""A message, event by event: what becomes of its POST, its status, and what its incidents hear."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.escalation.decide_message import POSTS_MAX, SILENCE, decide_message
from escalator.escalation.events import TextEnded, TextPlaced
from escalator.escalation.message_events import (
    MessageAccepted,
    MessageDropped,
    MessageDue,
    MessageIntended,
    MessageListed,
    MessageNotSent,
    MessageRefused,
    MessageReported,
    MessageUnclear,
)
from escalator.escalation.messages import Message, MessageState, Told

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TELLS = (Told(incident_id="i1", person="ana"), Told(incident_id="i2", person="ben"))


class Story:
    """A message and what has followed from it. Verbs return the story; tokens are t1, t2, … in turn."""

    def __init__(self):
        self.now = START
        self.message: Message | None = None
        self.follow = ()
        self.heard = []
        self.lines = []
        self._posts = 0

    def happens(self, event):
        decision = decide_message(self.message, event, self.now)
        self.message, self.follow = decision.message, decision.follow
        self.heard += [one.what for one in decision.follow if isinstance(one, TextEnded)]
        self.lines += [line.event for incident, line in decision.lines if incident == "i1"]
        return self

    def after(self, seconds):
        self.now += timedelta(seconds=seconds)
        return self

    def intended(self):
        self._posts += 1
        return self.happens(
            MessageIntended(
                message_id="m",
                person="ana",
                to="+491713920012",
                from_="+15005550006",
                body="Disk full",
                token_hash=f"t{self._posts}",
                tells=TELLS,
            )
        )

    def accepted(self, sid="SM1", token="t1"):
        return self.happens(MessageAccepted(message_id="m", token_hash=token, sid=sid))

    def not_sent(self, retry_in=1):
        at = self.now + timedelta(seconds=retry_in)
        return self.happens(MessageNotSent(message_id="m", reason="no route", retry_at=at))

    def refused(self, code=21610):
        return self.happens(MessageRefused(message_id="m", code=code, message="no"))

    def unclear(self):
        return self.happens(MessageUnclear(message_id="m", reason="timeout"))

    def listed(self, *sids):
        return self.happens(MessageListed(message_id="m", sids=sids))

    def list_unreadable(self):
        return self.happens(MessageListed(message_id="m", sids=None))

    def reported(self, status, sid="SM1", token="t1", code=None):
        return self.happens(
            MessageReported(message_id="m", token_hash=token, sid=sid, status=status, code=code)
        )

    def dropped(self):
        return self.happens(MessageDropped(message_id="m", reason="taken"))

    def due(self):
        return self.happens(MessageDue(message_id="m"))

    def is_in(self, state):
        assert self.message.state == state, self.message
        return self

    def looked_for_in_vain(self):
        """All looks at the carrier's list, over thirty seconds."""
        for seconds in (3, 3, 6, 8, 10):
            self.after(seconds).listed()
        return self


def test_an_intent_settles_what_is_owed_and_has_a_timer_of_its_own():
    story = Story().intended().is_in("posting")
    assert story.follow == tuple(
        TextPlaced(incident_id=told.incident_id, person=told.person, message_id="m")
        for told in TELLS
    )
    assert story.message.timer_at == START + timedelta(seconds=20)
    assert [post.token_hash for post in story.message.posts] == ["t1"]


def test_nothing_but_an_intent_makes_a_message():
    decision = decide_message(None, MessageDue(message_id="m"), START)
    assert decision.message is None
    assert not decision.follow


def test_delivered_is_told_to_each_incident_and_person():
    story = Story().intended().accepted().is_in("queued").reported("sent").is_in("sent")
    story.reported("delivered").is_in("delivered")
    assert story.follow == tuple(
        TextEnded(incident_id=told.incident_id, person=told.person, what="delivered")
        for told in TELLS
    )
    assert story.message.timer_at is None
    assert story.message.ended_at == story.now


@pytest.mark.parametrize("status", ["undelivered", "failed"])
def test_what_did_not_arrive_says_why(status):
    story = Story().intended().accepted().reported(status, code=30003).is_in("failed")
    assert story.heard == ["not delivered: the phone is off or out of reach (30003)"] * 2
    assert story.message.error_code == 30003


def test_a_refusal_is_told_in_words():
    story = Story().intended().refused(21614).is_in("refused")
    assert story.heard[0] == "refused: the number is not a mobile phone's (21614)"


def test_status_only_moves_forward():
    story = Story().intended().accepted().reported("sent").reported("queued").is_in("sent")
    story.reported("delivered").reported("failed", code=30008).reported("sent").is_in("delivered")
    assert story.heard == ["delivered"] * 2


def test_a_word_that_we_do_not_know_changes_nothing():
    story = Story().intended().accepted()
    before = story.message
    assert story.reported("teleported").message == before


def test_a_callback_before_the_answer_binds_and_the_answer_adds_nothing():
    story = Story().intended().reported("sent").is_in("sent").accepted().is_in("sent")
    assert story.message.sid == "SM1"
    assert story.lines == []


# ---- not sent


def test_what_was_provably_not_sent_is_tried_again_with_a_new_token():
    story = Story().intended().not_sent(0.5).is_in("planned")
    assert story.message.posts == ()
    assert story.message.timer_at == story.now + timedelta(seconds=0.5)
    story.after(1).intended().is_in("posting").not_sent()
    assert story.lines == ["text_not_sent"], "told once"
    assert story.follow == ()
    story.after(1).intended().accepted(token="t3").is_in("queued")
    assert [post.token_hash for post in story.message.posts] == ["t3"]


def test_after_ten_minutes_a_message_that_is_not_taken_is_given_up():
    story = Story().intended().not_sent()
    story.after(600).intended().not_sent().is_in("failed")
    assert story.heard == ["not sent for ten minutes: no route"] * 2


def test_a_planned_message_that_nobody_needs_is_dropped_and_another_is_not():
    assert Story().intended().not_sent().dropped().is_in("dropped").heard == ["not sent: taken"] * 2
    assert Story().intended().dropped().is_in("posting").heard == []


# ---- unclear


def test_an_unclear_post_is_looked_for_thirty_seconds_from_when_it_became_unclear():
    story = Story().intended().after(15).unclear().is_in("unclear")
    assert story.message.timer_at == story.now + timedelta(seconds=3)
    for seconds in (3, 3, 6, 8):
        story.after(seconds).listed().is_in("unclear")
    story.after(9.9).listed().is_in("unclear").after(0.1).listed().is_in("planned")
    assert story.message.timer_at == story.now
    assert story.lines == ["text_unclear", "text_settled"]


def test_while_the_list_cannot_be_read_the_wait_goes_on_to_sixty_seconds():
    story = Story().intended().unclear().after(59).list_unreadable().is_in("unclear")
    story.after(1).list_unreadable().is_in("planned")


def test_a_callback_or_the_list_binds_an_unclear_post():
    story = Story().intended().unclear().reported("sent").is_in("sent")
    assert story.message.unclear_at is None
    story = Story().intended().unclear().listed("SM7").is_in("queued")
    assert story.message.sid == story.message.posts[0].sid == "SM7"
    assert story.message.timer_at == story.now + timedelta(seconds=60)


def test_a_callback_that_comes_before_the_next_post_makes_it_needless():
    story = Story().intended().unclear().looked_for_in_vain().is_in("planned")
    story.reported("sent").is_in("sent")
    with pytest.raises(AssertionError):
        story.intended()


def test_three_posts_and_then_it_is_lost():
    story = Story()
    for _ in range(POSTS_MAX):
        story.intended().unclear().looked_for_in_vain()
    story.is_in("lost")
    assert len(story.message.posts) == POSTS_MAX
    assert story.heard == ["tried 3 times; whether it was sent is not known"] * 2


def test_a_first_try_that_came_through_after_all_is_told_and_only_brings_good_news():
    story = Story().intended().unclear().looked_for_in_vain().intended().accepted("SM2", "t2")
    story.reported("sent", "SM1", "t1").is_in("sent")
    story.reported("sent", "SM1", "t1")
    assert story.lines.count("text_doubled") == 1
    story.reported("failed", "SM1", "t1", 30008).is_in("sent")
    story.reported("delivered", "SM1", "t1").is_in("delivered")


def test_answers_that_come_too_late_change_nothing():
    story = Story().intended().accepted()
    before = story.message
    assert story.unclear().refused().not_sent().listed("SM9").dropped().message == before


# ---- timers


def test_a_post_whose_task_is_gone_is_unclear():
    assert Story().intended().after(20).due().is_in("unclear").lines == ["text_unclear"]


def test_what_is_with_the_carrier_is_asked_about_and_given_up_in_the_end():
    story = Story().intended().accepted().after(60).due().is_in("queued")
    assert story.message.timer_at == story.now + timedelta(minutes=5)
    story.after(SILENCE.total_seconds()).due().is_in("lost")
    assert story.heard == ["nothing was heard of it any more"] * 2


def test_sent_is_an_end_where_no_network_tells_more():
    story = Story().intended().accepted().reported("sent").after(SILENCE.total_seconds())
    story.reported("sent", token="").is_in("sent")
    assert story.message.is_over
    assert story.heard == ["sent; its network does not tell whether it arrived"] * 2


def test_times_of_a_clock_that_was_years_ahead_are_mended():
    story = Story()
    story.now += timedelta(days=4000)
    story.intended().accepted()
    story.now = START
    story.due()
    assert story.message.timer_at == START + timedelta(minutes=5)


# ---- whatever comes in whatever order

EVENTS = st.one_of(
    st.builds(
        MessageAccepted,
        message_id=st.just("m"),
        token_hash=st.sampled_from(["t1", "t2"]),
        sid=st.sampled_from(["SM1", "SM2"]),
    ),
    st.builds(MessageRefused, message_id=st.just("m"), code=st.just(21610), message=st.just("no")),
    st.builds(MessageUnclear, message_id=st.just("m"), reason=st.just("timeout")),
    st.builds(MessageListed, message_id=st.just("m"), sids=st.sampled_from([None, (), ("SM1",)])),
    st.builds(MessageDropped, message_id=st.just("m"), reason=st.just("taken")),
    st.builds(MessageDue, message_id=st.just("m")),
    st.builds(
        MessageReported,
        message_id=st.just("m"),
        token_hash=st.sampled_from(["t1", "t2", ""]),
        sid=st.sampled_from(["SM1", "SM2"]),
        status=st.sampled_from(["queued", "sent", "delivered", "undelivered", "odd"]),
    ),
    st.just(None),
)


@given(st.lists(st.tuples(EVENTS, st.sampled_from([0, 1, 30, 600])), max_size=25))
def test_each_incident_hears_one_end_and_what_is_not_over_has_a_timer(events):
    story = Story().intended()
    for event, seconds in events:
        story.after(seconds)
        if event is not None:
            story.happens(event)
        elif story.message.state is MessageState.PLANNED:
            story.intended()
        else:
            story.not_sent()
        assert story.message.is_over == (story.message.timer_at is None)
        assert len(story.heard) == (2 if story.message.is_over else 0)
        assert len(story.message.posts) <= POSTS_MAX
