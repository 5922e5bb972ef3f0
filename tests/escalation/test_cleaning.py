"""What a payload brings is made harmless before people read or hear it."""

from hypothesis import given
from hypothesis import strategies as st

from escalator.escalation.cleaning import SPOKEN_MAX, clean


def test_lines_and_controls_become_blanks_and_addresses_a_word():
    assert clean("a\r\nb\x00\tc") == "a b c"
    assert clean("see https://x.example/a?b=1, now") == "see link, now"
    assert clean("\u202edrow\u202c") == "drow"


@given(st.text(st.characters()), st.integers(1, 50))
def test_what_is_clean_is_one_line_and_no_longer_than_asked(text, limit):
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    assert cleaned == " ".join(cleaned.split())


def test_the_end_is_cut_at_a_word():
    assert clean("one two three four", 9) == "one two"
    assert len(clean("x" * 1000)) == SPOKEN_MAX
