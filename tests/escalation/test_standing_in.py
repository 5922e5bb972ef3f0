"""Who answers for a turn while somebody is away."""

import pytest
from plans import event, gone, layer, local, team, turning

from escalator.escalation.reasons import Absence, Kind
from escalator.escalation.standing_in import answering, calendar_duty, layer_duty

AT = local("2026-11-03 12:00")
AWAY = gone("2026-11-03 00:00", "2026-11-04 00:00")
ROTATION = turning("1 days")


@pytest.mark.parametrize(
    ("items", "turn", "away", "people"),
    [
        (("ana", "ben", "chi"), 0, (), ("ana",)),
        (("ana", "ben", "chi"), 4, (), ("ben",)),
        (("ana", "ben", "chi"), 0, ("ana",), ("ben",)),
        (("ana", "ben", "chi"), 0, ("ana", "ben"), ("chi",)),
        (("ana", "ben", "chi"), 2, ("chi",), ("ana",)),
        (("ana+ben", "chi"), 0, ("ana",), ("ben",)),
        (("ana+ben", "chi"), 0, ("ana", "ben"), ("chi",)),
        (("ana", "ben+chi"), 0, ("ana", "ben"), ("chi",)),
        (("ana", "zoe"), 1, (), ("ana",)),
        (("ana", "ben"), 0, ("ana", "ben"), ()),
    ],
)
def test_the_next_item_with_somebody_there_stands_in(items, turn, away, people):
    known = team("ana", "ben", "chi", **dict.fromkeys(away, AWAY))
    one = layer(ROTATION, *items)

    duty = layer_duty(one, 3, turn, known, AT)

    assert duty.people == people == answering(one, turn, known, AT)
    assert duty.reason.kind is (Kind.LAYER if people else Kind.NOBODY)
    assert duty.reason.layer == (3 if people else 0)


def test_the_reason_names_those_passed_over_and_those_who_stand_in():
    known = team("chi", "dee", ana=gone("2026-11-03 00:00", "2026-11-04 00:00", "ill"), ben=AWAY)

    passed = layer_duty(layer(ROTATION, "ana", "ben+chi", "dee"), 1, 0, known, AT).reason
    partly = layer_duty(layer(ROTATION, "ben+chi", "dee"), 1, 0, known, AT).reason

    assert passed.absent == (Absence("ana", "ill"), Absence("ben"))
    assert passed.standing_in == ("chi",)
    assert (partly.absent, partly.standing_in) == ((Absence("ben"),), ())


def test_an_event_that_names_nobody_we_know_is_a_gap():
    events = [event("2026-11-03 00:00", "2026-11-04 00:00", "zoe", title="Week 45")]

    duty = calendar_duty(events, team("ana"), AT)

    assert (duty.people, duty.reason.kind, duty.reason.titles) == ((), Kind.NOBODY, ("Week 45",))
