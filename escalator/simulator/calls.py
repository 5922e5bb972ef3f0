"""One simulated call: what was asked for, what has happened, and how the REST API shows it.

A call is also the callee's phone: with a manual script somebody calls `answer`, `press`, `hang_up`,
`decline`. The exchange moves a call on; everybody else reads.
"""

import asyncio
import math
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from escalator.simulator.journal import Callback, Heard, Journal, Notification, Pressed
from escalator.simulator.line import Declined, HungUp, KeyPressed, Line, PickedUp, Signal
from escalator.simulator.pace import Pace
from escalator.simulator.parameters import CallRequest
from escalator.simulator.people import Script

FINAL = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
_SUBRESOURCES = (
    "notifications recordings payments events siprec streams transcriptions "
    "user_defined_messages user_defined_message_subscriptions"
)


def new_sid(kind: str) -> str:
    """A fresh identifier: two letters and 32 lower-case hexadecimal digits."""
    return kind + secrets.token_hex(16)


def dated(when: datetime | None) -> str | None:
    """A date as the 2010 API writes it, RFC 2822 in UTC."""
    return None if when is None else format_datetime(when.astimezone(UTC).replace(microsecond=0))


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one Say holds, and when it was begun."""

    text: str
    language: str | None
    voice: str | None
    at: datetime


@dataclass(eq=False, slots=True, kw_only=True)
class SimCall:
    """A call and its whole story.

    `status` is one of queued, ringing, in-progress, completed, busy, no-answer, failed, canceled.
    `heard` holds the sentences as the callee began to hear them (audio as its URL in brackets),
    `pressed` all keys, `documents` the TwiML as received, `callbacks` every request made for this
    call with its answer. `moments`: when each status was reached. `duration` is in simulated
    seconds. `finished` is set when the call is over and its last callback has been answered.
    """

    account_sid: str
    request: CallRequest
    script: Script
    line: Line
    pace: Pace
    journal: Journal
    sid: str = field(default_factory=lambda: new_sid("CA"))
    status: str = "queued"
    history: list[str] = field(default_factory=lambda: ["queued"])
    moments: dict[str, datetime] = field(default_factory=dict)
    queue_ms: int = 0
    answered_by: str | None = None
    heard: list[str] = field(default_factory=list)
    speech: list[Spoken] = field(default_factory=list)
    pressed: str = ""
    documents: list[str] = field(default_factory=list)
    callbacks: list[Callback] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    is_listening: bool = False
    prompts: int = 0
    created_at: datetime = field(init=False)
    updated_at: datetime = field(init=False)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    created_clock: float = field(init=False)
    ended_clock: float | None = None
    duration: int = 0
    sip: int | None = None
    deleted: bool = False
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.created_at = self.updated_at = self.pace.now()
        self.created_clock = self.pace.seconds()

    @property
    def to(self) -> str:
        """The number called."""
        return self.request.to

    @property
    def from_(self) -> str:
        """The number it comes from."""
        return self.request.from_

    @property
    def is_over(self) -> bool:
        """Whether the status is a final one."""
        return self.status in FINAL

    def move(self, status: str) -> None:
        """Set the status; a final one is never left."""
        assert not self.is_over, f"{self.sid} is over and cannot become {status}"
        self.status = status
        self.history.append(status)
        self.updated_at = self.moments[status] = self.pace.now()
        self.journal.changed()

    def note(self, code: int, text: str, *, url: str = "", warning: bool = False) -> None:
        """Record a problem among the call's notifications."""
        entry = Notification(
            sid=new_sid("NO"), at=self.pace.now(), code=code, log=int(warning), text=text, url=url
        )
        self.notifications.append(entry)
        self.journal.changed()

    def problems(self) -> list[int]:
        """The codes of all notifications, in order."""
        return [notification.code for notification in self.notifications]

    def status_callbacks(self) -> list[Callback]:
        """The status callbacks, in the order in which they were sent."""
        return [callback for callback in self.callbacks if callback.kind == "status"]

    def answer(self) -> None:
        """The callee picks up. Raises `RuntimeError` if the phone does not ring."""
        self._act({"ringing"}, PickedUp(), "answered")

    def decline(self) -> None:
        """The callee rejects the call. Raises `RuntimeError` if the phone does not ring."""
        self._act({"ringing"}, Declined(), "declined")

    def hang_up(self) -> None:
        """The callee puts the phone down. Raises `RuntimeError` if nobody is talking."""
        self._act({"in-progress"}, HungUp(), "hung up")

    def press(self, keys: str) -> None:
        """The callee presses keys. Keys outside a prompt are lost: see `listening`. Raises
        `RuntimeError`.
        """
        if not keys or set(keys) - set("0123456789*#"):
            raise ValueError("a phone has the keys 0-9, * and #")
        for key in keys:
            self._act({"in-progress"}, KeyPressed(key), "typed on")

    def _act(self, states: set[str], signal: Signal, what: str) -> None:
        if self.status not in states:
            raise RuntimeError(f"call {self.sid} is {self.status}, it cannot be {what}")
        self.line.put(signal)

    def hears(self, text: str, language: str | None, voice: str | None) -> None:
        """Remember what begins in the callee's ear and tell the listeners."""
        self.speech.append(Spoken(text, language, voice, self.pace.now()))
        self.heard.append(text)
        self.journal.tell(Heard(self, text, language, voice))

    def key_went_down(self, key: str) -> None:
        """Remember a key and tell the listeners."""
        self.pressed += key
        self.journal.tell(Pressed(self, key))

    async def listening(self, within: float = 5.0) -> None:
        """Wait until the call waits for keys, at most `within` real seconds. Raises
        `TimeoutError`.
        """
        await self.journal.wait_for(lambda: self.is_listening, within, self.story)

    async def ended(self, within: float = 5.0) -> None:
        """Wait until the call is over and every callback was answered, at most `within` real
        seconds.
        """
        await self.journal.wait_for(self.finished.is_set, within, self.story)

    def story(self) -> str:
        """What has happened, for a person to read."""
        lines = [f"{self.sid} to {self.to}: {self.status}"]
        lines += [f"  heard: {text}" for text in self.heard]
        lines += [f"  pressed: {self.pressed}"] if self.pressed else []
        lines += [
            f"  {c.kind} {c.event} {c.method} {c.url} -> {c.status or c.error or c.fault}"
            for c in self.callbacks
        ]
        lines += [f"  problem {n.code}: {n.text}" for n in self.notifications]
        return "\n".join(lines)

    @property
    def minutes(self) -> int:
        """The duration in minutes begun."""
        return math.ceil(self.duration / 60)

    def resource(self) -> dict[str, Any]:
        """The Call object of the REST API. Nothing of the request's URLs is in it."""
        uri = f"/2010-04-01/Accounts/{self.account_sid}/Calls/{self.sid}"
        waits = self.status == "queued" and self.started_at is None
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "parent_call_sid": None,
            "phone_number_sid": None,
            "group_sid": None,
            "trunk_sid": None,
            "to": self.to,
            "to_formatted": formatted(self.to),
            "from": self.from_,
            "from_formatted": formatted(self.from_),
            "status": self.status,
            "direction": "outbound-api",
            "start_time": dated(self.started_at),
            "end_time": dated(self.ended_at),
            "duration": str(self.duration) if self.status == "completed" else None,
            "price": None,
            "price_unit": "USD",
            "answered_by": self.answered_by,
            "api_version": "2010-04-01",
            "forwarded_from": None,
            "caller_name": None,
            "queue_time": str(self.queue_ms),
            "date_created": dated(None if waits else self.created_at),
            "date_updated": dated(None if waits else self.updated_at),
            "uri": f"{uri}.json",
            "subresource_uris": {
                name: f"{uri}/{_camel(name)}.json" for name in _SUBRESOURCES.split()
            },
        }


def formatted(number: str) -> str:
    """`(500) 555-0006` for numbers of the North American plan, everything else unchanged."""
    if number.startswith("+1") and len(number) == 12:
        return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    return number


def _camel(name: str) -> str:
    return (
        "".join(part.capitalize() for part in name.split("_")) if "_" in name else name.capitalize()
    )
