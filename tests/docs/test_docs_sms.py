"""The page on messages says what the program does: codes, words, spans, states."""

import re

from manual import page, table_of, words_in_code

from escalator.escalation.decide_message import POSTS_MAX, SILENCE, VALIDITY
from escalator.escalation.message_codes import MEANINGS
from escalator.escalation.messages import MessageState
from escalator.escalation.replying import CARRIERS_WORDS, command_of
from escalator.escalation.rules import Keys
from escalator.phone.text_callbacks import KNOWN_REPLIES, STRANGER_REPLIES

PAGE = page("sms.md")
NUMBERS = {3: "three", 5: "five", 20: "twenty"}


def test_every_code_that_is_documented_has_a_meaning_of_ours():
    [table] = table_of(PAGE, "code", "means", "do")
    told = {int(code) for row in table.rows for code in re.findall(r"\d{5}", row["code"])}

    assert told <= set(MEANINGS)


def test_every_command_that_is_documented_is_understood():
    [table] = table_of(PAGE, "command", "does")
    commands = [command for row in table.rows for command in words_in_code(row["command"])]

    assert len(commands) >= 8
    assert all(command_of(Keys(), command) for command in commands)


def test_the_carriers_words_are_all_named():
    [sentence] = re.findall(r"^STOP, .+?\.", PAGE, re.M | re.S)

    assert set(re.findall(r"[A-Z]{3,}", sentence)) == set(CARRIERS_WORDS)


def test_numbers_and_spans_are_those_in_force():
    text = " ".join(PAGE.split())

    assert f"told so {NUMBERS[STRANGER_REPLIES]} times a day" in text
    assert f"how to {NUMBERS[KNOWN_REPLIES]} times a day" in text
    assert f"sent again, {NUMBERS[POSTS_MAX]} times in all" in text
    assert (
        f"for {SILENCE.seconds // 60} minutes. Twilio tries for {VALIDITY.seconds // 60}." in text
    )


def test_states_of_messages_are_documented():
    [table] = table_of(page("http.md"), "message", "meaning")
    told = [word for row in table.rows for word in words_in_code(row["message"])]

    assert sorted(told) == sorted(state.value for state in MessageState)
