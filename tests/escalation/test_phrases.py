from itertools import product

import pytest
from jinja2 import Environment, StrictUndefined, meta

from escalator.escalation.phrases import (
    MEANINGS,
    PHRASES,
    nearest,
    phrases_for,
)
from escalator.escalation.words import SEVERITIES

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "ja")
VARIABLES = {"incident", "count", "by", "person", "keys"}
EACH = list(product(LANGUAGES, MEANINGS))
JINJA = Environment(undefined=StrictUndefined, autoescape=False)
KEYS = {"acknowledge": "4", "escalate": "5", "resolve": "6", "snooze": "9", "repeat": "star"}


def spoken(language: str, phrase: str, **given: object) -> str:
    incident = {"title": "Disk full", "severity": "Critical", "summary": "0 bytes", "firing": 3}
    variables = {"incident": incident, "count": 2, "by": "Ben", "person": "Ana", "keys": KEYS}
    return JINJA.from_string(PHRASES[language][phrase]).render(variables | given)


def test_there_are_eight_languages():
    assert set(PHRASES) == set(LANGUAGES) == set(SEVERITIES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_phrase_and_no_other(language):
    assert set(PHRASES[language]) == set(MEANINGS)


@pytest.mark.parametrize(("language", "phrase"), EACH)
def test_every_phrase_renders_to_one_short_line(language, phrase):
    text = spoken(language, phrase)

    assert 2 <= len(text) <= 160
    assert text == " ".join(text.split())
    assert text[-1] in ".。"
    assert "{" not in text
    assert "#" not in text


@pytest.mark.parametrize(("language", "phrase"), EACH)
def test_phrases_use_only_the_variables_they_are_promised(language, phrase):
    assert meta.find_undeclared_variables(JINJA.parse(PHRASES[language][phrase])) <= VARIABLES


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_voicemail_hears_no_detail(language):
    assert not meta.find_undeclared_variables(JINJA.parse(PHRASES[language]["machine"]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_firing_says_severity_then_title_then_summary(language):
    text = spoken(language, "firing")

    places = [text.index(part) for part in ("Critical", "Disk full", "0 bytes")]
    assert places == sorted(places)


@pytest.mark.parametrize("language", LANGUAGES)
def test_firing_without_severity_and_summary_is_the_title_alone(language):
    incident = {"title": "Disk full", "severity": "", "summary": "", "firing": 1}

    assert spoken(language, "firing", incident=incident)[:-1] == "Disk full"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_number_of_alerts_is_told_only_when_there_are_several(language):
    one = {"title": "", "severity": "", "summary": "", "firing": 1}

    assert spoken(language, "also", incident=one) == ""
    assert "3" in spoken(language, "also")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_menu_names_each_key_and_leaves_out_those_that_are_not_set(language):
    full = spoken(language, "menu")
    short = spoken(language, "menu", keys={**KEYS, "snooze": "", "resolve": ""})

    assert all(key in full for key in KEYS.values())
    assert not any(key in short for key in "69")
    assert all(key in short for key in ("4", "5", "star"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_acknowledged_may_be_unknown(language):
    assert "Ben" in spoken(language, "acknowledged_by")
    assert len(spoken(language, "acknowledged_by", by="")) > 5


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phrase", ["intro", "old", "more", "new_alerts"])
def test_counts_are_told_for_one_and_for_many(language, phrase):
    assert spoken(language, phrase, count=1) != spoken(language, phrase, count=7)
    assert "7" in spoken(language, phrase, count=7)


def test_english_counts_agree_with_their_noun():
    assert spoken("en", "intro", count=1) == "Escalator. 1 alert."
    assert spoken("en", "intro", count=2) == "Escalator. 2 alerts."


@pytest.mark.parametrize(
    ("tag", "language"),
    [("de", "de"), ("de-AT", "de"), ("DE-at", "de"), ("pt_BR", "pt"), ("sv-SE", "en"), ("", "en")],
)
def test_a_tag_finds_its_language_else_english(tag, language):
    assert phrases_for(tag) is PHRASES[language]


def test_the_exact_tag_goes_before_its_language():
    assert nearest({"en": 1, "en-GB": 2}, "en-gb") == 2
    assert nearest({"en": 1, "en-GB": 2}, "en-US") == 1
    assert nearest({"en-GB": 2}, "en-US") is None
