"""What must never be in the database (I1): somebody is waited for whom nothing will ever ring, or rung for nothing.

Each question is one statement, so that it sees one commit and never the middle of a batch. Nothing is changed here.
"""

import sqlite3
from dataclasses import dataclass
from typing import Literal

AT_ONCE_MAX = 100

# What was found, then the ids. A page in a call that has ended would wait for that end for ever.
_OF_INCIDENTS = (
    (
        "nothing would ever ring for it",
        "SELECT i.id, i.policy FROM incidents i WHERE i.phase IN ('triggered', 'snoozed', 'exhausted') "
        "AND i.due_at IS NULL AND NOT EXISTS (SELECT 1 FROM pages p WHERE p.incident_id = i.id AND p.state = 'due') "
        "AND NOT EXISTS (SELECT 1 FROM pages p JOIN calls c ON c.id = p.call_id "
        "WHERE p.incident_id = i.id AND p.state = 'calling' AND c.state != 'ended')",
    ),
    (
        "somebody would be rung for it although it is taken care of",
        "SELECT DISTINCT i.id, i.policy FROM pages p JOIN incidents i ON i.id = p.incident_id "
        "WHERE i.phase IN ('acknowledged', 'snoozed', 'resolved') AND p.state != 'done'",
    ),
    (
        "a page of it waits for a call that is over",
        "SELECT DISTINCT i.id, i.policy FROM pages p JOIN incidents i ON i.id = p.incident_id "
        "LEFT JOIN calls c ON c.id = p.call_id "
        "WHERE i.phase IN ('triggered', 'exhausted') AND p.state = 'calling' AND (c.id IS NULL OR c.state = 'ended')",
    ),
)
_OF_CALLS = (
    "a call is under way that nobody would ever look after",
    "SELECT id, '' FROM calls WHERE state NOT IN ('planned', 'ended') AND due_at IS NULL",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One incident or call for which the invariant does not hold; `policy` is the incident's, "" for a call."""

    kind: Literal["incident", "call"]
    id: str
    policy: str
    what: str


def find_violations(connection: sqlite3.Connection) -> list[Violation]:
    """All that is wrong, at most a hundred of a kind; each incident once."""
    found: dict[str, Violation] = {}
    for what, query in _OF_INCIDENTS:
        for incident_id, policy in connection.execute(f"{query} LIMIT {AT_ONCE_MAX}"):
            violation = Violation(kind="incident", id=incident_id, policy=policy, what=what)
            found.setdefault(incident_id, violation)
    what, query = _OF_CALLS
    calls = [
        Violation(kind="call", id=call_id, policy=policy, what=what)
        for call_id, policy in connection.execute(f"{query} LIMIT {AT_ONCE_MAX}")
    ]
    return [*found.values(), *calls]
