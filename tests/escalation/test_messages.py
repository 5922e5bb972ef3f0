"""What can be asked of a message's value."""

from datetime import UTC, datetime

from escalator.escalation.messages import PENDING, WITH_CARRIER, Message, MessageState, Told

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def told(incident, person="ana"):
    return Told(incident_id=incident, person=person)


def message(**more):
    given = {
        "id": "m",
        "person": "ana",
        "to": "+491713920012",
        "body": "x",
        "created_at": NOW,
        "tells": (told("i1"),),
        **more,
    }
    return Message(**given)


def test_an_incident_that_is_told_to_two_people_is_one():
    tells = (told("i2"), told("i1"), told("i2", "ben"))
    assert message(tells=tells).incidents == ("i2", "i1")


def test_a_message_is_over_when_nothing_more_is_awaited():
    assert not message(state=MessageState.SENT).is_over
    assert message(state=MessageState.SENT, ended_at=NOW).is_over


def test_no_state_is_before_and_with_the_carrier():
    assert not PENDING & WITH_CARRIER
    assert list(MessageState).index(MessageState.UNCLEAR) < list(MessageState).index(
        MessageState.QUEUED
    )
