"""The table of phases and events, cell by cell, and what is said of each."""

from dataclasses import replace
from datetime import timedelta

import pytest
from memory import firing_on_file
from playbook import Playbook, alert_of, policy, rules, span, step
from world import START

from escalator.escalation.alerts import AlertStatus, Known
from escalator.escalation.assign import Place
from escalator.escalation.calls import CallOutcome
from escalator.escalation.decide import decide, summary_of, title_of
from escalator.escalation.events import (
    Action,
    AlertCleared,
    AlertFired,
    Asked,
    Due,
    PageEnded,
    PagePassed,
    PagePlaced,
    Stuck,
)
from escalator.escalation.incidents import Outcome, PageState, Phase
from escalator.escalation.rules import OnNewAlerts

TABLE = rules(policy("ana", "ben", repeat=1, fallback=("dee",), ack_timeout=timedelta(hours=1)))
PHASES = (Phase.TRIGGERED, Phase.ACKNOWLEDGED, Phase.SNOOZED, Phase.EXHAUSTED, Phase.RESOLVED)


def in_phase(phase, config=TABLE, severity="warning"):
    """An incident that one alert brought there; whoever was called for it has been seen."""
    page = Playbook(config).alert("disk-full", severity=severity).rings("ana")
    match phase:
        case Phase.ACKNOWLEDGED:
            page.asks(Action.ACKNOWLEDGE).hangs_up("ana")
        case Phase.SNOOZED:
            page.asks(Action.SNOOZE, until=START + span("1h")).hangs_up("ana")
        case Phase.EXHAUSTED:
            page.after("5m").rings("ben").after("5m").rings("dee")
        case Phase.RESOLVED:
            page.resolves("disk-full").hangs_up("ana")
    return page.is_in(phase)


def with_policy(**keys):
    return rules(policy("ana", "ben", repeat=1, fallback=("dee",), **keys))


# ---- no incident yet


def test_the_first_firing_alert_opens_an_incident_and_rings_step_0():
    with Playbook(TABLE) as page:
        page.alert("disk-full", group="storage", room="b12").rings("ana")

        page.is_in(Phase.TRIGGERED).notes("triggered", "step", "call_placed")
        incident = page.incident()
        assert (incident.step, incident.round, incident.firing) == (0, 1, 1)
        assert (incident.receiver, incident.policy, incident.route) == ("prod", "default", "")
        assert (incident.title, incident.severity) == ("disk-full", "critical")
        assert incident.created_at == START


@pytest.mark.parametrize(
    "event",
    [
        Due(incident_id="i"),
        Asked(incident_id="i", action=Action.ACKNOWLEDGE),
        PageEnded(incident_id="i", person="ana", call_id="c", outcome=CallOutcome.BUSY, spent=True),
        PagePassed(incident_id="i", person="ana", reason="gone"),
        AlertCleared(alert=alert_of("disk-full", firing=False)),
    ],
    ids=lambda event: type(event).__name__,
)
def test_without_an_incident_nothing_else_happens(event):
    assert decide(TABLE, None, event, START) == Outcome(incident=None)


def test_a_resolved_alert_that_nobody_knew_opens_nothing():
    with Playbook(TABLE) as page:
        page.resolves("disk-full").stays_quiet().has_incidents(0)


# ---- alert fires


@pytest.mark.parametrize("phase", PHASES[:-1])
def test_a_firing_alert_that_fires_already_is_only_refreshed(phase):
    page = in_phase(phase)

    with page:
        page.alert("disk-full", severity="warning").is_in(phase).has_incidents(1)
        assert page.incident().firing == 1


@pytest.mark.parametrize("phase", PHASES[:-1])
def test_a_second_alert_of_the_group_joins_the_incident(phase):
    page = in_phase(phase)
    group = page.incident().group_key

    with page:
        page.alert("disk-slow", group=group, severity="info").notes("alert_fired")
        page.is_in(phase).has_incidents(1)
        assert page.incident().firing == 2
        assert page.incident().severity == "warning", "the worst stays"


def test_a_worse_alert_changes_the_severity_of_a_triggered_incident_and_nothing_else():
    with in_phase(Phase.TRIGGERED) as page:
        page.alert("disk-full", severity="critical").stays_quiet()
        assert page.incident().severity == "critical"


