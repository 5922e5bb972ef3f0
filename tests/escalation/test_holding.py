"""What holds an alert back, and until when at least."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from playbook import policy, route, rules

from escalator.escalation.holding import Hold, common_hold, hold_of, is_outside
from escalator.escalation.intervals import TimeInterval, TimeOfDay
from escalator.escalation.matchers import parse_matcher
from escalator.escalation.silences import Silence

BERLIN = ZoneInfo("Europe/Berlin")
NINE_TO_SIX = TimeInterval(
    zone=BERLIN, weekdays=((0, 4),), times=(TimeOfDay(start=time(9), end=time(18)),)
)
HOURS = {"working-hours": (NINE_TO_SIX,)}
MONDAY_NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
SUNDAY_NOON = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
MONDAY_NINE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
MONDAY_SIX = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
DISK = {"alertname": "DiskFull"}


def silence(end: datetime, matcher: str = 'alertname="DiskFull"') -> Silence:
    return Silence(
        id="s1", matchers=(parse_matcher(matcher),), start=SUNDAY_NOON, end=end, comment="disks"
    )


def test_a_silence_holds_what_fits_it_for_its_span():
    config = rules(policy("ana"), silences=(silence(MONDAY_NINE),))

    def ask(labels, at):
        return hold_of(config, labels, None, config.policies["default"], at)

    assert ask(DISK, SUNDAY_NOON) == Hold(why="silence s1 (disks)", until=MONDAY_NINE)
    assert ask({"alertname": "Other"}, SUNDAY_NOON) is None
    assert ask(DISK, MONDAY_NINE) is None
    assert ask(DISK, SUNDAY_NOON - timedelta(seconds=1)) is None


def test_a_silence_follows_the_wall_clock_and_its_end_is_engine_time():
    ahead = timedelta(hours=1)
    config = replace(rules(policy("ana"), silences=(silence(MONDAY_NINE),)), wall_ahead=ahead)

    found = hold_of(config, DISK, None, config.policies["default"], SUNDAY_NOON - ahead)

    assert found is not None
    assert found.until == MONDAY_NINE - ahead


@pytest.mark.parametrize(
    ("keys", "at", "until"),
    [
        ({"muted": ("working-hours",)}, MONDAY_NOON, MONDAY_SIX),
        ({"muted": ("working-hours",)}, SUNDAY_NOON, None),
        ({"active": ("working-hours",)}, SUNDAY_NOON, MONDAY_NINE),
        ({"active": ("working-hours",)}, MONDAY_NOON, None),
    ],
)
def test_a_route_holds_while_it_is_muted_or_not_active(keys, at, until):
    config = rules(policy("ana"), time_intervals=HOURS)
    made = route('alertname="DiskFull"', "default", **keys)

    found = hold_of(config, DISK, made, config.policies["default"], at)

    assert (found.until if found else None) == until
    assert (found is None) == (until is None)


def test_a_policy_waits_for_its_hours():
    office = policy("ana", during=("working-hours",))
    config = rules(office, time_intervals=HOURS)

    assert is_outside(config, office, SUNDAY_NOON)
    assert not is_outside(config, office, MONDAY_NOON)
    assert not is_outside(config, policy("ana"), SUNDAY_NOON)
    found = hold_of(config, DISK, None, office, SUNDAY_NOON)
    assert found == Hold(why="policy default waits for its hours", until=MONDAY_NINE)


def test_an_incident_is_held_until_the_first_of_its_holds_may_be_over():
    early, late = Hold(why="a", until=MONDAY_NINE), Hold(why="b", until=MONDAY_SIX)
    endless = Hold(why="c", until=None)

    assert common_hold([late, early, endless]) == early
    assert common_hold([endless]) == endless
    assert common_hold([early, None, late]) is None
    assert common_hold([]) is None
