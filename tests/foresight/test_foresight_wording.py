"""Moments as they are asked for and as they are said, spans, numbers and lists."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalator.foresight.moments import read_at
from escalator.foresight.wording import clock, dated, listed, local, masked, span, stretch

BERLIN = ZoneInfo("Europe/Berlin")
FIRST, SECOND = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-12-24 23:30", 22),
        ("2026-12-24 23:30 UTC", 23),
        ("2026-12-24 17:30 America/New_York", 22),
        ("2026-12-24T23:30:00+01:00", 22),
        ("2026-12-24T22:30:00Z", 22),
    ],
)
def test_a_moment_is_local_or_has_its_zone_behind_it(text, hour):
    assert read_at(text, BERLIN) == datetime(2026, 12, 24, hour, 30, tzinfo=UTC)


def test_a_day_alone_is_its_beginning():
    assert read_at("2026-12-24", BERLIN) == datetime(2026, 12, 23, 23, tzinfo=UTC)
    assert read_at("2026-12-24 Asia/Kolkata", BERLIN) == datetime(2026, 12, 23, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("now", "not a moment"),
        ("yesterday noon", "not a moment"),
        ("2026-12-24 23:30 Europe/Berlim", "Europe/Berlin"),
        ("2026-02-30 23:30 UTC", "does not exist"),
        ("1999-02-20 23:30 UTC", "the year must be"),
        ("", "not a moment"),
    ],
)
def test_what_is_no_moment_is_said_so(text, said):
    with pytest.raises(ValueError, match=said):
        read_at(text, BERLIN)


def test_a_time_that_the_clock_shows_twice_says_which_it_is():
    assert local(FIRST, BERLIN) == "25 Oct 02:30 CEST"
    assert local(SECOND, BERLIN) == "25 Oct 02:30 CET"
    assert local(SECOND + timedelta(hours=1), BERLIN) == "25 Oct 03:30"
    assert clock(FIRST, BERLIN) == "02:30 CEST"
    assert clock(FIRST, BERLIN, seconds=True) == "02:30:00 CEST"


def test_weekday_and_year_come_where_they_are_wanted():
    assert dated(FIRST, UTC) == "Sun 25 Oct 00:30"
    assert dated(FIRST, BERLIN, year=True) == "Sun 25 Oct 2026 02:30 CEST"
    assert stretch(FIRST, SECOND, ZoneInfo("UTC")) == "25 Oct 00:30 to 25 Oct 01:30"
    newer = datetime(2027, 1, 2, 9, tzinfo=UTC)
    assert stretch(SECOND, newer, ZoneInfo("UTC")) == "25 Oct 01:30 to 2 Jan 2027 09:00"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0s"), (45, "45s"), (600, "10m"), (7500, "2h 5m"), (86400 * 6 + 3600 * 23 + 59, "6d 23h")],
)
def test_a_span_is_said_in_its_two_largest_units(seconds, said):
    assert span(timedelta(seconds=seconds)) == said


def test_numbers_show_three_digits_and_lists_end_in_and():
    assert masked("+491713920012") == "…012"
    assert listed([]) == "nobody"
    assert listed(["ana"]) == "ana"
    assert listed(["ana", "ben", "chi"]) == "ana, ben and chi"
