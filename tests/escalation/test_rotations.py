"""When layers turn and their windows open: real days on which clocks change, in both directions."""

from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import local, turning, utc, window

from escalator.escalation.rotations import Span, is_open, openings, turn_at, turn_start, turns
from escalator.escalation.schedules import Rotation, Unit

BERLIN = ZoneInfo("Europe/Berlin")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def handoffs(rotation, zone, start, count=4):
    """When the turns begin that begin after this instant."""
    first = turn_at(rotation, ZoneInfo(zone), utc(start))
    number = first.number + 1 if first else 0
    return [turn_start(rotation, ZoneInfo(zone), number + one) for one in range(count)]


@pytest.mark.parametrize(
    ("zone", "at", "after", "expected"),
    [
        # put on: the handoff in the gap happens when the gap ends; then by the clock again
        ("Europe/Berlin", "02:30", "2026-03-28 00:00", ["28 01:30", "29 01:00", "30 00:30"]),
        ("Europe/Berlin", "02:30", "2027-03-27 00:00", ["27 01:30", "28 01:00", "29 00:30"]),
        ("America/New_York", "02:30", "2026-03-07 00:00", ["07 07:30", "08 07:00", "09 06:30"]),
        ("America/New_York", "02:30", "2027-03-13 00:00", ["13 07:30", "14 07:00", "15 06:30"]),
        ("Australia/Lord_Howe", "02:15", "2026-10-02 00:00", ["02 15:45", "03 15:30", "04 15:15"]),
        ("Australia/Lord_Howe", "02:15", "2027-10-01 00:00", ["01 15:45", "02 15:30", "03 15:15"]),
        # put back: the handoff happens at the first occurrence only
        ("Europe/Berlin", "02:30", "2026-10-24 00:00", ["24 00:30", "25 00:30", "26 01:30"]),
        ("Europe/Berlin", "02:30", "2027-10-30 00:00", ["30 00:30", "31 00:30", "01 01:30"]),
        ("America/New_York", "01:30", "2026-10-31 00:00", ["31 05:30", "01 05:30", "02 06:30"]),
        ("America/New_York", "01:30", "2027-11-06 00:00", ["06 05:30", "07 05:30", "08 06:30"]),
        ("Australia/Lord_Howe", "01:45", "2026-04-03 00:00", ["03 14:45", "04 14:45", "05 15:15"]),
        ("Australia/Lord_Howe", "01:45", "2027-04-02 00:00", ["02 14:45", "03 14:45", "04 15:15"]),
        # zones that leave their clocks alone
        ("Asia/Kolkata", "02:30", "2026-03-28 00:00", ["28 21:00", "29 21:00", "30 21:00"]),
        ("Asia/Kolkata", "02:30", "2027-10-30 00:00", ["30 21:00", "31 21:00", "01 21:00"]),
        ("America/Sao_Paulo", "00:30", "2026-10-17 00:00", ["17 03:30", "18 03:30", "19 03:30"]),
        ("America/Sao_Paulo", "23:30", "2027-02-20 00:00", ["20 02:30", "21 02:30", "22 02:30"]),
        # a day that is not there: its turn is empty, and the next one begins with the day after
        ("Pacific/Apia", "08:00", "2011-12-29 00:00", ["29 18:00", "30 10:00", "30 18:00"]),
    ],
)
def test_days_hand_over_at_the_wall_time(zone, at, after, expected):
    rotation = turning("1 days", at, "2010-01-01")

    assert [f"{one:%d %H:%M}" for one in handoffs(rotation, zone, after, 3)] == expected


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        # turn 0 began at 07:00 UTC, in winter; hours stay there, days follow the clock
        (turning("12 hours", "08:00"), ["24 07:00", "24 19:00", "25 07:00", "25 19:00"]),
        (turning("24 hours", "08:00"), ["24 07:00", "25 07:00", "26 07:00", "27 07:00"]),
        (turning("1 days", "08:00"), ["24 06:00", "25 07:00", "26 07:00", "27 07:00"]),
    ],
    ids=["12 hours", "24 hours", "a day"],
)
def test_hours_are_elapsed_time_and_days_are_not(rotation, expected):
    begun = handoffs(rotation, "Europe/Berlin", "2026-10-24 05:30")

    assert [f"{one:%d %H:%M}" for one in begun] == expected


