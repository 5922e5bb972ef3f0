"""Which messages go next: one a number, the worst first, ten seconds apart."""

from datetime import UTC, datetime, timedelta

from escalator.escalation.bundling import REST, Bundle, DueText, PassedOver, bundle
from escalator.escalation.messages import Told
from escalator.escalation.rules import Person, Rules

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PEOPLE = {
    key: Person(key=key, name=key, phones=(f"+49{key}",), language="en")
    for key in ("ana", "ben", "chi")
}
NUMBERS = {"ana": "+1", "ben": "+2", "chi": "+1"}
RULES = Rules(people=PEOPLE, policies={})


def due(incident, person="ana", severity="critical", at=NOW, **more):
    return DueText(incident_id=incident, person=person, severity=severity, due_at=at, **more)


def told(incident, person="ana"):
    return Told(incident_id=incident, person=person)


def test_people_of_one_number_share_a_message_the_worst_first():
    texts = [due("i1", severity="warning"), due("i2", "chi"), due("i3", "ben", at=NOW - SECOND)]
    assert bundle(RULES, texts, NUMBERS, {}) == [
        Bundle(to="+2", tells=(told("i3", "ben"),), not_before=NOW - SECOND),
        Bundle(to="+1", tells=(told("i2", "chi"), told("i1")), not_before=NOW),
    ]


def test_an_incident_that_is_owed_twice_is_told_once():
    [one] = bundle(RULES, [due("i1"), due("i1", at=NOW - SECOND)], NUMBERS, {})
    assert one.tells == (told("i1"),)


def test_a_question_comes_after_what_rings():
    texts = [due("i1", is_stale=True), due("i2", severity="info")]
    [one] = bundle(RULES, texts, NUMBERS, {})
    assert one.tells == (told("i2"), told("i1"))


def test_a_number_rests_after_a_message_and_waits_for_one_under_way():
    [one] = bundle(RULES, [due("i1")], NUMBERS, {"+1": NOW - SECOND})
    assert one.not_before == NOW - SECOND + REST
    assert bundle(RULES, [due("i1")], NUMBERS, {"+1": None}) == []


def test_who_cannot_be_written_to_is_passed_over():
    found = bundle(RULES, [due("i1", "dee"), due("i2", "ben")], {"ana": "+1"}, {})
    assert found == [
        PassedOver(told=told("i1", "dee"), reason="no longer in the config"),
        PassedOver(told=told("i2", "ben"), reason="no number to write to"),
    ]
