"""Links that nobody can guess, made from a key that is written once."""

import stat

from escalator.calendars.links import Subject, SubjectKind, link_key, subject_of, token_of

ANA = Subject(SubjectKind.PERSON, "ana")
PRIMARY = Subject(SubjectKind.SCHEDULE, "primary")
SAME_NAME = Subject(SubjectKind.SCHEDULE, "ana")
KEY = bytes(range(32))


def test_each_subject_has_a_token_of_its_own_that_stays():
    tokens = {token_of(KEY, one) for one in (ANA, PRIMARY, SAME_NAME)}

    assert len(tokens) == 3
    assert token_of(KEY, ANA) == token_of(KEY, ANA)
    assert all(len(token) == 43 for token in tokens)


def test_another_key_makes_other_links():
    assert token_of(KEY, ANA) != token_of(KEY[::-1], ANA)


def test_a_token_leads_to_its_subject_and_any_other_nowhere():
    known = [ANA, PRIMARY, SAME_NAME]
    token = token_of(KEY, PRIMARY)

    assert subject_of(KEY, token, known) == PRIMARY
    assert subject_of(KEY, token, [ANA]) is None
    assert subject_of(KEY[::-1], token, known) is None
    for wrong in ("", token[:-1], token + "A", token.swapcase(), "ä\udcff", "x" * 5000):
        assert subject_of(KEY, wrong, known) is None


def test_the_key_is_made_once_for_its_owner_alone(tmp_path):
    database = tmp_path / "escalator.db"

    key = link_key(database)

    file = tmp_path / "calendar-links.key"
    assert file.read_bytes() == key
    assert len(key) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert link_key(database) == key
    assert [one.name for one in tmp_path.iterdir()] == ["calendar-links.key"]


def test_a_key_that_was_cut_off_by_a_crash_is_made_anew(tmp_path):
    file = tmp_path / "calendar-links.key"
    file.write_bytes(b"")
    (tmp_path / "calendar-links.new").write_bytes(b"half")

    assert len(link_key(tmp_path / "escalator.db")) == 32
    assert len(file.read_bytes()) == 32