@pytest.mark.parametrize(
    ("zone", "handoff", "at"),
    [
        ("Europe/Berlin", "02:30", "2026-10-25 01:10"),
        ("Europe/Berlin", "02:30", "2027-10-31 01:29"),
        ("America/New_York", "01:30", "2026-11-01 06:10"),
        ("America/New_York", "01:30", "2027-11-07 06:29"),
        ("Australia/Lord_Howe", "01:45", "2026-04-04 15:10"),
        ("Australia/Lord_Howe", "01:45", "2027-04-03 15:14"),
    ],
)
def test_the_time_before_the_handoff_that_comes_again_is_of_the_new_turn(zone, handoff, at):
    """The clock shows a time before the handoff once more, and nobody's turn comes back."""
    place, now = ZoneInfo(zone), utc(at)
    starting = now.astimezone(place).date() - timedelta(days=5)

    turn = turn_at(turning("1 days", handoff, f"{starting}"), place, now)

    assert now.astimezone(place).fold == 1
    assert turn.number == 5


def test_a_turn_that_the_clock_skips_is_not_among_the_turns():
    apia = ZoneInfo("Pacific/Apia")
    rotation = turning("1 days", "00:00", "2011-12-28")

    found = list(turns(rotation, apia, utc("2011-12-28 10:00"), utc("2012-01-01 09:00")))

    assert [(one.number, f"{one.start.astimezone(apia):%d}") for one in found] == [
        (0, "28"),
        (1, "29"),
        (3, "31"),
        (4, "01"),
    ]


@pytest.mark.parametrize(
    ("rotation", "first"),
    [
        (turning("1 days", "09:00", "2026-11-04"), "2026-11-04 09:00"),
        (turning("3 hours", "09:00", "2026-11-04"), "2026-11-04 09:00"),
        (turning("1 weeks", "09:00", "2026-11-04", weekday=0), "2026-11-09 09:00"),
        (turning("1 weeks", "09:00", "2026-11-04", weekday=2), "2026-11-04 09:00"),
        (turning("1 weeks", "09:00", "2026-11-04", weekday=1), "2026-11-10 09:00"),
        (turning("1 months", "09:00", "2026-11-04", day=1), "2026-12-01 09:00"),
        (turning("1 months", "09:00", "2026-11-04", day=4), "2026-11-04 09:00"),
        (turning("1 months", "09:00", "2026-02-15", day=31), "2026-02-28 09:00"),
        (turning("1 months", "09:00", "2026-02-28", day=31), "2026-02-28 09:00"),
        (turning("1 months", "09:00", "2026-12-31", day=30), "2027-01-30 09:00"),
    ],
)
def test_turn_0_begins_at_the_first_such_moment_on_or_after_the_day(rotation, first):
    begins = local(first)

    assert turn_at(rotation, BERLIN, begins - SECOND) is None
    assert turn_at(rotation, BERLIN, begins).number == 0


def test_months_begin_on_their_last_day_where_they_are_shorter():
    rotation = turning("1 months", "09:00", "2027-10-31", day=31)

    starts = [turn_start(rotation, BERLIN, number) for number in range(7)]

    assert [f"{one:%Y-%m-%d %H:%M}" for one in starts] == [
        "2027-10-31 08:00",
        "2027-11-30 08:00",
        "2027-12-31 08:00",
        "2028-01-31 08:00",
        "2028-02-29 08:00",
        "2028-03-31 07:00",
        "2028-04-30 07:00",
    ]


def test_several_months_are_counted_from_the_first_turn():
    rotation = turning("5 months", "00:00", "2026-11-15", day=15)

    starts = [turn_start(rotation, ZoneInfo("UTC"), number) for number in range(4)]

    assert [f"{one:%Y-%m-%d}" for one in starts] == [
        "2026-11-15",
        "2027-04-15",
        "2027-09-15",
        "2028-02-15",
    ]


def test_a_leap_day_is_a_day_like_any_other():
    rotation = turning("1 days", "00:00", "2028-02-27")

    numbers = [
        turn_at(rotation, BERLIN, local(f"2028-{day} 12:00")).number for day in ("02-29", "03-01")
    ]

    assert numbers == [2, 3]


