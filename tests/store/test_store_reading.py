"""What can be asked of the database while somebody writes."""

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest
from cast import ANA, CHI, RULES, cleared, fired

from escalator.clock import VirtualClock
from escalator.escalation.call_events import (
    CallAccepted,
    CallAsked,
    CallIntended,
    CallReported,
    KeyPressed,
    Wanted,
)
from escalator.escalation.calls import Speech
from escalator.escalation.dialing import Spent
from escalator.escalation.events import Action, Asked
from escalator.store.connection import open_for_reading
from escalator.store.reading import Reader, alerts_of, calls_of, list_incidents, timeline_of
from escalator.store.sqlite import SqliteStore
from escalator.store.work import Work, count_work
from escalator.telemetry import Metrics

SPEECH = Speech(say="hello", voice="alice", language="en-US", loop=1)
OPEN = ("triggered", "acknowledged", "snoozed", "exhausted")


class Records:
    """A store and its reader, written to by hand."""

    def __init__(self, path):
        self.store = SqliteStore(path, Metrics())
        self.reader = Reader(path)
        self.db = open_for_reading(path)
        self.clock = VirtualClock()

    def submit(self, *events):
        results = self.store.apply(events, RULES, self.clock.now())
        assert not [one for one in results if isinstance(one, Exception)]
        return results

    def intend(self, *keys, call="call"):
        pages = tuple(Wanted(incident_id=f"incident-{key}", person="ana") for key in keys)
        return CallIntended(
            call_id=call,
            to=ANA,
            from_="+15005550006",
            person="ana",
            token_hash=f"token-of-{call}",
            lasts=385.0,
            pages=pages,
        )

    def close(self):
        self.reader.close()
        self.db.close()
        self.store.close()


@pytest.fixture
def records(tmp_path):
    records = Records(tmp_path / "e.db")
    yield records
    records.close()


def test_a_read_sees_every_commit_and_nothing_before_it(records):
    """(D1) Each look is a new one, also on a connection that has looked before."""
    assert records.reader.incident("incident-disk") is None

    records.submit(fired())

    assert records.reader.incident("incident-disk").is_open


def test_reading_goes_on_while_another_process_writes(records, tmp_path):
    """(D5) The answer to a call is spoken from what is committed."""
    records.submit(fired())
    other = sqlite3.connect(tmp_path / "e.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE incidents SET title = 'not yet'")

    assert records.reader.incident("incident-disk").title == "Disk full"
    other.close()


def test_due_pages_come_with_what_the_dialer_goes_by(records):
    records.submit(fired(), fired("cpu", severity="warning"))
    records.submit(records.intend("disk"))

    (page,) = records.reader.due_pages()

    assert (page.incident_id, page.person, page.severity) == ("incident-cpu", "ana", "warning")
    assert (page.tries, page.was_called, page.since) == (0, False, records.clock.now())


def test_open_calls_tell_who_is_kept_busy(records):
    """(I2) In a live call also those whose pages have closed while they talk, and the person of a direct call."""
    records.submit(fired(), fired("cpu", ring="ben"))
    bens = Wanted(incident_id="incident-cpu", person="ben")
    records.submit(replace(records.intend("disk"), pages=(*records.intend("disk").pages, bens)))
    speech = Speech(say="hello", voice="alice", language="en-GB", loop=1)
    records.submit(
        CallAsked(call_id="direct", to=CHI, person="chi", speech=speech, lasts=685.0),
        Asked(incident_id="incident-disk", action=Action.RESOLVE, by="dee"),
        Asked(incident_id="incident-cpu", action=Action.RESOLVE, by="dee"),
    )

    def busy():
        return {call.id: (call.state, call.people) for call in records.reader.open_calls()}

    assert busy() == {"call": ("posting", {"ana", "ben"}), "direct": ("planned", set())}
    records.submit(replace(records.intend(call="direct"), to=CHI, person="chi"))
    assert busy()["direct"] == ("posting", {"chi"})


def test_a_call_is_found_by_the_token_of_any_of_its_posts(records):
    """(X4) By its hash."""
    records.submit(fired(), records.intend("disk"))

    assert records.reader.call_of_token("token-of-call").id == "call"
    assert records.reader.call_of_token("another") is None


def test_what_is_due_comes_the_longest_due_first_and_the_absurd_last(records):
    """(T3) A due time more than 31 days ahead was written by a clock that was wrong."""
    for n, key in enumerate(["third", "first", "second", "absurd", "later"]):
        records.submit(fired(key, group=str(n)))
    now = records.clock.now()
    due = {
        "first": -300,
        "second": -200,
        "third": 0,
        "later": 1,
        "absurd": timedelta(days=32).total_seconds(),
    }
    for key, seconds in due.items():
        at = int((now + timedelta(seconds=seconds)).timestamp() * 1_000_000)
        statement = "UPDATE incidents SET due_at = ? WHERE id = ?"
        records.store.change(statement, (at, f"incident-{key}"))

    expected = [f"incident-{key}" for key in ("first", "second", "third", "absurd")]
    assert records.reader.due_incidents(now) == expected
    assert records.reader.next_due_incident() == now - timedelta(seconds=300)


