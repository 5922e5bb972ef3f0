"""What is added while the daemon runs lies on top of the config, and never names what the config has not."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playbook import policy, rules

from escalator.escalation.live import Live, with_live
from escalator.escalation.matchers import parse_matcher
from escalator.escalation.schedules import CalendarEvent, Override, Schedule
from escalator.escalation.silences import Silence

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
END = START + timedelta(hours=2)
WRITTEN = Override(schedule="primary", person="ana", start=START, end=END)
LAYERS = Schedule(name="primary", zone=ZoneInfo("UTC"), overrides=(WRITTEN,))
CALENDAR = Schedule(name="platform", zone=ZoneInfo("UTC"), events=())
CONFIG = rules(policy("ana"), schedules={"primary": LAYERS, "platform": CALENDAR})


def override(person: str = "ben", schedule: str = "primary") -> Override:
    return Override(schedule=schedule, person=person, start=START, end=END, id="o1")


def test_live_overrides_come_after_those_of_the_file():
    found = with_live(CONFIG, Live(overrides=(override(), override("dee"))))

    assert found.schedules["primary"].overrides == (WRITTEN, override(), override("dee"))
    assert found.schedules["platform"] == CALENDAR


def test_what_the_config_does_not_have_any_more_is_left_out():
    gone = Live(overrides=(override("zoe"), override(schedule="secondary")))

    assert with_live(CONFIG, gone).schedules == CONFIG.schedules


def test_silences_and_calendars_are_the_live_ones():
    silence = Silence(id="s", matchers=(parse_matcher('a="b"'),), start=START, end=END)
    event = CalendarEvent(start=START, end=END, people=("ana",))
    live = Live(silences=(silence,), calendars={"platform": (event,), "primary": (event,)})

    found = with_live(CONFIG, live)

    assert found.silences == (silence,)
    assert found.schedules["platform"].events == (event,)
    assert found.schedules["primary"].events is None
