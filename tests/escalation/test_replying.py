"""What an answer asks for: digits and words, codes, spans; the carriers' words never."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.escalation.events import Action
from escalator.escalation.incidents import Incident, Phase
from escalator.escalation.replying import (
    CARRIERS_WORDS,
    Command,
    command_of,
    is_carriers_word,
    standing,
    unknown_code,
    usage,
)
from escalator.escalation.rules import Keys, Person, Rules

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEYS = Keys(snooze="7")
ANA = Person(key="ana", name="Ana", phones=("+491713920012",), language="en-GB")
RULES = Rules(
    people={"ana": ANA, "ben": replace(ANA, key="ben", name="Ben")}, policies={}, keys=KEYS
)
ACK, UP, DONE, LATER = Action.ACKNOWLEDGE, Action.ESCALATE, Action.RESOLVE, Action.SNOOZE


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ("4 123456", Command(action=ACK, codes=("123456",))),
        (" 4  123456\n", Command(action=ACK, codes=("123456",))),
        ("4123456", Command(action=ACK, codes=("123456",))),
        ("４　１２３４５６", Command(action=ACK, codes=("123456",))),
        ("ACK 123456, 234567", Command(action=ACK, codes=("123456", "234567"))),
        ("acknowledge (123456)", Command(action=ACK, codes=("123456",))),
        ("4 123456 123456", Command(action=ACK, codes=("123456",))),
        ("4 123456 on my way", Command(action=ACK, codes=("123456",))),
        ("5 123456", Command(action=UP, codes=("123456",))),
        ("Escalate 123456", Command(action=UP, codes=("123456",))),
        ("6. 123456", Command(action=DONE, codes=("123456",))),
        ("resolve 123456", Command(action=DONE, codes=("123456",))),
        ("snooze 123456", Command(action=LATER, codes=("123456",))),
        ("snooze 123456 90m", Command(action=LATER, codes=("123456",), span=timedelta(minutes=90))),
        ("7 123456 2h", Command(action=LATER, codes=("123456",), span=timedelta(hours=2))),
    ],
)
def test_a_command_is_understood(body, command):
    assert command_of(KEYS, body) == command


@pytest.mark.parametrize(
    "body",
    [
        *(
            "",
            "4",
            "123456",
            "hello",
            "ack",
            "8 123456",
            "4 12345",
            "4 1234567",
            "please ack 123456",
        ),
        *("4 123456 12345", "4 123456 2h", "snooze 123456 2h 3h", "snooze 123456 0h"),
        *("snooze 123456 31d", "snooze 123456 5y", "stop 123456", "acknowledged 123456"),
        "4 " + " ".join(f"{n:06d}" for n in range(21)),
    ],
)
def test_what_is_none_does_nothing(body):
    assert command_of(KEYS, body) is None


def test_a_key_that_is_not_set_is_no_command():
    assert command_of(Keys(), " 123456") is None
    assert command_of(Keys(acknowledge="*"), "* 123456") == Command(action=ACK, codes=("123456",))


@pytest.mark.parametrize("word", sorted(CARRIERS_WORDS))
def test_the_carriers_words_are_never_a_command(word):
    for body in (word, word.lower(), f"  {word.title()}\n", f"{word}."):
        assert is_carriers_word(body)
        assert command_of(KEYS, body) is None
    assert not is_carriers_word(f"{word} 123456")


@given(st.text(max_size=300))
def test_any_text_is_read_without_a_fault(body):
    command = command_of(KEYS, body)
    if command is not None:
        assert all(len(code) == 6 and code.isascii() for code in command.codes)
        assert not is_carriers_word(body)


# ---- what is said


def incident(phase, **more):
    return Incident(
        id="i",
        receiver="am",
        policy="default",
        route="",
        group_key="g",
        title="Disk full",
        summary="",
        severity="critical",
        created_at=NOW,
        updated_at=NOW,
        phase=phase,
        **more,
    )


CODE = incident(Phase.TRIGGERED).code


@pytest.mark.parametrize(
    ("action", "found", "said"),
    [
        (ACK, incident(Phase.ACKNOWLEDGED, acknowledged_by="ana"), "acknowledged"),
        (ACK, incident(Phase.ACKNOWLEDGED, acknowledged_by="ben"), "acknowledged by Ben"),
        (ACK, incident(Phase.ACKNOWLEDGED, acknowledged_by="api"), "acknowledged by api"),
        (ACK, incident(Phase.RESOLVED), "resolved"),
        (UP, incident(Phase.TRIGGERED), "passed on"),
        (LATER, incident(Phase.SNOOZED, until=NOW), "snoozed until 2026-11-22 12:00"),
    ],
)
def test_how_an_incident_stands_is_said(action, found, said):
    assert standing(RULES, ANA, action, found) == f"Disk full ({CODE}): {said}"


def test_nobody_is_said_to_be_next_where_the_fallback_is_rung_already():
    said = standing(RULES, ANA, UP, incident(Phase.EXHAUSTED))

    assert said == f"Disk full ({CODE}). Reply 4 {CODE} to acknowledge"


def test_what_rings_again_is_never_called_acknowledged():
    said = standing(RULES, ANA, ACK, incident(Phase.TRIGGERED))
    assert said == f"Disk full ({CODE}). Reply 4 {CODE} to acknowledge"


def test_a_stranger_learns_nothing():
    assert usage(RULES, None) == "This number is not known here"
    assert "Send 4 and" in usage(RULES, ANA)
    assert unknown_code(RULES, ANA, "123456") == "No open alert has the code 123456"
