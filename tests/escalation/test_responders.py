"""Who stands behind the targets of a step: persons, schedules, `x.next`, everyone (C7)."""

import pytest
from plans import gone, layer, local, override, schedule, team, turning

from escalator.escalation.responders import Standing, responders
from escalator.escalation.rules import Rules

AT = local("2026-11-03 12:00")
HOLIDAYS = gone("2026-11-03 00:00", "2026-11-04 00:00", "holidays")
DAILY = turning("1 days", "09:00", "2026-11-02")
PRIMARY = schedule(layer(DAILY, "ana", "ben", "chi"))
OFFICE = schedule(layer(DAILY, "ana", "ben", only=("sat-sun 09:00-17:00",)))
PAIR = schedule(layer(DAILY, "chi", "ben+dee"))


def rules(**away):
    people = team("ana", "ben", "chi", "dee", **away)
    return Rules(
        people={key: people[key] for key in ("ana", "ben", "chi", "dee")},
        policies={},
        schedules={"primary": PRIMARY, "office": OFFICE, "pair": PAIR},
    )


@pytest.mark.parametrize(
    ("targets", "people"),
    [
        ((), ()),
        (("dee",), ("dee",)),
        (("primary",), ("ben",)),
        (("primary.next",), ("chi",)),
        (("pair",), ("ben", "dee")),
        (("everyone",), ("ana", "ben", "chi", "dee")),
        (("chi", "primary", "ben", "primary.next", "chi"), ("chi", "ben")),
        (("primary.next", "everyone"), ("chi", "ana", "ben", "dee")),
    ],
)
def test_targets_reach_people_once_and_in_order(targets, people):
    assert responders(rules(), targets, AT) == Standing(people, ())


def test_who_is_away_is_not_reached_by_name_nor_as_one_of_everyone():
    away = rules(ana=HOLIDAYS)
    note = "Ana is away (holidays)"

    assert responders(away, ["ana"], AT) == Standing((), (note,))
    assert responders(away, ["ana", "everyone"], AT) == Standing(("ben", "chi", "dee"), (note,))
    assert responders(away, ["ana"], HOLIDAYS.end) == Standing(("ana",))


def test_a_schedule_has_its_own_stand_in_and_needs_no_note():
    assert responders(rules(ben=HOLIDAYS), ["primary"], AT) == Standing(("chi",))
    assert responders(rules(ben=HOLIDAYS), ["primary.next"], AT) == Standing(("ana",))


def test_the_person_of_an_override_is_reached_even_when_away():
    known = rules(dee=HOLIDAYS)
    swapped = schedule(
        *PRIMARY.layers, overrides=(override("dee", "2026-11-03 00:00", "2026-11-04 00:00"),)
    )
    known = Rules(people=known.people, policies={}, schedules={"primary": swapped})

    assert responders(known, ["primary"], AT) == Standing(("dee",))


def test_what_reaches_nobody_leaves_a_note():
    alone = Rules(
        people=team("ana"), policies={}, schedules={"primary": schedule(layer(DAILY, "ana"))}
    )

    assert responders(rules(), ["office"], AT).notes == ("nobody is on call in primary",)
    assert responders(alone, ["primary.next"], AT).notes == ("nobody comes next in primary",)
    assert responders(alone, ["zoe"], AT).notes == ("zoe is neither a person nor a schedule",)
    assert responders(alone, ["ana.next", "ana"], AT) == Standing(
        ("ana",), ("ana.next is neither a person nor a schedule",)
    )
