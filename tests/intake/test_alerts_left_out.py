"""What `max_alerts` keeps out of a message closes nothing: from the captured bodies to the incident."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from memory import Memory

from escalator.escalation.events import AlertReceived
from escalator.escalation.incidents import Incident, Phase
from escalator.escalation.rules import Person, Policy, Rules, Step
from escalator.intake import read

PAYLOADS = Path(__file__).parents[1] / "payloads"
NOW = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
RULES = Rules(
    people={"ana": Person(key="ana", name="Ana", phones=("+491713920012",), language="en")},
    policies={"default": Policy(name="default", steps=(Step(targets=("ana",)),))},
)


def received(memory: Memory, body: dict, minute: int) -> Incident | None:
    intake = read("am", "alertmanager", json.dumps(body).encode(), "application/json", NOW)
    events = [AlertReceived(alert=alert, fresh_id=f"i{minute}") for alert in intake.alerts]
    return memory.apply(RULES, NOW + timedelta(minutes=minute), *events)[-1].incident


def body(name: str) -> dict:
    return json.loads((PAYLOADS / name).read_text())


def test_a_message_that_leaves_alerts_out_resolves_nothing_it_does_not_list():
    memory = Memory()
    received(memory, body("alertmanager_truncated_firing.json"), 0)

    incident = received(memory, body("alertmanager_truncated_resolved.json"), 1)

    assert incident is not None
    assert (incident.phase, incident.firing, incident.resolved) == (Phase.TRIGGERED, 0, 2)
    assert incident.due_at is not None
    assert memory.timeline[-1][2].event == "left_out"


def test_the_first_whole_message_of_the_group_closes_it():
    memory = Memory()
    received(memory, body("alertmanager_truncated_firing.json"), 0)
    received(memory, body("alertmanager_truncated_resolved.json"), 1)
    last = body("alertmanager_truncated_resolved.json") | {"truncatedAlerts": 0}
    last["alerts"] = [last["alerts"][0] | {"fingerprint": "00000000000000aa"}]

    incident = received(memory, last, 2)

    assert incident is not None
    assert incident.phase is Phase.RESOLVED


def test_a_whole_message_closes_nothing_while_something_fires():
    memory = Memory()
    received(memory, body("alertmanager_truncated_firing.json"), 0)
    last = body("alertmanager_truncated_resolved.json") | {"truncatedAlerts": 0}
    last["alerts"] = [last["alerts"][0] | {"fingerprint": "00000000000000aa"}]

    received(memory, last, 2)

    [incident] = memory.incidents.values()
    assert (incident.phase, incident.firing) == (Phase.TRIGGERED, 2)
