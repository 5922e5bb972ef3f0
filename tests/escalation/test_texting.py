"""What a message says: the first in full, how to reply always, three parts at most."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.escalation.rules import Keys, Person, Rules
from escalator.escalation.segments import is_gsm, segments
from escalator.escalation.text_phrases import TEXT_PHRASES
from escalator.escalation.texting import Topic, compose, local_time, shortened

RULES = Rules(people={}, policies={}, language="en-GB")


def person(language="en-GB", timezone="Europe/Berlin"):
    return Person(
        key="ana", name="Ana", phones=("+491713920012",), language=language, timezone=timezone
    )


def topic(n=1, **more):
    given = {"code": f"{n:06d}", "title": f"Disk {n}", "severity": "critical", **more}
    return Topic(**given)


def test_one_incident_is_told_in_full_with_how_to_take_it():
    text = compose(RULES, person(), [topic(summary="0 bytes left on db-1.")])
    assert text == "Critical: Disk 1. 0 bytes left on db-1. Reply 4 000001 to acknowledge"


def test_a_summary_that_repeats_the_title_is_left_out():
    assert compose(RULES, None, [topic(severity="", summary="Disk 1")]) == (
        "Disk 1. Reply 4 000001 to acknowledge"
    )


def test_the_others_have_a_line_each_with_their_code():
    text = compose(RULES, person(), [topic(1), topic(2), topic(3, severity="")])
    assert text.splitlines() == [
        "3 alerts:",
        "Critical: Disk 1. Reply 4 000001 to acknowledge",
        "Critical: Disk 2 (000002)",
        "Disk 3 (000003)",
    ]


def test_what_does_not_fit_is_a_number():
    text = compose(RULES, person(), [topic(n, title="x" * 40) for n in range(1, 101)])
    lines = text.splitlines()
    assert lines[0] == "100 alerts:"
    assert lines[-1] == f"and {100 - (len(lines) - 2)} more"
    assert len(lines) > 5
    assert segments(text) == 3


def test_thousands_are_counted_though_only_the_first_are_given():
    text = compose(RULES, person(), [topic(n) for n in (1, 2)], 5000)
    assert text.splitlines()[0] == "5000 alerts:"
    assert text.splitlines()[-1] == "and 4998 more"


def test_the_digit_is_the_configs_and_the_language_the_persons():
    rules = Rules(people={}, policies={}, keys=Keys(acknowledge="1"))
    assert compose(rules, person("de-DE"), [topic()]) == (
        "Kritisch: Disk 1. Antwort 1 000001 bestatigt".replace("bestatigt", "bestätigt")
    )


def test_accents_that_would_double_the_price_are_taken_off():
    text = compose(RULES, person("pt-BR"), [topic(summary="memória não disponível")])
    assert is_gsm(text)
    assert text == "Critico: Disk 1. memoria nao disponivel. Responda 4 000001 para confirmar"


def test_a_silent_incident_is_asked_about():
    since = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    text = compose(RULES, person(), [topic(silent_since=since)])
    assert text == (
        "Disk 1: no word from its sender since 2026-11-23 00:30. Reply 6 000001 to resolve"
    )


def test_a_zone_that_does_not_exist_is_utc():
    at = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert local_time(at, person(timezone="Mars/Olympus")) == "2026-11-22 23:30"
    assert local_time(at, None) == "2026-11-22 23:30"


def test_no_address_and_no_line_of_a_payload_comes_through():
    text = compose(RULES, None, [topic(title="a\r\nb", summary="go to http://evil.example/x now")])
    assert text == "Critical: a b. go to link now. Reply 4 000001 to acknowledge"


signs = st.text(st.characters(exclude_categories=["Cs"]), max_size=700)


@given(
    st.sampled_from([*TEXT_PHRASES, "sv"]),
    st.lists(st.tuples(signs, signs, signs, st.booleans()), min_size=1, max_size=30),
)
def test_whatever_comes_the_way_to_reply_is_in_and_it_is_three_parts_at_most(language, found):
    since = datetime(2026, 11, 22, tzinfo=UTC)
    topics = [
        topic(
            n, title=title, summary=summary, severity=severity, silent_since=since if old else None
        )
        for n, (title, summary, severity, old) in enumerate(found, 1)
    ]
    text = compose(RULES, person(language), topics)
    assert segments(text) <= 3
    assert f"{6 if found[0][3] else 4} 000001" in text
    assert "\r" not in text


@pytest.mark.parametrize("text", ["", "x" * 459, "x" * 5000, "あ" * 5000])
def test_an_answer_is_cut_to_three_parts(text):
    assert segments(shortened(text)) <= 3
    assert shortened("x" * 459) == "x" * 459
