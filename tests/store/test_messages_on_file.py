"""Messages on file: every value comes back as it went in, and the fold admits what its rules allow."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from cast import ANA, BEN, cleared, fired, rules
from hypothesis import given
from hypothesis import strategies as st
from test_store_rows import apart, values

from escalator.clock import VirtualClock
from escalator.escalation.calls import Post
from escalator.escalation.events import Action, Asked, ReplyReceived
from escalator.escalation.message_events import (
    MessageAccepted,
    MessageDue,
    MessageIntended,
    MessageListed,
    MessageRefused,
    MessageUnclear,
)
from escalator.escalation.messages import PENDING, Message, MessageState, Told
from escalator.escalation.rules import Step
from escalator.store import messages as on_file
from escalator.store import quarantine
from escalator.store.connection import open_for_writing
from escalator.store.message_rows import load_message, write_messages
from escalator.store.quarantine import Suspect
from escalator.store.reading import Reader
from escalator.store.retention import let_go
from escalator.store.sqlite import SqliteStore
from escalator.store.work import count_work
from escalator.telemetry import Metrics

HOUR = timedelta(hours=1)
OWING = rules(Step(sms=("ana",), wait=HOUR), Step(sms=("ben",), wait=HOUR))


class File:
    """A store in which time passes by hand."""

    def __init__(self, folder):
        self.path = folder / "e.db"
        self.metrics = Metrics()
        self.store = SqliteStore(self.path, self.metrics)
        self.reader = Reader(self.path)
        self.clock = VirtualClock()

    def submit(self, *events):
        return self.store.apply(events, OWING, self.clock.now())

    def intend(self, *incidents, message="m", to=ANA, token="t"):
        tells = tuple(Told(incident_id=one, person="ana") for one in incidents)
        [result] = self.submit(
            MessageIntended(
                message_id=message,
                person="ana",
                to=to,
                from_="+15005550006",
                body="Disk full",
                token_hash=f"{token}-{message}",
                tells=tells,
            )
        )
        return result

    def message(self, message="m"):
        return self.reader.at_once(lambda db: load_message(db, message))

    def close(self):
        self.reader.close()
        self.store.close()


@pytest.fixture
def file(tmp_path):
    one = File(tmp_path)
    yield one
    one.close()


@given(
    values(
        Message,
        posts=apart(Post, "token_hash").map(lambda posts: tuple(sorted(posts, key=lambda p: p.at))),
        tells=st.lists(values(Told), max_size=4, unique=True).map(tuple),
    )
)
def test_a_message_comes_back_as_it_went_in(message):
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in SCHEMA:
        connection.execute(statement)
    write_messages(connection, [message], [], NOW)
    back = load_message(connection, message.id)
    connection.close()
    assert back == message


NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def schema(tmp_path_factory):
    """The statements that make the tables of messages, as the store has them."""
    connection = open_for_writing(tmp_path_factory.mktemp("schema") / "e.db")
    found = connection.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name IN "
        "('messages', 'message_posts', 'message_incidents', 'replies') AND sql IS NOT NULL"
    )
    SCHEMA[:] = [row[0] for row in found]
    connection.close()


SCHEMA: list[str] = []


def test_the_index_of_pending_messages_says_what_pending_means(file):
    [sql] = [one for one in SCHEMA if "messages_pending" in one]
    assert all(f"'{state.value}'" in sql for state in PENDING)
    assert sql.count("'") == 2 * len(PENDING)


def test_what_is_owed_is_due_until_it_is_intended(file):
    file.submit(fired())
    assert [one.incident_id for one in on_file.due_texts(file.reader, file.clock.now())] == [
        "incident-disk"
    ]
    assert on_file.next_due(file.reader) == file.clock.now()
    assert file.reader.at_once(count_work).pending["sms"] == 1

    assert file.intend("incident-disk").message.state is MessageState.POSTING

    assert on_file.due_texts(file.reader, file.clock.now()) == []
    assert on_file.next_due(file.reader) == file.clock.now() + timedelta(seconds=20)
    assert [one.id for one in on_file.posting_messages(file.reader)] == ["m"]
    assert on_file.last_written(file.reader, file.clock.now()) == {ANA: None}


def test_what_changed_since_it_was_planned_is_not_sent(file):
    """(K9) Whoever acknowledged meanwhile is not to be written to."""
    file.submit(fired(), fired("cpu"))
    file.submit(Asked(incident_id="incident-disk", action=Action.ACKNOWLEDGE, by="ben"))
    assert file.intend("incident-cpu", "incident-disk").refused
    assert file.message() is None
    assert not file.intend("incident-cpu").refused


def test_a_number_has_one_message_under_way(file):
    file.submit(fired(), fired("cpu"))
    file.intend("incident-disk")
    assert file.intend("incident-cpu", message="m2").refused == (
        "a message to the number is under way"
    )
    file.submit(MessageAccepted(message_id="m", token_hash="t-m", sid="SM1"))
    assert not file.intend("incident-cpu", message="m2").refused
    assert on_file.last_written(file.reader, file.clock.now() - HOUR)[ANA] is None


def test_within_one_batch_too(file):
    file.submit(fired(), fired("cpu"))
    events = [
        MessageIntended(
            message_id=key,
            person="ana",
            to=ANA,
            from_="+15005550006",
            body="x",
            token_hash=f"t-{key}",
            tells=(Told(incident_id=f"incident-{key}", person="ana"),),
        )
        for key in ("disk", "cpu")
    ]
    first, second = file.submit(*events)
    assert not first.refused
    assert second.refused


def test_one_that_is_with_the_carrier_makes_room_within_one_batch(file):
    file.submit(fired(), fired("cpu"))
    file.intend("incident-disk", message="z")
    accepted = MessageAccepted(message_id="z", token_hash="t-z", sid="SM1")
    intent = MessageIntended(
        message_id="a",
        person="ana",
        to=ANA,
        from_="+15005550006",
        body="x",
        token_hash="t-a",
        tells=(Told(incident_id="incident-cpu", person="ana"),),
    )
    batches = file.metrics.registry.get_sample_value
    before = batches("escalator_store_batch_events_count")
    results = file.submit(accepted, intent)
    assert batches("escalator_store_batch_events_count") == before + 1, "it was taken apart"
    assert [one.refused for one in results] == ["", ""]
    assert file.message("z").state is MessageState.QUEUED
    assert file.message("a").state is MessageState.POSTING


def test_a_message_that_is_not_planned_is_not_posted_again(file):
    file.submit(fired())
    file.intend("incident-disk")
    assert file.intend("incident-disk", token="t2").refused == "the message is not planned any more"


def test_a_sid_belongs_to_one_message(file):
    file.submit(fired(), fired("cpu"))
    file.intend("incident-disk")
    file.submit(MessageAccepted(message_id="m", token_hash="t-m", sid="SM1"))
    file.intend("incident-cpu", message="m2")
    file.submit(MessageUnclear(message_id="m2", reason="timeout"))
    file.submit(MessageListed(message_id="m2", sids=("SM1",)))
    assert file.message("m2").state is MessageState.UNCLEAR
    file.submit(MessageListed(message_id="m2", sids=("SM1", "SM2")))
    assert file.message("m2").sid == "SM2"


def test_a_token_leads_to_its_message(file):
    file.submit(fired())
    file.intend("incident-disk")
    assert on_file.message_of_token(file.reader, "t-m").id == "m"
    assert on_file.message_of_token(file.reader, "unknown") is None


def test_an_event_about_no_message_changes_nothing(file):
    [result] = file.submit(MessageDue(message_id="m"))
    assert result.refused == "no such message"


def test_an_answer_told_twice_is_done_once_also_in_one_batch(file):
    file.submit(fired())
    ask = Asked(incident_id="incident-disk", action=Action.ESCALATE, by="ana")
    reply = ReplyReceived(sid="SM9", asks=(ask,))
    first, second = file.submit(reply, reply)
    [third] = file.submit(reply)
    assert [one.incidents[0].step for one in (first, second, third)] == [1, 1, 1]


def test_a_code_leads_to_an_open_incident_or_to_one_that_was_told_there(file):
    file.submit(fired())
    code = file.reader.incident("incident-disk").code
    incident, people = on_file.incident_of_code(file.reader, code, BEN)
    assert (incident.id, people) == ("incident-disk", ())

    file.intend("incident-disk")
    assert on_file.incident_of_code(file.reader, code, ANA)[1] == ("ana",)
    file.submit(cleared())
    assert on_file.incident_of_code(file.reader, code, BEN) is None
    incident, people = on_file.incident_of_code(file.reader, code, ANA)
    assert (incident.phase, people) == ("resolved", ("ana",))


def test_ends_are_counted_once(file):
    file.submit(fired())
    file.intend("incident-disk")
    file.submit(MessageRefused(message_id="m", code=21610, message="no"))
    count = file.metrics.registry.get_sample_value
    assert count("escalator_messages_total", {"result": "refused"}) == 1


def test_a_message_that_is_no_value_is_passed_over_and_set_aside(file):
    file.submit(fired(), fired("cpu"))
    file.intend("incident-disk")
    file.store.change("UPDATE messages SET state = 'odd', timer_at = 0")
    file.intend("incident-cpu", message="m2", to=BEN)
    file.store.change("UPDATE messages SET timer_at = 0")

    assert [one.id for one in on_file.due_messages(file.reader, file.clock.now())] == ["m2"]
    [suspect] = file.reader.unreadable
    assert suspect == Suspect(kind="message", id="m")

    blamed = file.reader.at_once(lambda db: quarantine.suspects_of(db, MessageDue(message_id="m")))
    assert blamed == [suspect]
    file.store.transact(
        lambda db: quarantine.put_aside(db, suspect, "ValueError", file.clock.now())
    )
    assert file.message().state is MessageState.LOST
    assert [one.id for one in on_file.due_messages(file.reader, file.clock.now())] == ["m2"]


async def test_messages_go_with_their_incidents_and_tokens_a_week_after_the_end(file):
    file.submit(fired())
    file.intend("incident-disk")
    file.submit(MessageRefused(message_id="m", code=21610, message="no"))
    file.submit(ReplyReceived(sid="SM9", asks=()))

    async def change(statement, parameters):
        return file.store.change(statement, parameters)

    later = file.clock.now() + timedelta(days=8)
    await let_go(change, later, timedelta(days=400))
    assert on_file.message_of_token(file.reader, "t-m") is None
    assert file.message() is not None
    assert not file.store.messages.is_answered("SM9")

    file.submit(cleared())
    await let_go(change, later + timedelta(days=500), timedelta(days=400))
    assert file.message() is None
    left = [
        file.reader.at_once(lambda db, one=table: db.execute(f"SELECT * FROM {one}").fetchall())
        for table in ("messages", "message_posts", "message_incidents", "texts", "replies")
    ]
    assert left == [[]] * 5
