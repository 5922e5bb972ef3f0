"""Everything that can happen is a value with an owner."""

import dataclasses
import typing

import pytest

from escalator.escalation import call_events, events, message_events
from escalator.escalation.call_events import CallEvent
from escalator.escalation.events import Event, IncidentEvent
from escalator.escalation.message_events import MessageEvent

INCIDENT_EVENTS = typing.get_args(IncidentEvent)
CALL_EVENTS = typing.get_args(CallEvent)


def fields(event):
    return {field.name for field in dataclasses.fields(event)}


def test_every_event_of_the_module_can_be_submitted():
    """`Wanted` is part of an event and no event."""
    defined = {
        thing
        for module in (events, call_events, message_events)
        for thing in vars(module).values()
        if dataclasses.is_dataclass(thing) and thing.__module__ == module.__name__
    }

    assert defined - {call_events.Wanted} == set(typing.get_args(Event))


@pytest.mark.parametrize("event", typing.get_args(Event), ids=lambda event: event.__name__)
def test_an_event_cannot_be_changed_and_its_fields_are_named(event):
    assert event.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(event))
    assert "__slots__" in vars(event)


@pytest.mark.parametrize("event", CALL_EVENTS, ids=lambda event: event.__name__)
def test_a_call_event_says_which_call(event):
    assert "call_id" in fields(event)


@pytest.mark.parametrize(
    "event",
    [one for one in INCIDENT_EVENTS if not one.__name__.startswith("Alert")],
    ids=lambda event: event.__name__,
)
def test_an_incident_event_says_which_incident(event):
    assert "incident_id" in fields(event)


def test_no_event_is_of_two_owners():
    owners = [*INCIDENT_EVENTS, *CALL_EVENTS, *typing.get_args(MessageEvent)]
    assert len(owners) == len(set(owners))
