"""Of events at once those of the highest level count that has somebody there; the others are cut."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from plans import team, utc

from escalator.escalation.calendar_levels import Levelled, highest
from escalator.escalation.schedules import Away, CalendarEvent

START = utc("2026-11-22 00:00")


def at(hour):
    return START + timedelta(hours=hour)


def event(level, people, start, end):
    return Levelled(
        level, CalendarEvent(start=at(start), end=at(end), people=people, title=f"{level}")
    )


def shown(found):
    hours = [
        int((one - START) / timedelta(hours=1))
        for event in found
        for one in (event.start, event.end)
    ]
    return [
        (start, end, event.people)
        for start, end, event in zip(hours[::2], hours[1::2], found, strict=True)
    ]


def test_events_of_one_level_stay_as_they_are():
    events = [event(0, ("ana",), 1, 5), event(0, ("ben",), 0, 3)]

    assert shown(highest(events, team("ana", "ben"))) == [(0, 3, ("ben",)), (1, 5, ("ana",))]


def test_a_lower_one_is_cut_where_a_higher_one_covers_it():
    events = [
        event(0, ("ana",), 0, 10),
        event(1, ("ben",), 2, 4),
        event(1, ("chi",), 3, 5),
        event(2, ("ben",), 8, 12),
    ]

    assert shown(highest(events, team("ana", "ben", "chi"))) == [
        (0, 2, ("ana",)),
        (2, 4, ("ben",)),
        (3, 5, ("chi",)),
        (5, 8, ("ana",)),
        (8, 12, ("ben",)),
    ]


def test_one_that_is_covered_whole_is_gone():
    events = [event(0, ("ana",), 2, 3), event(1, ("ben",), 1, 4)]

    assert shown(highest(events, team("ana", "ben"))) == [(1, 4, ("ben",))]


def test_one_that_names_nobody_covers_nothing():
    events = [event(0, ("ana",), 0, 4), event(1, (), 1, 2), event(2, ("gone",), 2, 3)]

    assert (0, 4, ("ana",)) in shown(highest(events, team("ana")))


def test_one_whose_people_are_away_covers_nothing_meanwhile():
    people = team("ana", "chi", ben=Away(start=at(2), end=at(3)))
    events = [event(0, ("ana",), 0, 5), event(1, ("ben",), 1, 4)]

    assert shown(highest(events, people)) == [
        (0, 1, ("ana",)),
        (1, 4, ("ben",)),
        (2, 3, ("ana",)),
        (4, 5, ("ana",)),
    ]
    together = [event(0, ("ana",), 0, 5), event(1, ("ben", "chi"), 1, 4)]
    assert len(highest(together, people)) == 3


SPANS = st.tuples(
    st.integers(0, 3),
    st.sampled_from([(), ("ana",), ("ben",), ("chi", "ana")]),
    st.integers(0, 20),
    st.integers(1, 8),
)


@given(st.lists(SPANS, max_size=12))
def test_asked_hour_by_hour_the_highest_level_with_somebody_there_is_left(spans):
    people = team("ana", ben=Away(start=at(5), end=at(9)), chi=Away(start=at(0), end=at(30)))
    events = [event(level, who, start, start + span) for level, who, start, span in spans]

    found = highest(events, people)

    for hour in range(30):
        held = [one for one in events if one.event.start <= at(hour) < one.event.end]
        manned = [
            one.level
            for one in held
            if any(not people[who].is_away(at(hour)) for who in one.event.people)
        ]
        least = max(manned, default=0)
        wanted = sorted(one.event.people for one in held if one.level >= least)
        left = sorted(one.people for one in found if one.start <= at(hour) < one.end)
        assert left == wanted
