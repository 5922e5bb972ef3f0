"""Each event about a message says which one, and is one of what may be submitted."""

from typing import get_args

from escalator.escalation.events import Event
from escalator.escalation.message_events import MessageEvent


def test_every_event_of_messages_names_its_message_and_may_be_submitted():
    for kind in get_args(MessageEvent):
        assert "message_id" in kind.__dataclass_fields__
        assert kind in get_args(Event)
