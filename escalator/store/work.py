"""How much there is to do: what the gauges show."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from escalator.store.message_rows import IS_PENDING
from escalator.store.rows import from_stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is open: incidents by phase, since when the oldest of a policy waits, actions by kind."""

    phases: dict[str, int]
    oldest_unacknowledged: dict[str, datetime]
    pending: dict[str, int]


def count_work(connection: sqlite3.Connection) -> Work:
    """How much is open, and since when; only what is open is looked at, however much is on file."""
    phases = dict(
        connection.execute(
            "SELECT phase, count(*) FROM incidents WHERE phase IN "
            "('triggered', 'acknowledged', 'snoozed', 'exhausted') GROUP BY phase"
        )
    )
    oldest = connection.execute(
        "SELECT policy, min(created_at) FROM incidents WHERE phase IN ('triggered', 'exhausted') "
        "GROUP BY policy"
    )
    pages = connection.execute("SELECT count(*) FROM pages WHERE state = 'due'").fetchone()[0]
    direct, endings = connection.execute(
        "SELECT coalesce(sum(kind = 'direct' AND state = 'planned'), 0), coalesce(sum(endings != '[]'), 0) "
        "FROM calls WHERE state != 'ended' OR due_at IS NOT NULL"
    ).fetchone()
    owed = connection.execute("SELECT count(*) FROM texts WHERE is_sent = 0").fetchone()[0]
    writing = connection.execute(f"SELECT count(*) FROM messages WHERE {IS_PENDING}").fetchone()[0]
    return Work(
        phases=phases,
        oldest_unacknowledged={
            policy: at for policy, stored in oldest if (at := from_stored(stored)) is not None
        },
        pending={"page": pages, "direct_call": direct, "end_call": endings, "sms": owed + writing},
    )
