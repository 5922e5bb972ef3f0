"""Which open incidents their sender has said nothing of for long."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from escalator.escalation.heartbeats import RECEIVER as HEARTBEATS
from escalator.escalation.own_alerts import OWN_RECEIVER
from escalator.store.rows import from_stored, to_stored

AT_ONCE_MAX = 500
_POLICIES = (
    "SELECT DISTINCT policy FROM incidents "
    "WHERE phase IN ('triggered', 'acknowledged', 'snoozed', 'exhausted') AND stale_at IS NULL"
)
# What escalator raises itself is said once and holds until it is taken back: that is no silence. Of an incident with
# thousands of alerts the first recent word ends the look.
_QUIET = (
    "SELECT i.id, coalesce((SELECT max(a.last_seen) FROM alerts a WHERE a.incident_id = i.id), i.created_at) "
    "FROM incidents i WHERE i.phase IN ('triggered', 'acknowledged', 'snoozed', 'exhausted') AND i.stale_at IS NULL "
    "AND i.policy = ?1 AND i.created_at <= ?2 AND i.receiver NOT IN (?3, ?4) "
    "AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.incident_id = i.id AND a.last_seen > ?2) LIMIT ?5"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """An incident, and when its sender last said anything of it (engine time)."""

    incident_id: str
    last_seen: datetime


def find_quiet(
    connection: sqlite3.Connection, heard_by: Callable[[str], datetime | None]
) -> list[Quiet]:
    """Open incidents not marked yet, without a word since what `heard_by` says of their policy; None: never asked.

    At most 500 of a policy; the others are found the next time.
    """
    found: list[Quiet] = []
    for (policy,) in connection.execute(_POLICIES).fetchall():
        by = heard_by(policy)
        if by is None:
            continue
        asked = (policy, to_stored(by), OWN_RECEIVER, HEARTBEATS, AT_ONCE_MAX)
        for incident_id, last_seen in connection.execute(_QUIET, asked):
            at = from_stored(last_seen)
            assert at is not None, "the column is never null"
            found.append(Quiet(incident_id=incident_id, last_seen=at))
    return found
