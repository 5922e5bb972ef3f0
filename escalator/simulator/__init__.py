"""A Twilio on loopback: phones with people, a manual phone, faults on demand.

`Simulator` is the whole of it; `Script` says what the person behind a number does. It knows nothing
of the rest of escalator and speaks with it over HTTP alone, as the real carrier does.
"""

from escalator.simulator.calls import SimCall
from escalator.simulator.faults import CallbackFault, Fault
from escalator.simulator.journal import (
    Answered,
    Callback,
    CallQueued,
    Ended,
    Heard,
    Listening,
    Notification,
    Pressed,
    Ringing,
    SimEvent,
    SimRequest,
    Texted,
)
from escalator.simulator.messages import SimMessage
from escalator.simulator.people import Press, Script
from escalator.simulator.server import ACCOUNT_SID, AUTH_TOKEN, Simulator

__all__ = [
    "ACCOUNT_SID",
    "AUTH_TOKEN",
    "Answered",
    "CallQueued",
    "Callback",
    "CallbackFault",
    "Ended",
    "Fault",
    "Heard",
    "Listening",
    "Notification",
    "Press",
    "Pressed",
    "Ringing",
    "Script",
    "SimCall",
    "SimEvent",
    "SimMessage",
    "SimRequest",
    "Simulator",
    "Texted",
]
