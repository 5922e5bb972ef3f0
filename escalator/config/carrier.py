"""The `twilio` part of the config: whose account places the calls, from which numbers, how many at
once.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, PlainSerializer

from escalator.config.section import NOT_EMPTY, ONE_OR_MANY, SecretValue, Section
from escalator.config.values import (
    Boolean,
    CallCount,
    Phone,
    Rate,
    RingTime,
    Url,
    read_count,
    scalar,
    show_duration,
    written,
)

API_URL = "https://api.twilio.com"
_SID = re.compile(r"[A-Za-z0-9-]{2,64}")
_REAL_ACCOUNT = re.compile(r"AC[0-9a-f]{32}")
_CAP = re.compile(r"([0-9]{1,9})/([mhd])")
_CAP_MAX = 10_000
_SPANS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def _read_sid(value: object) -> str:
    sid = written(value)
    if not _SID.fullmatch(sid):
        raise ValueError("not a SID; 2 to 64 letters, digits and -")
    return sid


Sid = Annotated[str, *scalar(_read_sid, {"pattern": f"^{_SID.pattern}$"})]


def _two_at_most(tokens: tuple[object, ...]) -> tuple[object, ...]:
    if len(tokens) > 2:
        raise ValueError("at most two tokens: the new one and, while rotating, the old one")
    return tokens


class ApiKey(Section):
    """A key to place calls with, so that the account's own token need only check signatures."""

    sid: Sid
    secret: SecretValue


@dataclass(frozen=True, slots=True)
class Cap:
    """So many calls in a span of time."""

    calls: int
    span: timedelta

    def __str__(self) -> str:
        """`12/h`, as it is written."""
        return f"{self.calls}/{show_duration(self.span).removeprefix('1')}"


def _read_cap(value: object) -> Cap:
    found = _CAP.fullmatch(written(value))
    if found is None or not 1 <= int(found[1]) <= _CAP_MAX:
        raise ValueError(f"write calls in a span, from 1 to {_CAP_MAX}: 12/h, 3/m or 40/d")
    return Cap(int(found[1]), _SPANS[found[2]])


class Limits(Section):
    """How fast and how many calls at once, and how many a person and all together get."""

    calls_per_second: Rate = 1.0
    concurrent_calls: CallCount = 10
    calls_per_person: Annotated[
        Cap, *scalar(_read_cap, {"pattern": f"^{_CAP.pattern}$"}), PlainSerializer(str)
    ] = Cap(12, timedelta(hours=1))
    calls_per_day: Annotated[int, *scalar(read_count(1_000_000), {"type": "integer"})] = 500


class Twilio(Section):
    """The carrier's account. The first of `auth_token` is the current one; either may sign
    callbacks.
    """

    account_sid: Sid
    auth_token: Annotated[
        tuple[SecretValue, ...], NOT_EMPTY, AfterValidator(_two_at_most), ONE_OR_MANY
    ]
    api_key: ApiKey | None = None
    api_url: Url = API_URL
    from_: Annotated[tuple[Phone, ...], NOT_EMPTY, ONE_OR_MANY] = Field(alias="from")
    ring: RingTime = timedelta(seconds=25)
    machine_detection: Boolean = False
    limits: Limits = Limits()
    shared_keys: dict[Sid, SecretValue] = Field(default_factory=dict)

    @property
    def looks_real(self) -> bool:
        """Whether the account's SID has the form of a real one."""
        return _REAL_ACCOUNT.fullmatch(self.account_sid) is not None
