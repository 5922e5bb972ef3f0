"""Every value comes back from its row as it went in, and the tables refuse what must never be twice."""

import dataclasses
import sqlite3
import typing
from datetime import UTC, datetime, timedelta
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.escalation.calls import LIVE, Call, CallPage, CallState, Ending, Post
from escalator.escalation.incidents import Incident, Page, Phase, Text
from escalator.store import rows
from escalator.store.connection import open_for_writing
from escalator.store.loading import load_call, load_incident

TIMES = st.datetimes(timezones=st.just(UTC))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = {
    str: TEXTS,
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    datetime: TIMES,
}
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def any_of(hint):
    """Any value of this annotation."""
    if hint in SCALARS:
        return SCALARS[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if dataclasses.is_dataclass(hint):
        return values(hint)
    if typing.get_origin(hint) is tuple:
        return st.lists(any_of(typing.get_args(hint)[0]), max_size=3).map(tuple)
    return st.one_of(
        *(st.none() if one is type(None) else any_of(one) for one in typing.get_args(hint))
    )


def values(kind, **given):
    """Any value of this dataclass, with these fields drawn otherwise."""
    hints = typing.get_type_hints(kind)
    return st.builds(
        kind,
        **{one.name: any_of(hints[one.name]) for one in dataclasses.fields(kind)} | given,
    )


def apart(kind, by, **given):
    """Rows of one parent, whose key tells them apart."""
    return st.lists(values(kind, **given), max_size=4, unique_by=lambda one: getattr(one, by)).map(
        tuple
    )


TEXTS_OWED = st.lists(
    values(Text, due_at=TIMES), max_size=4, unique_by=lambda one: (one.person, one.due_at)
).map(lambda owed: tuple(sorted(owed, key=lambda one: (one.due_at, one.person.encode()))))
INCIDENTS = values(Incident, id=TEXTS, pages=apart(Page, "person"), texts=TEXTS_OWED)
CALLS = values(
    Call,
    id=TEXTS,
    posts=apart(Post, "token_hash"),
    pages=apart(CallPage, "n"),
    endings=apart(Ending, "sid", due_at=TIMES),
)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    connection = open_for_writing(tmp_path_factory.mktemp("rows") / "e.db")
    connection.execute("PRAGMA synchronous = OFF")  # not what these tests are about
    yield connection
    connection.close()


def insert(connection, table, columns, row, **more):
    names = [*columns, *more]
    connection.execute(
        f"INSERT INTO {table} ({', '.join(chr(34) + name + chr(34) for name in names)}) "
        f"VALUES ({', '.join('?' * len(names))})",
        (*row, *more.values()),
    )


def put_incident(connection, incident):
    insert(connection, "incidents", (*rows.INCIDENT_COLUMNS, "code"), rows.incident_row(incident))
    for text in incident.texts:
        columns = ("person", "due_at", "is_sent")
        insert(connection, "texts", columns, rows.text_row(text), incident_id=incident.id)
    for page in incident.pages:
        insert(connection, "pages", rows.PAGE_COLUMNS, rows.page_row(page), incident_id=incident.id)


def put_call(connection, call):
    columns = (*rows.CALL_COLUMNS, "endings", "speech", "answer_request")
    insert(connection, "calls", columns, rows.call_row(call))
    for page in call.pages:
        insert(
            connection,
            "call_pages",
            rows.CALL_PAGE_COLUMNS,
            rows.call_page_row(page),
            call_id=call.id,
        )
    for post in call.posts:
        row = (post.token_hash, rows.to_stored(post.at), post.sid)
        insert(connection, "posts", ("token_hash", "at", "sid"), row, call_id=call.id)


def in_any_order(value, *fields):
    """Rows have no order but that of their key."""
    return dataclasses.replace(
        value, **{name: tuple(sorted(getattr(value, name), key=repr)) for name in fields}
    )


@given(INCIDENTS)
def test_an_incident_comes_back_with_its_pages(tables, incident):
    """(K4) All that a restart goes on from."""
    tables.execute("BEGIN")
    put_incident(tables, incident)
    found = load_incident(tables, incident.id)
    tables.execute("ROLLBACK")

    assert in_any_order(found, "pages") == in_any_order(incident, "pages")


@given(CALLS)
def test_a_call_comes_back_with_its_posts_pages_and_endings(tables, call):
    """(K8, K13) All that a restart follows a call by."""
    tables.execute("BEGIN")
    put_call(tables, call)
    found = load_call(tables, call.id)
    tables.execute("ROLLBACK")

    assert in_any_order(found, "pages", "posts") == in_any_order(call, "pages", "posts")


@given(TIMES)
def test_times_are_kept_to_the_microsecond(at):
    assert rows.from_stored(rows.to_stored(at)) == at


def test_posts_come_back_in_the_order_in_which_they_were_made(tables):
    """The last one is the one under way."""
    posts = tuple(
        Post(token_hash=token, at=NOW + timedelta(seconds=n)) for n, token in enumerate("zax")
    )
    call = dataclasses.replace(CALL, posts=posts)
    tables.execute("BEGIN")
    put_call(tables, call)
    found = load_call(tables, call.id)
    tables.execute("ROLLBACK")

    assert found.posts == posts


INCIDENT = Incident(
    id="one",
    receiver="am",
    policy="default",
    route="",
    group_key="g",
    title="",
    summary="",
    severity="",
    created_at=NOW,
    updated_at=NOW,
)
CALL = Call(id="one", kind="page", to="+447700900123", person="ben", created_at=NOW, lasts=385.0)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.RESOLVED])
def test_a_group_has_one_open_incident(tables, phase):
    """(I2, H7)"""
    tables.execute("BEGIN")
    put_incident(tables, INCIDENT)
    second = dataclasses.replace(INCIDENT, id="two", phase=phase)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        put_incident(tables, second)
    put_incident(tables, dataclasses.replace(second, phase=Phase.RESOLVED))
    put_incident(tables, dataclasses.replace(second, id="three", policy="another"))
    tables.execute("ROLLBACK")


@pytest.mark.parametrize("state", sorted(LIVE))
def test_a_number_is_in_one_call(tables, state):
    """(I2, W29)"""
    tables.execute("BEGIN")
    put_call(tables, dataclasses.replace(CALL, state=CallState.RINGING))
    second = dataclasses.replace(CALL, id="two", state=state)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        put_call(tables, second)
    put_call(tables, dataclasses.replace(second, state=CallState.PLANNED))
    put_call(tables, dataclasses.replace(second, id="three", state=CallState.ENDED))
    put_call(tables, dataclasses.replace(second, id="four", to="+442079460123"))
    tables.execute("ROLLBACK")
