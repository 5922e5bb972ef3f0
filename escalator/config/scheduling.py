"""The part of the config that says who is on call when: schedules of layers, or of a calendar.

Whether the people exist and spans have a length is asked in `schedule_checks`; local moments get
their zone where the rules are built.
"""

from datetime import date, timedelta
from importlib.util import find_spec
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, PlainSerializer, ValidationInfo, model_validator

from escalator.config.links import SecretLink
from escalator.config.moments import read_day, read_moment
from escalator.config.rotating import (
    At,
    Every,
    read_at,
    read_every,
    read_window,
    show_window,
)
from escalator.config.section import NOT_EMPTY, ONE_OR_MANY, Section
from escalator.config.values import (
    Boolean,
    Text,
    Timezone,
    duration,
    read_duration,
    scalar,
    written,
)
from escalator.escalation.schedules import Unit, Window

_LIBRARIES = ("icalendar", "recurring_ical_events")
_EVERY_PATTERN = "^[0-9]+ (hour|day|week|month)s?$"


def _read_moment(value: object) -> str:
    """The moment stays text: only where the rules are built is its zone known."""
    text = written(value)
    read_moment(text, ZoneInfo("UTC"))
    return text


Moment = Annotated[
    str, *scalar(_read_moment, {"description": "2026-12-24, 2026-12-24 18:00, or RFC 3339"})
]


def _read_every(value: object) -> Every:
    return read_every(written(value))


def _read_at(value: object, info: ValidationInfo) -> At:
    every = info.data.get("every", Every(1, Unit.DAYS))
    return read_at("" if value is None else written(value), every.unit)


def _read_starting(value: object) -> date:
    return read_day(written(value))


class Rotate(Section):
    """When a layer hands over: every so often, at a local time, counted from a day."""

    every: Annotated[Every, *scalar(_read_every, {"pattern": _EVERY_PATTERN}), PlainSerializer(str)]
    at: Annotated[
        At,
        *scalar(_read_at, {"description": "08:00; mon 09:00 for weeks; 15 09:00 for months"}),
        PlainSerializer(lambda at: str(at or "")),
    ] = Field(default=None, validate_default=True)
    starting: Annotated[
        date, *scalar(_read_starting, {"format": "date"}), PlainSerializer(date.isoformat)
    ]


def _read_window(value: object) -> Window:
    return read_window(written(value))


Hours = Annotated[
    Window,
    *scalar(_read_window, {"description": "mon-fri 18:00-08:00, or 22:00-06:00 for each day"}),
    PlainSerializer(show_window),
]
Together = Annotated[
    tuple[Text, ...],
    NOT_EMPTY,
    ONE_OR_MANY,
    PlainSerializer(lambda names: names[0] if len(names) == 1 else names),
]


class Layer(Section):
    """People who take turns, always or within hours; a list among them is on call together."""

    rotate: Rotate
    people: Annotated[tuple[Together, ...], NOT_EMPTY, ONE_OR_MANY]
    only: Annotated[tuple[Hours, ...], NOT_EMPTY, ONE_OR_MANY] | None = None


class Span(Section):
    """From a moment to another one, and why."""

    from_: Moment = Field(alias="from")
    to: Moment
    reason: Text = ""


class Away(Span):
    """When a person is not there."""


class Override(Span):
    """Somebody else is on call, alone, for a span."""

    person: Text


class Ical(Section):
    """A calendar whose events say who is on call."""

    url: SecretLink
    refresh: Annotated[
        timedelta, *duration(read_duration(timedelta(minutes=1), timedelta(days=1)))
    ] = timedelta(minutes=15)

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        if any(find_spec(name) is None for name in _LIBRARIES):
            raise ValueError("needs libraries: pip install 'escalator-oncall[ical]'")
        return self


class Schedule(Section):
    """A named plan of who is on call: layers, of which later ones cover earlier ones, or a
    calendar; overrides on top of either.
    """

    timezone: Timezone | None = None
    layers: Annotated[tuple[Layer, ...], NOT_EMPTY] | None = None
    ical: Ical | None = None
    overrides: tuple[Override, ...] = ()
    require_coverage: Boolean = False

    @model_validator(mode="after")
    def _one_plan(self) -> Self:
        if (self.layers is None) == (self.ical is None):
            raise ValueError("write exactly one of layers and ical")
        return self
