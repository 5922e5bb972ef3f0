"""Faults on demand: what goes wrong with the next requests to the API, and with the next callbacks.

A fault waits in a queue until a request or callback comes that it is meant for; `times` counts
those it hits, None is for good. Seconds are real ones here, because they are meant for the other
side's network timeouts.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Operation = Literal["create", "list", "read", "update", "delete", "message", "account", "any"]
_OPERATIONS = frozenset({"create", "list", "read", "update", "delete", "message", "account", "any"})


class Fault(StrEnum):
    """What goes wrong with a request to the API. `after` means that the request was carried out."""

    TOO_MANY = "too-many"
    ERROR_BEFORE = "error-before"
    ERROR_AFTER = "error-after"
    UNAVAILABLE = "unavailable"
    BAD_GATEWAY = "bad-gateway"
    BAD_GATEWAY_AFTER = "bad-gateway-after"
    CLOSED_BEFORE = "closed-before"
    CLOSED_AFTER = "closed-after"
    TRUNCATED = "truncated"
    SLOW = "slow"
    SUSPENDED = "suspended"
    REFUSED = "refused"
    REDIRECTED = "redirected"

    @property
    def is_after(self) -> bool:
        """Whether the request is carried out before things go wrong."""
        return self in _AFTER


_AFTER = frozenset(
    {Fault.ERROR_AFTER, Fault.BAD_GATEWAY_AFTER, Fault.CLOSED_AFTER, Fault.TRUNCATED, Fault.SLOW}
)


class CallbackFault(StrEnum):
    """What goes wrong with a callback. `reorder`: it arrives after the next one of its call."""

    DROP = "drop"
    DUPLICATE = "duplicate"
    DELAY = "delay"
    REORDER = "reorder"
    FORGE = "forge"


@dataclass(slots=True, kw_only=True)
class RequestFault:
    """A fault that waits for requests. `retry_after` goes with 429 and 503, `code` with
    `refused`.
    """

    kind: Fault
    on: Operation = "create"
    times: int | None = 1
    seconds: float = 0.0
    retry_after: int | None = None
    code: int = 21211


@dataclass(slots=True, kw_only=True)
class SendFault:
    """A fault that waits for callbacks of a kind (`status`, `answer`, `key`, `machine`, …,
    `any`).
    """

    kind: CallbackFault
    on: str = "status"
    event: str | None = None
    times: int | None = 1
    seconds: float = 0.0


class Faults:
    """The faults that wait, and the switches.

    `down`: every connection is closed without an answer and nothing is carried out. `suspended`:
    every request is answered 401 with 20003. `list_lag`: calls younger than that many simulated
    seconds are missing from lists.
    """

    def __init__(self) -> None:
        self.down = False
        self.suspended = False
        self.list_lag = 0.0
        self.requests: list[RequestFault] = []
        self.callbacks: list[SendFault] = []

    def request(
        self,
        kind: Fault | str,
        *,
        on: Operation = "create",
        times: int | None = 1,
        seconds: float = 0.0,
        retry_after: int | None = None,
        code: int = 21211,
    ) -> None:
        """Let the next `times` requests fail in this way. Raises `ValueError` for what does not
        exist.
        """
        if on not in _OPERATIONS:
            raise ValueError(f"{on!r} is none of {', '.join(sorted(_OPERATIONS))}")
        self.requests.append(
            RequestFault(
                kind=Fault(kind),
                on=on,
                times=times,
                seconds=seconds,
                retry_after=retry_after,
                code=code,
            )
        )

    def callback(
        self,
        kind: CallbackFault | str,
        *,
        on: str = "status",
        event: str | None = None,
        times: int | None = 1,
        seconds: float = 0.0,
    ) -> None:
        """Let the next `times` callbacks go wrong in this way; `event` picks one status event."""
        self.callbacks.append(
            SendFault(kind=CallbackFault(kind), on=on, event=event, times=times, seconds=seconds)
        )

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.down = self.suspended = False
        self.list_lag = 0.0
        self.requests.clear()
        self.callbacks.clear()

    def take_request(self, operation: str) -> RequestFault | None:
        """The fault that hits this request, if any."""
        for fault in self.requests:
            if fault.on in (operation, "any"):
                fault.times = _one_less(fault.times)
                if fault.times == 0:
                    self.requests.remove(fault)
                return fault
        return None

    def take_callback(self, kind: str, event: str) -> SendFault | None:
        """The fault that hits this callback, if any."""
        for fault in self.callbacks:
            if fault.on in (kind, "any") and fault.event in (None, event):
                fault.times = _one_less(fault.times)
                if fault.times == 0:
                    self.callbacks.remove(fault)
                return fault
        return None


def _one_less(times: int | None) -> int | None:
    return None if times is None else times - 1
