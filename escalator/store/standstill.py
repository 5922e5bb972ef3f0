"""Signs that nobody can be paged, as they stand in the database: they outlive a restart, and no worker hides them."""

import sqlite3
from datetime import datetime

from escalator.store.rows import to_stored

# A call that was wanted by then and that the carrier never took, nor any other since. Pages that close take their call
# with them, so such a call is one that somebody still waits for.
_NO_CALL_TAKEN = (
    "SELECT EXISTS (SELECT 1 FROM calls WHERE state IN ('planned', 'posting', 'unclear') AND kind = 'page' "
    "AND sid = '' AND created_at <= ?1) AND NOT EXISTS (SELECT 1 FROM calls WHERE created_at > ?1 AND sid != '')"
)
_BEAT = "SELECT value FROM meta WHERE name = 'beat'"


def no_call_taken(connection: sqlite3.Connection, by: datetime) -> bool:
    """Whether a call is wanted since then or longer, and the carrier has taken none meanwhile."""
    return bool(connection.execute(_NO_CALL_TAKEN, (to_stored(by),)).fetchone()[0])


def last_cycle(connection: sqlite3.Connection) -> datetime | None:
    """When the engine last ended a cycle with a write (engine time); None: never in this database."""
    row = connection.execute(_BEAT).fetchone()
    return None if row is None else datetime.fromisoformat(row[0])
