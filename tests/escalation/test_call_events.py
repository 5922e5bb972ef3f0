"""Events of a call: each says which call it is, and which of its POSTs when that matters."""

import dataclasses
import typing

import pytest

from escalator.escalation import call_events
from escalator.escalation.call_events import CallEvent

FROM_A_URL = (call_events.CallPrompted, call_events.KeyPressed, call_events.CallReported)


@pytest.mark.parametrize("event", typing.get_args(CallEvent), ids=lambda event: event.__name__)
def test_it_names_its_call_first(event):
    assert dataclasses.fields(event)[0].name == "call_id"


@pytest.mark.parametrize("event", FROM_A_URL, ids=lambda event: event.__name__)
def test_what_came_by_a_callback_says_by_which_and_of_which_call_at_the_carrier(event):
    names = {field.name for field in dataclasses.fields(event)}

    assert {"token_hash", "sid"} <= names