def test_a_timeline_shows_its_first_100_and_last_900_lines_and_says_how_many_it_left_out(records):
    records.submit(fired())
    notes = [
        Asked(incident_id="incident-disk", action=Action.NOTE, by="ana", text=str(n))
        for n in range(1100)
    ]
    before = len(timeline_of(records.db, "incident-disk").lines)
    records.submit(*notes[: 1000 - before])
    whole = timeline_of(records.db, "incident-disk")
    assert (len(whole.lines), whole.cut) == (1000, 0)

    records.submit(*notes[1000 - before :])
    timeline = timeline_of(records.db, "incident-disk")

    assert len(timeline.lines) == 1000
    assert timeline.cut == 100 + before
    texts = [line.text for line in timeline.lines]
    assert texts[before:100] == [str(n) for n in range(100 - before)]
    assert texts[100:] == [str(n) for n in range(200, 1100)]


def test_incidents_are_listed_newest_first_page_by_page(records):
    records.submit(*(fired(f"{n:02}") for n in range(5)), cleared("03"))

    first = list_incidents(records.db, OPEN, 2, None)
    rest = list_incidents(records.db, OPEN, 9, first[-1].id)

    assert [one.id[-2:] for one in (*first, *rest)] == ["04", "02", "01", "00"]
    assert [one.id[-2:] for one in list_incidents(records.db, ("resolved",), 9, None)] == ["03"]
    assert count_work(records.db).phases == {"triggered": 4}


def test_the_alerts_of_an_incident_come_firing_ones_first_with_how_often_they_came(records):
    records.submit(fired("a", group="g"), fired("b", group="g"))
    start = records.clock.now()
    records.submit(cleared("a", group="g"), fired("b", group="g"))

    found = alerts_of(records.db, "incident-a", 10)

    assert [(one.key, one.status, one.seen) for one in found] == [
        ("b", "firing", 2),
        ("a", "resolved", 2),
    ]
    assert found[0].labels["alertname"] == "Disk full"
    assert found[0].first_seen == start
    assert alerts_of(records.db, "incident-a", 1) == found[:1]


def test_the_calls_of_an_incident_come_in_order_each_once(records):
    records.submit(fired(), fired("cpu"), records.intend("disk", "cpu"))
    records.submit(
        CallAccepted(call_id="call", token_hash="token-of-call", sid="CA1"),
        KeyPressed(call_id="call", token_hash="token-of-call", sid="CA1", key="4", heard=1),
        CallReported(call_id="call", token_hash="", sid="CA1", status="completed", duration=7),
    )

    for key in ("disk", "cpu"):
        (call,) = calls_of(records.db, f"incident-{key}")
        assert (call.id, call.duration, len(call.pages)) == ("call", 7, 2)


async def test_long_questions_are_asked_off_the_loop_on_a_connection_of_their_own(records):
    records.submit(fired())

    work = await records.reader.in_thread(count_work)

    assert work.phases == {"triggered": 1}


async def test_open_work_is_counted_by_kind_and_the_oldest_that_waits_is_dated(records):
    start = records.clock.now()
    records.submit(fired(), fired("cpu"), fired("taken"))
    await records.clock.advance(60)
    records.submit(
        fired("new"),
        records.intend("disk"),
        CallAccepted(call_id="call", token_hash="token-of-call", sid="CA1"),
        Asked(incident_id="incident-taken", action=Action.ACKNOWLEDGE, by="ana"),
    )

    assert count_work(records.db) == Work(
        phases={"triggered": 3, "acknowledged": 1},
        oldest_unacknowledged={"default": start},
        pending={"page": 2, "direct_call": 0, "end_call": 0, "sms": 0},
    )
    records.submit(Asked(incident_id="incident-disk", action=Action.RESOLVE, by="ana"))
    assert count_work(records.db).pending == {"page": 2, "direct_call": 0, "end_call": 1, "sms": 0}


def test_calls_that_were_placed_count_for_the_caps_of_their_people(records):
    """A direct call counts for the person it rings; what was never posted counts for nobody."""
    records.submit(fired("disk"), fired("cpu"))
    records.submit(records.intend("disk"))
    records.submit(
        CallAsked(call_id="direct", to=CHI, person="chi", speech=SPEECH, lasts=60.0),
        CallAsked(call_id="unposted", to="+15005550108", person="dee", speech=SPEECH, lasts=60.0),
        CallIntended(
            call_id="direct",
            to=CHI,
            from_="+15005550006",
            person="chi",
            token_hash="token-of-direct",
            lasts=60.0,
        ),
    )
    now, hour = records.clock.now(), timedelta(hours=1)

    assert records.reader.spent(now, hour) == Spent(by_person={"ana": 1, "chi": 1}, today=2)
    assert records.reader.spent(now + 2 * hour, hour) == Spent(by_person={}, today=2)
    assert records.reader.spent(now + timedelta(days=2), hour) == Spent(by_person={}, today=0)