@pytest.mark.parametrize("phase", [Phase.ACKNOWLEDGED, Phase.SNOOZED, Phase.EXHAUSTED])
@pytest.mark.parametrize(
    ("mode", "is_new", "severity", "wakes"),
    [
        (OnNewAlerts.WORSE, False, "critical", True),
        (OnNewAlerts.WORSE, True, "critical", True),
        (OnNewAlerts.WORSE, True, "nobody-knows", True),
        (OnNewAlerts.WORSE, True, "warning", False),
        (OnNewAlerts.PAGE, True, "info", True),
        (OnNewAlerts.PAGE, False, "critical", False),
        (OnNewAlerts.NOTE, True, "critical", False),
        (OnNewAlerts.NOTE, False, "critical", False),
    ],
)
def test_on_new_alerts_says_what_wakes_an_incident(phase, mode, is_new, severity, wakes):
    page = in_phase(phase, with_policy(on_new_alerts=mode))
    name = "disk-slow" if is_new else "disk-full"

    with page:
        page.alert(name, severity=severity, group=page.incident().group_key)
        if wakes:
            page.rings("ana").is_in(Phase.TRIGGERED).notes("woken")
            assert page.incident().step == 0
        else:
            page.stays_quiet().is_in(phase)


def test_worse_counts_from_what_it_was_when_somebody_took_it():
    with in_phase(Phase.ACKNOWLEDGED) as page:
        page.alert("disk-full", severity="error").rings("ana")
        page.presses("ana", "4").is_acknowledged_by("ana")
        page.alert("disk-full", severity="error").stays_quiet()
        page.alert("disk-full", severity="critical").rings("ana")


def test_an_alert_that_resolved_and_fires_again_in_an_open_incident_is_counted_once():
    with in_phase(Phase.ACKNOWLEDGED) as page:
        group = page.incident().group_key
        page.alert("disk-slow", group=group, severity="info").resolves("disk-slow", group=group)
        assert (page.incident().firing, page.incident().resolved) == (1, 1)

        page.alert("disk-slow", group=group, severity="info").notes("alert_fired")
        assert (page.incident().firing, page.incident().resolved) == (2, 0)
        assert firing_on_file(page.world.memory, page.incident().id) == 2


def test_a_missing_severity_counts_as_the_worst():
    with in_phase(Phase.ACKNOWLEDGED) as page:
        page.alert("disk-slow", group=page.incident().group_key, severity=None).rings("ana")
        assert page.incident().severity == ""


# ---- due


def test_a_triggered_incident_goes_to_the_next_step_and_then_to_exhausted():
    with in_phase(Phase.TRIGGERED) as page:
        page.after("5m").rings("ben").is_in(Phase.TRIGGERED)
        page.after("5m").rings("dee").is_in(Phase.EXHAUSTED).notes("exhausted", "fallback")


def test_an_acknowledgement_that_runs_out_triggers_again():
    with in_phase(Phase.ACKNOWLEDGED) as page:
        page.after("59m").stays_quiet()
        page.after("1m").rings("ana").is_in(Phase.TRIGGERED).notes("ack_timeout")


def test_an_acknowledgement_without_an_end_has_no_timer():
    with in_phase(Phase.ACKNOWLEDGED, with_policy()) as page:
        page.after("90d").stays_quiet()
        assert page.incident().due_at is None


def test_a_snooze_that_is_over_triggers_at_step_0():
    with in_phase(Phase.SNOOZED) as page:
        page.after("59m").stays_quiet()
        page.after("1m").rings("ana").is_in(Phase.TRIGGERED).notes("snooze_over")


def test_the_fallback_is_rung_again_for_ever():
    with in_phase(Phase.EXHAUSTED) as page:
        page.after("10m").rings("dee").is_in(Phase.EXHAUSTED)
        page.after("24h").rings(*["dee"] * 144)


@pytest.mark.parametrize("phase", PHASES)
def test_a_timer_that_comes_too_early_changes_nothing(phase):
    page = in_phase(phase)
    before = page.incident()

    with page:
        page.world.submit(Due(incident_id=before.id))
        page.stays_quiet()
        assert page.incident().phase is phase
        assert page.incident().due_at == before.due_at


# ---- acknowledge


