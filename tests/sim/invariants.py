"""What must hold after every event (I1 to I5), over the database as it lies on disk and the carrier's own record.

Each function raises `Broken` with a sentence. They read; they decide and repair nothing.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from exchange import Line
from post_office import Letter

from escalator.escalation.rules import Rules


class Broken(AssertionError):
    """An invariant does not hold."""


_NONE_OF = {
    # (I1) nothing open without somebody or something that takes it on
    "an incident that needs somebody has no timer (I1)": (
        "SELECT id FROM incidents WHERE phase IN ('triggered', 'exhausted', 'snoozed') AND due_at IS NULL"
    ),
    "a triggered incident has neither a page nor a message (I1)": (
        "SELECT id FROM incidents i WHERE phase = 'triggered' "
        "AND NOT EXISTS (SELECT 1 FROM pages p WHERE p.incident_id = i.id) "
        "AND NOT EXISTS (SELECT 1 FROM texts t WHERE t.incident_id = i.id)"
    ),
    "a resolved incident has a timer": (
        "SELECT id FROM incidents WHERE phase = 'resolved' AND due_at IS NOT NULL"
    ),
    "a page of an incident that needs nobody": (
        "SELECT p.incident_id FROM pages p JOIN incidents i ON i.id = p.incident_id "
        "WHERE i.phase NOT IN ('triggered', 'exhausted')"
    ),
    "a waiting page has no time, or nobody wakes for it (I1)": (
        "SELECT p.incident_id FROM pages p JOIN incidents i ON i.id = p.incident_id "
        "WHERE p.state = 'waiting' AND (p.next_at IS NULL OR i.due_at IS NULL OR i.due_at > p.next_at)"
    ),
    "a page is said to be in a call, and no call carries it (I1)": (
        "SELECT p.incident_id FROM pages p WHERE p.state = 'calling' AND NOT EXISTS (SELECT 1 FROM calls c "
        "JOIN call_pages x ON x.call_id = c.id WHERE c.id = p.call_id AND c.state != 'ended' "
        "AND x.incident_id = p.incident_id AND x.person = p.person AND x.is_open = 1)"
    ),
    "a call carries a page that knows nothing of it": (
        "SELECT x.call_id FROM call_pages x WHERE x.is_open = 1 AND NOT EXISTS (SELECT 1 FROM pages p WHERE "
        "p.incident_id = x.incident_id AND p.person = x.person AND p.state = 'calling' AND p.call_id = x.call_id)"
    ),
    "a live call has no timer (I1)": (
        "SELECT id FROM calls WHERE state NOT IN ('planned', 'ended') AND due_at IS NULL"
    ),
    "a planned call has no time (I1)": (
        "SELECT id FROM calls WHERE state = 'planned' AND timer_at IS NULL"
    ),
    # (I2) as far as we know
    "two live calls to one number (I2)": (
        "SELECT \"to\" FROM calls WHERE state NOT IN ('planned', 'ended') GROUP BY \"to\" HAVING count(*) > 1"
    ),
    "one person is in two calls (I2)": (
        "SELECT x.person FROM calls c JOIN call_pages x ON x.call_id = c.id WHERE x.is_open = 1 "
        "AND c.state NOT IN ('planned', 'ended') AND c.ambiguous = 0 "
        "GROUP BY x.person HAVING count(DISTINCT c.id) > 1"
    ),
    # (I4) as far as we know
    "more POSTs than tries and unclear ones (I4)": (
        "SELECT id FROM calls c WHERE (SELECT count(*) FROM posts p WHERE p.call_id = c.id) > 1 + c.ambiguous"
    ),
    # The same for messages
    "a message on its way has no timer (I1)": (
        "SELECT id FROM messages WHERE ended_at IS NULL AND timer_at IS NULL"
    ),
    "a message is owed about what needs nobody": (
        "SELECT t.incident_id FROM texts t JOIN incidents i ON i.id = t.incident_id "
        "WHERE t.is_sent = 0 AND i.phase NOT IN ('triggered', 'exhausted') AND i.stale_at IS NULL"
    ),
    "a message is under way without its intent (I4)": (
        "SELECT id FROM messages m WHERE state IN ('posting', 'unclear', 'queued', 'sent') "
        "AND NOT EXISTS (SELECT 1 FROM message_posts p WHERE p.message_id = m.id)"
    ),
    "a count that no alert on file explains": (
        "SELECT id FROM incidents i WHERE phase != 'resolved' AND (firing < 1 OR firing != "
        "(SELECT count(*) FROM alerts a WHERE a.incident_id = i.id AND a.is_current = 1 AND a.status = 'firing'))"
    ),
}


def check_store(db: sqlite3.Connection) -> None:
    """(I1, I2) Nothing is forgotten, nobody is in two calls."""
    for what, query in _NONE_OF.items():
        found = db.execute(query).fetchall()
        if found:
            raise Broken(f"{what}: {found}")


def check_asked(db: sqlite3.Connection, rules: Rules, to: str, hashed: str) -> None:
    """(I4, I5) Before the first byte leaves: the intent is on disk, and the number in the config in force."""
    row = db.execute(
        "SELECT c.kind, c.state FROM posts p JOIN calls c ON c.id = p.call_id WHERE token_hash = ?",
        (hashed,),
    ).fetchone()
    if row is None:
        raise Broken(f"a POST to {to} leaves whose intent is not on disk (I4)")
    if row[1] != "posting":
        raise Broken(f"a POST to {to} leaves for a call that is {row[1]} (I4)")
    known = {number for person in rules.people.values() for number in person.phones}
    if row[0] != "direct" and to not in known:
        raise Broken(f"{to} is rung and is not in the config in force (I5)")


def check_made(
    db: sqlite3.Connection, line: Line, lines: Sequence[Line], *, may_repeat: bool
) -> None:
    """(I2, I4) A second call to one number, or for one try, only where the first one was unclear, and flagged so.

    `may_repeat`: the carrier's list did not, or could not, tell of an unclear one within S.
    """
    ours = [one for one in lines if not one.is_double]
    call_id, ambiguous = _try_of(db, line)
    accepted = [one for one in ours if one.new.to == line.new.to and _try_of(db, one)[0] == call_id]
    if len(accepted) > 1 + ambiguous:
        raise Broken(f"{len(accepted)} accepted calls for one try, {ambiguous} flagged (I4)")
    if len(accepted) > 1 and not may_repeat:
        raise Broken(f"{line.new.to} is rung again although the list showed the first call (I4)")
    doubled = {one.hashed for one in lines if one.is_double}
    for other in ours:
        if other is line or other.is_over or other.new.to != line.new.to:
            continue
        if {line.hashed, other.hashed} & doubled:
            continue  # the carrier made two of one; ending one of them may take its time
        if may_repeat and _is_given_up(db, other):
            continue  # to a clock that leaps by years every call has been silent for too long
        if not (ambiguous or _try_of(db, other)[1]):
            raise Broken(f"{line.new.to} rings twice at once, and neither was unclear (I2)")


def _try_of(db: sqlite3.Connection, line: Line) -> tuple[str, int]:
    """The try that a call at the carrier was made for, and how often it was flagged as unclear."""
    row = db.execute(
        "SELECT c.id, c.ambiguous FROM posts p JOIN calls c ON c.id = p.call_id WHERE token_hash = ?",
        (line.hashed,),
    ).fetchone()
    if row is None:
        raise Broken(f"the carrier made a call to {line.new.to} that no POST on disk explains (I4)")
    return row[0], row[1]


def _is_given_up(db: sqlite3.Connection, line: Line) -> bool:
    """Whether the try was closed as lost: nothing was heard of it for longer than it can last."""
    query = "SELECT c.outcome FROM posts p JOIN calls c ON c.id = p.call_id WHERE token_hash = ?"
    return db.execute(query, (line.hashed,)).fetchone() == ("lost",)


def check_spoken(db: sqlite3.Connection, line: Line, heard: int, words: str) -> list[str]:
    """(I3) "Acknowledged." is only said of what is acknowledged on disk. Returns those incidents."""
    if "Acknowledged." not in words:
        return []
    found = db.execute(
        "SELECT x.incident_id, EXISTS (SELECT 1 FROM timeline t WHERE t.incident_id = x.incident_id "
        "AND t.event = 'acknowledged') FROM posts p JOIN call_pages x ON x.call_id = p.call_id "
        "WHERE p.token_hash = ? AND x.n <= ?",
        (line.hashed, heard),
    ).fetchall()
    if not any(is_acknowledged for _, is_acknowledged in found):
        raise Broken(f"said to be acknowledged, and nothing on disk is (I3): {found}")
    return [incident for incident, is_acknowledged in found if is_acknowledged]


def check_acknowledged(db: sqlite3.Connection, incidents: Iterable[str]) -> None:
    """(I3) What was said to be acknowledged still is on record."""
    for incident in incidents:
        row = db.execute(
            "SELECT 1 FROM timeline WHERE incident_id = ? AND event = 'acknowledged'", (incident,)
        ).fetchone()
        if row is None:
            raise Broken(
                f"{incident} was said to be acknowledged, and no record of it is left (I3)"
            )


def check_alerts(db: sqlite3.Connection, promised: dict[str, str]) -> None:
    """(K1 to K4, D1) What was answered 202 is on file as it was sent: alert key to status."""
    for key, status in promised.items():
        row = db.execute(
            "SELECT status FROM alerts WHERE receiver = 'prod' AND key = ? AND is_current = 1",
            (key,),
        ).fetchone()
        if row is None and status == "resolved":
            continue  # nobody had told of it before
        if row is None or row[0] != status:
            raise Broken(f"{key} was accepted as {status}; on file is {row} (K4)")


def check_letter_asked(db: sqlite3.Connection, rules: Rules, to: str, hashed: str) -> None:
    """(I4, I5) As `check_asked`, for a message."""
    row = db.execute(
        "SELECT m.state FROM message_posts p JOIN messages m ON m.id = p.message_id WHERE token_hash = ?",
        (hashed,),
    ).fetchone()
    if row is None or row[0] != "posting":
        raise Broken(f"a message to {to} leaves whose intent is not on disk: {row} (I4)")
    if to not in {number for person in rules.people.values() for number in person.phones}:
        raise Broken(f"{to} is written to and is not in the config in force (I5)")


def check_letter(
    db: sqlite3.Connection, letter: Letter, letters: Sequence[Letter], *, may_repeat: bool
) -> None:
    """(I4) A message is taken by the carrier once, save where its list could not tell of the first one."""
    query = "SELECT message_id FROM message_posts WHERE token_hash = ?"
    message = db.execute(query, (letter.hashed,)).fetchone()
    if message is None:
        raise Broken(f"a message to {letter.new.to} was taken that no POST on disk explains (I4)")
    taken = [one for one in letters if db.execute(query, (one.hashed,)).fetchone() == message]
    if len(taken) > 1 and not may_repeat:
        raise Broken(f"{letter.new.to} gets a message twice although the list showed it (I4)")


def check_live(db: sqlite3.Connection, promised: dict[str, str]) -> None:
    """What was answered 201 is on file: the id of an override or a silence to its table."""
    for row_id, table in promised.items():
        if db.execute(f"SELECT 1 FROM {table} WHERE id = ?", (row_id,)).fetchone() is None:
            raise Broken(f"{row_id} was answered 201, and {table} has none of it")
