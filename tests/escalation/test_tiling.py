"""Sources laid over each other: an earlier one takes the time, the later ones fill what it leaves."""

from itertools import pairwise

from plans import event, gone, layer, local, override, schedule, team, turning, utc

from escalator.escalation.tiling import NOBODY, latest_first, tile

PEOPLE = team("ana", "ben", "chi")
DAILY = turning("1 days", "00:00", "2026-11-01")


def tiled(plan, people=PEOPLE):
    """The answers over the days from the 2nd to the 4th."""
    pieces = tile(plan, people, local("2026-11-02 00:00"), local("2026-11-05 00:00"))
    assert (pieces[0][0], pieces[-1][1]) == (local("2026-11-02 00:00"), local("2026-11-05 00:00"))
    assert all(one[1] == other[0] for one, other in pairwise(pieces))
    assert all(start < end for start, end, _ in pieces)
    return [(start, "+".join(duty.people)) for start, _, duty in pieces]


def test_what_no_source_covers_is_nobodys():
    [(_, _, duty)] = tile(schedule(), PEOPLE, utc("2026-11-02 00:00"), utc("2026-11-03 00:00"))

    assert duty == NOBODY


def test_a_piece_is_cut_by_what_lies_over_it_on_both_sides():
    noon = layer(DAILY, "ben", only=("tue 12:00-13:00",))
    plan = schedule(
        layer(DAILY, "ana"),
        noon,
        overrides=(override("chi", "2026-11-03 12:30", "2026-11-03 12:45"),),
    )

    assert tiled(plan) == [
        (local("2026-11-02 00:00"), "ana"),
        (local("2026-11-03 12:00"), "ben"),
        (local("2026-11-03 12:30"), "chi"),
        (local("2026-11-03 12:45"), "ben"),
        (local("2026-11-03 13:00"), "ana"),
    ]


def test_a_turn_with_nobody_there_covers_nothing_but_a_gap():
    away = team("ana", "chi", ben=gone("2026-11-03 00:00", "2026-11-04 00:00"))
    plan = schedule(
        layer(DAILY, "ana", only=("12:00-13:00",)), layer(DAILY, "ben", only=("10:00-14:00",))
    )

    pieces = tile(plan, away, local("2026-11-03 00:00"), local("2026-11-04 00:00"))

    assert [(one[2].people, len(one[2].reason.absent)) for one in pieces] == [
        ((), 0),
        ((), 1),
        (("ana",), 0),
        ((), 1),
        ((), 0),
    ]


def test_an_absence_cuts_a_turn_where_it_begins_and_ends():
    people = team("ana", ben=gone("2026-11-03 06:00", "2026-11-03 18:00"))

    assert tiled(schedule(layer(DAILY, "ana", "ben")), people) == [
        (local("2026-11-02 00:00"), "ben"),
        (local("2026-11-03 00:00"), "ana"),
        (local("2026-11-04 00:00"), "ben"),
    ]
    assert tiled(schedule(layer(DAILY, "ben", "ana")), people) == [
        (local("2026-11-02 00:00"), "ana"),
        (local("2026-11-03 00:00"), "ben"),
        (local("2026-11-03 06:00"), "ana"),
        (local("2026-11-03 18:00"), "ben"),
        (local("2026-11-04 00:00"), "ana"),
    ]


def test_an_absence_of_exactly_a_turn_leaves_no_empty_piece():
    people = team("ana", ben=gone("2026-11-03 00:00", "2026-11-04 00:00"))

    assert tiled(schedule(layer(DAILY, "ben", "ana")), people) == [
        (local("2026-11-02 00:00"), "ana"),
        (local("2026-11-03 00:00"), "ana"),
        (local("2026-11-04 00:00"), "ana"),
    ]


def test_a_span_that_begins_within_an_absence_within_a_turn():
    people = team("ana", ben=gone("2026-11-03 06:00", "2026-11-03 18:00"))
    at = local("2026-11-03 12:00")

    [(_, _, duty)] = tile(
        schedule(layer(DAILY, "ben", "ana")), people, at, local("2026-11-03 13:00")
    )

    assert duty.people == ("ana",)


def test_events_of_one_start_answer_in_their_written_order():
    both = ("2026-11-02 00:00", "2026-11-06 00:00")

    assert tiled(schedule(events=(event(*both, "ben"), event(*both, "ana"))))[-1][1] == "ben+ana"


def test_live_overrides_answer_before_those_of_the_file_and_the_last_made_first():
    span = ("2026-11-02 00:00", "2026-11-03 00:00")
    mixed = [
        override("late", *span, made="2026-11-01 12:00"),
        override("first", *span),
        override("early", *span, made="2026-11-01 06:00"),
        override("second", *span),
    ]

    assert [one.person for one in latest_first(mixed)] == ["late", "early", "second", "first"]
