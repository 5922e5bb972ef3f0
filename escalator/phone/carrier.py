"""What the daemon and a carrier say to each other, whoever the carrier is.

The outcome of asking for a call is one of four values, and the difference between them decides
whether a phone may ring twice: `NotSent` is proof that no call was made, `Unclear` is not, and must
be settled before anything is sent again. Nothing raises for what the network or the carrier does.

Phone numbers are E.164 text, times aware UTC, spans seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCall:
    """One call to be asked for. The URLs are absolute and carry the call's secret, hence no repr.

    `machine_callback` is used only with `machine_detection`.
    """

    to: str
    from_: str
    url: str = field(repr=False)
    fallback_url: str = field(repr=False)
    status_callback: str = field(repr=False)
    ring_seconds: int
    limit_seconds: int
    machine_detection: bool = False
    machine_callback: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """One text to be sent. The URL is absolute and carries the message's secret, hence no repr.

    After `validity_seconds` the carrier shall try no more.
    """

    to: str
    from_: str
    body: str
    status_callback: str = field(repr=False)
    validity_seconds: int


class Scope(StrEnum):
    """What a refusal is about, which tells who else it concerns."""

    NUMBER = "number"
    """This number cannot be called; others can."""
    ACCOUNT = "account"
    """Nothing can be called: credentials, balance, suspension."""
    CONFIGURATION = "configuration"
    """A setting here or at the carrier is wrong: the caller's number, a URL, a country."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The carrier took the call. `queue_seconds`: for how long it expects to hold it back."""

    sid: str
    status: str
    queue_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier will not make this call, for a reason that stays: again is no use.

    `code` is the carrier's own, else the HTTP status, 0 for a failed call without a code. `sid` is
    set when it took the call and failed it in the same breath.
    """

    code: int
    message: str
    scope: Scope
    sid: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """Provably no call was made. It may be asked for again, after `retry_after` seconds.

    `too_many`: the carrier is there, and takes no more requests for a moment.
    """

    reason: str
    retry_after: float | None = None
    too_many: bool = False


@dataclass(frozen=True, slots=True)
class Unclear:
    """A call may have been made. Never ask again before it is settled."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierCall:
    """A call as the carrier has it on file. Absent and unreadable fields are None or empty."""

    sid: str
    to: str = ""
    from_: str = ""
    status: str = ""
    direction: str = ""
    created_at: datetime | None = None
    duration: int | None = None
    answered_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierMessage:
    """A message as the carrier has it on file. Absent and unreadable fields are None or empty."""

    sid: str
    to: str = ""
    from_: str = ""
    body: str = ""
    status: str = ""
    direction: str = ""
    created_at: datetime | None = None
    error_code: int | None = None


@dataclass(frozen=True, slots=True)
class ListedMessages:
    """Messages on file, in the carrier's order. Not `complete`: there were more than we read."""

    messages: Sequence[CarrierMessage]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Listed:
    """Calls on file, in the carrier's order. Not `complete`: there were more than we read."""

    calls: Sequence[CarrierCall]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The question was not answered, or not in a way that we can read. Asking again is harmless."""

    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The carrier knows no such call."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The call was ended by this request."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """The call goes on with the words it was given."""


@dataclass(frozen=True, slots=True)
class AlreadyOver:
    """The call is in no state for that. After a cancel: it may have been answered, read it once."""


PlaceOutcome: TypeAlias = Accepted | Refused | NotSent | Unclear
ListOutcome: TypeAlias = Listed | Unreadable
ReadOutcome: TypeAlias = CarrierCall | Gone | Unreadable
EndOutcome: TypeAlias = Ended | AlreadyOver | Unreadable
SpeakOutcome: TypeAlias = Spoken | AlreadyOver | Unreadable
EndStatus: TypeAlias = Literal["canceled", "completed"]


class Carrier(Protocol):
    """Whoever places calls. Each method answers within its time limit and never tries twice."""

    async def place(self, call: NewCall) -> PlaceOutcome:
        """Ask for one call, once."""
        ...

    async def list_calls(self, to: str, from_: str) -> ListOutcome:
        """The calls on file from one number to another."""
        ...

    async def read(self, sid: str) -> ReadOutcome:
        """One call as it stands. The carrier's answer may lag behind its callbacks."""
        ...

    async def end(self, sid: str, status: EndStatus) -> EndOutcome:
        """`canceled` ends a call queued or ringing, `completed` also one in conversation."""
        ...

    async def speak(self, sid: str, twiml: str) -> SpeakOutcome:
        """Let a call in conversation go on with this document, of at most 4,000 characters."""
        ...

    async def aclose(self) -> None:
        """Let go of all connections."""
        ...


class Messenger(Protocol):
    """Whoever sends texts. Each method answers within its time limit and never tries twice."""

    async def send(self, message: NewMessage) -> PlaceOutcome:
        """Ask for one message, once."""
        ...

    async def list_messages(self, to: str, since: datetime) -> ListedMessages | Unreadable:
        """The messages on file to one number; older ones than `since` may be missing."""
        ...

    async def read(self, sid: str) -> CarrierMessage | Gone | Unreadable:
        """One message as it stands."""
        ...
