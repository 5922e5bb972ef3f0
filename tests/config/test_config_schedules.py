"""What the core gets of everything that depends on time: schedules, absence, hours, heartbeats, caps."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from escalator.config.loading import load
from escalator.config.problems import ConfigError
from escalator.escalation.intervals import TimeOfDay
from escalator.escalation.oncall import on_call_now
from escalator.escalation.rules import Caps, Channel, Contact
from escalator.escalation.schedules import Away, Override, Unit

ROOT = Path(__file__).parents[2]
GOOD = ROOT / "tests" / "configs" / "good"
CALENDAR = "https://calendar.example.net/team.ics"
HEAD = """\
version: 1
public_url: https://pager.example.net
twilio: { account_sid: AC0123456789abcdef0123456789abcdef, auth_token: { env: T }, from: +15005550006 }
people:
  ana: { phone: +491713920012 }
  ben: { phone: +491713920013 }
  chi: { phone: +491713920014 }
  dee: { phone: +491713920015 }
schedules:
  primary:
    layers: [{ rotate: { every: 1 week, starting: 2026-01-05 }, people: [ana, [ben, ana]] }]
    overrides: [{ person: chi, from: 2026-12-24, to: 2026-12-24 }]
  calendar: { ical: { url: { env: CALENDAR } } }
