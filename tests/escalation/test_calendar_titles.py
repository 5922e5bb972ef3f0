"""Whom the title of a calendar's event puts on call: exactly those whom it names, and never a guess."""

from dataclasses import replace
from datetime import timedelta

import pytest
from plans import gone, team, utc

from escalator.escalation.calendar_titles import Entry, match, named_by, names_of

PEOPLE = team("ana", "ben", "chi", "dee")
PEOPLE |= {
    "ana": replace(PEOPLE["ana"], name="Ana Ortega", aliases=("ana@example.net", "Anita")),
    "ben": replace(PEOPLE["ben"], name="Ben and Sons"),
    "chi": replace(PEOPLE["chi"], name="Chí Lê", aliases=("boss",)),
    "dee": replace(PEOPLE["dee"], aliases=("boss", "ana")),
}
NAMES = names_of(PEOPLE)
NOON = utc("2026-11-22 12:00")


@pytest.mark.parametrize(
    ("title", "people"),
    [
        ("ana", ("ana",)),
        ("ANA", ("ana",)),
        ("  Ana   Ortega ", ("ana",)),
        ("Ana@Example.net", ("ana",)),
        ("anita", ("ana",)),
        ("Chi\u0301 Le\u0302", ("chi",)),
        ("ana, ben", ("ana", "ben")),
        ("chi+ana", ("chi", "ana")),
        ("ana and ben", ("ana", "ben")),
        ("Ben and Sons", ("ben",)),
        ("Ana AND Chi", ("ana", "chi")),
        ("ana & anita", ("ana",)),
        ("boss", ("chi", "dee")),
        ("", ()),
        ("Zoe", ()),
        ("Ana O", ()),
        ("On call: ana", ()),
        ("Sand", ()),
    ],
)
def test_a_title_names_whom_it_says_exactly(title, people):
    assert named_by(title, (), NAMES).people == people


def test_a_key_goes_before_a_name_and_a_name_before_an_alias():
    people = team("ana", "ben")
    people["ben"] = replace(people["ben"], name="ana", aliases=("ana",))

    assert names_of(people)["ana"] == ("ana",)


@pytest.mark.parametrize(
    ("title", "level", "people"),
    [
        ("[L1] ana", 1, ("ana",)),
        ("[l9]ben, ana", 9, ("ben", "ana")),
        (" [L0]  Ana Ortega", 0, ("ana",)),
        ("ana [L2]", 0, ()),
        ("[X1] ana", 0, ()),
        ("[L2]", 2, ()),
    ],
)
def test_a_level_stands_before_the_title(title, level, people):
    found = named_by(title, (), NAMES)

    assert (found.level, found.people) == (level, people)


def test_who_is_invited_counts_where_the_title_names_nobody():
    invited = ("nobody@example.net", "ANA@example.net")

    assert named_by("Night shift", invited, NAMES) == (("ana",), 0, True)
    assert named_by("ben", invited, NAMES).people == ("ben",)
    assert named_by("Night shift", ("nobody@example.net",), NAMES) == ((), 0, False)


def test_a_title_of_which_a_part_names_nobody_is_told():
    assert named_by("ana, Zoe", (), NAMES) == (("ana",), 0, False)
    assert named_by("ana, ", (), NAMES).is_understood


def entry(title, start, hours=1):
    begin = utc(start)
    return Entry(start=begin, end=begin + timedelta(hours=hours), title=title)


def test_titles_are_told_once_and_not_of_events_that_are_over():
    entries = [
        entry("Old Hand", "2026-11-22 11:00"),
        entry("Zoe", "2026-11-22 11:30"),
        entry("Zoe", "2026-11-23 11:30"),
        entry("ana", "2026-11-24 11:30"),
        entry("", "2026-11-25 11:30"),
    ]

    matched = match(entries, PEOPLE, NOON)

    assert matched.unknown == ("Zoe", "")
    assert [event.people for event in matched.events] == [(), (), (), ("ana",), ()]
    assert [event.title for event in matched.events][3] == "ana"


def test_events_come_in_the_order_of_their_start():
    matched = match(
        [entry("ben", "2026-11-23 10:00"), entry("ana", "2026-11-22 10:00")], PEOPLE, NOON
    )

    assert [event.title for event in matched.events] == ["ana", "ben"]


def test_the_highest_level_alone_is_on_call():
    people = team("ana", "ben", chi=gone("2026-11-22", "2026-11-23"))
    entries = [
        entry("[L0] ana", "2026-11-22 10:00", hours=6),
        entry("[L1] ben", "2026-11-22 12:00", hours=2),
        entry("[L2] chi", "2026-11-22 12:00", hours=1),
    ]

    found = [
        (event.start.hour, event.end.hour, event.people)
        for event in match(entries, people, NOON).events
    ]

    assert found == [
        (10, 12, ("ana",)),
        (12, 13, ("chi",)),
        (12, 14, ("ben",)),
        (14, 16, ("ana",)),
    ]
