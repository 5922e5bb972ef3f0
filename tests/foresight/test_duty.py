"""The report on who is on call: the same people as at each instant, until when, who comes then."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagined_configs import AT, configs

from escalator.escalation.oncall import on_call_now, shifts
from escalator.escalation.rules import Person, Rules
from escalator.escalation.schedules import CalendarEvent, Schedule
from escalator.foresight.duty import on_call_report

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
PEOPLE = {
    key: Person(key=key, name=key.title(), phones=(number,), language="en-GB")
    for key, number in (("ana", "+491713920012"), ("ben", "+447700900123"))
}


def with_events(*events):
    schedule = Schedule(name="platform", zone=BERLIN, events=events)
    return Rules(people=PEOPLE, policies={}, schedules={"platform": schedule})


@settings(max_examples=60)
@given(configs(), st.integers(-600, 600))
def test_the_report_says_what_is_true_at_that_instant_and_until_it_is_not(rules, minutes):
    at = AT + timedelta(minutes=minutes)
    schedule = rules.schedules["primary"]

    [duty] = on_call_report(rules, at)

    assert duty.people == on_call_now(schedule, rules.people, at)
    assert duty.shifts == ()
    if duty.next is None:
        assert duty.until is None
        [only] = {
            frozenset(one.people) for one in shifts(schedule, rules.people, at, at + 99 * HOUR)
        }
        assert only == set(duty.people)
    else:
        just_before = duty.until - timedelta(microseconds=1)
        assert set(on_call_now(schedule, rules.people, just_before)) == set(duty.people)
        assert duty.next.people == on_call_now(schedule, rules.people, duty.until)
        assert set(duty.next.people) != set(duty.people)


@settings(max_examples=60)
@given(configs(), st.integers(1, 9))
def test_the_shifts_of_the_days_tile_them(rules, days):
    [duty] = on_call_report(rules, AT, days)

    ends = [one.end for one in duty.shifts]
    assert [one.start for one in duty.shifts] == [AT, *ends[:-1]]
    assert ends[-1] == AT + timedelta(days=days)
    assert all(one.reason for one in duty.shifts)
    assert duty.shifts[0].people == duty.people


def test_a_calendar_gives_its_events_of_the_days_and_no_others():
    def event(hours, person):
        return CalendarEvent(
            start=AT + hours * HOUR, end=AT + (hours + 2) * HOUR, people=(person,), title=person
        )

    over, now, later, far = (event(hours, "ana") for hours in (-9, -1, 20, 200))

    [duty] = on_call_report(with_events(over, now, later, far), AT, 1)

    assert duty.events == (now, later)
    assert duty.people == ("ana",)
    assert duty.reason == "calendar: ana"


def test_a_calendar_that_was_never_read_is_not_said_to_be_empty():
    [duty] = on_call_report(with_events(), AT, 1)

    assert duty.events == ()
    assert duty.reason == duty.shifts[0].reason == "no event of this calendar is known here"


@pytest.mark.parametrize("zone", [UTC, BERLIN])
def test_the_moment_may_be_of_any_zone(zone):
    event = CalendarEvent(start=AT, end=AT + HOUR, people=("ben",))

    [duty] = on_call_report(
        with_events(event), datetime(2026, 10, 24, 23, 58, tzinfo=UTC).astimezone(zone)
    )

    assert (duty.people, duty.until) == (("ben",), AT + HOUR)
