"""The tables, and the only way they ever change: forward, one migration after the other.

Times are whole microseconds since 1970 UTC. What must never be twice is said by a unique index and not by memory: one
open incident a group, one live call a number. No row number is shown outside.
"""

from sqlite_utils import Database, Migrations

migrations = Migrations("escalator")

_TABLES = """
CREATE TABLE incidents (
    id TEXT PRIMARY KEY, receiver TEXT NOT NULL, policy TEXT NOT NULL, route TEXT NOT NULL, group_key TEXT NOT NULL,
    title TEXT NOT NULL, summary TEXT NOT NULL, severity TEXT NOT NULL, phase TEXT NOT NULL,
    firing INTEGER NOT NULL, resolved INTEGER NOT NULL, step INTEGER NOT NULL, round INTEGER NOT NULL,
    until INTEGER, due_at INTEGER, baseline TEXT NOT NULL, before TEXT NOT NULL, last_placed_at INTEGER,
    acknowledged_at INTEGER, acknowledged_by TEXT, resolved_at INTEGER, resolved_by TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX incidents_open ON incidents (receiver, policy, group_key) WHERE phase != 'resolved';
CREATE INDEX incidents_group ON incidents (receiver, policy, group_key, resolved_at);
CREATE INDEX incidents_due ON incidents (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX incidents_over ON incidents (resolved_at) WHERE phase = 'resolved';
CREATE INDEX incidents_phase ON incidents (phase, id);

CREATE TABLE pages (
    incident_id TEXT NOT NULL, person TEXT NOT NULL, step INTEGER NOT NULL, state TEXT NOT NULL,
    since INTEGER NOT NULL, tries INTEGER NOT NULL, busy INTEGER NOT NULL, refused INTEGER NOT NULL,
    call_id TEXT NOT NULL, placed_at INTEGER, next_at INTEGER, unreachable INTEGER NOT NULL,
    PRIMARY KEY (incident_id, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX pages_due ON pages (since) WHERE state = 'due';

CREATE TABLE alerts (
    receiver TEXT NOT NULL, key TEXT NOT NULL, incident_id TEXT NOT NULL, is_current INTEGER NOT NULL,
    status TEXT NOT NULL, severity TEXT NOT NULL, labels TEXT NOT NULL, annotations TEXT NOT NULL,
    starts_at INTEGER, ends_at INTEGER, url TEXT NOT NULL, raw TEXT NOT NULL,
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, seen INTEGER NOT NULL,
    PRIMARY KEY (receiver, key, incident_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX alerts_current ON alerts (receiver, key) WHERE is_current = 1;
CREATE INDEX alerts_incident ON alerts (incident_id, status);

CREATE TABLE calls (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, "to" TEXT NOT NULL, from_ TEXT NOT NULL, person TEXT NOT NULL,
    state TEXT NOT NULL, outcome TEXT, sid TEXT NOT NULL, lasts REAL NOT NULL, created_at INTEGER NOT NULL,
    posted_at INTEGER, unclear_at INTEGER, heard_at INTEGER, answered_at INTEGER, ended_at INTEGER, timer_at INTEGER,
    due_at INTEGER, duration INTEGER, error_code INTEGER, error_message TEXT NOT NULL, not_sent INTEGER NOT NULL,
    acted INTEGER NOT NULL, machine INTEGER NOT NULL, prompts INTEGER NOT NULL, ambiguous INTEGER NOT NULL,
    endings TEXT NOT NULL, speech TEXT, answer_request TEXT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX calls_live ON calls ("to") WHERE state NOT IN ('planned', 'ended');
CREATE INDEX calls_open ON calls (state) WHERE state != 'ended';
CREATE INDEX calls_over ON calls (ended_at) WHERE state = 'ended';
CREATE INDEX calls_due ON calls (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE posts (
    token_hash TEXT PRIMARY KEY, call_id TEXT NOT NULL, at INTEGER NOT NULL, sid TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX posts_call ON posts (call_id, at);
CREATE INDEX posts_sid ON posts (sid) WHERE sid != '';

CREATE TABLE call_pages (
    call_id TEXT NOT NULL, n INTEGER NOT NULL, incident_id TEXT NOT NULL, person TEXT NOT NULL,
    is_open INTEGER NOT NULL, told INTEGER NOT NULL, joined INTEGER NOT NULL, also INTEGER NOT NULL,
    PRIMARY KEY (call_id, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX call_pages_incident ON call_pages (incident_id);

CREATE TABLE timeline (
    id INTEGER PRIMARY KEY, incident_id TEXT NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL, text TEXT NOT NULL,
    by TEXT, call TEXT
) STRICT;
CREATE INDEX timeline_incident ON timeline (incident_id, id);

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    key TEXT PRIMARY KEY, call_id TEXT NOT NULL, digest TEXT NOT NULL, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""


_WHO_AND_WHEN = """
ALTER TABLE incidents ADD COLUMN held TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN stale_at INTEGER;
ALTER TABLE incidents ADD COLUMN code TEXT NOT NULL DEFAULT '';
CREATE INDEX incidents_held ON incidents (id) WHERE held != '' AND phase != 'resolved';
CREATE INDEX incidents_code ON incidents (code) WHERE phase != 'resolved';
ALTER TABLE pages ADD COLUMN planned TEXT NOT NULL DEFAULT '';

