"""Time intervals in Alertmanager's own fields: `monday:friday`, `1:5`, `-3:-1`, `24:00`.

What Alertmanager accepts is accepted. Beyond it, weekdays and months may run over the end of the
week or the year (`saturday:monday`, `november:february`).
"""

import re
from collections.abc import Callable
from datetime import time
from typing import Annotated, Any, Self

from pydantic import PlainSerializer, model_validator

from escalator.config.moments import read_time_of_day, show_time_of_day
from escalator.config.problems import did_you_mean
from escalator.config.rotating import LONG_DAYS
from escalator.config.section import NOT_EMPTY, ONE_OR_MANY, Section
from escalator.config.values import Timezone, scalar, written
from escalator.escalation.intervals import Range

MONTHS = (
    "january february march april may june july august september october november december".split()
)
_END_OF_DAY = "24:00"


def _read_start(value: object) -> time:
    return read_time_of_day(written(value))


def _read_end(value: object) -> time | None:
    return None if value == _END_OF_DAY else read_time_of_day(written(value))


class Times(Section):
    """A span of the day, `end_time` excluded."""

    start_time: Annotated[time, *scalar(_read_start), PlainSerializer(show_time_of_day)]
    end_time: Annotated[
        time | None,
        *scalar(_read_end, {"description": "HH:MM, up to 24:00"}),
        PlainSerializer(lambda end: _END_OF_DAY if end is None else show_time_of_day(end)),
    ]

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.end_time is not None and self.end_time <= self.start_time:
            raise ValueError(
                "end_time is not after start_time; for a span over midnight write two, one to 24:00"
            )
        return self


def _ranges(
    read: Callable[[str], int], show: Callable[[int], str], check: Callable[[Range], None]
) -> tuple[Any, ...]:
    """The metadata of a word that is one value or two with a colon."""

    def read_range(value: object) -> Range:
        first, colon, last = written(value).partition(":")
        found = (read(first), read(last if colon else first))
        check(found)
        return found

    def show_range(found: Range) -> str:
        first, last = found
        return show(first) if first == last else f"{show(first)}:{show(last)}"

    return *scalar(read_range), PlainSerializer(show_range)


def _named(names: list[str] | tuple[str, ...], kind: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        if text not in names:
            hint = did_you_mean(text, names) or f"; write {names[0]}, {names[1]} …"
            raise ValueError(f"{text!r} is not a {kind}{hint}")
        return names.index(text)

    return read


def _read_month(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,2}", text) and 1 <= int(text) <= 12:
        return int(text)
    return _named(MONTHS, "month")(text) + 1


def _read_month_day(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,2}", text) or not 1 <= abs(int(text)) <= 31:
        raise ValueError("write days as 1 to 31, from the end of the month as -1 to -31, or 1:5")
    return int(text)


def _read_year(text: str) -> int:
    if not re.fullmatch(r"[0-9]{4}", text):
        raise ValueError("write a year as 2026, or years as 2026:2028")
    return int(text)


def _any(_: Range) -> None:
    """Days of the week and months go round: every range has a length."""


def _in_order(found: Range) -> None:
    if found[0] > found[1]:
        raise ValueError("the range ends before it begins")


def _within_a_month(found: Range) -> None:
    """As far as it can be said of the longest month."""
    first, last = found
    if first < 0 < last:
        raise ValueError("a range that begins from the end of the month has to end so: -3:-1")
    _in_order((first if first > 0 else 32 + first, last if last > 0 else 32 + last))


Weekdays = Annotated[
    tuple[int, int], *_ranges(_named(LONG_DAYS, "day of the week"), LONG_DAYS.__getitem__, _any)
]
Days = Annotated[tuple[int, int], *_ranges(_read_month_day, str, _within_a_month)]
Months = Annotated[tuple[int, int], *_ranges(_read_month, lambda month: MONTHS[month - 1], _any)]
Years = Annotated[tuple[int, int], *_ranges(_read_year, lambda year: f"{year:04}", _in_order)]


class Interval(Section):
    """When it holds: every field that is written must fit; one that is not fits always."""

    times: Annotated[tuple[Times, ...], NOT_EMPTY, ONE_OR_MANY] | None = None
    weekdays: Annotated[tuple[Weekdays, ...], NOT_EMPTY, ONE_OR_MANY] | None = None
    days_of_month: Annotated[tuple[Days, ...], NOT_EMPTY, ONE_OR_MANY] | None = None
    months: Annotated[tuple[Months, ...], NOT_EMPTY, ONE_OR_MANY] | None = None
    years: Annotated[tuple[Years, ...], NOT_EMPTY, ONE_OR_MANY] | None = None
    location: Timezone | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set - {"location"}:
            raise ValueError(
                "this says no time; write times, weekdays, days_of_month, months or years"
            )
        return self


Intervals = Annotated[tuple[Interval, ...], NOT_EMPTY, ONE_OR_MANY]
