"""Who is on call: layers, windows, overrides, absences and calendars put together, over real days (T6, C7, C11)."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from plans import event, gone, layer, local, override, schedule, team, turning, utc

from escalator.escalation.oncall import (
    FARTHEST,
    Kind,
    gaps,
    handoff,
    next_after,
    on_call,
    on_call_now,
    shifts,
)

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
ANA_BEN_CHI = team("ana", "ben", "chi")
WEEKLY = layer(turning("1 weeks", "09:00", "2026-11-02"), "ana", "ben")
NIGHTS = layer(turning("1 days", "08:00", "2026-11-02"), "chi", only=("mon-fri 01:00-08:00",))
PRIMARY = schedule(WEEKLY, NIGHTS)


def told(plan, people, start, end, zone="UTC"):
    """The shifts as `DD HH:MM people`."""
    found = shifts(plan, people, local(start, zone), local(end, zone))
    names = [f"{one.start.astimezone(local(start, zone).tzinfo):%d %H:%M}" for one in found]
    return [f"{name} {'+'.join(one.people) or '-'}" for name, one in zip(names, found, strict=True)]


# ---- layers


def test_a_later_layer_covers_an_earlier_one_where_it_applies():
    assert told(PRIMARY, ANA_BEN_CHI, "2026-11-09 07:00", "2026-11-10 12:00") == [
        "09 07:00 ana",
        "09 08:00 ben",
        "10 00:00 chi",
        "10 07:00 ben",
    ]


def test_a_layer_is_empty_before_its_first_turn():
    [before, first, *_] = shifts(
        PRIMARY, ANA_BEN_CHI, local("2026-10-20 00:00"), local("2026-11-03 00:00")
    )

    assert (before.people, before.reason.kind) == ((), Kind.NOBODY)
    # The night layer's first turn begins on Monday at 08:00, when its window closes.
    assert (first.start, first.people) == (local("2026-11-02 09:00"), ("ana",))


def test_people_of_one_item_are_on_call_together():
    plan = schedule(layer(turning("1 days", "08:00"), "ana+ben", "chi"))

    days = told(plan, ANA_BEN_CHI, "2026-01-01 07:00", "2026-01-04 06:00")

    assert days == ["01 07:00 ana+ben", "02 07:00 chi", "03 07:00 ana+ben"]


def test_equal_neighbours_are_one_shift():
    alone = schedule(layer(turning("1 days", "08:00"), "ana"))

    [shift] = shifts(alone, ANA_BEN_CHI, utc("2026-03-01 00:00"), utc("2026-05-01 00:00"))

    assert shift.people == ("ana",)


def test_an_empty_span_and_an_empty_schedule():
    at = utc("2026-11-02 12:00")

    assert shifts(PRIMARY, ANA_BEN_CHI, at, at) == []
    [nobody] = shifts(schedule(), ANA_BEN_CHI, at, at + DAY)
    assert (nobody.start, nobody.end, nobody.people) == (at, at + DAY, ())


# ---- days on which clocks change

CHANGES = [
    # zone, handoff, window, from, to, what must be on call
    (
        "Europe/Berlin",
        ("02:30", "01:00-02:15"),
        ("2026-03-28 12:00", "2026-03-30 12:00"),
        # ana's day 28th; the gap ends at 01:00 UTC, both for the window and for the handoff
        [
            "28 11:00 ana",
            "29 00:00 dee",
            "29 01:00 ben",
            "29 23:00 dee",
            "30 00:15 ben",
            "30 00:30 ana",
        ],
    ),
    (
        "Europe/Berlin",
        ("02:30", "01:00-02:15"),
        ("2026-10-24 12:00", "2026-10-26 12:00"),
        [
            "24 10:00 ana",
            "24 23:00 dee",
            "25 00:15 ana",
            "25 00:30 ben",
            "26 00:00 dee",
            "26 01:15 ben",
            "26 01:30 ana",
        ],
    ),
    (
        "Europe/Berlin",
        ("02:30", "01:00-02:15"),
        ("2027-03-27 12:00", "2027-03-28 12:00"),
        ["27 11:00 ana", "28 00:00 dee", "28 01:00 ben"],
    ),
    (
        "Europe/Berlin",
        ("02:30", "01:00-02:15"),
        ("2027-10-30 12:00", "2027-10-31 12:00"),
        ["30 10:00 ana", "30 23:00 dee", "31 00:15 ana", "31 00:30 ben"],
    ),
    (
        "America/New_York",
        ("02:30", "23:00-02:45"),
        ("2026-03-07 20:00", "2026-03-08 12:00"),
        ["08 01:00 ana", "08 04:00 dee", "08 07:00 ben"],
    ),
    (
        "America/New_York",
        ("01:30", "23:00-01:15"),
        ("2026-10-31 20:00", "2026-11-01 12:00"),
        ["01 00:00 ana", "01 03:00 dee", "01 05:15 ana", "01 05:30 ben"],
    ),
    (
        "America/New_York",
        ("02:30", "23:00-02:45"),
        ("2027-03-13 20:00", "2027-03-14 12:00"),
        ["14 01:00 ana", "14 04:00 dee", "14 07:00 ben"],
    ),
    (
        "America/New_York",
        ("01:30", "23:00-01:15"),
        ("2027-11-06 20:00", "2027-11-07 12:00"),
        ["07 00:00 ana", "07 03:00 dee", "07 05:15 ana", "07 05:30 ben"],
    ),
    (
        "Australia/Lord_Howe",
        ("01:45", "01:00-01:35"),
        ("2026-04-05 00:30", "2026-04-05 12:00"),
        ["04 13:30 ana", "04 14:00 dee", "04 14:35 ana", "04 14:45 ben"],
    ),
    (
        "Australia/Lord_Howe",
        ("02:15", "01:00-02:10"),
        ("2026-10-04 00:30", "2026-10-04 12:00"),
        ["03 14:00 ana", "03 14:30 dee", "03 15:30 ben"],
    ),
    (
        "Australia/Lord_Howe",
        ("01:45", "01:00-01:35"),
        ("2027-04-04 00:30", "2027-04-04 12:00"),
        ["03 13:30 ana", "03 14:00 dee", "03 14:35 ana", "03 14:45 ben"],
    ),
    (
        "Australia/Lord_Howe",
        ("02:15", "01:00-02:10"),
        ("2027-10-03 00:30", "2027-10-03 12:00"),
        ["02 14:00 ana", "02 14:30 dee", "02 15:30 ben"],
    ),
    (
        "Asia/Kolkata",
        ("02:30", "01:00-02:15"),
        ("2026-03-29 00:00", "2026-03-29 12:00"),
        ["28 18:30 ana", "28 19:30 dee", "28 20:45 ana", "28 21:00 ben"],
    ),
    (
        "America/Sao_Paulo",
        ("00:30", "23:00-00:15"),
        ("2027-02-20 22:00", "2027-02-21 12:00"),
        ["21 01:00 ana", "21 02:00 dee", "21 03:15 ana", "21 03:30 ben"],
    ),
]


@pytest.mark.parametrize(("zone", "words", "span", "expected"), CHANGES)
def test_a_day_on_which_the_clock_changes(zone, words, span, expected):
    at, only = words
    start, end = (local(one, zone) for one in span)
    # Ana's turn is the one before the change.
    begun = f"{(start - DAY / 2).astimezone(ZoneInfo(zone)):%Y-%m-%d}"
    days = layer(turning("1 days", at, begun), "ana", "ben")
    plan = schedule(days, layer(turning("1 days"), "dee", only=(only,)), zone=zone)

    found = shifts(plan, team("ana", "ben", "dee"), start, end)

    assert [f"{one.start:%d %H:%M} {one.people[0]}" for one in found] == expected


# ---- overrides


@pytest.mark.parametrize(
    ("zone", "start", "end", "hours"),
    [
        ("Europe/Berlin", "2026-03-28 12:00", "2026-03-29 12:00", 23),
        ("Europe/Berlin", "2026-10-24 12:00", "2026-10-25 12:00", 25),
        ("Europe/Berlin", "2027-03-27 12:00", "2027-03-28 12:00", 23),
        ("Europe/Berlin", "2027-10-30 12:00", "2027-10-31 12:00", 25),
        ("America/New_York", "2026-03-07 12:00", "2026-03-08 12:00", 23),
        ("America/New_York", "2026-10-31 12:00", "2026-11-01 12:00", 25),
        ("America/New_York", "2027-03-13 12:00", "2027-03-14 12:00", 23),
        ("America/New_York", "2027-11-06 12:00", "2027-11-07 12:00", 25),
        ("Australia/Lord_Howe", "2026-04-04 12:00", "2026-04-05 12:00", 24.5),
        ("Australia/Lord_Howe", "2026-10-03 12:00", "2026-10-04 12:00", 23.5),
        ("Australia/Lord_Howe", "2027-04-03 12:00", "2027-04-04 12:00", 24.5),
        ("Australia/Lord_Howe", "2027-10-02 12:00", "2027-10-03 12:00", 23.5),
        ("Asia/Kolkata", "2026-03-28 12:00", "2026-03-29 12:00", 24),
        ("America/Sao_Paulo", "2026-10-17 12:00", "2026-10-18 12:00", 24),
    ],
)
def test_an_override_over_a_change_of_the_clock(zone, start, end, hours):
    """From noon to noon somebody else is on call, whatever the layers do in between."""
    days = layer(turning("1 days", "02:15"), "ana", "ben")
    plan = schedule(days, zone=zone, overrides=(override("chi", start, end, zone=zone),))
    around = local(start, zone) - DAY, local(end, zone) + DAY

    [shift] = [one for one in shifts(plan, ANA_BEN_CHI, *around) if one.people == ("chi",)]

    assert (shift.start, shift.end) == (local(start, zone), local(end, zone))
    assert shift.end - shift.start == timedelta(hours=hours)
    assert on_call(plan, ANA_BEN_CHI, local(start, zone) + 11 * HOUR) == shift


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        ("", "", "second"),  # both of the file: the later in it
        ("2026-11-01 00:00", "2026-11-02 00:00", "second"),
        ("2026-11-02 00:00", "2026-11-01 00:00", "first"),
        ("2026-11-01 00:00", "2026-11-01 00:00", "second"),
        ("", "2026-11-01 00:00", "second"),  # a live one before one of the file, wherever it stands
        ("2026-11-01 00:00", "", "first"),
    ],
)
def test_of_two_overrides_the_later_created_answers(first, second, winner):
    people = team("ana", "ben", "first", "second")
    span = ("2026-11-10 00:00", "2026-11-11 00:00")
    pair = (override("first", *span, made=first), override("second", *span, made=second))
    plan = schedule(WEEKLY, overrides=pair)
    at = local("2026-11-10 12:00")

    assert on_call_now(plan, people, at) == (winner,)
    assert on_call(plan, people, at).people == (winner,)


def test_the_rest_of_an_override_that_is_covered_stays():
    plan = schedule(
        WEEKLY,
        overrides=(
            override("chi", "2026-11-10 00:00", "2026-11-13 00:00"),
            override("ana", "2026-11-11 00:00", "2026-11-12 00:00"),
        ),
    )

    assert told(plan, ANA_BEN_CHI, "2026-11-09 12:00", "2026-11-13 12:00") == [
        "09 12:00 ben",
        "09 23:00 chi",
        "10 23:00 ana",
        "11 23:00 chi",
        "12 23:00 ben",
    ]


def test_an_override_holds_from_its_start_to_just_before_its_end():
    plan = schedule(WEEKLY, overrides=(override("chi", "2026-11-10 00:00", "2026-11-11 00:00"),))
    bounds = (local("2026-11-10 00:00"), local("2026-11-11 00:00"))

    asked = [at - nudge for at in bounds for nudge in (SECOND, 0 * SECOND)]

    assert [on_call_now(plan, ANA_BEN_CHI, at)[0] for at in asked] == ["ben", "chi", "chi", "ben"]
    assert [on_call(plan, ANA_BEN_CHI, at).people[0] for at in asked] == [
        "ben",
        "chi",
        "chi",
        "ben",
    ]


def test_the_person_of_an_override_is_on_call_even_when_away():
    people = team("ana", "ben", chi=gone("2026-11-01 00:00", "2026-12-01 00:00"))
    plan = schedule(WEEKLY, overrides=(override("chi", "2026-11-10 00:00", "2026-11-11 00:00"),))

    assert on_call_now(plan, people, local("2026-11-10 12:00")) == ("chi",)


def test_an_override_for_nobody_we_know_is_as_if_it_were_not_there():
    plan = schedule(WEEKLY, overrides=(override("zoe", "2026-11-10 00:00", "2026-11-11 00:00"),))
    at = local("2026-11-10 12:00")

    assert on_call_now(plan, ANA_BEN_CHI, at) == on_call(plan, ANA_BEN_CHI, at).people == ("ben",)


# ---- away


def test_who_is_away_is_stood_in_for_and_the_turns_stay_as_they_are():
    people = team("ben", "chi", ana=gone("2026-11-03 12:00", "2026-11-05 12:00", "holidays"))
    plan = schedule(layer(turning("1 days", "09:00", "2026-11-02"), "ana", "ben", "chi"))

    assert told(plan, people, "2026-11-02 08:00", "2026-11-08 08:00") == [
        "02 08:00 ana",
        "03 08:00 ben",
        "04 08:00 chi",
        "05 08:00 ben",
        "05 11:00 ana",
        "06 08:00 ben",
        "07 08:00 chi",
    ]
    # From the 5th at 09:00 Ana has her turn, and is away until noon.
    assert on_call(plan, people, local("2026-11-05 10:00")).reason.standing_in == ("ben",)


def test_a_layer_with_nobody_there_leaves_it_to_the_one_below():
    people = team("ana", "ben", chi=gone("2026-11-10 00:00", "2026-11-11 00:00"))

    nights = told(PRIMARY, people, "2026-11-09 23:00", "2026-11-11 12:00")

    assert nights == ["09 23:00 ben", "11 00:00 chi", "11 07:00 ben"]


def test_everybody_away_is_a_gap_which_says_who():
    away = gone("2026-11-10 00:00", "2026-11-11 00:00")
    people = team("chi", ana=away, ben=away)

    [gap] = gaps(schedule(WEEKLY), people, local("2026-11-09 10:00"), local("2026-11-14 00:00"))

    assert (gap.start, gap.end) == (away.start, away.end)
    assert [one.person for one in gap.reason.absent] == ["ben", "ana"]
    assert on_call_now(schedule(WEEKLY), people, local("2026-11-10 12:00")) == ()


# ---- calendars


def test_a_calendar_has_on_call_whom_its_events_name():
    plan = schedule(
        events=(
            event("2026-11-02 08:00", "2026-11-02 20:00", "ana", title="Week 45"),
            event("2026-11-02 12:00", "2026-11-02 16:00", "ben", "ana", title="Help"),
            event("2026-11-03 08:00", "2026-11-03 12:00", "chi"),
        )
    )

    found = shifts(plan, ANA_BEN_CHI, utc("2026-11-02 00:00"), utc("2026-11-04 00:00"))

    assert [(f"{one.start:%d %H:%M}", one.people, one.reason.titles) for one in found] == [
        ("02 00:00", (), ()),
        ("02 08:00", ("ana",), ("Week 45",)),
        ("02 12:00", ("ana", "ben"), ("Week 45", "Help")),
        ("02 16:00", ("ana",), ("Week 45",)),
        ("02 20:00", (), ()),
        ("03 08:00", ("chi",), ()),
        ("03 12:00", (), ()),
    ]


def test_who_is_away_is_left_out_of_a_calendar_unless_nobody_would_be_left():
    people = team(
        "ben", ana=gone("2026-11-02 10:00", "2026-11-02 12:00", zone="UTC", reason="dentist")
    )
    span = ("2026-11-02 08:00", "2026-11-02 14:00")
    alone, both = event(*span, "ana"), event(*span, "ana", "ben")
    at = utc("2026-11-02 11:00")

    assert on_call_now(schedule(events=(both,)), people, at) == ("ben",)
    assert on_call_now(schedule(events=(alone,)), people, at) == ("ana",)
    shift = on_call(schedule(events=(alone,)), people, at)
    assert (shift.people, shift.reason.is_kept) == (("ana",), True)
    assert (shift.start, shift.end) == (utc("2026-11-02 10:00"), utc("2026-11-02 12:00"))


def test_an_override_covers_a_calendar_too():
    plan = schedule(
        events=(event("2026-11-02 08:00", "2026-11-02 20:00", "ana"),),
        overrides=(override("chi", "2026-11-02 10:00", "2026-11-02 12:00", zone="UTC"),),
    )

    assert told(plan, ANA_BEN_CHI, "2026-11-02 08:00", "2026-11-02 20:00") == [
        "02 08:00 ana",
        "02 10:00 chi",
        "02 12:00 ana",
    ]


# ---- one shift, and the next


def test_a_shift_has_its_true_ends():
    shift = on_call(PRIMARY, ANA_BEN_CHI, local("2026-11-13 20:00"))

    assert (shift.start, shift.end) == (local("2026-11-13 08:00"), local("2026-11-16 01:00"))


def test_a_shift_without_an_end_is_cut_400_days_away():
    alone = schedule(layer(turning("1 days", "08:00"), "ana"))
    at = utc("2027-09-01 00:00")

    shift = on_call(alone, ANA_BEN_CHI, at)

    assert (shift.start, shift.end) == (at - FARTHEST, at + FARTHEST)


def test_the_handoff_is_the_next_shift_with_other_people():
    at = local("2026-11-13 20:00")

    following = handoff(PRIMARY, ANA_BEN_CHI, at)

    assert (following.start, following.people) == (local("2026-11-16 01:00"), ("chi",))
    assert following.end == local("2026-11-16 08:00")


def test_a_stand_in_who_then_has_the_turn_hands_nothing_over():
    people = team("ben", ana=gone("2026-11-16 09:00", "2026-11-18 09:00"))
    plan = schedule(layer(turning("1 days", "09:00", "2026-11-16"), "ana", "ben"))

    following = handoff(plan, people, local("2026-11-16 12:00"))

    assert (following.start, following.people) == (local("2026-11-18 09:00"), ("ana",))


def test_a_handoff_may_be_to_nobody_and_there_may_be_none():
    office = schedule(layer(turning("1 days"), "ana", only=("mon-fri 09:00-17:00",)))
    alone = schedule(layer(turning("1 days"), "ana"))
    at = local("2026-11-13 12:00")

    following = handoff(office, ANA_BEN_CHI, at)

    assert (following.start, following.end) == (
        local("2026-11-13 17:00"),
        local("2026-11-16 09:00"),
    )
    assert following.people == ()
    assert handoff(alone, ANA_BEN_CHI, at) is None


def test_a_handoff_nearly_400_days_away_is_found():
    alone = schedule(
        layer(turning("1 days"), "ana"), layer(turning("1 days", starting="2027-12-10"), "ben")
    )

    following = handoff(alone, ANA_BEN_CHI, utc("2026-11-13 00:00"))

    assert (following.start, following.people) == (local("2027-12-10 00:00"), ("ben",))


# ---- x.next

DAILY = turning("1 days", "09:00", "2026-11-02")


@pytest.mark.parametrize(
    ("items", "at", "expected"),
    [
        (("ana", "ben", "chi"), "2026-11-02 12:00", ("ben",)),
        (("ana", "ben", "chi"), "2026-11-04 12:00", ("ana",)),
        (("ana+ben", "chi"), "2026-11-02 12:00", ("chi",)),
        (("ana+ben", "ben", "chi"), "2026-11-02 12:00", ("chi",)),
        (("ana", "ben+chi"), "2026-11-02 12:00", ("ben", "chi")),
        (("ana", "ana", "ben"), "2026-11-02 12:00", ("ben",)),
        (("ana",), "2026-11-02 12:00", ()),
        (("ana", "ben"), "2026-10-01 12:00", ()),  # nobody is on call yet
    ],
)
def test_the_next_is_the_following_one_of_the_rotation(items, at, expected):
    assert next_after(schedule(layer(DAILY, *items)), ANA_BEN_CHI, local(at)) == expected


def test_the_next_is_not_away_and_not_on_call():
    people = team("ben", "dee", "ana", chi=gone("2026-11-01 00:00", "2026-12-01 00:00"))
    plan = schedule(layer(DAILY, "ana", "chi", "dee", "ben"))

    assert next_after(plan, people, local("2026-11-02 12:00")) == ("dee",)
    # On the 3rd it is Chi's turn and Dee stands in for her.
    assert next_after(plan, people, local("2026-11-03 12:00")) == ("ben",)


def test_the_next_is_of_the_layer_that_answers():
    night = layer(DAILY, "chi", "dee", only=("22:00-06:00",))
    plan = schedule(layer(DAILY, "ana", "ben"), night)
    people = team("ana", "ben", "chi", "dee")

    assert next_after(plan, people, local("2026-11-02 12:00")) == ("ben",)
    assert next_after(plan, people, local("2026-11-02 23:00")) == ("dee",)


def test_under_an_override_the_next_is_of_the_layer_beneath():
    plan = schedule(
        layer(DAILY, "ana", "ben", "chi"),
        overrides=(override("ben", "2026-11-02 10:00", "2026-11-02 20:00"),),
    )

    assert next_after(plan, ANA_BEN_CHI, local("2026-11-02 12:00")) == ("chi",)


def test_under_an_override_the_scheduled_one_comes_last_and_is_better_than_nobody():
    people = team("ben", "dee", ana=gone("2026-11-01 00:00", "2026-12-01 00:00"))
    plan = schedule(
        layer(DAILY, "ben", "ana"), overrides=(override("dee", "2026-11-02", "2026-11-03"),)
    )

    assert next_after(plan, people, local("2026-11-02 12:00")) == ("ben",)


def test_the_next_of_a_calendar_is_that_of_the_next_event():
    plan = schedule(
        events=(
            event("2026-11-02 08:00", "2026-11-02 20:00", "ana"),
            event("2026-11-02 20:00", "2026-11-03 08:00", "ana"),
            event("2026-11-03 08:00", "2026-11-03 20:00", "ana", "ben"),
            event("2026-11-03 20:00", "2026-11-04 08:00", "chi"),
        )
    )

    assert next_after(plan, ANA_BEN_CHI, utc("2026-11-02 12:00")) == ("ben",)
    assert next_after(plan, ANA_BEN_CHI, utc("2026-11-03 12:00")) == ("chi",)
    assert next_after(plan, ANA_BEN_CHI, utc("2026-11-03 21:00")) == ()
    assert next_after(plan, ANA_BEN_CHI, utc("2026-11-01 00:00")) == ("ana",)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_moments_may_come_in_any_zone(zone):
    at = local("2026-11-13 20:00")
    there = at.astimezone(local("2026-01-01 00:00", zone).tzinfo)

    assert on_call(PRIMARY, ANA_BEN_CHI, there) == on_call(PRIMARY, ANA_BEN_CHI, at)
    assert on_call_now(PRIMARY, ANA_BEN_CHI, there) == ("ben",)
