"""Whole schedules answer the same in every way of asking, and as a walk through the minutes does (T6).

The walk in `minute_walk` is written from the definitions and shares no code with the arithmetic.
"""

from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minute_walk import Walk
from plans import event, gone, layer, override, schedule, team, turning, utc

from escalator.escalation.oncall import FARTHEST, gaps, on_call, on_call_now, shifts
from escalator.escalation.rules import Person
from escalator.escalation.schedules import (
    Away,
    CalendarEvent,
    Layer,
    Override,
    Rotation,
    Schedule,
    Unit,
    Window,
)

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
KEYS = ("ana", "ben", "chi", "dee")
# Where clocks are put on or back, and where they are not.
CHANGES = {
    "Europe/Berlin": ("2026-03-29 01:00", "2026-10-25 01:00", "2027-03-28 01:00"),
    "America/New_York": ("2026-03-08 07:00", "2026-11-01 06:00", "2027-11-07 06:00"),
    "Australia/Lord_Howe": ("2026-04-04 15:00", "2026-10-03 15:30", "2027-04-03 15:00"),
    "America/Sao_Paulo": ("2018-11-04 03:00", "2018-02-18 02:00", "2026-10-18 03:00"),
    "Asia/Kolkata": ("2026-03-29 01:00", "2026-10-25 01:00"),
    "Pacific/Apia": ("2011-12-30 10:00",),
    "America/St_Johns": ("2010-11-07 02:31", "2011-03-13 03:31"),
}


# ---- schedules by chance, around days on which clocks change


@st.composite
def spans(draw, around):
    """A span of up to some days near this instant, by the minute."""
    start = around + draw(st.integers(-6 * 1440, 6 * 1440)) * MINUTE
    return start, start + draw(st.integers(1, 4 * 1440)) * MINUTE


@st.composite
def rotations(draw, around):
    unit = draw(st.sampled_from(Unit))
    back = draw(st.integers(-3, 70))
    # Handoffs often lie in the hours in which clocks are changed.
    hour = draw(st.one_of(st.integers(0, 3), st.integers(0, 23)))
    return Rotation(
        every=draw(st.integers(1, 30 if unit is Unit.HOURS else 3)),
        unit=unit,
        starting=(around - back * DAY).date(),
        at=clock(draw, hour),
        weekday=draw(st.integers(0, 6)),
        month_day=draw(st.integers(1, 31)),
    )


def clock(draw, hour):
    return (
        utc("2026-01-01 00:00") + timedelta(hours=hour, minutes=draw(st.integers(0, 59)))
    ).time()


@st.composite
def windows(draw):
    hours = [draw(st.one_of(st.integers(0, 3), st.integers(0, 23))) for _ in range(2)]
    return Window(
        days=draw(st.frozensets(st.integers(0, 6), min_size=1)),
        start=clock(draw, hours[0]),
        end=clock(draw, hours[1]),
    )


@st.composite
def layers(draw, around):
    item = st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True).map(tuple)
    return Layer(
        rotation=draw(rotations(around)),
        people=tuple(draw(st.lists(item, min_size=1, max_size=4))),
        only=tuple(draw(st.lists(windows(), max_size=2))),
    )


@st.composite
def overrides(draw, around):
    start, end = draw(spans(around))
    made = draw(st.one_of(st.none(), st.integers(0, 3).map(lambda hour: around - hour * DAY)))
    return Override(
        schedule="x", person=draw(st.sampled_from(KEYS)), start=start, end=end, created_at=made
    )


@st.composite
def events(draw, around):
    start, end = draw(spans(around))
    people = draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True))
    return CalendarEvent(start=start, end=end, people=tuple(people))


