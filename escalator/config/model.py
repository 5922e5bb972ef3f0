"""The shape of the config file: every key there is, its type and what it is when nobody writes it.

Whether names exist, and what parts say about each other, is asked in `checks`; what is planned
but refused today is in `not_yet`. Values are frozen; the core gets its own `Rules`, built in
`building`.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    model_validator,
)

from escalator.config.access import DefaultReceiver, Receiver, Web
from escalator.config.carrier import Twilio
from escalator.config.heartbeats import BeatTo, Heartbeat
from escalator.config.interval_fields import Intervals
from escalator.config.people import Person
from escalator.config.phrasing import Speech
from escalator.config.routing import Policy, Route, drop_empty_none, read_policy_name
from escalator.config.scheduling import Schedule
from escalator.config.section import NOT_EMPTY, Section, Shorthand
from escalator.config.values import (
    Address,
    Digit,
    Duration,
    ExistingFile,
    FreeName,
    Language,
    ListenAddress,
    Name,
    Text,
    Timezone,
    Url,
    scalar,
    surroundings,
    written,
)
from escalator.escalation.rules import NO_POLICY

DATABASE = Path("/var/lib/escalator/escalator.db")


class Tls(Section):
    """A certificate with its chain, and its key; PEM files."""

    cert: ExistingFile
    key: ExistingFile


class Listener(Section):
    """Where one of the two listeners waits for requests."""

    address: ListenAddress
    tls: Tls | None = None


_LISTENER = Annotated[
    Listener,
    Shorthand(
        lambda value: value if isinstance(value, dict) else {"address": value}, {"type": "string"}
    ),
]


class Listen(Section):
    """The two listeners: one for senders, people and Prometheus, one for the carrier alone."""

    internal: _LISTENER = Listener(address=Address("127.0.0.1", 8911))
    public: _LISTENER = Listener(address=Address("127.0.0.1", 8912))


def _read_database_path(value: object, info: ValidationInfo) -> Path:
    around = surroundings(info)
    if not isinstance(value, Path):
        return around.resolve(written(value))
    state = around.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(state) / DATABASE.name if state else DATABASE


class Storage(Section):
    """The database file and how long what is over is kept."""

    path: Annotated[Path, *scalar(_read_database_path), PlainSerializer(str)] = Field(
        default=DATABASE, validate_default=True
    )
    retention: Duration = timedelta(days=400)


class KeyPad(Section):
    """Which key of the phone does what; `snooze` has none unless it is given one."""

    acknowledge: Digit = "4"
    escalate: Digit = "5"
    resolve: Digit = "6"
    repeat: Digit = "*"
    snooze: Digit = ""

    @model_validator(mode="after")
    def _no_key_twice(self) -> Self:
        seen: dict[str, str] = {}
        for action in type(self).model_fields:
            digit = getattr(self, action)
            if digit and digit in seen:
                raise ValueError(f"{seen[digit]} and {action} have the same key {digit!r}")
            seen[digit] = action
        return self


def _read_version(value: object) -> int:
    if written(value) != "1":
        raise ValueError("this program reads version: 1")
    return 1


def _no_severity_twice(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) < len(value):
        raise ValueError("one severity stands twice")
    return value


def _some(what: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if value == {}:
            raise ValueError(f"there must be at least one {what}")
        return value

    return BeforeValidator(check)


def _nothing_written() -> Any:
    return {}


def _default_receivers() -> dict[str, Receiver]:
    return {"alertmanager": DefaultReceiver()}


class Config(Section):
    """The whole file."""

    version: Annotated[int, *scalar(_read_version, {"enum": [1, "1"]})]
    public_url: Url
    timezone: Timezone = "UTC"
    language: Language = "en-US"
    listen: Listen = Listen()
    storage: Storage = Field(default_factory=_nothing_written, validate_default=True)
    twilio: Twilio
    people: Annotated[dict[FreeName, Person], _some("person")]
    schedules: dict[FreeName, Schedule] = Field(default_factory=dict)
    policies: Annotated[
        dict[Annotated[str, *scalar(read_policy_name)], Policy],
        _some("policy"),
        BeforeValidator(drop_empty_none),
        Field(
            json_schema_extra={"properties": {NO_POLICY: {"type": "object", "maxProperties": 0}}}
        ),
    ]
    routes: tuple[Route, ...] = ()
    severities: Annotated[tuple[Text, ...], NOT_EMPTY, AfterValidator(_no_severity_twice)] = (
        "critical",
        "error",
        "warning",
        "info",
    )
    time_intervals: dict[Name, Intervals] = Field(default_factory=dict)
    heartbeats: dict[Name, Heartbeat] = Field(default_factory=dict)
    beat_to: BeatTo | None = None
    receivers: Annotated[
        dict[Name, Receiver], _some("receiver (without the key there is one, alertmanager)")
    ] = Field(default_factory=_default_receivers)
    keys: KeyPad = KeyPad()
    speech: dict[Language, Speech] = Field(default_factory=dict)
    web: Web = Web()
