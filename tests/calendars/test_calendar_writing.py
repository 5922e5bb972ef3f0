"""What we write is iCalendar: another program reads out of it what we put in."""

from datetime import UTC, datetime, timedelta

import icalendar
from hypothesis import given
from hypothesis import strategies as st

from escalator.calendars.writing import WrittenShift, escaped, folded, uid_of, written

MADE = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
START = datetime(2026, 12, 24, 17, 0, 30, tzinfo=UTC)


def shift(title="Ana Ortega", text="layer 1"):
    return WrittenShift(
        uid="1@escalator",
        start=START,
        end=START + timedelta(hours=40),
        title=title,
        text=text,
        changed_at=MADE - timedelta(days=1),
    )


def test_a_calendar_says_what_it_is_and_when_to_ask_again():
    text = written("On call: primary", [], MADE).decode()

    assert text.splitlines() == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//escalator//on call//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:On call: primary",
        "NAME:On call: primary",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
        "END:VCALENDAR",
    ]
    assert text.count("\r\n") == text.count("\n")


def test_a_shift_is_read_as_it_was_meant():
    [event] = icalendar.Calendar.from_ical(written("x", [shift()], MADE)).walk("VEVENT")

    assert (event["UID"], event["SUMMARY"], event["DESCRIPTION"]) == (
        "1@escalator",
        "Ana Ortega",
        "layer 1",
    )
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (START, START + timedelta(hours=40))
    assert event["DTSTAMP"].dt == MADE
    assert event["LAST-MODIFIED"].dt == MADE - timedelta(days=1)
    assert event["TRANSP"] == "TRANSPARENT"
    assert event.errors == []


def test_lines_are_folded_between_characters():
    pieces = list(folded("SUMMARY:" + "ä€😀" * 60))

    assert all(len(piece.removesuffix(b"\r\n")) <= 75 for piece in pieces)
    assert [piece.decode() for piece in pieces]
    assert b"".join(pieces).replace(b"\r\n ", b"").decode() == "SUMMARY:" + "ä€😀" * 60 + "\r\n"


def test_what_would_end_a_value_is_escaped():
    assert escaped("a;b,c\\d\r\ne\rf\x07\x00") == "a\\;b\\,c\\\\d\\ne\\nf"


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_comes_back(title, text):
    body = written(title, [shift(title, text)], MADE)

    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    [event] = icalendar.Calendar.from_ical(body).walk("VEVENT")
    assert plain(str(event["SUMMARY"])) == plain(title)
    assert plain(str(event.get("DESCRIPTION", ""))) == plain(text)


def plain(text):
    """Text as any calendar may hold it."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(one for one in lines if (one >= " " and one != "\x7f") or one in "\n\t")
    return kept.encode("utf-8", "replace").decode()


def test_an_id_is_the_same_for_the_same_parts_only():
    assert uid_of("a", "bc") == uid_of("a", "bc") != uid_of("ab", "c")
    assert uid_of("a").endswith("@escalator")