@st.composite
def plans(draw):
    """A schedule, its people, and an instant near which much happens."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    around = utc(draw(st.sampled_from(CHANGES[zone])))
    calendar = draw(st.booleans())
    plan = Schedule(
        name="x",
        zone=ZoneInfo(zone),
        layers=() if calendar else tuple(draw(st.lists(layers(around), max_size=3))),
        overrides=tuple(draw(st.lists(overrides(around), max_size=2))),
        events=tuple(sorted(draw(st.lists(events(around), max_size=4)), key=lambda one: one.start))
        if calendar
        else None,
    )
    away = {key: draw(st.lists(spans(around), max_size=1)) for key in KEYS}
    people = {
        key: Person(
            key=key,
            name=key,
            phones=(),
            language="en",
            away=tuple(Away(start=start, end=end) for start, end in away[key]),
        )
        for key in KEYS
    }
    return plan, people, around


@given(plan=plans(), before=st.integers(0, 9 * 1440), after=st.integers(1, 9 * 1440))
def test_shifts_tile_the_span(plan, before, after):
    one, people, around = plan
    start, end = around - before * MINUTE, around + after * MINUTE

    found = shifts(one, people, start, end)

    assert (found[0].start, found[-1].end) == (start, end)
    for left, right in pairwise(found):
        assert left.end == right.start
        assert (left.people, left.reason) != (right.people, right.reason)
    assert all(shift.start < shift.end for shift in found)
    assert gaps(one, people, start, end) == [shift for shift in found if shift.people == ()]


@given(plan=plans(), cuts=st.lists(st.integers(-9 * 1440, 9 * 1440), min_size=2, max_size=2))
def test_a_part_of_a_span_is_answered_as_the_whole(plan, cuts):
    one, people, around = plan
    start, end = (around + minutes * MINUTE for minutes in sorted(cuts))

    whole = shifts(one, people, around - 10 * DAY, around + 10 * DAY)
    part = shifts(one, people, start, end)

    assert [(x.start, x.end, x.people, x.reason) for x in part] == [
        (max(x.start, start), min(x.end, end), x.people, x.reason)
        for x in whole
        if x.start < end and x.end > start and start < end
    ]


@settings(max_examples=50)
@given(
    plan=plans(),
    minutes=st.one_of(st.integers(-120, 120), st.integers(-9 * 1440, 9 * 1440)),
    second=st.integers(0, 59),
)
def test_asking_for_an_instant_is_asking_for_the_span(plan, minutes, second):
    one, people, around = plan
    at = around + minutes * MINUTE + timedelta(seconds=second)

    [of_the_span] = [
        shift
        for shift in shifts(one, people, at - FARTHEST, at + FARTHEST)
        if shift.start <= at < shift.end
    ]

    assert on_call(one, people, at) == of_the_span
    assert on_call_now(one, people, at) == of_the_span.people


# ---- the same by a walk through the minutes


@settings(max_examples=60)
@given(plan=plans(), offset=st.integers(0, 6))
def test_a_walk_in_steps_of_minutes_agrees(plan, offset):
    """Every 7 minutes, and the minutes on both sides of each change."""
    one, people, around = plan
    start, end = around - 2 * DAY, around + 2 * DAY
    walk = Walk(one, people, start, end)

    found = shifts(one, people, start, end)

    probes = {start + (offset + 7 * number) * MINUTE for number in range(4 * 1440 // 7)}
    probes |= {shift.start + nudge for shift in found for nudge in (-MINUTE, 0 * MINUTE, MINUTE)}
    for at in sorted(probe for probe in probes if start <= probe < end):
        [shift] = [shift for shift in found if shift.start <= at < shift.end]
        assert shift.people == walk.who(at), at


LORD_HOWE = schedule(
    layer(turning("1 weeks", "02:10", "2026-01-05", weekday=6), "ana", "ben", "chi"),
    layer(
        turning("1 days", "01:45", "2026-02-01"), "dee", "ana+ben", only=("fri-sun 22:00-01:50",)
    ),
    zone="Australia/Lord_Howe",
    overrides=(
        override("chi", "2026-04-04 12:00", "2026-04-05 12:00", zone="Australia/Lord_Howe"),
        override(
            "dee",
            "2026-04-05 01:00",
            "2026-04-05 03:00",
            made="2026-04-01 00:00",
            zone="Australia/Lord_Howe",
        ),
    ),
)
MONTHLY = schedule(
    layer(turning("1 months", "02:30", "2025-10-31", day=31), "ana", "ben"),
    layer(turning("12 hours", "02:30", "2026-01-01"), "chi", "dee", only=("mon-fri 18:00-08:30",)),
)
CALENDAR = schedule(
    events=tuple(
        event(f"2026-{month:02}-27 00:30", f"2026-{month + 1:02}-02 01:00", "ana", KEYS[month % 4])
        for month in range(1, 12)
    )
)
AWAY = {
    "ben": gone("2026-03-20 00:00", "2026-03-29 03:30"),
    "dee": (
        gone("2026-10-25 01:00", "2026-10-25 04:00"),
        gone("2026-05-01 00:00", "2026-06-01 00:00"),
    ),
}


def agree(plan, people, start, end, step):
    """Walk from start to end, and see each shift begin and end where the arithmetic says."""
    walk = Walk(plan, people, start, end)
    found = iter(shifts(plan, people, start, end))
    shift, at = next(found), start
    while at < end:
        while at >= shift.end:
            shift = next(found)
        assert walk.who(at) == shift.people, f"{at:%Y-%m-%d %H:%M} UTC"
        at += step


@pytest.mark.parametrize(
    ("plan", "around"),
    [
        (LORD_HOWE, "2026-04-04 15:00"),
        (LORD_HOWE, "2026-10-03 15:30"),
        (MONTHLY, "2026-03-29 01:00"),
        (MONTHLY, "2026-10-25 01:00"),
        (MONTHLY, "2027-10-31 01:00"),
        (MONTHLY, "2028-02-29 02:30"),
        (CALENDAR, "2026-03-29 01:00"),
    ],
)
def test_every_minute_of_the_days_around_a_change_agrees(plan, around):
    at = utc(around)

    agree(plan, team("ana", "chi", **AWAY), at - 2 * DAY, at + 2 * DAY, MINUTE)


def test_every_minute_of_a_year_agrees():
    start = utc("2026-01-01 00:00")

    agree(MONTHLY, team("ana", "chi", **AWAY), start, start + 365 * DAY, MINUTE)


@pytest.mark.parametrize("plan", [LORD_HOWE, CALENDAR], ids=["Lord Howe", "calendar"])
def test_a_year_in_steps_agrees(plan):
    start = utc("2026-01-01 00:03")

    agree(plan, team("ana", "chi", **AWAY), start, start + 365 * DAY, 17 * MINUTE)


def test_the_walk_would_see_a_handoff_that_is_a_minute_late():
    late = schedule(layer(turning("1 days", "02:31", "2026-01-01"), "ana", "ben"))
    start = utc("2026-10-24 00:00")
    walk = Walk(
        schedule(layer(turning("1 days", "02:30", "2026-01-01"), "ana", "ben")),
        team("ana", "ben"),
        start,
        start + DAY,
    )

    differing = [
        at
        for at in (start + number * MINUTE for number in range(1440))
        if walk.who(at) != on_call_now(late, team("ana", "ben"), at)
    ]

    assert differing == [utc("2026-10-24 00:30")]
