"""How many parts a text travels in: the borders, characters that count twice, and one that changes all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.escalation.segments import BASIC, EXTENDED, is_gsm, lean, segments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 459, 3),
        ("a" * 460, 4),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # 152 and one that counts two: it goes into the next part whole.
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("あ" * 70, 1),
        ("あ" * 71, 2),
        ("あ" * 134, 2),
        ("あ" * 135, 3),
        ("\U0001f525" * 35, 1),
        ("\U0001f525" * 36, 2),
        # 66 and a pair: it is not torn apart.
        ("あ" * 66 + "\U0001f525" + "あ" * 65, 2),
        ("あ" * 66 + "\U0001f525" + "あ" * 66, 3),
        ("a" * 69 + "ê", 1),
        ("a" * 70 + "ê", 2),
    ],
)
def test_a_text_travels_in_so_many_parts(text, parts):
    assert segments(text) == parts


def test_the_alphabet_is_the_standards():
    assert len(BASIC) == 127  # 128 places, one of them the escape
    assert set("^{}\\[~]|€\f") == EXTENDED
    assert not is_gsm("ç")
    assert is_gsm("Ç")


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("“Disk” – full…", '"Disk" - full...'),
        ("Crítico: ação", "Critico: acao"),
        ("Müller grüßt", "Müller grüßt"),
        ("重大: ação", "重大: ação"),
        ("a\u00a0b", "a b"),
    ],
)
def test_a_text_is_made_lean_where_that_makes_it_shorter(text, made):
    assert lean(text) == made


@given(st.text(max_size=500))
def test_leaner_never_means_more_parts_than_its_typewriter_dots(text):
    assert segments(lean(text)) <= segments(text.replace("…", "..."))
    assert lean(lean(text)) == lean(text)
