"""A code is told in words."""

import pytest

from escalator.escalation.message_codes import MEANINGS, meaning_of


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        (21614, "To number is not a mobile", "the number is not a mobile phone's (21614)"),
        (99999, "something new", "something new (99999)"),
        (99999, "", "the carrier gave no reason (99999)"),
        (None, "", "the carrier gave no reason"),
    ],
)
def test_our_words_come_first_then_the_carriers_and_the_code_is_told(code, said, told):
    assert meaning_of(code, said) == told


def test_a_meaning_goes_on_in_the_middle_of_a_sentence():
    for words in MEANINGS.values():
        assert words[-1] not in ".!"