"""


@pytest.fixture
def write(tmp_path):
    def load_text(text, *, now=None, secrets=True, calendar=CALENDAR):
        path = tmp_path / "escalator.yml"
        path.write_text(text)
        return load(path, environ={"T": "t0ken", "CALENDAR": calendar}, now=now, secrets=secrets)

    return load_text


@pytest.fixture(scope="module")
def rules():
    return load(GOOD / "schedules.yml", environ={"TOKEN": "t0ken", "CALENDAR": CALENDAR}).rules


def test_a_schedule_is_in_its_own_zone_or_the_configs(rules):
    zones = {name: str(schedule.zone) for name, schedule in rules.schedules.items()}

    assert zones == {
        "weeks": "Europe/Berlin",
        "months": "Asia/Kolkata",
        "calendar": "Europe/Berlin",
    }
    assert [rules.schedules[name].is_covered for name in zones] == [True, False, False]


def test_layers_keep_their_order_their_turns_and_who_is_together(rules):
    weeks, nights, shifts = rules.schedules["weeks"].layers

    assert weeks.people == (("ana",), ("ben", "chi"))
    assert (weeks.rotation.every, weeks.rotation.unit) == (2, Unit.WEEKS)
    assert (weeks.rotation.at, weeks.rotation.weekday) == (time(0), 0)
    assert weeks.rotation.starting == date(2026, 1, 5)
    assert weeks.only == ()
    assert nights.rotation.weekday == 4
    assert [(window.start, window.end) for window in nights.only] == [(time(18), time(8))]
    assert nights.only[0].days == frozenset(range(5))
    assert (shifts.rotation.unit, shifts.rotation.at) == (Unit.HOURS, time(7, 30))
    assert len(shifts.only) == 2
    month_days = [layer.rotation.month_day for layer in rules.schedules["months"].layers]
    assert month_days == [1, 31, 1]


def test_who_stands_twice_in_one_turn_is_there_once(write):
    rules = write(HEAD + "policies: { default: { steps: [{ call: primary }] } }\n").rules
    again = write(
        HEAD.replace("[ben, ana]", "[ben, ana, ben]")
        + "policies: { default: { steps: [{ call: primary }] } }\n"
    ).rules

    assert again == rules


def test_overrides_are_in_the_zone_of_their_schedule_and_in_the_order_of_the_file(rules):
    first, second = rules.schedules["weeks"].overrides

    assert first == Override(
        schedule="weeks",
        person="chi",
        start=datetime(2026, 12, 24, 17, tzinfo=UTC),
        end=datetime(2026, 12, 26, 8, tzinfo=UTC),
        reason="swap",
    )
    assert second.start == first.end
    assert second.end == datetime(2026, 12, 27, 23, tzinfo=UTC)


def test_a_schedule_of_a_calendar_has_events_to_come_and_no_layers(rules):
    calendar = rules.schedules["calendar"]

    assert (calendar.layers, calendar.events) == ((), ())
    assert [one.person for one in calendar.overrides] == ["ben"]
    assert rules.schedules["weeks"].events is None


def test_absence_is_in_the_zone_of_the_person(rules):
    assert rules.people["ana"].away == (
        Away(
            start=datetime(2026, 12, 23, 23, tzinfo=UTC),
            end=datetime(2026, 12, 24, 23, tzinfo=UTC),
            reason="holiday",
        ),
    )
    (away,) = rules.people["ben"].away
    assert away.start == datetime(2026, 12, 24, 9, tzinfo=UTC)
    assert (rules.people["ana"].timezone, rules.people["ben"].timezone) == (
        "Europe/Berlin",
        "Asia/Tokyo",
    )


def test_rules_of_a_person_are_contacts_in_their_order(rules):
    assert rules.people["chi"].contacts == (
        Contact(channel=Channel.SMS, after=timedelta(0)),
        Contact(channel=Channel.CALL, after=timedelta(seconds=90)),
    )
    assert rules.people["ana"].contacts == ()


def test_intervals_have_a_zone_and_ranges_that_never_run_backwards(rules):
    office, odd = rules.time_intervals["working-hours"]
    (nights,) = rules.time_intervals["nights"]

    assert (str(office.zone), str(odd.zone)) == ("Europe/London", "Europe/Berlin")
    assert office.weekdays == ((0, 4),)
    assert office.times == (TimeOfDay(start=time(9), end=time(17, 30)),)
    assert odd.days_of_month == ((1, 5), (-3, -1), (31, 31), (1, -1))
    assert odd.months == ((1, 3), (5, 5), (11, 12), (1, 2), (12, 12))
    assert odd.years == ((2026, 2026), (2027, 2030))
    assert nights.times == (TimeOfDay(start=time(20), end=None),)
    assert nights.weekdays == ((6, 6), (4, 6), (0, 0))


def test_hours_of_policies_and_routes_are_named(rules):
    default, nights = rules.policies["default"], rules.policies["nights"]

    assert default.during == ("working-hours", "nights")
    assert (default.otherwise, default.stale_after) == ("nights", timedelta(hours=12))
    assert (nights.during, nights.otherwise, nights.stale_after) == (("nights",), "", None)
    assert [(route.muted, route.active) for route in rules.routes] == [
        (("nights",), ()),
        ((), ("working-hours",)),
    ]


def test_heartbeats_keep_their_order_and_their_defaults(rules):
    prometheus, backup = rules.heartbeats

    assert prometheus.matches({"alertname": "Watchdog", "cluster": "eu"})
    assert not prometheus.matches({"alertname": "Watchdog"})
    assert (prometheus.policy, prometheus.severity) == ("nights", "critical")
    assert not prometheus.expect_at_start
    assert (backup.every, backup.grace) == (timedelta(days=31), timedelta(minutes=5))
    assert (backup.matchers, backup.policy, backup.severity) == ((), "default", "")
    assert backup.expect_at_start


@pytest.mark.parametrize(
    ("limits", "caps"),
    [
        ("{}", Caps(per_person=12, person_span=timedelta(hours=1), per_day=500)),
        (
            "{ calls_per_person: 3/m, calls_per_day: 7 }",
            Caps(per_person=3, person_span=timedelta(minutes=1), per_day=7),
        ),
        (
            "{ calls_per_person: 40/d }",
            Caps(per_person=40, person_span=timedelta(days=1), per_day=500),
        ),
    ],
)
def test_caps_hold_also_when_nobody_wrote_any(write, limits, caps):
    text = HEAD.replace("+15005550006 }", f"+15005550006, limits: {limits} }}")

    assert write(text + "policies: { default: { steps: [{ call: ana }] } }\n").rules.caps == caps


@pytest.mark.parametrize(
    ("steps", "fallback"),
    [
        ("[{ call: primary }]", ("ana", "ben", "chi")),
        ("[{ call: dee }, { call: primary.next }]", ("dee", "ana", "ben", "chi")),
        ("[{ call: calendar }]", ("calendar",)),
        ("[{ call: calendar.next }, { call: ben, sms: calendar }]", ("calendar", "ben")),
        ("[{ sms: primary }]", ("ana", "ben", "chi")),
        ("[{ call: primary }, { sms: everyone }]", ("everyone",)),
    ],
    ids=["layers", "the next one", "a calendar", "its next one", "by text", "everyone"],
)
def test_the_fallback_is_everybody_whom_the_steps_or_their_schedules_name(write, steps, fallback):
    rules = write(HEAD + f"policies: {{ default: {{ steps: {steps} }} }}\n").rules

    assert rules.policies["default"].fallback == fallback


def test_a_person_is_on_call_as_the_file_says(write):
    rules = write(HEAD + "policies: { default: { steps: [{ call: primary }] } }\n").rules
    zone = ZoneInfo("UTC")
    moments = [
        datetime(2026, 1, 5, tzinfo=zone),
        datetime(2026, 1, 12, tzinfo=zone),
        datetime(2026, 12, 24, 23, 59, tzinfo=zone),
    ]

    found = [on_call_now(rules.schedules["primary"], rules.people, at) for at in moments]

    assert found == [("ana",), ("ben", "ana"), ("chi",)]


@pytest.mark.parametrize(
    ("zones", "start"),
    [
        ("timezone: Asia/Tokyo", datetime(2026, 12, 24, 9, tzinfo=UTC)),
        ("timezone: Europe/Berlin", datetime(2026, 12, 24, 17, tzinfo=UTC)),
    ],
)
def test_a_span_in_two_zones_is_held_against_itself_in_one(write, zones, start):
    end = f"{start + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}"
    away = f"{zones}, away: [{{ from: 2026-12-24 18:00, to: '{end}' }}]"
    text = HEAD.replace("dee: { ", f"dee: {{ {away}, ")

    rules = write(text + "policies: { default: { steps: [{ call: dee }] } }\n").rules

    assert rules.people["dee"].away[0].start == start


@pytest.mark.parametrize(
    ("target", "unused"),
    [("primary", ["people.dee"]), ("calendar", []), ("everyone", [])],
)
def test_nobody_is_called_unused_while_a_calendar_may_name_them(write, target, unused):
    loaded = write(HEAD + f"policies: {{ default: {{ steps: [{{ call: {target} }}] }} }}\n")

    assert [one.path for one in loaded.warnings if one.path.startswith("people")] == unused


# ---- coverage


COVERED = HEAD + "policies: { default: { steps: [{ call: primary }, { call: everyone }] } }\n"
WEEKDAYS = COVERED.replace("[ben, ana]] }]", "[ben, ana]], only: mon-fri 00:00-24:00 }]")
STRICT = WEEKDAYS.replace("    overrides:", "    require_coverage: true\n    overrides:")
NOW = datetime(2026, 11, 4, 12, tzinfo=UTC)


def gaps_told(problems):
    return [one for one in problems if "nobody is on call" in one.message]


def test_a_schedule_without_gaps_says_nothing(write):
    assert gaps_told(write(COVERED, now=NOW).warnings) == []


def test_a_gap_is_told_with_its_exact_hours_at_most_five_times(write):
    [told] = gaps_told(write(WEEKDAYS, now=NOW).warnings)

    assert told.path == "schedules.primary"
    assert told.message.startswith(
        "nobody is on call in the next 90 days: 2026-11-07 00:00+00:00 to 2026-11-09 00:00+00:00, "
    )
    assert told.message.count(" to ") == 5
    assert told.message.endswith(" and 8 more")


def test_only_the_next_ninety_days_count(write):
    text = COVERED.replace("starting: 2026-01-05", "starting: 2027-06-07")
    [told] = gaps_told(write(text, now=NOW).warnings)

    assert told.message.endswith("2026-12-25 00:00+00:00 to 2027-02-02 12:00+00:00")


def test_a_gap_where_coverage_is_required_is_an_error_and_comes_alone(write):
    with pytest.raises(ConfigError) as caught:
        write(STRICT, now=NOW)

    assert gaps_told(caught.value.problems) == list(caught.value.problems)
    assert not caught.value.problems[0].is_warning


def test_a_file_that_loads_today_loads_on_any_day(write):
    """Without a moment to ask about nobody looks at coverage: a daemon starts with its gaps."""
    assert gaps_told(write(STRICT).warnings) == []


def test_what_a_calendar_covers_is_not_asked_of_the_file(write):
    text = COVERED.replace("CALENDAR } } }", "CALENDAR } }, require_coverage: true }")

    assert gaps_told(write(text, now=NOW).warnings) == []


# ---- links


@pytest.mark.parametrize(
    "link", [CALENDAR, "https://user:word@calendar.example.net/a?key=b", "http://127.0.0.1:8080/a"]
)
def test_a_link_may_hold_what_other_addresses_may_not(write, link):
    loaded = write(COVERED, calendar=link)

    assert loaded.config.schedules["calendar"].ical.url.reveal() == link


@pytest.mark.parametrize(
    "link", ["http://calendar.example.net/s3cret", "s3cret", "https://[s3cret"]
)
def test_a_bad_link_is_refused_and_not_repeated(write, link):
    with pytest.raises(ConfigError) as caught:
        write(COVERED, calendar=link)

    assert "CALENDAR holds no link that can be used" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_without_secrets_a_link_is_taken_on_trust(write):
    assert write(COVERED, calendar="nonsense", secrets=False).rules.schedules["calendar"]
