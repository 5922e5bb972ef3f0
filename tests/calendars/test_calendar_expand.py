"""What is read from a calendar: which events, when, and what is refused rather than read wrongly."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from calendar_texts import calendar, event, feed, seconds, told

from escalator.calendars.expand import Horizon, Refused, expand

BERLIN = "Europe/Berlin"


def read(body, zone=BERLIN, start="2026-10-01", end="2027-11-01", most=1000):
    first, last = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (start, end))
    return expand(body, Horizon(ZoneInfo(zone), first, last, most))


def events(body, **options):
    return told(read(body, **options).events)


# ---- what programs publish


def test_weeks_of_google_turn_at_local_time_also_over_the_change_of_clocks():
    found = events(feed("google"))

    assert found[1:4] == [
        ("2026-10-12 07:00", "2026-10-19 07:00", "ben@example.net"),
        ("2026-10-19 07:00", "2026-10-26 08:00", "Ana"),
        ("2026-10-26 08:00", "2026-11-02 08:00", "ben@example.net"),
    ]
    assert ("2027-03-22 08:00", "2027-03-29 07:00", "Ana") in found
    assert ("2026-12-24 17:00", "2026-12-26 08:00", "Chi + Ana") in found


def test_outlooks_names_of_zones_are_understood_without_their_definition():
    found = read(feed("outlook"))

    assert told(found.events)[:3] == [
        ("2026-10-23 16:00", "2026-10-24 06:00", "Ben Shah"),
        ("2026-10-24 16:00", "2026-10-25 07:00", "Ben Shah"),
        ("2026-10-25 17:00", "2026-10-26 07:00", "Ben Shah"),
    ]
    assert ("2026-11-22 22:00", "2026-11-23 06:00", "Ana") in told(found.events)


def test_a_zone_that_nobody_knows_is_told_and_its_times_are_local():
    found = read(feed("outlook"))

    assert found.zones == {"Customized Nowhere Time"}
    assert told(found.events)[-1] == ("2026-11-24 08:00", "2026-11-24 16:00", "Chi")


def test_times_without_a_zone_are_in_the_schedules():
    assert events(feed("floating")) == [
        ("2026-10-24 20:00", "2026-10-25 05:00", "ana"),
        ("2026-10-25 21:00", "2026-10-26 05:00", "ana"),
        ("2026-11-10 08:00", "2026-11-10 16:00", "ben"),
    ]
    assert events(feed("floating"), zone="Asia/Kolkata")[2][0] == "2026-11-10 03:30"


def test_days_are_those_of_the_calendars_own_zone():
    assert events(feed("all-day")) == [
        ("2026-11-01 04:00", "2026-11-02 05:00", "ana"),
        ("2026-11-02 05:00", "2026-11-03 05:00", "ben"),
        ("2026-11-03 05:00", "2026-11-06 05:00", "chi"),
    ]


def test_days_of_a_calendar_without_a_zone_are_the_schedules():
    body = feed("all-day").replace(b"X-WR-TIMEZONE:America/New_York\r\n", b"")

    assert events(body, zone="Australia/Lord_Howe")[0][:2] == (
        "2026-10-31 13:00",
        "2026-11-01 13:00",
    )


def test_a_zone_of_the_calendar_that_nobody_knows_is_told_and_not_used():
    found = read(feed("all-day").replace(b"America/New_York", b"Moon/Tranquility"))

    assert found.zones == {"Moon/Tranquility"}
    assert told(found.events)[0][0] == "2026-10-31 23:00"


def test_occurrences_may_be_left_out_moved_canceled_and_added():
    assert events(feed("exceptions")) == [
        ("2026-10-20 07:00", "2026-10-20 15:00", "ana"),
        ("2026-10-22 07:00", "2026-10-22 15:00", "ana"),
        ("2026-10-23 10:00", "2026-10-23 15:00", "ben"),
        ("2026-10-25 08:00", "2026-10-25 16:00", "ana"),
        ("2026-10-26 08:00", "2026-10-26 16:00", "ana"),
        ("2026-10-29 20:00", "2026-10-30 06:00", "Night shift"),
        ("2026-11-01 08:00", "2026-11-01 16:00", "ana"),
    ]


def test_who_was_invited_is_told_unless_they_declined():
    [*_, invited, _] = read(feed("exceptions")).events

    assert invited[2:] == ("Night shift", ("Ben@Example.net",))


@pytest.mark.parametrize(
    ("day", "local", "utc"),
    [
        ("20261025", "02:30", "2026-10-25 00:30"),
        ("20270328", "02:30", "2027-03-28 01:30"),
        ("20270328", "03:00", "2027-03-28 01:00"),
    ],
    ids=["first of two", "in the gap", "after the gap"],
)
def test_local_times_on_days_when_clocks_change(day, local, utc):
    at = f"DTSTART;TZID=Europe/Berlin:{day}T{local.replace(':', '')}00"
    until = f"DTEND;TZID=Europe/Berlin:{day}T060000"
    body = calendar(*event("SUMMARY:ana", at, until))

    assert events(body)[0][0] == utc


# ---- bounds


def test_only_what_touches_the_horizon_is_told():
    body = calendar(
        *event("SUMMARY:over", "DTSTART:20260901T000000Z", "DTEND:20261001T000000Z", uid="a"),
        *event("SUMMARY:into", "DTSTART:20260901T000000Z", "DTEND:20261001T000001Z", uid="b"),
        *event("SUMMARY:out", "DTSTART:20271031T235959Z", "DTEND:20280101T000000Z", uid="c"),
        *event("SUMMARY:later", "DTSTART:20271101T000000Z", "DTEND:20280101T000000Z", uid="d"),
    )

    assert [title for *_, title in events(body)] == ["into", "out"]


@pytest.mark.parametrize("end", ["DTEND:99991231T235959Z", "DTEND;VALUE=DATE:99960229"])
def test_an_event_without_an_end_in_sight_ends_where_everybody_can_reckon_with_it(end):
    start = "DTSTART:20200103T000000Z" if "T" in end[-8:] else "DTSTART;VALUE=DATE:20200103"

    [event_told] = read(calendar(*event("SUMMARY:ana", start, end))).events

    assert datetime.fromtimestamp(event_told[1], UTC).year == 2400


def test_titles_are_one_line_and_not_endless():
    body = calendar(
        *event(f"SUMMARY:a\\n  b{'x' * 1000}", "DTSTART:20261102T000000Z", "DURATION:PT1H")
    )

    [(*_, title, _)] = read(body).events

    assert title.startswith("a bxx")
    assert len(title) == 300


def test_two_calendars_in_one_text_are_both_read():
    assert len(events(feed("all-day") + feed("floating"))) == 6


def test_a_byte_order_mark_does_not_matter():
    assert len(events(b"\xef\xbb\xbf" + feed("all-day"))) == 3


LINES = ("SUMMARY:ana", "DTSTART:20261102T090000Z", "DTEND:20261102T170000Z")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<!doctype html><title>Sign in</title>", "does not begin with BEGIN:VCALENDAR"),
        (b"", "does not begin with BEGIN:VCALENDAR"),
        (b"\x1f\x8b\x08\x00packed", "does not begin with BEGIN:VCALENDAR"),
        (feed("google")[:-20], "cut off"),
        (calendar(*event(*LINES), "BEGIN:VEVENT"), "does not end with END:VEVENT"),
        (calendar(*event("SUMMARY:ana", "DTEND:20261102T170000Z")), "no DTSTART"),
        (calendar(*event("SUMMARY:ana", "DTSTART:soon")), "DTSTART cannot be read"),
        (calendar(*event(*LINES, "EXDATE:never")), "EXDATE cannot be read"),
        (calendar(*event(*LINES, "RRULE:FREQ=OFTEN")), "RRULE cannot be read"),
        (calendar(*event(*LINES, "RRULE:FREQ=SECONDLY")), "more often than every hour"),
        (calendar(*event(*LINES, "RRULE:FREQ=MINUTELY;INTERVAL=59")), "more often than every hour"),
        (
            calendar(*event(*LINES, "RRULE:FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=1,2,3,4,5")),
            "more often than every hour",
        ),
        (calendar(*event(*LINES, "RRULE:FREQ=HOURLY")), "more than 1000 events"),
        (
            calendar(
                *(line for n in range(700) for line in event(*LINES, uid=f"{n}")),
                *event(*LINES, "RRULE:FREQ=DAILY"),
            ),
            "more than 1000 events",
        ),
    ],
    ids=[
        *("html", "nothing", "packed", "cut off", "not closed", "no start", "bad start"),
        *("bad exception", "bad rule", "each second", "each 59 minutes", "each day 25 times"),
        *("each hour", "many"),
    ],
)
def test_a_calendar_that_could_be_read_wrongly_is_refused_as_a_whole(body, why):
    with pytest.raises(Refused) as caught:
        read(body)

    assert why in str(caught.value)


def test_lines_that_say_nothing_of_time_may_be_broken():
    body = calendar(*event(*LINES, "no colon here", "ATTACH;VALUE=BROKEN", "X-ODD;=:1"))

    assert len(events(body)) == 1


def test_an_event_without_a_length_is_no_shift():
    assert events(calendar(*event("SUMMARY:ana", "DTSTART:20261102T090000Z"))) == []


def test_a_rule_for_each_hour_is_still_read():
    body = calendar(
        *event(
            "SUMMARY:ana", "DTSTART:20261102T090000Z", "DURATION:PT1H", "RRULE:FREQ=HOURLY;COUNT=30"
        )
    )

    assert len(events(body)) == 30
    assert read(body).events[29][0] == seconds("2026-11-03 14:00")
