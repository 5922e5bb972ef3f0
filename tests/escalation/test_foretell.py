"""What is foretold is what then happens: each prophecy is held against the next decision."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from escalator.escalation.alerts import Alert, AlertStatus
from escalator.escalation.assign import Place
from escalator.escalation.calls import CallOutcome
from escalator.escalation.decide import decide
from escalator.escalation.events import Action, AlertFired, Asked, Due, PageEnded, PagePlaced
from escalator.escalation.foretell import what_next
from escalator.escalation.holding import Hold
from escalator.escalation.rules import Person, Policy, Rules, Step

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PEOPLE = {
    key: Person(key=key, name=name, phones=("+491713920012",), language="en-US")
    for key, name in (("ana", "Ana Ortega"), ("ben", "Ben Shah"))
}


def rules_of(*targets: str, **policy) -> Rules:
    steps = tuple(Step(targets=(target,)) for target in targets)
    return Rules(people=PEOPLE, policies={"default": Policy(name="default", steps=steps, **policy)})


def opened(rules: Rules):
    alert = Alert(receiver="am", key="k", status=AlertStatus.FIRING, group="g")
    where = Place(policy="default", route="", group_key="g", severity="")
    event = AlertFired(alert=alert, place=where, known=None, fresh_id="1")
    return decide(rules, None, event, NOW).incident


def asked(rules: Rules, incident, action: Action):
    event = Asked(incident_id=incident.id, action=action, by="ana")
    return decide(rules, incident, event, NOW).incident


def test_a_whole_policy_goes_as_foretold():
    rules = rules_of("ana", "nobody", "everyone", repeat=2)
    incident = opened(rules)

    foretold = []
    for _ in range(5):
        coming = what_next(rules, incident)
        outcome = decide(rules, incident, Due(incident_id="1"), coming.at)
        assert coming.what == outcome.lines[-1].text.removeprefix("nobody acknowledged; ")
        foretold.append(coming.what)
        incident = outcome.incident

    assert foretold == [
        "step 3 of round 1: Ana Ortega, Ben Shah",
        "step 1 of round 2: Ana Ortega",
        "step 3 of round 2: Ana Ortega, Ben Shah",
        "ringing the fallback: Ana Ortega, Ben Shah",
        "ringing the fallback: Ana Ortega, Ben Shah",
    ]


def test_a_further_try_names_whom_it_rings():
    rules = rules_of("ana", "ben")
    incident = opened(rules)
    for event in (
        PagePlaced(incident_id="1", person="ana", call_id="c", to="+491713920012", joined=False),
        PageEnded(
            incident_id="1", person="ana", call_id="c", outcome=CallOutcome.NO_ANSWER, spent=True
        ),
    ):
        incident = decide(rules, incident, event, NOW).incident

    coming = what_next(rules, incident)

    assert (coming.at, coming.what) == (NOW + timedelta(minutes=2), "another try: Ana Ortega")
    assert what_next(rules, replace(incident, pages=())).what == "another try"


@pytest.mark.parametrize("action", [Action.RESOLVE, Action.ACKNOWLEDGE])
def test_what_is_taken_for_good_has_nothing_coming(action):
    rules = rules_of("ana")

    assert what_next(rules, asked(rules, opened(rules), action)) is None


def test_an_acknowledgement_that_runs_out_starts_at_the_first_step():
    rules = rules_of("ana", "ben", ack_timeout=timedelta(hours=1))
    incident = asked(rules, asked(rules, opened(rules), Action.ESCALATE), Action.ACKNOWLEDGE)

    coming = what_next(rules, incident)

    outcome = decide(rules, incident, Due(incident_id="1"), coming.at)
    first, step = outcome.lines[-1].text, outcome.lines[-2].text
    assert first == "Ana Ortega, who acknowledged it, is asked first"
    assert coming.what == f"the acknowledgement runs out; Ana Ortega is asked first; {step}"
    assert coming.at == NOW + timedelta(hours=1)


def test_a_snooze_ends_at_the_first_step():
    rules = rules_of("ana")
    incident = asked(rules, opened(rules), Action.SNOOZE)

    coming = what_next(rules, incident)

    assert coming.what == "the snooze ends; step 1 of round 1: Ana Ortega"


def test_a_policy_that_reaches_nobody_foretells_the_fallback():
    rules = rules_of("ana", "ben", fallback=("ben",))
    incident = opened(rules)
    gone = rules_of("cyd", "dee", fallback=("ben",))

    assert what_next(gone, incident).what == "ringing the fallback: Ben Shah"


def test_without_anybody_the_fallback_is_nobody():
    rules = rules_of("ana")

    assert (
        what_next(replace(rules, people={}), opened(rules)).what == "ringing the fallback: nobody"
    )


def test_a_held_incident_is_asked_about_and_no_end_is_promised():
    rules = rules_of("ana")
    where = Place(
        policy="default",
        route="",
        group_key="g",
        severity="",
        hold=Hold(why="silence s1", until=None),
    )
    alert = Alert(receiver="am", key="k", status=AlertStatus.FIRING, group="g")
    event = AlertFired(alert=alert, place=where, known=None, fresh_id="1")

    coming = what_next(rules, decide(rules, None, event, NOW).incident)

    assert coming.what == (
        "asked again whether it is still held (silence s1); step 1 of round 1: Ana Ortega"
    )
