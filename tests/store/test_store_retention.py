"""What has been over for long enough goes; nothing that is open, and nothing that somebody may still ask for."""

from datetime import timedelta

import pytest
from cast import ANA, BEN, RULES, cleared, fired

from escalator.clock import VirtualClock
from escalator.escalation.call_events import (
    CallAsked,
    CallDropped,
    CallIntended,
    CallRefused,
    Wanted,
)
from escalator.escalation.calls import Speech
from escalator.store.connection import open_for_reading
from escalator.store.retention import CHUNK, let_go
from escalator.store.rows import to_stored
from escalator.store.sqlite import SqliteStore
from escalator.telemetry import Metrics

KEPT = timedelta(days=400)
TABLES = "incidents pages alerts timeline calls call_pages posts idempotency".split()


class Past:
    """A store in which time passes by hand."""

    def __init__(self, path):
        self.store = SqliteStore(path, Metrics())
        self.db = open_for_reading(path)
        self.clock = VirtualClock()

    def submit(self, *events):
        results = self.store.apply(events, RULES, self.clock.now())
        assert not [one for one in results if isinstance(one, Exception)]

    def ring(self, *keys, call="call"):
        """A call about these, refused at once."""
        pages = tuple(Wanted(incident_id=f"incident-{key}", person="ana") for key in keys)
        self.submit(
            CallIntended(
                call_id=call,
                to=ANA,
                from_="+15005550006",
                person="ana",
                token_hash=f"token-of-{call}",
                lasts=385.0,
                pages=pages,
            ),
            CallRefused(call_id=call, code=21211, message="no such number"),
        )

    async def let_go(self, retention=KEPT):
        async def change(statement, parameters):
            return self.store.change(statement, parameters)

        return await let_go(change, self.clock.now(), retention)

    def count(self):
        found = {
            table: self.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in TABLES
        }
        return {table: rows for table, rows in found.items() if rows}


@pytest.fixture
def past(tmp_path):
    past = Past(tmp_path / "e.db")
    yield past
    past.db.close()
    past.store.close()


async def test_an_incident_goes_with_its_alerts_its_timeline_and_its_calls(past):
    past.submit(fired())
    past.ring("disk")
    past.submit(cleared())
    await past.clock.advance(KEPT + timedelta(seconds=1))

    assert await past.let_go() == 2

    assert past.count() == {}


async def test_nothing_goes_that_is_open_or_young(past):
    past.submit(fired(), fired("open"))
    past.ring("disk", "open")
    await past.clock.advance(timedelta(hours=1))
    past.submit(cleared())
    before = past.count()
    await past.clock.advance(KEPT - timedelta(seconds=1))

    assert await past.let_go() == 0

    del before["posts"]
    assert past.count() == before


async def test_a_call_stays_while_one_of_its_incidents_does(past):
    past.submit(fired(), fired("open"))
    past.ring("disk", "open")
    past.submit(cleared())
    await past.clock.advance(KEPT * 2)

    assert await past.let_go() == 1

    assert past.count()["calls"] == 1
    assert past.db.execute("SELECT incident_id FROM call_pages").fetchall() == [("incident-open",)]


async def test_the_token_of_a_call_is_forgotten_a_week_after_it(past):
    """(X9) "Gone" becomes "not found"."""
    past.submit(fired())
    past.ring("disk")
    await past.clock.advance(timedelta(days=7))
    await past.let_go()
    assert past.count()["posts"] == 1

    await past.clock.advance(timedelta(seconds=1))
    await past.let_go()

    assert "posts" not in past.count()
    assert past.count()["calls"] == 1


async def test_a_token_never_outlives_its_call(past):
    """With a retention of less than a week."""
    past.submit(fired())
    past.ring("disk")
    past.submit(cleared())
    await past.clock.advance(timedelta(days=2))

    await past.let_go(timedelta(days=1))

    assert past.count() == {}


async def test_direct_calls_go_by_their_own_end(past):
    speech = Speech(say="hello", voice="alice", language="en-GB", loop=1)
    for name in ("over", "planned"):
        past.submit(CallAsked(call_id=name, to=BEN, person="ben", speech=speech, lasts=685.0))
    past.submit(CallDropped(call_id="over", reason="a test"))
    await past.clock.advance(KEPT + timedelta(seconds=1))

    assert await past.let_go() == 1

    assert past.db.execute("SELECT id FROM calls").fetchall() == [("planned",)]


async def test_more_than_a_chunk_goes_in_one_run(past):
    past.submit(*(fired(str(n)) for n in range(CHUNK + 1)))
    past.submit(*(cleared(str(n)) for n in range(CHUNK + 1)))
    await past.clock.advance(KEPT * 2)

    assert await past.let_go() == CHUNK + 1

    assert past.count() == {}


async def test_alerts_that_opened_nothing_go_by_when_they_were_last_seen(past):
    past.submit(fired())
    past.store.change("UPDATE alerts SET incident_id = ''")
    past.store.change("DELETE FROM incidents")
    await past.clock.advance(KEPT + timedelta(seconds=1))
    await past.let_go()

    assert "alerts" not in past.count()


async def test_idempotency_keys_are_kept_a_week(past):
    for key, days in (("old", 8), ("young", 6)):
        at = to_stored(past.clock.now() - timedelta(days=days))
        past.store.change("INSERT INTO idempotency VALUES (?, 'call', 'digest', ?)", (key, at))

    await past.let_go()

    assert past.db.execute("SELECT key FROM idempotency").fetchall() == [("young",)]
