"""Held incidents: stored, shown, and nobody is rung until something is held by nothing."""

from dataclasses import replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from playbook import Playbook, policy, route, rules, span
from world import START

from escalator.escalation.events import Action
from escalator.escalation.incidents import Phase
from escalator.escalation.intervals import TimeInterval, TimeOfDay
from escalator.escalation.matchers import parse_matcher
from escalator.escalation.silences import Silence

BERLIN = ZoneInfo("Europe/Berlin")
# The stories begin on a Sunday at 04:00 in Berlin; the morning begins an hour later.
MORNING = {"morning": (TimeInterval(zone=BERLIN, times=(TimeOfDay(start=time(5), end=time(12)),)),)}


def silence(lasts: str, matcher: str = 'alertname=~".+"', name: str = "s1") -> Silence:
    return Silence(
        id=name, matchers=(parse_matcher(matcher),), start=START, end=START + span(lasts)
    )


def silenced(*silences: Silence, **keys):
    return rules(policy("ana", **keys), silences=silences)


def test_a_silenced_alert_pages_when_the_silence_ends_and_it_still_fires():
    with Playbook(silenced(silence("2h"))) as page:
        page.alert("disk-full").stays_quiet().is_in(Phase.SNOOZED).notes("triggered", "held")
        page.after("119m").stays_quiet()
        page.after("1m").rings("ana").notes("hold_over")
        page.presses("ana", "4").is_acknowledged_by("ana")


def test_a_silenced_alert_that_resolves_rings_nobody_ever():
    with Playbook(silenced(silence("2h"))) as page:
        page.alert("disk-full").stays_quiet()
        page.resolves("disk-full").is_in(Phase.RESOLVED)
        page.after("24h").stays_quiet()


def test_an_alert_that_nothing_holds_triggers_at_once():
    with Playbook(silenced(silence("2h", 'alertname="disk-full"'))) as page:
        page.alert("disk-full", group="g").stays_quiet()
        page.alert("cpu-hot", group="g").rings("ana").is_in(Phase.TRIGGERED)
        page.presses("ana", "4")


def test_of_two_silences_the_one_that_ends_first_counts():
    first = silence("1h", 'alertname="cpu-hot"', "s2")
    with Playbook(silenced(silence("2h", 'alertname="disk-full"'), first)) as page:
        page.alert("disk-full", group="g").stays_quiet()
        page.alert("cpu-hot", group="g").stays_quiet()
        page.after("1h").rings("ana").presses("ana", "4")


def test_what_is_over_when_its_silence_ends_does_not_count():
    first = silence("1h", 'alertname="cpu-hot"', "s2")
    with Playbook(silenced(silence("2h", 'alertname="disk-full"'), first)) as page:
        page.alert("disk-full", group="g").alert("cpu-hot", group="g").stays_quiet()
        page.resolves("cpu-hot", group="g").stays_quiet()
        page.after("1h").stays_quiet().is_in(Phase.SNOOZED)
        page.after("1h").rings("ana").presses("ana", "4")


def test_a_longer_silence_holds_longer_and_one_that_is_taken_away_lets_go_at_once():
    with Playbook(silenced(silence("1h"))) as page:
        page.alert("disk-full").stays_quiet()
        page.reloads(silenced(silence("3h"))).stays_quiet()
        page.after("2h").stays_quiet()
        page.reloads(silenced()).rings("ana").presses("ana", "4")


def test_a_silence_does_not_touch_what_is_open():
    with Playbook(silenced()) as page:
        page.alert("disk-full").rings("ana")
        page.reloads(silenced(silence("2h"))).stays_quiet()
        page.after("5m").rings("ana").presses("ana", "4")


def test_a_held_alert_wakes_nobody():
    with Playbook(silenced(silence("2h", 'alertname="oom"'))) as page:
        page.alert("disk-full", severity="warning", group="g").rings("ana")
        page.presses("ana", "4").is_acknowledged_by("ana")
        page.alert("oom", severity="critical", group="g").stays_quiet()
        assert page.incident().severity == "warning"
        page.is_in(Phase.ACKNOWLEDGED)