@pytest.mark.parametrize(("phase", "who"), [(Phase.TRIGGERED, "ana"), (Phase.EXHAUSTED, "dee")])
def test_a_key_acknowledges(phase, who):
    with in_phase(phase) as page:
        page.presses(who, "4").is_acknowledged_by(who).notes("acknowledged")
        assert page.incident().acknowledged_at == page.world.now
        assert page.incident().pages == ()


@pytest.mark.parametrize("phase", [Phase.TRIGGERED, Phase.SNOOZED, Phase.EXHAUSTED])
def test_an_operator_acknowledges(phase):
    page = in_phase(phase)
    live = {Phase.TRIGGERED: ("ana",), Phase.EXHAUSTED: ("dee",)}.get(phase, ())

    with page:
        page.asks(Action.ACKNOWLEDGE, by="cy", text="on it").hangs_up(*live)
        page.is_acknowledged_by("cy")
        assert page.world.memory.timeline[-1][2].text == "acknowledged by Cy: on it"


def test_an_acknowledgement_ends_the_calls_to_the_others():
    with Playbook(rules(policy(step("ana", "ben", "cy")))) as page:
        page.alert("disk-full").rings("ana", "ben", "cy")
        page.presses("ben", "4").is_acknowledged_by("ben").hangs_up("ana", "cy")
        page.after("24h").stays_quiet()


def test_of_two_who_press_at_once_one_has_it_and_both_are_on_record():
    """(W28)"""
    with Playbook(rules(policy(step("ana", "ben")))) as page:
        page.alert("disk-full").rings("ana", "ben").answers("ana").answers("ben")
        page.presses("ana", "4").is_acknowledged_by("ana")
        page.presses("ben", "4").is_acknowledged_by("ana").notes("also_acknowledged")


def test_an_operator_who_acknowledges_what_another_has_is_noted_and_the_same_one_is_not():
    with in_phase(Phase.ACKNOWLEDGED) as page:
        page.asks(Action.ACKNOWLEDGE, by="cy").is_acknowledged_by("ana").notes("also_acknowledged")
        lines = len(page.world.memory.timeline)
        page.asks(Action.ACKNOWLEDGE, by="ana").is_acknowledged_by("ana")
        assert len(page.world.memory.timeline) == lines


def test_an_acknowledgement_without_a_name_is_by_somebody():
    with in_phase(Phase.TRIGGERED) as page:
        page.asks(Action.ACKNOWLEDGE, by=None).hangs_up("ana")
        assert page.world.memory.timeline[-1][2].text == "acknowledged by somebody"


def test_pressing_acknowledge_after_the_page_is_over_and_nobody_has_it_changes_nothing():
    with in_phase(Phase.TRIGGERED) as page:
        page.asks(Action.ALSO, by="ben").stays_quiet().is_in(Phase.TRIGGERED)


# ---- pass on


def test_the_pass_on_key_rings_the_next_step_now():
    with in_phase(Phase.TRIGGERED) as page:
        page.presses("ana", "5").rings("ben").is_in(Phase.TRIGGERED).notes("passed_on")
        assert page.incident().step == 1
        page.after("4m").stays_quiet()


@pytest.mark.parametrize("phase", [Phase.ACKNOWLEDGED, Phase.SNOOZED])
def test_passing_on_what_was_put_aside_triggers_the_next_step(phase):
    with in_phase(phase) as page:
        page.asks(Action.ESCALATE).rings("ben").is_in(Phase.TRIGGERED)


def test_passing_on_when_the_fallback_rings_already_is_a_note():
    with in_phase(Phase.EXHAUSTED) as page:
        page.presses("dee", "5").stays_quiet().is_in(Phase.EXHAUSTED).notes("late")


def test_passing_on_from_the_last_step_of_the_last_round_rings_the_fallback():
    with in_phase(Phase.TRIGGERED) as page:
        page.presses("ana", "5").rings("ben")
        page.presses("ben", "5").rings("dee").is_in(Phase.EXHAUSTED)


# ---- a page ended, not acknowledged


def test_a_call_that_reached_nobody_is_tried_again_within_the_step():
    with Playbook(rules(policy(step("ana", retry="1m", wait="3m"), "ben"))) as page:
        page.alert("disk-full").rings("ana").after("59s").stays_quiet().after("1s").rings("ana")
        page.after("1m").rings("ana").after("1m").rings("ben")


