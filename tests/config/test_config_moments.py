"""Moments and hours as people write them, in zones whose clocks jump."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.config.matching import read_matchers
from escalator.config.moments import read_day, read_moment, read_span, show_moment
from escalator.config.rotating import (
    At,
    Every,
    read_at,
    read_every,
    read_window,
    show_window,
)
from escalator.escalation.matchers import MatcherError
from escalator.escalation.schedules import Unit, Window

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-24T18:00:00Z", "2026-12-24 18:00"),
        ("2026-12-24t18:00:00z", "2026-12-24 18:00"),
        ("2026-12-24T18:00:00.5+01:00", "2026-12-24 17:00:00.500"),
        ("2026-12-24 18:00-05:30", "2026-12-24 23:30"),
        ("2026-12-24 18:00", "2026-12-24 17:00"),
        ("2026-07-01 18:00", "2026-07-01 16:00"),
        ("2026-07-01", "2026-06-30 22:00"),
    ],
)
def test_a_moment_has_its_own_zone_or_that_of_the_place(text, expected):
    assert read_moment(text, BERLIN) == utc(expected)


def test_a_day_alone_is_the_whole_day():
    start, end = read_span("2026-12-24", "2026-12-26", BERLIN)

    assert (start, end) == (utc("2026-12-23 23:00"), utc("2026-12-26 23:00"))


def test_an_end_with_a_time_is_not_part_of_the_span():
    assert read_moment("2026-12-26 00:00", BERLIN, is_end=True) == utc("2026-12-25 23:00")


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_whole_day_on_which_the_clock_jumps_is_longer_or_shorter(day):
    start, end = read_span(day, day, BERLIN)

    assert end - start == timedelta(hours=23 if "-03-" in day else 25)


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 00:30"),
        ("America/New_York", "2026-03-08 02:01", "2026-03-08 07:00"),
        ("America/New_York", "2026-11-01 01:30", "2026-11-01 05:30"),
        ("Australia/Lord_Howe", "2026-10-04 02:10", "2026-10-03 15:30"),
        ("Australia/Lord_Howe", "2027-04-04 01:45", "2027-04-03 14:45"),
        ("Africa/Cairo", "2026-04-24", "2026-04-23 22:00"),
        ("Asia/Kolkata", "2026-03-29 02:30", "2026-03-28 21:00"),
    ],
)
def test_a_local_time_that_is_skipped_or_comes_twice_is_the_first_instant_there_is(
    zone, text, expected
):
    assert read_moment(text, ZoneInfo(zone)) == utc(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-12-24T18:00:00",
        "2026-12-24T18:00",
        "2026-12-24 18:00:00",
        "2026-12-24 6:00",
        "24.12.2026",
        "20261224",
        "2026-12-24 ",
        "2026-12-24\n",
        "٢٠٢٦-12-24",
        "1798135200",
    ],
)
def test_what_could_be_read_in_two_ways_is_no_moment(text):
    with pytest.raises(ValueError, match="not a moment"):
        read_moment(text, BERLIN)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-02-29", "does not exist"),
        ("2026-12-24 24:00", "does not exist"),
        ("2026-12-24T18:00:00+99:00", "does not exist"),
        ("1999-12-31", "year"),
        ("2200-01-01 00:00", "year"),
        ("9999-12-31T23:59:59-01:00", "year"),
    ],
)
def test_what_is_on_no_calendar_of_ours_is_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        read_moment(text, BERLIN)


def test_an_empty_span_is_refused():
    with pytest.raises(ValueError, match="2026-12-23 is not after 2026-12-24"):
        read_span("2026-12-24", "2026-12-23", BERLIN)


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds of hypothesis are naive
    st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
)
def test_a_moment_that_is_shown_reads_back(moment, zone):
    moment = moment.replace(microsecond=0)

    assert read_moment(show_moment(moment, ZoneInfo(zone)), BERLIN) == moment


def test_a_day_is_written_in_one_way():
    assert read_day("2028-02-29") == date(2028, 2, 29)
    for text in ("2026-2-9", "2026-02-09 00:00", "29.2.2028"):
        with pytest.raises(ValueError, match="not a day"):
            read_day(text)


# ---- turns and hours


@pytest.mark.parametrize(
    ("text", "every"),
    [
        ("1 week", Every(1, Unit.WEEKS)),
        ("2 weeks", Every(2, Unit.WEEKS)),
        ("12 hours", Every(12, Unit.HOURS)),
        ("1 day", Every(1, Unit.DAYS)),
        ("3 months", Every(3, Unit.MONTHS)),
    ],
)
def test_a_period_is_a_number_and_a_unit_and_reads_back(text, every):
    assert read_every(text) == every
    assert str(every) == text


@pytest.mark.parametrize("text", ["week", "1", "1w", "a week", "1.5 days", "1 year", "1  week"])
def test_anything_else_is_no_period(text):
    with pytest.raises(ValueError, match="write a number and hours"):
        read_every(text)


@pytest.mark.parametrize(
    ("text", "unit", "at", "shown"),
    [
        ("", Unit.HOURS, At(time(0)), "00:00"),
        ("08:00", Unit.DAYS, At(time(8)), "08:00"),
        ("", Unit.WEEKS, At(time(0), weekday=0), "mon 00:00"),
        ("09:00", Unit.WEEKS, At(time(9), weekday=0), "mon 09:00"),
        ("sunday", Unit.WEEKS, At(time(0), weekday=6), "sun 00:00"),
        ("fri 17:30", Unit.WEEKS, At(time(17, 30), weekday=4), "fri 17:30"),
        ("", Unit.MONTHS, At(time(0), month_day=1), "1 00:00"),
        ("31 09:00", Unit.MONTHS, At(time(9), month_day=31), "31 09:00"),
    ],
)
def test_a_handoff_has_a_day_where_its_unit_has_days(text, unit, at, shown):
    assert read_at(text, unit) == at
    assert str(at) == shown


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("mon 09:00", Unit.DAYS),
        ("1 09:00", Unit.WEEKS),
        ("mon tue", Unit.WEEKS),
        ("mon", Unit.MONTHS),
        ("0", Unit.MONTHS),
        ("9:00", Unit.HOURS),
        ("09:60", Unit.HOURS),
    ],
)
def test_a_handoff_that_does_not_fit_its_unit_is_refused(text, unit):
    with pytest.raises(ValueError):
        read_at(text, unit)


def test_hours_over_midnight_and_over_the_weekend():
    window = read_window("fri-mon 18:00-08:00")

    assert window == Window(days=frozenset({4, 5, 6, 0}), start=time(18), end=time(8))


def test_hours_without_days_are_of_every_day_and_may_end_at_midnight():
    assert read_window("00:00-24:00") == Window(
        days=frozenset(range(7)), start=time(0), end=time(0)
    )


@given(
    st.sampled_from(["", *WEEK, *(f"{first}-{last}" for first in WEEK for last in WEEK)]),
    st.times(),
    st.times(),
)
def test_hours_that_are_shown_read_back(days, start, end):
    window = read_window(f"{days} {start:%H:%M}-{end:%H:%M}".strip())

    assert read_window(show_window(window)) == window


# ---- matchers


def test_matchers_come_one_to_a_text_or_in_braces():
    found = read_matchers(['a="1"', '{b=~"x,y", c!=d}'])

    assert [str(one) for one in found] == ['a="1"', 'b=~"x,y"', 'c!="d"']
    with pytest.raises(MatcherError, match="'a' is not a matcher"):
        read_matchers(["a"])
