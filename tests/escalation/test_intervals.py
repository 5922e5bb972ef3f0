"""Time intervals in Alertmanager's fields: when they hold, and until when, on real days of change.

`during`, `mute_time_intervals` and `active_time_intervals` are asked so.
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minute_walk import interval_holds
from plans import BERLIN, clock, local, utc

from escalator.escalation.intervals import TimeInterval, TimeOfDay, holds, until

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def interval(zone=BERLIN, times=(), **fields):
    """`times` as `09:00-18:00`; 24:00 may end one. The rest are ranges."""
    spans = []
    for one in (times,) if isinstance(times, str) else times:
        start, _, end = one.partition("-")
        spans.append(TimeOfDay(start=clock(start), end=None if end == "24:00" else clock(end)))
    return TimeInterval(zone=ZoneInfo(zone), times=tuple(spans), **fields)


OFFICE = interval(times="09:00-18:00", weekdays=((0, 4),))


@pytest.mark.parametrize(
    ("one", "held", "not_held"),
    [
        (interval(), ["2026-11-02 00:00", "2027-06-30 23:59"], []),
        (
            OFFICE,
            ["2026-11-02 09:00", "2026-11-06 17:59"],
            ["2026-11-02 08:59", "2026-11-02 18:00", "2026-11-07 12:00"],
        ),
        (
            interval(times=["00:00-06:00", "18:00-24:00"]),
            ["2026-11-02 23:59", "2026-11-02 00:00"],
            ["2026-11-02 06:00"],
        ),
        (
            interval(weekdays=((5, 6), (1, 1))),
            ["2026-11-03 12:00", "2026-11-07 12:00"],
            ["2026-11-02 12:00"],
        ),
        (
            interval(months=((11, 12), (2, 2))),
            ["2026-11-30 23:59", "2026-02-01 00:00"],
            ["2026-10-31 23:59"],
        ),
        (
            interval(years=((2026, 2026), (2030, 2031))),
            ["2026-01-01 00:00", "2031-12-31 23:59"],
            ["2027-01-01 00:00"],
        ),
        (
            interval(days_of_month=((1, 7),)),
            ["2026-11-01 00:00", "2026-11-07 23:59"],
            ["2026-11-08 00:00"],
        ),
        (
            interval(days_of_month=((-1, -1),)),
            ["2027-02-28 12:00", "2028-02-29 12:00", "2026-10-31 12:00"],
            ["2028-02-28 12:00"],
        ),
        (
            interval(days_of_month=((-3, -2),)),
            ["2026-11-28 12:00", "2026-11-29 12:00"],
            ["2026-11-30 12:00", "2026-11-27 12:00"],
        ),
        # ranges over the end of a month are cut to it
        (
            interval(days_of_month=((29, 31),)),
            ["2028-02-29 12:00", "2026-11-30 12:00"],
            ["2027-02-28 12:00"],
        ),
        (interval(days_of_month=((31, 31),)), ["2026-10-31 12:00"], ["2026-11-30 12:00"]),
        (
            interval(days_of_month=((-31, -29),)),
            ["2026-10-01 12:00", "2026-10-03 12:00", "2026-11-01 12:00", "2026-11-02 12:00"],
            ["2027-02-01 12:00", "2026-11-03 12:00"],
        ),
        (
            interval(days_of_month=((10, -10),)),
            ["2026-11-10 12:00", "2026-11-21 12:00"],
            ["2026-11-22 12:00", "2026-11-09 12:00"],
        ),
        # every field that is written must hold
        (
            interval(
                times="09:00-18:00",
                weekdays=((0, 0),),
                days_of_month=((1, 7),),
                months=((11, 11),),
                years=((2026, 2026),),
            ),
            ["2026-11-02 10:00"],
            [
                "2026-11-09 10:00",
                "2026-12-07 10:00",
                "2027-11-01 10:00",
                "2026-11-02 08:00",
                "2026-11-03 10:00",
            ],
        ),
    ],
)
def test_an_interval_holds(one, held, not_held):
    assert [words for words in held if not one.holds(local(words))] == []
    assert [words for words in not_held if one.holds(local(words))] == []


def test_any_of_several_intervals_is_enough_and_none_never_holds():
    weekend = interval(weekdays=((5, 6),))

    assert holds([OFFICE, weekend], local("2026-11-07 12:00"))
    assert not holds([OFFICE, weekend], local("2026-11-06 20:00"))
    assert not holds([], local("2026-11-07 12:00"))


def test_the_fields_are_read_in_the_zone_of_the_interval():
    assert interval("Asia/Kolkata", "09:00-18:00").holds(utc("2026-11-02 03:30"))
    assert not interval("Asia/Kolkata", "09:00-18:00").holds(utc("2026-11-02 12:30"))
    assert interval("Pacific/Apia", weekdays=((1, 1),)).holds(utc("2026-11-02 12:00"))


@pytest.mark.parametrize(
    ("intervals", "at", "expected"),
    [
        ((OFFICE,), "2026-11-02 10:00", "2026-11-02 18:00"),
        ((OFFICE,), "2026-11-02 18:00", "2026-11-03 09:00"),
        ((OFFICE,), "2026-11-06 18:00", "2026-11-09 09:00"),
        ((interval(),), "2026-11-06 18:00", None),
        ((), "2026-11-06 18:00", None),
        # stretches that touch are one
        (
            (interval(times=["09:00-12:00", "12:00-14:00"]), interval(times="14:00-15:00")),
            "2026-11-02 10:00",
            "2026-11-02 15:00",
        ),
        ((interval(weekdays=((0, 1),)),), "2026-11-02 10:00", "2026-11-04 00:00"),
        ((interval(months=((12, 12),)),), "2026-11-02 10:00", "2026-12-01 00:00"),
        ((interval(days_of_month=((-1, -1),)),), "2027-02-02 10:00", "2027-02-28 00:00"),
        # 400 days are looked ahead, and no more
        ((interval(years=((2028, 2028),)),), "2026-11-27 10:00", "2028-01-01 00:00"),
        ((interval(years=((2028, 2028),)),), "2026-11-26 10:00", None),
    ],
)
def test_a_stretch_ends_where_the_answer_changes(intervals, at, expected):
    assert until(intervals, local(at)) == (local(expected) if expected else None)


@pytest.mark.parametrize(
    ("zone", "times", "at", "stretches"),
    [
        # put on: what the clock does not show is not held; UTC on both sides
        ("Europe/Berlin", "02:00-03:00", "2026-03-28 12:00", ["30 00:00-30 01:00"]),
        ("Europe/Berlin", "02:30-04:00", "2026-03-28 12:00", ["29 01:00-29 02:00"]),
        ("Europe/Berlin", "00:00-02:30", "2026-03-28 12:00", ["28 23:00-29 01:00"]),
        ("Europe/Berlin", "02:30-04:00", "2027-03-27 12:00", ["28 01:00-28 02:00"]),
        ("America/New_York", "02:30-04:00", "2026-03-07 12:00", ["08 07:00-08 08:00"]),
        ("America/New_York", "02:30-04:00", "2027-03-13 12:00", ["14 07:00-14 08:00"]),
        ("Australia/Lord_Howe", "01:00-02:15", "2026-10-03 12:00", ["03 14:30-03 15:30"]),
        ("Australia/Lord_Howe", "01:00-02:15", "2027-10-02 12:00", ["02 14:30-02 15:30"]),
        # put back: what the clock shows twice is held twice
        ("Europe/Berlin", "02:15-02:45", "2026-10-24 12:00", ["25 00:15-25 00:45", "25 01:15-25 01:45"]),
        ("Europe/Berlin", "01:00-02:30", "2026-10-24 12:00", ["24 23:00-25 00:30", "25 01:00-25 01:30"]),
        ("Europe/Berlin", "02:30-04:00", "2026-10-24 12:00", ["25 00:30-25 01:00", "25 01:30-25 03:00"]),
        ("Europe/Berlin", "01:00-04:00", "2026-10-24 12:00", ["24 23:00-25 03:00"]),
        ("Europe/Berlin", "02:15-02:45", "2027-10-30 12:00", ["31 00:15-31 00:45", "31 01:15-31 01:45"]),
        ("America/New_York", "01:15-01:45", "2026-10-31 12:00", ["01 05:15-01 05:45", "01 06:15-01 06:45"]),
        ("America/New_York", "01:15-01:45", "2027-11-06 12:00", ["07 05:15-07 05:45", "07 06:15-07 06:45"]),
        ("Australia/Lord_Howe", "01:40-01:50", "2026-04-04 12:00", ["04 14:40-04 14:50", "04 15:10-04 15:20"]),
        ("Australia/Lord_Howe", "01:40-01:50", "2027-04-03 12:00", ["03 14:40-03 14:50", "03 15:10-03 15:20"]),
        # clocks that stay
        ("Asia/Kolkata", "01:15-01:45", "2026-10-24 12:00", ["24 19:45-24 20:15"]),
        ("America/Sao_Paulo", "00:15-00:45", "2026-10-17 12:00", ["18 03:15-18 03:45"]),
        # days that begin at one o'clock, that end twice, that are left out
        ("America/Sao_Paulo", "00:00-02:00", "2018-11-03 12:00", ["04 03:00-04 04:00"]),
        ("America/Sao_Paulo", "23:15-23:45", "2018-02-17 12:00", ["18 01:15-18 01:45", "18 02:15-18 02:45"]),
        ("Pacific/Apia", "08:00-09:00", "2011-12-29 12:00", ["30 18:00-30 19:00"]),
    ],
)  # fmt: skip
def test_an_interval_on_a_day_of_change(zone, times, at, stretches):
    one, moment, found = (interval(zone, times),), local(at, zone), []
    for _ in stretches:
        start = until(one, moment)
        moment = until(one, start)
        found.append(f"{start:%d %H:%M}-{moment:%d %H:%M}")

    assert found == stretches


# ---- the same by asking minute by minute

ZONES = {
    "Europe/Berlin": "2026-10-25 01:00",
    "America/New_York": "2026-03-08 07:00",
    "Australia/Lord_Howe": "2026-04-04 15:00",
    "America/Sao_Paulo": "2018-02-18 02:00",
    "America/St_Johns": "2010-11-07 02:31",
    "Asia/Kolkata": "2026-10-25 01:00",
    "Pacific/Apia": "2011-12-30 10:00",
}


@st.composite
def intervals(draw, zone):
    hour = st.one_of(st.integers(0, 3), st.integers(0, 23))
    times = []
    for _ in range(draw(st.integers(0, 2))):
        first, last = sorted((draw(hour), draw(hour)))
        start = f"{first:02}:{draw(st.integers(0, 29)):02}"
        times.append(f"{start}-{draw(st.sampled_from([f'{last:02}:45', '24:00']))}")
    first, last = sorted(draw(st.tuples(st.integers(1, 31), st.integers(1, 31))))
    ranges = st.lists(st.sampled_from([(first, last), (first, first), (-last, -first)]), max_size=2)
    first_day, last_day = sorted(draw(st.tuples(st.integers(0, 6), st.integers(0, 6))))
    return interval(
        zone,
        times,
        weekdays=tuple(draw(st.lists(st.just((first_day, last_day)), max_size=1))),
        days_of_month=tuple(draw(ranges)),
        months=tuple(draw(st.sampled_from([(), ((3, 4),), ((10, 12), (2, 2))]))),
    )


@st.composite
def questions(draw):
    zone = draw(st.sampled_from(sorted(ZONES)))
    known = draw(st.lists(intervals(zone), min_size=1, max_size=2))
    return known, utc(ZONES[zone]) + draw(st.integers(-2 * 1440, 2 * 1440)) * MINUTE


@settings(max_examples=80)
@given(questions())
def test_a_stretch_is_that_of_a_walk_through_the_minutes(question):
    known, at = question
    now = any(interval_holds(one, at) for one in known)

    end = until(known, at)

    assert holds(known, at) == now
    last = min(end or at + 2 * DAY, at + 2 * DAY)
    # The last hours of a stretch, and its first day.
    probes = {at + number * MINUTE for number in range(1, 1440)}
    probes |= {last - number * MINUTE for number in range(1, 180)}
    for probe in sorted(probe for probe in probes if at <= probe < last):
        assert any(interval_holds(one, probe) for one in known) == now, probe
    if end:
        assert any(interval_holds(one, end) for one in known) != now


def test_seconds_do_not_matter():
    assert OFFICE.holds(local("2026-11-02 17:59:59"))
    assert until([OFFICE], local("2026-11-02 17:59:59.5")) == local("2026-11-02 18:00")
