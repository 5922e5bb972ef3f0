"""Which phones have a page, and what it shows of each: the last call, what is said in it, messages.

Named phones always have one; any other number has one as soon as somebody asks for it. All is read
from the simulator as it stands; nothing is kept but the numbers that were asked for.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from escalator.simulator.calls import SimCall
from escalator.simulator.conversation import CHARACTERS_PER_SECOND
from escalator.simulator.journal import Callback
from escalator.simulator.messages import SimMessage
from escalator.simulator.parameters import is_number
from escalator.simulator.people import Outcome
from escalator.simulator.show import Owner

if TYPE_CHECKING:
    from escalator.simulator.server import Simulator

ASKED_FOR_MAX = 50
CALLS_MAX = 10
MESSAGES_MAX = 50
_LIVE = ("ringing", "in-progress")
_STATES = {"queued": "idle", "ringing": "ringing", "in-progress": "in-call"}
_DECLINED = 603
_ENDINGS = {
    "completed": "The call has ended.",
    "busy": "The phone was busy.",
    "canceled": "The caller gave up.",
    "failed": "The phone could not be reached.",
}


class Phones:
    """The phones that have a page."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator
        self._asked_for: dict[str, Owner] = {}

    def owners(self) -> list[Owner]:
        """Whose phones have a page, the named ones first."""
        named = self._simulator.show.owners
        numbers = {owner.number for owner in named}
        return [*named, *(o for o in self._asked_for.values() if o.number not in numbers)]

    def find(self, person: str) -> Owner | None:
        """The phone by its owner's key, or by its number with or without the plus."""
        for owner in self._simulator.show.owners:
            if owner.key == person:
                return owner
        number = "+" + person.removeprefix("+")
        if not is_number(number):
            return None
        return self._simulator.show.owner_of(number) or self._unnamed(number)

    def _unnamed(self, number: str) -> Owner:
        owner = self._asked_for.pop(number, None)
        owner = owner or Owner(key=number.removeprefix("+"), name=number, number=number)
        self._asked_for[number] = owner
        while len(self._asked_for) > ASKED_FOR_MAX:
            del self._asked_for[next(iter(self._asked_for))]
        return owner

    def shown(self) -> list[dict[str, Any]]:
        """Every phone as its page shows it."""
        owners = self.owners()
        calls: dict[str, list[SimCall]] = {owner.number: [] for owner in owners}
        messages: dict[str, list[SimMessage]] = {owner.number: [] for owner in owners}
        for call in self._simulator.calls:
            if call.to in calls:
                calls[call.to].append(call)
        for message in self._simulator.messages:
            number = message.from_ if message.direction == "inbound" else message.to
            if number in messages:
                messages[number].append(message)
        return [self._phone(one, calls[one.number], messages[one.number]) for one in owners]

    def wire(self, owner: Owner) -> list[dict[str, Any]]:
        """What went over the wire for the call that the phone shows, oldest first."""
        call = current(self._simulator.calls_to(owner.number))
        return [] if call is None else [_entry(one) for one in call.callbacks]

    def _phone(
        self, owner: Owner, calls: list[SimCall], messages: list[SimMessage]
    ) -> dict[str, Any]:
        call = current(calls)
        return {
            "kind": "phone",
            "person": owner.key,
            "number": owner.number,
            "script": self._simulator.people[owner.number].outcome,
            "call": None if call is None else _call(call),
            "earlier": [_earlier(one) for one in calls[-CALLS_MAX:] if one.is_over],
            "messages": [_message(one) for one in messages[-MESSAGES_MAX:]],
        }


def current(calls: list[SimCall]) -> SimCall | None:
    """The call that a phone shows: the latest that rings or is talked in, else the latest."""
    live = [call for call in calls if call.status in _LIVE]
    latest = live or calls
    return latest[-1] if latest else None


def _call(call: SimCall) -> dict[str, Any]:
    by_machine = call.script.outcome is Outcome.VOICEMAIL and call.status == "in-progress"
    state = "voicemail" if by_machine else _STATES.get(call.status, "ended")
    return {
        "sid": call.sid,
        "from": call.from_,
        "state": state,
        "ending": _ending(call),
        "is_listening": call.is_listening,
        "pressed": call.pressed,
        "ringing_at": _moment(call.moments.get("ringing")),
        "answered_at": _moment(call.moments.get("in-progress")),
        "ended_at": _moment(call.ended_at),
        "duration": call.duration,
        "lines": [
            {
                "text": spoken.text,
                "lang": spoken.language or "",
                "voice": spoken.voice or "",
                "at": _moment(spoken.at),
                "seconds": len(spoken.text) / CHARACTERS_PER_SECOND,
            }
            for spoken in call.speech
        ],
        # Asked for anew whenever this changes.
        "wire": sum(
            1 + (one.status is not None or one.error is not None) for one in call.callbacks
        ),
    }


def _ending(call: SimCall) -> str:
    if not call.is_over:
        return ""
    if call.status == "no-answer":
        return "Declined." if call.sip == _DECLINED else "Nobody answered."
    return _ENDINGS[call.status]


def _earlier(call: SimCall) -> dict[str, Any]:
    return {
        "sid": call.sid,
        "at": _moment(call.created_at),
        "ending": _ending(call),
        "duration": call.duration if call.status == "completed" else None,
        "pressed": call.pressed,
    }


def _message(message: SimMessage) -> dict[str, Any]:
    return {
        "sid": message.sid,
        "is_mine": message.direction == "inbound",
        "is_reply": message.direction == "outbound-reply",
        "from": message.from_,
        "to": message.to,
        "body": message.body,
        "status": message.status,
        "at": _moment(message.created_at),
    }


def _entry(entry: Callback) -> dict[str, Any]:
    return {
        "at": _moment(entry.at),
        "kind": entry.kind,
        "event": entry.event,
        "method": entry.method,
        "url": entry.url,
        "fields": [list(pair) for pair in entry.fields],
        "status": entry.status,
        "error": entry.error,
        "fault": entry.fault,
        "content_type": entry.content_type,
        "body": entry.body.decode("utf-8", "replace"),
    }


def _moment(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat(timespec="milliseconds")