def test_a_turn_that_the_calendar_does_not_hold_never_begins():
    rotation = turning("1000 weeks", "00:00", "9990-01-01")

    turn = turn_at(rotation, BERLIN, utc("9995-01-01 00:00"))

    assert (turn.number, turn.end.year) == (0, 9999)


ROTATIONS = st.builds(
    Rotation,
    every=st.integers(1, 9),
    unit=st.sampled_from(Unit),
    starting=st.dates(date(2009, 1, 1), date(2026, 6, 1)),
    at=st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    weekday=st.integers(0, 6),
    month_day=st.integers(1, 31),
)
ZONES = st.sampled_from(
    [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "Pacific/Apia",
        "America/St_Johns",
    ]
).map(ZoneInfo)
# Any minute of 17 years, and those around changes of the clock in the zones above.
CHANGES = ("2011-12-30 10:00", "2010-11-07 02:31", "2026-03-29 01:00", "2026-10-25 01:00")
CHANGES += ("2026-11-01 06:00", "2026-04-04 15:00", "2026-10-03 15:30")
MOMENTS = st.one_of(
    st.integers(0, 17 * 365 * 1440).map(lambda one: utc("2011-01-01 00:00") + one * MINUTE),
    st.builds(
        lambda change, minutes: utc(change) + minutes * MINUTE,
        st.sampled_from(CHANGES),
        st.integers(-180, 180),
    ),
)


@given(rotation=ROTATIONS, zone=ZONES, at=MOMENTS)
def test_the_turn_that_holds_has_begun_and_is_not_over(rotation, zone, at):
    turn = turn_at(rotation, zone, at)

    if turn is None:
        assert at < turn_start(rotation, zone, 0)
    else:
        assert turn.start <= at < turn.end
        assert turn.start == turn_start(rotation, zone, turn.number)
        assert turn.end == turn_start(rotation, zone, turn.number + 1)


@given(rotation=ROTATIONS, zone=ZONES, at=MOMENTS, days=st.integers(0, 40))
def test_turns_follow_each_other_without_a_hole(rotation, zone, at, days):
    end = at + timedelta(days=days, seconds=1)

    found = list(turns(rotation, zone, at, end))

    begins = max(at, turn_start(rotation, zone, 0))
    if begins < end:
        assert found[0].start <= begins < found[0].end
        assert found[-1].end >= end
    else:
        assert found == []
    for one, other in pairwise(found):
        assert one.end == other.start
        assert one.number < other.number
    assert all(one.start < one.end for one in found)


# ---- windows


@pytest.mark.parametrize(
    ("zone", "only", "around", "expected"),
    [
        # put on: what lies in the gap is lost, and what touches it begins or ends with it
        ("Europe/Berlin", "02:15-02:45", "2026-03-29", []),
        ("Europe/Berlin", "02:30-08:00", "2026-03-29", ["29 01:00-29 06:00"]),
        ("Europe/Berlin", "00:00-02:30", "2026-03-29", ["28 23:00-29 01:00"]),
        ("Europe/Berlin", "00:00-02:30", "2027-03-28", ["27 23:00-28 01:00"]),
        ("America/New_York", "02:30-08:00", "2026-03-08", ["08 07:00-08 12:00"]),
        ("America/New_York", "02:30-08:00", "2027-03-14", ["14 07:00-14 12:00"]),
        ("Australia/Lord_Howe", "02:10-02:20", "2026-10-04", []),
        ("Australia/Lord_Howe", "01:00-02:20", "2026-10-04", ["03 14:30-03 15:30"]),
        ("Australia/Lord_Howe", "01:00-02:20", "2027-10-03", ["02 14:30-02 15:30"]),
        # put back: both ends at the first occurrence
        ("Europe/Berlin", "02:15-02:45", "2026-10-25", ["25 00:15-25 00:45"]),
        ("Europe/Berlin", "02:30-08:00", "2026-10-25", ["25 00:30-25 07:00"]),
        ("Europe/Berlin", "00:00-02:30", "2026-10-25", ["24 22:00-25 00:30"]),
        ("Europe/Berlin", "00:00-02:30", "2027-10-31", ["30 22:00-31 00:30"]),
        ("Europe/Berlin", "00:00-03:00", "2026-10-25", ["24 22:00-25 02:00"]),
        ("America/New_York", "01:30-08:00", "2026-11-01", ["01 05:30-01 13:00"]),
        ("America/New_York", "01:30-08:00", "2027-11-07", ["07 05:30-07 13:00"]),
        ("Australia/Lord_Howe", "01:40-01:50", "2026-04-05", ["04 14:40-04 14:50"]),
        ("Australia/Lord_Howe", "01:40-01:50", "2027-04-04", ["03 14:40-03 14:50"]),
        # clocks that stay
        ("Asia/Kolkata", "01:30-08:00", "2026-11-01", ["31 20:00-01 02:30"]),
        ("America/Sao_Paulo", "01:30-08:00", "2027-03-14", ["14 04:30-14 11:00"]),
    ],
)
def test_a_window_on_a_day_of_change(zone, only, around, expected):
    place, day = ZoneInfo(zone), date.fromisoformat(around)
    of_that_day = window(f"{day:%a} {only}".lower())
    start, end = (local(f"{day + timedelta(days)} 12:00", zone) for days in (-3, 3))

    found = openings([of_that_day], place, start, end)

    assert [f"{one.start:%d %H:%M}-{one.end:%d %H:%M}" for one in found] == expected


