"""Figures over a span of time, counted by SQL: how much fired, who was called and when, how soon somebody took it.

A month begins at midnight of the zone that the caller cut the spans in; night is asked of the caller too, because only
it knows where people live. A question that takes too long is given up, so that no report keeps the machine busy.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from escalator.store import rows

SECONDS_MAX = 20.0
_STEPS_BETWEEN_LOOKS = 100_000

IsNight = Callable[[str, int], bool]


class TookTooLong(Exception):
    """The report takes longer than it may; a shorter span takes less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One column of a report: a span from `begins` up to and without `ends`."""

    name: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How soon incidents of a month were acknowledged: how many were, and the seconds of the median and the 90th."""

    month: str
    incidents: int
    acknowledged: int
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """The calls of a month to one person. `minutes` are begun ones, as carriers charge them."""

    month: str
    person: str
    calls: int
    night: int
    acknowledged: int
    unanswered: int
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """How many incidents of a month had this worst severity."""

    month: str
    severity: str
    incidents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All figures, month by month in the order asked for."""

    taken: tuple[Taken, ...]
    called: tuple[Called, ...]
    severities: tuple[Severity, ...]


_MONTHS = "months(n, name, begins, ends) AS (VALUES {values})"
_TAKEN = """
WITH {months}, timed AS (
    SELECT m.n, m.name, i.acknowledged_at - i.created_at AS took,
        row_number() OVER (
            PARTITION BY m.n ORDER BY i.acknowledged_at IS NULL, i.acknowledged_at - i.created_at
        ) AS place,
        count(i.acknowledged_at) OVER (PARTITION BY m.n) AS taken, count(*) OVER (PARTITION BY m.n) AS total
    FROM incidents i CROSS JOIN months m ON i.created_at >= m.begins AND i.created_at < m.ends
)
SELECT name, max(total), max(taken), max(CASE WHEN place = (taken + 1) / 2 THEN took END),
    max(CASE WHEN place = (taken * 9 + 9) / 10 THEN took END)
FROM timed GROUP BY n ORDER BY n
"""
_CALLED = """
WITH {months}
SELECT m.name, c.person, count(*), sum(is_night(c.person, c.created_at)), sum(c.outcome IS 'acknowledged'),
    sum(c.answered_at IS NULL), sum(coalesce(c.duration + 59, 0) / 60)
FROM calls c CROSS JOIN months m ON c.created_at >= m.begins AND c.created_at < m.ends
WHERE c.posted_at IS NOT NULL GROUP BY m.n, c.person ORDER BY m.n, count(*) DESC, c.person
"""
_SEVERITIES = """
WITH {months}
SELECT m.name, i.severity, count(*)
FROM incidents i CROSS JOIN months m ON i.created_at >= m.begins AND i.created_at < m.ends
GROUP BY m.n, i.severity ORDER BY m.n, count(*) DESC, i.severity
"""


def report(
    connection: sqlite3.Connection, months: Sequence[Month], is_night: IsNight, seconds: float
) -> Report:
    """The figures of these months. `is_night` is asked with a person ("" for none) and stored microseconds.

    Raises `TookTooLong` after `seconds`. The connection is used up: it goes on looking at the time.
    """
    end = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS_BETWEEN_LOOKS)
    connection.create_function("is_night", 2, is_night, deterministic=True)
    marks = ", ".join(["(?, ?, ?, ?)"] * len(months))
    table = _MONTHS.format(values=marks)
    values = [
        value
        for n, month in enumerate(months)
        for value in (n, month.name, rows.to_stored(month.begins), rows.to_stored(month.ends))
    ]

    def ask(statement: str) -> list[rows.Row]:
        return connection.execute(statement.format(months=table), values).fetchall()

    try:
        taken = {one.month: one for one in map(_taken, ask(_TAKEN))}
        return Report(
            taken=tuple(taken.get(month.name, _none_taken(month)) for month in months),
            called=tuple(
                Called(
                    month=month,
                    person=person,
                    calls=calls,
                    night=night,
                    acknowledged=acknowledged,
                    unanswered=unanswered,
                    minutes=minutes,
                )
                for month, person, calls, night, acknowledged, unanswered, minutes in ask(_CALLED)
            ),
            severities=tuple(
                Severity(month=month, severity=severity, incidents=count)
                for month, severity, count in ask(_SEVERITIES)
            ),
        )
    except Exception as error:
        if time.monotonic() > end:
            raise TookTooLong(f"the report took more than {seconds:g} s") from error
        raise


def _none_taken(month: Month) -> Taken:
    return Taken(month=month.name, incidents=0, acknowledged=0, median=None, p90=None)


def _taken(row: rows.Row) -> Taken:
    month, total, taken, median, p90 = row
    return Taken(
        month=month,
        incidents=total,
        acknowledged=taken,
        median=None if median is None else median / 1e6,
        p90=None if p90 is None else p90 / 1e6,
    )
