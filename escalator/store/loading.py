"""Load one incident or one call, whole, over whatever connection asks."""

import sqlite3

from escalator.escalation.calls import Call
from escalator.escalation.incidents import Incident
from escalator.store import rows

_INCIDENT = f"SELECT {', '.join(rows.INCIDENT_COLUMNS)} FROM incidents WHERE id = ?"
_PAGES = (
    f"SELECT {', '.join(rows.PAGE_COLUMNS)} FROM pages WHERE incident_id = ? ORDER BY since, person"
)
_TEXTS = "SELECT person, due_at, is_sent FROM texts WHERE incident_id = ? ORDER BY due_at, person"
_CALL_ALL = (*(f'"{name}"' for name in rows.CALL_COLUMNS), "endings", "speech", "answer_request")
_CALL = f"SELECT {', '.join(_CALL_ALL)} FROM calls WHERE id = ?"
_POSTS = "SELECT token_hash, at, sid FROM posts WHERE call_id = ? ORDER BY at"
_CALL_PAGES = (
    f"SELECT {', '.join(rows.CALL_PAGE_COLUMNS)} FROM call_pages WHERE call_id = ? ORDER BY n"
)


def load_incident(connection: sqlite3.Connection, incident_id: str) -> Incident | None:
    """An incident with its pages and texts, by id."""
    row = connection.execute(_INCIDENT, (incident_id,)).fetchone()
    if row is None:
        return None
    pages = connection.execute(_PAGES, (incident_id,)).fetchall()
    texts = connection.execute(_TEXTS, (incident_id,)).fetchall()
    return rows.incident_value(
        row,
        tuple(rows.page_value(page) for page in pages),
        tuple(rows.text_value(text) for text in texts),
    )


def load_call(connection: sqlite3.Connection, call_id: str) -> Call | None:
    """A call with its posts and pages, by id."""
    row = connection.execute(_CALL, (call_id,)).fetchone()
    if row is None:
        return None
    posts = connection.execute(_POSTS, (call_id,)).fetchall()
    pages = connection.execute(_CALL_PAGES, (call_id,)).fetchall()
    return rows.call_value(
        row,
        tuple(rows.post_value(post) for post in posts),
        tuple(rows.call_page_value(page) for page in pages),
    )
