"""What a board shows at one glance, in a few queries whose work grows with what is open and never with what is on file.

Every decision leaves a line in a timeline, so the highest number of a line is the version of all incidents: it costs
nothing to ask for, and the lines after it say which incidents changed.
"""

import json
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from escalator.escalation.incidents import Incident, Phase
from escalator.store import rows

CHANGED_MAX = 100
_UNTAKEN = (Phase.TRIGGERED, Phase.EXHAUSTED)
_TAKEN = (Phase.SNOOZED, Phase.ACKNOWLEDGED)
_PHASES = (*_UNTAKEN, *_TAKEN)
_OPEN = ", ".join(f"'{phase.value}'" for phase in _PHASES)
_COLUMNS = ", ".join(rows.INCIDENT_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The incidents with new lines up to `position`; `is_all`: there are more of them than are named."""

    position: int
    incidents: tuple[str, ...]
    is_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalled:
    """Calls that should be ringing and are not: `refused` were tried and not taken by the carrier, `late` pages have
    waited since `since` for a call.
    """

    refused: int = 0
    late: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class OnFile:
    """An open incident and its pages as they are on file: cheap to load, and to compare with what was loaded before."""

    row: rows.Row
    pages: tuple[rows.Row, ...]

    @property
    def id(self) -> str:
        """The incident's id."""
        return str(self.row[0])

    def incident(self) -> Incident:
        """The incident as a value."""
        return rows.incident_value(self.row, tuple(rows.page_value(page) for page in self.pages))


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What is open: those first that nobody has taken, oldest first; and how many there are in all."""

    found: tuple[OnFile, ...]
    counts: dict[str, int]
    stalled: Stalled


def position(connection: sqlite3.Connection) -> int:
    """The number of the newest line of all timelines; 0 for none."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM timeline").fetchone()[0])


def changed_since(connection: sqlite3.Connection, seen: int) -> Changed:
    """Which incidents have lines after `seen`. Lines that are gone (a database of another time) count as all."""
    now = position(connection)
    if now < seen:
        return Changed(position=now, incidents=(), is_all=True)
    found = connection.execute(
        "SELECT DISTINCT incident_id FROM timeline WHERE id > ? AND id <= ? LIMIT ?",
        (seen, now, CHANGED_MAX + 1),
    ).fetchall()
    return Changed(
        position=now,
        incidents=tuple(row[0] for row in found[:CHANGED_MAX]),
        is_all=len(found) > CHANGED_MAX,
    )


def glance(connection: sqlite3.Connection, limit: int, late_before: datetime) -> Glance:
    """At most `limit` open incidents. A page counts as late when it has waited for a call since `late_before`."""
    untaken = _oldest(connection, _UNTAKEN, limit)
    taken = _oldest(connection, _TAKEN, limit - len(untaken)) if len(untaken) < limit else []
    shown = (*untaken, *taken)
    pages = _pages(connection, [row[0] for row in shown])
    counted = connection.execute(
        f"SELECT phase, count(*) FROM incidents WHERE phase IN ({_OPEN}) GROUP BY phase"
    )
    return Glance(
        found=tuple(OnFile(row, tuple(pages.get(row[0], ()))) for row in shown),
        counts=dict(counted.fetchall()),
        stalled=_stalled(connection, late_before),
    )


def _oldest(
    connection: sqlite3.Connection, phases: tuple[Phase, ...], limit: int
) -> list[rows.Row]:
    """The oldest of these phases together; of each no more are looked at than could be among them."""
    found: list[rows.Row] = []
    for phase in phases:
        found += connection.execute(
            f"SELECT {_COLUMNS} FROM incidents WHERE phase = ? ORDER BY id LIMIT ?",
            (phase.value, limit),
        ).fetchall()
    return sorted(found, key=lambda row: str(row[0]))[:limit]


def _pages(connection: sqlite3.Connection, incidents: list[str]) -> dict[str, list[rows.Row]]:
    pages: dict[str, list[rows.Row]] = defaultdict(list)
    found = connection.execute(
        f"SELECT incident_id, {', '.join(rows.PAGE_COLUMNS)} FROM pages "
        "WHERE incident_id IN (SELECT value FROM json_each(?)) ORDER BY since, person",
        (json.dumps(incidents),),
    )
    for incident_id, *page in found:
        pages[incident_id].append(page)
    return pages


def _stalled(connection: sqlite3.Connection, late_before: datetime) -> Stalled:
    (refused,) = connection.execute(
        "SELECT count(*) FROM calls WHERE state != 'ended' AND not_sent > 0 AND state = 'planned'"
    ).fetchone()
    late, since = connection.execute(
        "SELECT count(*), min(since) FROM pages WHERE state = 'due' AND since < ?",
        (rows.to_stored(late_before),),
    ).fetchone()
    return Stalled(refused=refused, late=late, since=rows.from_stored(since))


def raw_payloads(connection: sqlite3.Connection, incident_id: str, limit: int) -> list[str]:
    """The payloads of an incident's alerts as they came, those first that fire."""
    found = connection.execute(
        "SELECT raw FROM alerts WHERE incident_id = ? ORDER BY status, first_seen, key LIMIT ?",
        (incident_id, limit),
    )
    return [row[0] for row in found]
