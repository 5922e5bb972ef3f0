"""What a schedule is: layers of rotations, dated overrides on top, or the events of a calendar.

Later layers cover earlier ones where they apply; an override replaces the whole schedule for its
span. Who is on call when is worked out in `oncall`. Spans are half-open, moments aware UTC; only
rotations and windows are in the schedule's own local time.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo


class Unit(StrEnum):
    """What a rotation counts in. Hours are elapsed time, the rest local wall time."""

    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """When a layer hands over: every `every` units, at `at` local time.

    `weekday` (0 is Monday) is for weeks, `month_day` (1 to 31, the last day where a month is
    shorter) for months. Turn 0 begins at the first such moment on or after the day `starting`; the
    layer is empty before.
    """

    every: int
    unit: Unit
    starting: date
    at: time = time(0)
    weekday: int = 0
    month_day: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A daily span in local time, on the weekdays it begins on (0 is Monday).

    With an `end` at or before `start` it goes over midnight; `end` 00:00 is the end of the day.
    """

    days: frozenset[int]
    start: time
    end: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """People who take turns; each item of `people` is on call together. `only`: nothing written is
    always.
    """

    rotation: Rotation
    people: tuple[tuple[str, ...], ...]
    only: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """A span in which a person is not there."""

    start: datetime
    end: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A dated exception: `person` alone is on call for the span.

    `id` is "" and `created_at` None for one that is written in the file; those come before the live
    ones. The later one wins.
    """

    schedule: str
    person: str
    start: datetime
    end: datetime
    reason: str = ""
    id: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    """An event of a fetched calendar, expanded and with its people found."""

    start: datetime
    end: datetime
    people: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A named plan of who is on call.

    `events` is None for a schedule of layers. A calendar's schedule holds its events in the order
    of their start; several at once are on call together. `is_covered`: the operators demand that
    somebody is on call at any time.
    """

    name: str
    zone: ZoneInfo
    layers: tuple[Layer, ...] = ()
    overrides: tuple[Override, ...] = ()
    events: tuple[CalendarEvent, ...] | None = None
    is_covered: bool = False