def test_the_end_of_a_call_that_a_page_is_not_in_changes_nothing():
    page = in_phase(Phase.TRIGGERED)
    other = PageEnded(
        incident_id=page.incident().id,
        person="ana",
        call_id="another",
        outcome=CallOutcome.FAILED,
        spent=True,
    )
    before = page.incident()

    with page:
        page.world.submit(other)
        page.stays_quiet()
        assert page.incident().pages == before.pages


def test_the_end_of_a_call_says_how_it_ended():
    with in_phase(Phase.TRIGGERED) as page:
        page.after("25s").stays_quiet()
        assert page.world.memory.timeline[-1][2].text == "Ana: no-answer"


# ---- passed over


def test_a_person_who_is_passed_over_makes_way_for_the_next_step():
    incident = decide(TABLE, None, fired(), START).incident

    outcome = decide(
        TABLE, incident, PagePassed(incident_id="i", person="ana", reason="cap"), START
    )

    assert outcome.incident.step == 1
    assert [page.person for page in outcome.incident.pages] == ["ben"]
    assert "passed_over" in [line.event for line in outcome.lines]


@pytest.mark.parametrize("person", ["ben", "ana"], ids=["no page", "in a call"])
def test_only_a_due_page_is_passed_over(person):
    incident = decide(TABLE, None, fired(), START).incident
    placed = PagePlaced(incident_id="i", person="ana", call_id="c", to="+1", joined=False)
    incident = decide(TABLE, incident, placed, START).incident

    outcome = decide(TABLE, incident, PagePassed(incident_id="i", person=person, reason="x"), START)

    assert outcome.incident == incident
    assert outcome.lines == ()


# ---- placed


def test_only_a_due_page_can_be_placed():
    incident = decide(TABLE, None, fired(), START).incident
    placed = PagePlaced(incident_id="i", person="ana", call_id="c", to="+1", joined=False)
    nobody = PagePlaced(incident_id="i", person="ben", call_id="c", to="+1", joined=False)

    once = decide(TABLE, incident, placed, START).incident

    assert once.page_of("ana").state is PageState.CALLING
    assert once.last_placed_at == START
    with pytest.raises(AssertionError, match="only a due page"):
        decide(TABLE, once, placed, START)
    with pytest.raises(AssertionError, match="that there is"):
        decide(TABLE, once, nobody, START)


# ---- all resolved


@pytest.mark.parametrize("phase", PHASES[:-1])
def test_when_nothing_fires_any_more_the_incident_is_resolved(phase):
    page = in_phase(phase)
    live = {Phase.TRIGGERED: ("ana",), Phase.EXHAUSTED: ("dee",)}.get(phase, ())

    with page:
        page.resolves("disk-full").hangs_up(*live).is_in(Phase.RESOLVED).notes("resolved")
        incident = page.incident()
        assert (incident.resolved_at, incident.resolved_by) == (page.world.now, None)
        assert incident.due_at is None
        assert (incident.firing, incident.resolved) == (0, 1)
        page.after("24h").stays_quiet()


def test_while_something_fires_the_incident_stays_open():
    with in_phase(Phase.TRIGGERED) as page:
        page.alert("disk-slow", group=page.incident().group_key)
        page.resolves("disk-full").is_in(Phase.TRIGGERED).notes("alert_resolved").stays_quiet()
        assert (page.incident().firing, page.incident().resolved) == (1, 1)


def test_an_alert_that_resolves_twice_is_counted_once():
    with in_phase(Phase.TRIGGERED) as page:
        page.alert("disk-slow", group=page.incident().group_key)
        page.resolves("disk-full").resolves("disk-full").stays_quiet()
        assert (page.incident().firing, page.incident().resolved) == (1, 1)


# ---- resolved


@pytest.mark.parametrize(
    "action", [Action.ACKNOWLEDGE, Action.ESCALATE, Action.SNOOZE, Action.RESOLVE]
)
def test_whatever_is_asked_of_a_resolved_incident_is_a_note(action):
    with in_phase(Phase.RESOLVED) as page:
        page.asks(action).stays_quiet().is_in(Phase.RESOLVED).notes("late")


