"""Which number is written to, which listed message is ours, and how long strangers are answered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from cast import ANA, ANA_TOO, BEN, CHI, DEE

from escalator.escalation.calls import Post
from escalator.escalation.messages import Message
from escalator.phone.carrier import CarrierMessage, ListedMessages
from escalator.phone.message_follower import candidates
from escalator.phone.settings import texting_number
from escalator.phone.text_callbacks import Patience
from escalator.phone.twiml import text_reply

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AHEAD = timedelta(hours=2)


@pytest.mark.parametrize(
    ("phones", "number"),
    [
        ((ANA_TOO, ANA), ANA),
        ((CHI, BEN), BEN),
        ((DEE, ANA), DEE),
        ((ANA_TOO, CHI), ANA_TOO),
        (("nonsense", ANA), ANA),
        ((), ""),
    ],
)
def test_the_first_that_can_be_a_mobile_else_the_first(phones, number):
    assert texting_number(phones) == number


POSTED = Message(
    id="m",
    person="ana",
    to=ANA,
    body="Disk full",
    created_at=NOW,
    tells=(),
    posts=(
        Post(token_hash="t1", at=NOW - timedelta(seconds=45)),
        Post(token_hash="t2", at=NOW),
    ),
)


def listed(sid="SM1", seconds=0, **more):
    given = {
        "to": ANA,
        "body": "Disk full",
        "direction": "outbound-api",
        "created_at": NOW + AHEAD + timedelta(seconds=seconds),
        **more,
    }
    return CarrierMessage(sid=sid, **given)


@pytest.mark.parametrize(
    ("found", "is_ours"),
    [
        (listed(), True),
        (listed(seconds=25), True),
        (listed(seconds=26), False),
        (listed(seconds=-50), True),
        (listed(seconds=-51), False),
        (listed(created_at=None), True),
        (listed(body="Disk full."), False),
        (listed(to=BEN), False),
        (listed(direction="inbound"), False),
        (listed(direction="outbound-reply"), False),
    ],
)
def test_the_very_words_the_direction_and_the_time_decide(found, is_ours):
    assert candidates(POSTED, ListedMessages([found]), AHEAD) == (("SM1",) if is_ours else ())


def test_the_closest_to_the_last_request_comes_first():
    found = [listed("SM1", -40), listed("SM2", 3), replace(listed("SM3"), created_at=None)]
    assert candidates(POSTED, ListedMessages(found), AHEAD) == ("SM2", "SM3", "SM1")


def test_strangers_are_answered_so_often_a_day_and_remembered_in_bounds():
    seconds = 0.0
    patience = Patience(lambda: seconds)
    assert [patience.one_more("+1", 2) for _ in range(4)] == [True, True, False, False]
    seconds = 86_399.0
    assert not patience.one_more("+1", 2)
    seconds = 86_400.0
    assert patience.one_more("+1", 2)
    for n in range(10_000):
        patience.one_more(f"+{n}", 2)
    assert len(patience) == 4096


def test_an_answer_is_one_message_or_none_whatever_it_says():
    for text in ("a & b <c> \x00 ]]>", "重大"):
        [message] = ElementTree.fromstring(text_reply(text))
        assert message.tag == "Message"
        assert message.text == text.replace("\x00", "")
    assert list(ElementTree.fromstring(text_reply(""))) == []
