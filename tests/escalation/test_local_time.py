"""A wall time means the first instant at which the clock shows it or a later one (T6)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import clock, utc

from escalator.escalation.local_time import EARLIEST, LATEST, first_instant, offset_change

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/St_Johns",
    "UTC",
)
WALL_TIMES = st.datetimes(
    datetime.fromisoformat("2009-01-01"), datetime.fromisoformat("2028-01-01")
)


@pytest.mark.parametrize(
    ("zone", "day", "at", "instant"),
    [
        # plain days
        ("Europe/Berlin", "2026-01-15", "09:00", "2026-01-15 08:00"),
        ("Europe/Berlin", "2026-07-15", "09:00", "2026-07-15 07:00"),
        ("Asia/Kolkata", "2026-03-29", "02:30", "2026-03-28 21:00"),
        ("Asia/Kolkata", "2027-10-31", "02:30", "2027-10-30 21:00"),
        ("America/Sao_Paulo", "2026-10-18", "00:30", "2026-10-18 03:30"),
        ("America/Sao_Paulo", "2027-02-21", "00:30", "2027-02-21 03:30"),
        # gaps: its begin, its middle, its end
        ("Europe/Berlin", "2026-03-29", "02:00", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29", "03:00", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29", "03:30", "2026-03-29 01:30"),
        ("Europe/Berlin", "2027-03-28", "02:30", "2027-03-28 01:00"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08 07:00"),
        ("America/New_York", "2027-03-14", "02:30", "2027-03-14 07:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03 15:30"),
        ("Australia/Lord_Howe", "2027-10-03", "02:15", "2027-10-02 15:30"),
        # folds: the first occurrence; what comes once is where it was
        ("Europe/Berlin", "2026-10-25", "01:59", "2026-10-24 23:59"),
        ("Europe/Berlin", "2026-10-25", "02:00", "2026-10-25 00:00"),
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25 00:30"),
        ("Europe/Berlin", "2026-10-25", "03:00", "2026-10-25 02:00"),
        ("Europe/Berlin", "2027-10-31", "02:30", "2027-10-31 00:30"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01 05:30"),
        ("America/New_York", "2027-11-07", "01:30", "2027-11-07 05:30"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04 14:45"),
        ("Australia/Lord_Howe", "2027-04-04", "01:45", "2027-04-03 14:45"),
        # while Brazil still put its clocks on at midnight: a day begins at 01:00, another ends twice
        ("America/Sao_Paulo", "2018-11-04", "00:30", "2018-11-04 03:00"),
        ("America/Sao_Paulo", "2018-02-17", "23:30", "2018-02-18 01:30"),
        # a day that Samoa left out
        ("Pacific/Apia", "2011-12-30", "08:00", "2011-12-30 10:00"),
        ("Pacific/Apia", "2011-12-31", "00:00", "2011-12-30 10:00"),
    ],
)
def test_a_wall_time_is_this_instant(zone, day, at, instant):
    assert first_instant(date.fromisoformat(day), clock(at), ZoneInfo(zone)) == utc(instant)


@given(
    zone=st.sampled_from(ZONES),
    shown=WALL_TIMES,
    later=st.timedeltas(timedelta(0), timedelta(days=2)),
)
def test_a_later_wall_time_is_never_an_earlier_instant(zone, shown, later):
    place, after = ZoneInfo(zone), shown + later

    one, other = (first_instant(x.date(), x.time(), place) for x in (shown, after))

    assert one <= other


@given(zone=st.sampled_from(ZONES), shown=WALL_TIMES)
def test_the_clock_shows_it_then_and_not_before(zone, shown):
    place = ZoneInfo(zone)

    instant = first_instant(shown.date(), shown.time(), place)
    just_before = instant - timedelta(microseconds=1)

    assert instant.astimezone(place).replace(tzinfo=None) >= shown
    assert just_before.astimezone(place).replace(tzinfo=None) < shown


def test_the_ends_of_the_calendar_are_no_error():
    berlin, new_york = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")

    assert first_instant(date(1, 1, 1), time(0), berlin) == EARLIEST
    assert first_instant(date(9999, 12, 31), time(23), new_york) == LATEST


def test_a_change_of_the_offset_is_found_to_the_second():
    start = datetime(2026, 3, 28, 17, 11, 7, tzinfo=UTC)

    assert offset_change(ZoneInfo("Europe/Berlin"), start, start + timedelta(days=1)) == utc(
        "2026-03-29 01:00"
    )
    assert offset_change(ZoneInfo("Asia/Kolkata"), start, start + timedelta(days=1)) is None
