"""Reasons in words, for a person who asks why."""

from zoneinfo import ZoneInfo

import pytest
from plans import override, team

from escalator.escalation.reasons import Absence, Kind, Reason

BERLIN = ZoneInfo("Europe/Berlin")
PEOPLE = team("ana", "ben", "chi")
SWAP = override("chi", "2026-12-24 18:00", "2026-12-26 09:00", reason="swap with Ana")
NEW_YEAR = override("chi", "2026-12-31 18:00", "2027-01-01 09:00")
AWAY = (Absence("ana", "holidays"),)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason(kind=Kind.LAYER, layer=2), "layer 2"),
        (
            Reason(kind=Kind.LAYER, layer=2, absent=AWAY, standing_in=("ben",)),
            "layer 2; Ana is away (holidays), Ben stands in",
        ),
        (
            Reason(kind=Kind.LAYER, layer=1, absent=(Absence("ana"),), standing_in=("ben", "chi")),
            "layer 1; Ana is away, Ben and Chi stand in",
        ),
        (Reason(kind=Kind.LAYER, layer=1, absent=AWAY), "layer 1; Ana is away (holidays)"),
        (Reason(kind=Kind.OVERRIDE, override=SWAP), "override: swap with Ana until 26 Dec 09:00"),
        (Reason(kind=Kind.OVERRIDE, override=NEW_YEAR), "override until 1 Jan 2027 09:00"),
        (Reason(kind=Kind.CALENDAR), "calendar"),
        (Reason(kind=Kind.CALENDAR, titles=("Week 45", "Help")), "calendar: Week 45, Help"),
        (
            Reason(kind=Kind.CALENDAR, titles=("Week 45",), absent=AWAY, is_kept=True),
            "calendar: Week 45; Ana is away (holidays), but nobody else is there",
        ),
        (Reason(kind=Kind.NOBODY), "nobody is on call"),
        (Reason(kind=Kind.NOBODY, absent=AWAY), "nobody is on call; Ana is away (holidays)"),
        (
            Reason(kind=Kind.NOBODY, absent=(Absence("zoe"),)),
            "nobody is on call; zoe is not among the people",
        ),
        (
            Reason(kind=Kind.NOBODY, titles=("Week 45",)),
            "nobody is on call; Week 45 names nobody",
        ),
    ],
)
def test_a_reason_in_words(reason, words):
    assert reason.text(PEOPLE, BERLIN) == words


def test_the_end_of_an_override_is_told_in_the_zone_of_who_asks():
    reason = Reason(kind=Kind.OVERRIDE, override=SWAP)

    assert reason.text(PEOPLE, ZoneInfo("Asia/Kolkata")).endswith("until 26 Dec 13:30")
