"""A small cast for showing what a pager does, and how their phones are told of in words.

It knows the simulated phones alone: what a pager decided is for the pager to say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from escalator.simulator.calls import SimCall
from escalator.simulator.journal import (
    Answered,
    CallQueued,
    Ended,
    Heard,
    Listening,
    Pressed,
    Ringing,
    SimEvent,
    Texted,
)
from escalator.simulator.people import Press, Script
from escalator.simulator.show import Owner

CALLER = "+15005550006"
_DECLINED = 603


ANA = Owner(key="ana", name="Ana Ortega", number="+491713920012")
BEN = Owner(key="ben", name="Ben Shah", number="+447700900123")
CHIKA = Owner(key="chika", name="Chika Mori", number="+442079460123", language="ja-JP")
DIEGO = Owner(key="diego", name="Diego Luna", number="+15005550109", language="es-ES")
CAST: Sequence[Owner] = (ANA, BEN, CHIKA, DIEGO)


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the scene: whose phone, and what happens there. `is_speech`: what is heard."""

    who: str
    what: str
    is_speech: bool = False


def declines_at_first() -> Script:
    """Looks at the phone for a while and rejects the call."""
    return Script.declines(rings=6.0)


def hears_and_acknowledges(key: str = "4") -> Script:
    """Answers, hears all of it, and presses the key."""
    return Script.answers(Press(key, after=1.0), rings=4.0)


def owner_of(number: str) -> Owner | None:
    """Who of the cast has this number."""
    return next((owner for owner in CAST if owner.number == number), None)


def tell(event: SimEvent) -> Told | None:
    """The event as a line of the scene; None for what goes without saying."""
    match event:
        case CallQueued() | Listening():
            return None
        case Texted(message) if message.direction == "inbound":
            return Told(_who(message.from_), f"texts: {message.body}")
        case Texted(message):
            return Told(_who(message.to), f"gets a message: {message.body}")
        case Ringing(call):
            return Told(_who(call.to), f"the phone rings ({_masked(call.to)})")
        case Answered(call):
            return Told(_who(call.to), "answers")
        case Heard(call, text):
            return Told(_who(call.to), f"“{text}”", is_speech=True)
        case Pressed(call, key):
            return Told(_who(call.to), f"presses {key}")
        case Ended(call):
            return Told(_who(call.to), _ending(call))


def ringing(calls: Sequence[SimCall]) -> SimCall | None:
    """The call that rings, the latest if several do."""
    return _latest(calls, lambda call: call.status == "ringing")


def talking(calls: Sequence[SimCall]) -> SimCall | None:
    """The call that somebody is in, the latest if there are several."""
    return _latest(calls, lambda call: call.status == "in-progress")


def _latest(calls: Sequence[SimCall], fits: Callable[[SimCall], bool]) -> SimCall | None:
    return next((call for call in reversed(calls) if fits(call)), None)


def _who(number: str) -> str:
    owner = owner_of(number)
    return number if owner is None else owner.short


def _masked(number: str) -> str:
    return f"{number[:3]}…{number[-3:]}"


def _ending(call: SimCall) -> str:
    match call.status:
        case "completed":
            return f"hangs up after {call.duration} s"
        case "no-answer":
            return "declines" if call.sip == _DECLINED else "does not answer"
        case "canceled":
            return "the phone stops ringing"
        case "busy":
            return "is busy"
        case _:
            return "cannot be reached"