CREATE TABLE texts (
    incident_id TEXT NOT NULL, person TEXT NOT NULL, due_at INTEGER NOT NULL, is_sent INTEGER NOT NULL,
    PRIMARY KEY (incident_id, person, due_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX texts_due ON texts (due_at) WHERE is_sent = 0;

CREATE INDEX calls_created ON calls (created_at);

CREATE TABLE overrides (
    id TEXT PRIMARY KEY, schedule TEXT NOT NULL, person TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    reason TEXT NOT NULL, by TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE silences (
    id TEXT PRIMARY KEY, matchers TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    comment TEXT NOT NULL, by TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""


_MESSAGES = """
CREATE TABLE messages (
    id TEXT PRIMARY KEY, person TEXT NOT NULL, "to" TEXT NOT NULL, from_ TEXT NOT NULL, body TEXT NOT NULL,
    state TEXT NOT NULL, sid TEXT NOT NULL, created_at INTEGER NOT NULL, posted_at INTEGER, unclear_at INTEGER,
    ended_at INTEGER, timer_at INTEGER, not_sent INTEGER NOT NULL, error_code INTEGER, error_message TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX messages_pending ON messages ("to") WHERE state IN ('planned', 'posting', 'unclear');
CREATE INDEX messages_timer ON messages (timer_at) WHERE timer_at IS NOT NULL;
CREATE INDEX messages_number ON messages ("to", created_at);
CREATE INDEX messages_posted ON messages (posted_at);
CREATE INDEX messages_over ON messages (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE message_posts (
    token_hash TEXT PRIMARY KEY, message_id TEXT NOT NULL, at INTEGER NOT NULL, sid TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX message_posts_message ON message_posts (message_id, at);
CREATE INDEX message_posts_sid ON message_posts (sid) WHERE sid != '';

CREATE TABLE message_incidents (
    message_id TEXT NOT NULL, n INTEGER NOT NULL, incident_id TEXT NOT NULL, person TEXT NOT NULL,
    PRIMARY KEY (message_id, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_incidents_incident ON message_incidents (incident_id);

CREATE TABLE replies (sid TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX replies_at ON replies (at);
"""


_HEARTBEATS = """
CREATE TABLE heartbeats (
    name TEXT PRIMARY KEY, last_at INTEGER, armed_at INTEGER NOT NULL, beats INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""


_CALENDARS = """
CREATE TABLE calendars (
    name TEXT PRIMARY KEY, link TEXT NOT NULL, digest TEXT NOT NULL, body BLOB NOT NULL, events BLOB NOT NULL,
    zone TEXT NOT NULL, etag TEXT NOT NULL, modified TEXT NOT NULL, expanded_at INTEGER NOT NULL,
    checked_at INTEGER NOT NULL, error TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""


@migrations(name="0001_first_tables")
def first_tables(db: Database) -> None:
    """Everything that the first release keeps."""
    _run(db, _TABLES)


@migrations(name="0002_who_and_when")
def who_and_when(db: Database) -> None:
    """Incidents that are held, messages that are owed, live overrides and silences."""
    _run(db, _WHO_AND_WHEN)


@migrations(name="0003_messages")
def messages(db: Database) -> None:
    """Messages to people, and which answers of theirs were taken."""
    _run(db, _MESSAGES)


@migrations(name="0004_heartbeats")
def heartbeats(db: Database) -> None:
    """When each heartbeat was heard."""
    _run(db, _HEARTBEATS)


@migrations(name="0005_calendars")
def calendars(db: Database) -> None:
    """The last good copy of each calendar."""
    _run(db, _CALENDARS)


def _run(db: Database, statements: str) -> None:
    for statement in statements.split(";"):
        if statement.strip():
            db.conn.execute(statement)
