"""Every phrase exists in every language, uses what it may, and fits the 7-bit alphabet where it can."""

import string

import pytest

from escalator.escalation.phrases import PHRASES
from escalator.escalation.segments import is_gsm, lean
from escalator.escalation.text_phrases import MEANINGS, TEXT_PHRASES, text_phrase


def test_messages_know_the_languages_of_the_phone():
    assert set(TEXT_PHRASES) == set(PHRASES)


@pytest.mark.parametrize("language", TEXT_PHRASES)
def test_every_phrase_uses_all_that_it_may_and_no_more(language):
    assert set(TEXT_PHRASES[language]) == set(MEANINGS)
    for phrase, text in TEXT_PHRASES[language].items():
        used = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert used == set(MEANINGS[phrase]), phrase


@pytest.mark.parametrize("language", sorted(set(TEXT_PHRASES) - {"ja"}))
def test_a_phrase_in_latin_letters_costs_seven_bits(language):
    for text in TEXT_PHRASES[language].values():
        assert is_gsm(lean(text)), text


def test_a_region_has_the_phrases_of_its_language_and_the_unknown_is_english():
    assert text_phrase("de-AT", "more", count=2) == "und 2 weitere"
    assert text_phrase("sv-SE", "more", count=2) == "and 2 more"
