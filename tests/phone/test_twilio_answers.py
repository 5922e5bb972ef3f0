import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.phone.carrier import Accepted, NotSent, Refused, Scope, Unclear
from escalator.phone.twilio_answers import Answer, call, changed, page, placed, scope_of, tidy

FIELDS = (
    "sid code status error_code error_message queue_time message title detail to duration "
    "date_created calls next_page_uri"
).split()
names = st.sampled_from(FIELDS)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "CA1",
            "failed",
            "Fri, 31 Dec 9999 23:59:00 -0100",
            "21211",
            21211,
            20003,
            20429,
            20500,
            10**400,
            "9" * 5000,
        ]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
bodies = st.one_of(
    st.none(),
    st.binary(max_size=40),
    values.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(names, values, max_size=6).map(lambda value: json.dumps(value).encode()),
)
whole_answers = st.builds(Answer, st.integers(200, 599), bodies, st.text(max_size=8))


@given(whole_answers)
def test_no_answer_whatever_makes_a_reader_raise(answer):
    for read in (placed, call, page, changed):
        read(answer)


@given(whole_answers)
def test_only_a_yes_with_a_call_is_a_yes_and_only_proof_is_proof(answer):
    outcome = placed(answer)

    match outcome:
        case Accepted(sid):
            assert 200 <= answer.status < 300
            assert sid in answer.body.decode()
        case NotSent():
            assert 400 <= answer.status < 500
        case Refused(sid=sid):
            assert 400 <= answer.status < 500 or (sid and answer.status < 300)
        case Unclear():
            assert answer.status not in (401, 403, 429) or b"20500" in (answer.body or b"")


@given(st.integers(0, 99_999))
def test_every_code_has_a_scope(code):
    assert scope_of(code) in Scope


@pytest.mark.parametrize(
    ("code", "scope"),
    [
        (13223, Scope.NUMBER),
        (13227, Scope.CONFIGURATION),
        (20010, Scope.ACCOUNT),
        (70051, Scope.ACCOUNT),
        (10002, Scope.CONFIGURATION),
        (99999, Scope.NUMBER),
        (20777, Scope.CONFIGURATION),
    ],
)
def test_codes_concern_whom_the_manual_says(code, scope):
    assert scope_of(code) is scope


@pytest.mark.parametrize(
    ("text", "fit"),
    [
        ("a\r\nb\x1b[31m\u202ec", "a b [31m c"),
        ("to +447700900123.", "to …123."),
        ("code 21211, [Errno 111]", "code 21211, [Errno 111]"),
        ("x" * 99, "x" * 20),
    ],
)
def test_foreign_text_is_fit_for_a_log_line(text, fit):
    assert tidy(text, 20 if text.startswith("x") else 99) == fit
