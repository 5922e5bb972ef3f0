"""How many calls were placed of late: what the caps are held against."""

import sqlite3
from datetime import datetime, timedelta

from escalator.escalation.dialing import Spent
from escalator.store.rows import to_stored

DAY = timedelta(days=1)

# A call that carries pages was placed for each of their people, a direct one for its own.
_BY_PERSON = """
SELECT person, count(*) FROM (
    SELECT p.person, c.id FROM calls c JOIN call_pages p ON p.call_id = c.id
    WHERE c.created_at > ?1 AND c.posted_at IS NOT NULL
    UNION SELECT c.person, c.id FROM calls c
    WHERE c.created_at > ?1 AND c.posted_at IS NOT NULL AND c.person != ''
) GROUP BY person
"""
_IN_ALL = "SELECT count(*) FROM calls WHERE created_at > ? AND posted_at IS NOT NULL"


def count_spent(connection: sqlite3.Connection, now: datetime, person_span: timedelta) -> Spent:
    """The calls to each person within `person_span`, and all within a day."""
    by_person = connection.execute(_BY_PERSON, (to_stored(now - person_span),))
    [in_all] = connection.execute(_IN_ALL, (to_stored(now - DAY),)).fetchone()
    return Spent(by_person=dict(by_person.fetchall()), today=in_all)