def test_a_window_over_midnight_belongs_to_the_day_it_begins():
    night = [window("fri 22:00-06:00")]
    start, end = local("2026-11-02 00:00"), local("2026-11-09 00:00")

    [found] = openings(night, BERLIN, start, end)

    assert found == Span(local("2026-11-06 22:00"), local("2026-11-07 06:00"))


def test_a_window_over_midnight_goes_on_through_a_fold():
    night = [window("sat 22:00-03:00")]

    assert is_open(night, BERLIN, local("2026-10-25 02:10"))
    assert is_open(night, BERLIN, local("2026-10-25 02:10", fold=1))
    assert not is_open(night, BERLIN, local("2026-10-25 03:00"))


def test_a_day_that_begins_before_the_clock_is_put_back_over_midnight_has_begun():
    """In Newfoundland the clock went back from 00:01 to 23:01, until 2011: the 7th was on once."""
    sunday = [window("sun 00:00-06:00")]
    saturday = [window("sat 00:00-00:00")]
    zone = ZoneInfo("America/St_Johns")

    for minutes, is_sunday in (
        (-2, False),
        (-1, True),
        (0, True),
        (30, True),
        (59, True),
        (60, True),
    ):
        at = utc("2010-11-07 02:31") + minutes * MINUTE
        assert (is_open(sunday, zone, at), is_open(saturday, zone, at)) == (
            is_sunday,
            not is_sunday,
        )


def test_the_end_of_the_day_and_a_whole_day_can_be_written():
    start, end = local("2026-11-02 00:00"), local("2026-11-09 00:00")

    assert openings([window("tue 18:00-00:00")], BERLIN, start, end) == [
        Span(local("2026-11-03 18:00"), local("2026-11-04 00:00"))
    ]
    assert openings([window("sat-sun 00:00-00:00")], BERLIN, start, end) == [
        Span(local("2026-11-07 00:00"), local("2026-11-09 00:00"))
    ]


@given(zone=ZONES, at=MOMENTS, minute=st.integers(1, 24 * 60 - 1))
def test_windows_that_touch_on_the_clock_touch_in_time(zone, at, minute):
    """Two windows a day, before and after this minute: on no day is there a hole, and never both."""
    cut = f"{minute // 60:02}:{minute % 60:02}"
    morning, evening = window(f"00:00-{cut}"), window(f"{cut}-00:00")

    assert is_open([morning], zone, at) != is_open([evening], zone, at)


@given(
    zone=ZONES,
    at=MOMENTS,
    days=st.frozensets(st.integers(0, 6)),
    start=st.integers(0, 47),
    end=st.integers(0, 47),
)
def test_asking_for_a_moment_is_asking_for_the_span(zone, at, days, start, end):
    half_hours = [f"{one // 2:02}:{one % 2 * 30:02}" for one in (start, end)]
    one = window("-".join(half_hours))
    only = [type(one)(days=days, start=one.start, end=one.end)]

    found = openings(only, zone, at, at + SECOND)

    assert is_open(only, zone, at) == any(span.start <= at < span.end for span in found)
