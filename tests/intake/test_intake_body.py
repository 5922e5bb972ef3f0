"""Hostile and broken bodies: bounded in cost, and whatever is kept can be stored and encoded."""

import json
import sqlite3
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.intake import Intake, Kind, PayloadError, read

RECEIVED = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"


def take(body: bytes, kind: Kind = "webhook", content_type: str = "application/json") -> Intake:
    return read("prod", kind, body, content_type, RECEIVED)


def summary_of(body: bytes, content_type: str = "application/json") -> str:
    (alert,) = take(body, content_type=content_type).alerts
    return alert.annotations["summary"]


def assert_storable(intake: Intake) -> None:
    database = sqlite3.connect(":memory:")
    for alert in intake.alerts:
        texts = [alert.key, alert.group, alert.url, alert.raw]
        texts += [
            text for pair in (*alert.labels.items(), *alert.annotations.items()) for text in pair
        ]
        assert database.execute("SELECT ?", (json.dumps(texts, ensure_ascii=False),)).fetchone()
        assert all("\0" not in text and text.encode() for text in texts if text)
    database.close()


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        (b'{"summary": "\\ud800 alone"}', "\ufffd alone"),
        (b'{"summary": "\\uDFFF alone"}', "\ufffd alone"),
        (b'{"summary": "\\ud83d\\ude00 pair"}', "\U0001f600 pair"),
        (b'{"summary": "nul \\u0000"}', "nul \ufffd"),
        (b'{"summary": "nul \0"}', "nul \ufffd"),
        (b'{"summary": "latin \xfc"}', "latin \ufffd"),
        (b'\xef\xbb\xbf{"summary": "mark"}', "mark"),
        (b'{"summary": "two\nlines\tand \x1b"}', "two\nlines\tand \x1b"),
        (b'{"summary": "\\\\ud800"}', "\\ud800"),
    ],
    ids=[
        "high surrogate",
        "low surrogate",
        "pair",
        "nul escape",
        "raw nul",
        "no utf-8",
        "bom",
        "raw controls",
        "backslash",
    ],
)
def test_text_that_cannot_be_stored_is_replaced(body: bytes, summary: str) -> None:
    assert summary_of(body) == summary
    assert_storable(take(body))


def test_keys_and_nested_values_are_cleaned_too() -> None:
    body = b'{"key": "a", "labels": {"\\ud800\\u0000": [{"\\udc00": "\\udc00"}]}}'

    assert_storable(take(body))
    assert take(body).alerts[0].labels["\ufffd\ufffd"] == '[{"\ufffd":"\ufffd"}]'


@pytest.mark.parametrize("body", [b"summary=%00%ED%A0%80%FF", b"summary=\0 \xff"])
def test_forms_are_cleaned_too(body: bytes) -> None:
    assert_storable(take(body, content_type=FORM))


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [("iso-8859-1", "latin-1"), ("UTF-16", "utf-16"), ("Shift_JIS", "shift_jis")],
)
def test_a_declared_charset_is_heeded(charset: str, encoding: str) -> None:
    text = "ディスク" if encoding == "shift_jis" else "Größe"

    assert summary_of(text.encode(encoding), f"text/plain; charset={charset}") == text


@pytest.mark.parametrize("charset", ["klingon", "hex", "idna", "unicode_escape", "\0", "x" * 9000])
def test_a_charset_that_is_none_counts_as_utf_8(charset: str) -> None:
    assert summary_of("Größe \\x41".encode(), f"text/plain; charset={charset}") == "Größe \\x41"


def test_numbers_that_no_program_can_hold_stay_text() -> None:
    big = "9" * 5000
    body = f'{{"key": "a", "labels": {{"n": {big}, "f": 1e999, "nan": NaN, "inf": -Infinity}}}}'

    (alert,) = take(body.encode()).alerts

    assert alert.labels["n"].startswith("999")
    assert (alert.labels["f"], alert.labels["nan"], alert.labels["inf"]) == (
        "1e999",
        "NaN",
        "-Infinity",
    )
    json.loads(alert.raw, parse_constant=lambda name: pytest.fail(f"raw holds {name}"))


def test_the_last_of_duplicate_keys_wins() -> None:
    (alert,) = take(b'{"key": "a", "key": "b"}').alerts

    assert alert.key == "b"


@pytest.mark.parametrize("kind", ["alertmanager", "webhook"])
@pytest.mark.parametrize("opening", [b"[", b'{"labels":', b'[{"a":'])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_bottomless_json_is_refused(kind: Kind, opening: bytes, content_type: str) -> None:  # (L7)
    with pytest.raises(PayloadError, match="nested") as refused:
        take(opening * 100_000, kind, content_type)

    assert refused.value.code == "invalid_json"


@pytest.mark.parametrize("depth", [100, 400, 900, 960, 980, 990, 1000])
def test_at_any_depth_json_is_read_or_refused(depth: int) -> None:
    body = b'{"summary": "\\ud800", "labels": {"a": ' + b"[" * depth + b"]" * depth + b"}}"

    try:
        assert_storable(take(body))
    except PayloadError as refused:
        assert refused.code == "invalid_json"  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("body", "code", "content_type"),
    [
        (b"[" + b"{}," * 1_000_000 + b"{}]", "unrecognised_payload", "application/json"),
        (b"[" + b"1," * 2_000_000 + b"1]", "unrecognised_payload", "application/json"),
        (
            b'{"labels":{' + b",".join(b'"l%d":""' % n for n in range(1_000_000)) + b"}}",
            "unrecognised_payload",
            "application/json",
        ),
        (b"&".join(b"a%d=1" % n for n in range(50_000)), "invalid_field", FORM),
        (b"--b\r\n" * 100_000, "invalid_field", "multipart/form-data; boundary=b"),
        (
            b"--b\r\n" + b"content-disposition:; name " * 200_000,
            "unrecognised_payload",
            "multipart/form-data; boundary=b",
        ),
    ],
    ids=["objects", "numbers", "labels", "form fields", "parts", "part headers"],
)
def test_a_flood_of_values_is_refused_before_it_costs(
    body: bytes, code: str, content_type: str
) -> None:  # (L7)
    begin = time.process_time()

    with pytest.raises(PayloadError) as refused:
        take(body, content_type=content_type)

    assert refused.value.code == code
    assert time.process_time() - begin < 0.2


@given(
    body=st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["alerts", "labels", "status", "key", "summary", "endsAt", "groupKey", "url"]
                )
                | st.text(max_size=3),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
    kind=st.sampled_from(["alertmanager", "webhook"]),
    content_type=st.sampled_from(
        [
            "",
            "application/json",
            "text/plain",
            FORM,
            "multipart/form-data; boundary=-",
            ";;=;charset=",
        ]
    ),
)
def test_any_body_is_storable_alerts_or_one_kind_of_refusal(
    body: bytes, kind: Kind, content_type: str
) -> None:
    try:
        intake = take(body, kind, content_type)
    except PayloadError as refused:
        assert refused.message.isprintable()  # noqa: PT017 - either outcome is right
        return

    assert_storable(intake)
    assert all(alert.key and alert.group and alert.starts_at for alert in intake.alerts)
    assert all(str(note) for note in intake.notes)