def test_a_held_incident_can_be_acknowledged_and_then_nothing_holds_it():
    with Playbook(silenced(silence("1h"))) as page:
        page.alert("disk-full").stays_quiet()
        page.asks(Action.ACKNOWLEDGE).is_acknowledged_by("ana")
        page.after("2h").stays_quiet()
        assert page.incident().held == ""


def test_a_snooze_of_a_held_incident_is_a_persons():
    with Playbook(silenced(silence("1h"))) as page:
        page.alert("disk-full").asks(Action.SNOOZE, until=START + timedelta(hours=4))
        page.after("3h").stays_quiet()
        page.after("1h").rings("ana").presses("ana", "4")


def test_an_incident_that_flaps_while_held_stays_held_and_rings_when_nothing_holds_it():
    with Playbook(silenced(silence("1h"))) as page:
        page.alert("disk-full").resolves("disk-full").is_in(Phase.RESOLVED)
        page.alert("disk-full").is_in(Phase.SNOOZED).has_incidents(1).stays_quiet()
        page.resolves("disk-full").reloads(silenced())
        page.alert("disk-full").has_incidents(1).rings("ana").presses("ana", "4")


def test_an_acknowledged_incident_that_flaps_under_a_silence_stays_acknowledged():
    with Playbook(silenced()) as page:
        page.alert("disk-full").rings("ana").presses("ana", "4")
        page.resolves("disk-full").reloads(silenced(silence("1h")))
        page.alert("disk-full").is_in(Phase.ACKNOWLEDGED).stays_quiet()


def test_a_policy_with_hours_waits_for_them():
    office = policy("ana", name="office", during=("morning",))
    routes = (route('alertname="disk-full"', "office"),)
    with Playbook(rules(office, routes=routes, time_intervals=MORNING)) as page:
        page.alert("disk-full").stays_quiet().is_in(Phase.SNOOZED)
        page.after("1h").rings("ana").presses("ana", "4")


def test_outside_its_hours_another_policy_may_act_and_keeps_what_it_has():
    office = policy("ana", name="office", during=("morning",), otherwise="night")
    night = policy("ben", name="night")
    routes = (route('alertname="disk-full"', "office"),)
    with Playbook(rules(office, night, routes=routes, time_intervals=MORNING)) as page:
        page.alert("disk-full").rings("ben")
        page.presses("ben", "4").is_acknowledged_by("ben")
        page.after("2h").stays_quiet()
        page.alert("disk-full").stays_quiet().is_acknowledged_by("ben").has_incidents(1)
        assert page.incident().policy == "night"


def test_an_incident_of_the_morning_is_not_handed_to_the_night():
    office = policy("ana", name="office", during=("morning",), otherwise="none")
    routes = (route('alertname="disk-full"', "office"),)
    with Playbook(rules(office, routes=routes, time_intervals=MORNING)) as page:
        page.alert("disk-full").has_incidents(0).stays_quiet()
        page.after("1h").stays_quiet()
        page.alert("disk-full").has_incidents(1).rings("ana").presses("ana", "4")
        page.after("8h").alert("disk-full").is_acknowledged_by("ana").has_incidents(1)


def test_a_muted_route_holds_and_says_why():
    routes = (route('alertname="disk-full"', "default", active=("morning",)),)
    with Playbook(rules(policy("ana"), routes=routes, time_intervals=MORNING)) as page:
        page.alert("disk-full").stays_quiet()
        assert page.incident().held == "route to default is not active"
        page.after("1h").rings("ana").presses("ana", "4")


def test_a_hold_without_an_end_in_sight_is_asked_about_within_the_month():
    never = {"never": (TimeInterval(zone=BERLIN, years=((2019, 2019),)),)}
    config = rules(policy("ana", during=("never",)), time_intervals=never)
    with Playbook(config) as page:
        page.alert("disk-full").stays_quiet()
        assert page.incident().until == START + timedelta(days=30)
        page.after("31d").stays_quiet().is_in(Phase.SNOOZED)
        page.reloads(replace(config, policies=rules(policy("ana")).policies)).rings("ana")
        page.presses("ana", "4")
