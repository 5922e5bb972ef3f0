"""What the simulator remembers and announces: requests it got, callbacks it sent, problems, and
events.

Listeners are told at once and in order; whoever waits for a condition is woken at every change.
Nothing here decides anything.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from escalator.simulator.calls import SimCall
    from escalator.simulator.messages import SimMessage

T = TypeVar("T")
Fields = tuple[tuple[str, str], ...]
_MOMENT = 0.05


@dataclass(slots=True, kw_only=True)
class SimRequest:
    """One request to the REST API. `status` is None while it runs and when it was never
    answered.
    """

    at: datetime
    method: str
    path: str
    query: Fields
    form: Fields
    fault: str | None = None
    status: int | None = None


@dataclass(slots=True, kw_only=True)
class Callback:
    """One request from the simulator to the other side, and what came back.

    `kind`: answer, key, redirect, fallback, update, status, machine, message or inbound. `event`:
    the status event. `status` is None when nothing came back; `error` is then the code. `attempts`
    counts tries, `url` has no fragment, `headers` are those of the first try.
    """

    at: datetime
    kind: str
    event: str
    method: str
    url: str
    fields: Fields
    headers: dict[str, str] = field(default_factory=dict)
    fault: str | None = None
    attempts: int = 0
    status: int | None = None
    content_type: str | None = None
    body: bytes = b""
    error: int | None = None

    def value(self, name: str) -> str | None:
        """The first value of a field, None if it was not sent."""
        return next((value for key, value in self.fields if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A problem, as the notifications of a call list it. `log` is 0 for an error and 1 for a
    warning.
    """

    sid: str
    at: datetime
    code: int
    log: int
    text: str
    url: str = ""


class Ledger(Protocol):
    """What callbacks and problems are written to: a call or a message."""

    callbacks: list[Callback]

    def note(self, code: int, text: str, *, url: str = "", warning: bool = False) -> None:
        """Record a problem."""


@dataclass(frozen=True, slots=True)
class CallQueued:
    """The API accepted a call."""

    call: "SimCall"


@dataclass(frozen=True, slots=True)
class Ringing:
    """The phone rings."""

    call: "SimCall"


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody, or a machine, answered."""

    call: "SimCall"


@dataclass(frozen=True, slots=True)
class Heard:
    """A sentence begins. `voice` and `language` are None when the TwiML leaves them out."""

    call: "SimCall"
    text: str
    language: str | None
    voice: str | None


@dataclass(frozen=True, slots=True)
class Listening:
    """The call waits for keys: its prompt has begun."""

    call: "SimCall"


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key went down."""

    call: "SimCall"
    key: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over; its status says how."""

    call: "SimCall"


@dataclass(frozen=True, slots=True)
class Texted:
    """The API accepted a message."""

    message: "SimMessage"


SimEvent = CallQueued | Ringing | Answered | Heard | Listening | Pressed | Ended | Texted
Listener = Callable[[SimEvent], None]


class Journal:
    """All requests and events of one simulator, and who wants to hear of them."""

    def __init__(self) -> None:
        self.requests: list[SimRequest] = []
        self.listeners: list[Listener] = []
        self._changed = asyncio.Event()

    def tell(self, event: SimEvent) -> None:
        """Tell every listener."""
        for listener in list(self.listeners):
            listener(event)
        self.changed()

    def changed(self) -> None:
        """Wake everybody who waits for a condition."""
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def change(self) -> asyncio.Event:
        """Set at the next change. Take it before looking, then no change is missed."""
        return self._changed

    async def wait_for(
        self, condition: Callable[[], T], within: float, story: Callable[[], str]
    ) -> T:
        """The condition's first true value; it is asked at every change, and every 50 ms.

        Raises `TimeoutError` with the story after `within` real seconds.
        """
        try:
            async with asyncio.timeout(within):
                while not (value := condition()):
                    await self._change_or_moment()
        except TimeoutError:
            raise TimeoutError(f"not within {within} s; so far:\n{story()}") from None
        return value

    async def _change_or_moment(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_MOMENT):
                await self._changed.wait()

    def events(self) -> "Events":
        """Every event from now on, until the stream is closed."""
        return Events(self)


class Events:
    """A stream of events: `async for event in stream`, then `close`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._queue: asyncio.Queue[SimEvent] = asyncio.Queue()
        journal.listeners.append(self._queue.put_nowait)

    def __aiter__(self) -> "Events":
        return self

    async def __anext__(self) -> SimEvent:
        return await self._queue.get()

    def close(self) -> None:
        """Stop collecting events."""
        self._journal.listeners.remove(self._queue.put_nowait)