def test_a_key_pressed_after_the_incident_is_resolved_changes_nothing():
    """(W27)"""
    with in_phase(Phase.TRIGGERED) as page:
        page.answers("ana").resolves("disk-full").stays_quiet()
        page.presses("ana", "4").is_in(Phase.RESOLVED).stays_quiet()


# ---- resolve, snooze, note by people


def test_a_person_resolves():
    with in_phase(Phase.TRIGGERED) as page:
        page.presses("ana", "6").is_in(Phase.RESOLVED).after("1h").stays_quiet()
        assert page.incident().resolved_by == "ana"


def test_an_operator_without_a_name_who_resolves_is_the_operator():
    with in_phase(Phase.TRIGGERED) as page:
        page.asks(Action.RESOLVE, by=None).hangs_up("ana")
        assert page.incident().resolved_by == "operator"


def test_a_snooze_without_an_end_lasts_as_the_policy_says():
    with in_phase(Phase.TRIGGERED, with_policy(snooze=timedelta(minutes=20))) as page:
        page.asks(Action.SNOOZE).hangs_up("ana").is_in(Phase.SNOOZED).notes("snoozed")
        page.after("19m").stays_quiet().after("1m").rings("ana")


def test_a_note_is_written_down_in_every_phase():
    with in_phase(Phase.RESOLVED) as page:
        page.asks(Action.NOTE, by="ops", text="cable pulled").notes("note")
        assert page.world.memory.timeline[-1][2].text == "cable pulled"


# ---- what the auditor found


@pytest.mark.parametrize(
    ("phase", "rung"),
    [
        (Phase.TRIGGERED, "ana"),
        (Phase.EXHAUSTED, "dee"),
        (Phase.SNOOZED, "ana"),
        (Phase.ACKNOWLEDGED, None),
        (Phase.RESOLVED, None),
    ],
)
def test_an_incident_that_lost_its_pages_and_its_timer_is_begun_anew(phase, rung):
    page = in_phase(phase).after("30s")
    memory = page.world.memory
    memory.incidents[page.incident().id] = replace(
        page.incident(), pages=(), until=None, due_at=None
    )

    with page:
        page.world.submit(Stuck(incident_id=page.incident().id, what="it had no timer"))
        page.notes("stuck").after("4m59s").rings(*[rung] * (rung is not None))


def test_what_the_auditor_begins_anew_takes_back_the_calls_under_way():
    with in_phase(Phase.TRIGGERED) as page:
        page.world.submit(Stuck(incident_id=page.incident().id, what="it was odd"))
        page.after("1s").hangs_up("ana")


# ---- the same again


def test_the_same_rules_incident_event_and_time_give_the_same_outcome():
    incident = decide(TABLE, None, fired(), START).incident
    event = Asked(incident_id="i", action=Action.ACKNOWLEDGE, by="ana")

    assert decide(TABLE, incident, event, START) == decide(TABLE, incident, event, START)


# ---- what an alert is called


@pytest.mark.parametrize(
    ("labels", "annotations", "title"),
    [
        ({"alertname": "DiskFull"}, {"summary": "0 bytes"}, "DiskFull"),
        ({}, {"summary": "0 bytes", "description": "long"}, "0 bytes"),
        ({}, {"description": "long"}, "long"),
        ({}, {"summary": ""}, "key-1"),
    ],
)
def test_an_alert_is_called_by_its_name_else_what_it_says_else_its_key(labels, annotations, title):
    alert = alert_of("key-1")
    alert = type(alert)(
        receiver="prod",
        key="key-1",
        status=alert.status,
        group="",
        labels=labels,
        annotations=annotations,
    )

    assert title_of(alert) == title
    assert summary_of(alert) == next((text for text in annotations.values() if text), "")


def fired(known=None):
    where = Place(policy="default", route="", group_key="g", severity="critical")
    return AlertFired(alert=alert_of("disk-full"), place=where, known=known, fresh_id="i")


def test_the_first_alert_of_an_incident_is_not_counted_twice_when_it_comes_again():
    incident = decide(TABLE, None, fired(), START).incident
    known = Known(incident_id="i", status=AlertStatus.FIRING, severity="critical")

    again = decide(TABLE, incident, fired(known), START)

    assert again.incident.firing == 1
    assert again.lines == ()
    assert not again.is_new
