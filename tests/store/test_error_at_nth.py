"""Every statement of a page's life fails once, and for good, in each way that SQLite can fail (D2 to D5, D8, D13).

Whatever fails: the caller is told, nothing is half stored, and afterwards it goes on as if nothing had been: at once
where the handle may still be trusted, else after the next start.
"""

import shutil
import sqlite3
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cast import ANA, OURS, RULES, cleared, fired

from escalator.escalation.call_events import (
    CallAccepted,
    CallIntended,
    CallPrompted,
    CallReported,
    KeyPressed,
    Wanted,
)
from escalator.escalation.calls import AnswerRequest
from escalator.store.audit import find_violations
from escalator.store.ballast import Ballast
from escalator.store.connection import open_for_reading, open_for_writing
from escalator.store.errors import StoreBroken, StoreError
from escalator.store.opening import prepare
from escalator.store.sqlite import SqliteStore
from escalator.telemetry import Metrics

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TOKEN, SID, CALL, INCIDENT = "hash-1", "CA1", "call-1", "incident-disk"
REQUEST = AnswerRequest(at=START, content_type="application/x-www-form-urlencoded", body="")
# A page's whole life, a batch a line.
STORY = (
    (fired(), fired("cpu")),
    (
        CallIntended(
            call_id=CALL,
            to=ANA,
            from_=OURS,
            person="ana",
            token_hash=TOKEN,
            lasts=385.0,
            pages=(Wanted(incident_id=INCIDENT, person="ana"),),
        ),
    ),
    (CallAccepted(call_id=CALL, token_hash=TOKEN, sid=SID),),
    (CallPrompted(call_id=CALL, token_hash=TOKEN, sid=SID, request=REQUEST),),
    (KeyPressed(call_id=CALL, token_hash=TOKEN, sid=SID, key="4", heard=1),),
    (CallReported(call_id=CALL, token_hash=TOKEN, sid=SID, status="completed", duration=9),),
    (cleared(), cleared("cpu")),
)
PASSING = {
    "FULL": sqlite3.SQLITE_FULL,
    "IOERR_WRITE": sqlite3.SQLITE_IOERR | (3 << 8),
    "BUSY": sqlite3.SQLITE_BUSY,
    "READONLY": sqlite3.SQLITE_READONLY,
}
LASTING = {
    "IOERR_FSYNC": sqlite3.SQLITE_IOERR | (4 << 8),
    "CORRUPT": sqlite3.SQLITE_CORRUPT,
}


@dataclass
class Fault:
    """What goes wrong: from the Nth statement on, for so many statements, `late` only after it was done."""

    code: int = 0
    at: int = 0
    times: float = 0
    late: bool = False
    seen: int = 0
    hit: list[str] = field(default_factory=list)

    def heal(self):
        self.times = 0

    def strikes(self, statement):
        self.seen += 1
        if statement.startswith(("PRAGMA", "ROLLBACK")) or self.seen < self.at or self.times <= 0:
            return False
        self.times -= 1
        self.hit.append(statement)
        return True

    def raise_it(self):
        error = sqlite3.OperationalError("as the test wants it")
        error.sqlite_errorcode = self.code
        raise error


class Connection(sqlite3.Connection):
    """A real connection, whose statements fail as a fault says."""

    fault = Fault()

    def execute(self, statement, parameters=(), /):
        return self._run(super().execute, statement, parameters)

    def executemany(self, statement, parameters, /):
        return self._run(super().executemany, statement, parameters)

    def _run(self, run, statement, parameters):
        strikes = self.fault.strikes(statement)
        if strikes and not self.fault.late:
            self._as_sqlite_would()
        cursor = run(statement, parameters)
        if strikes:
            self.fault.raise_it()
        return cursor

    def _as_sqlite_would(self):
        """After these SQLite has rolled back by itself."""
        if self.in_transaction and self.fault.code & 0xFF in (
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_IOERR,
        ):
            super().execute("ROLLBACK")
        self.fault.raise_it()


def opened(path, fault, ballast=None):
    def connect(where):
        connection = sqlite3.connect(
            where,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
        )
        connection.execute("PRAGMA journal_mode=WAL")
        # What a power cut would take is not what is tested here, and 1,500 runs should not wait for the disk.
        connection.execute("PRAGMA synchronous=OFF")
        connection.fault = fault
        return connection

    return SqliteStore(path, Metrics(), connect=connect, ballast=ballast)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    path = tmp_path_factory.mktemp("empty") / "e.db"
    open_for_writing(path).close()
    return path


@pytest.fixture
def memory():
    """A folder in memory, where there is one: a thousand small databases need no disk."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def clean_run(empty, tmp_path_factory):
    """What is on file after each batch when nothing fails, and how many statements it took."""
    path = tmp_path_factory.mktemp("clean") / "e.db"
    shutil.copy(empty, path)
    fault = Fault()
    store = opened(path, fault)
    states = [on_file(path)]
    for n, batch in enumerate(STORY):
        store.apply(batch, RULES, START + timedelta(seconds=n))
        states.append(on_file(path))
    store.close()
    return states, fault.seen


def on_file(path):
    """Everything that is committed, but for the numbers of the timeline's lines."""
    reader = open_for_reading(path)
    try:
        found = {
            table: sorted(map(repr, reader.execute(f"SELECT * FROM {table}")))
            for table in ("incidents", "pages", "alerts", "calls", "posts", "call_pages")
        }
        lines = reader.execute("SELECT incident_id, at, event, text, by, call FROM timeline")
        found["timeline"] = sorted(map(repr, lines))
        assert find_violations(reader) == [], "(I1)"
        return found
    finally:
        reader.close()


def taken(store, batch, n):
    """Whether this batch was stored. One that was not says why; a broken store says so for good."""
    try:
        results = store.apply(batch, RULES, START + timedelta(seconds=n))
    except StoreBroken:
        raise
    except StoreError:
        return False
    assert not any(isinstance(one, Exception) for one in results)
    return True


def tell_story(store, path, states, fault, *, until_healed):
    """Every batch until it is taken; how many were refused. What is on file is always one of the clean run's."""
    refused = 0
    for n, batch in enumerate(STORY):
        for attempt in range(3):
            if taken(store, batch, n):
                break
            refused += 1
            assert on_file(path) == states[n], f"half stored by {fault.hit}"
            if attempt >= until_healed:
                fault.heal()
    assert on_file(path) == states[-1]
    return refused


@pytest.mark.parametrize("times", [1, float("inf")], ids=["once", "for good"])
@pytest.mark.parametrize("code", PASSING.values(), ids=PASSING)
def test_what_may_pass_is_told_and_tried_again_on_the_same_handle(
    clean_run, empty, memory, code, times
):
    """(D2, D3, D5, D13)"""
    states, statements = clean_run
    for nth in range(1, statements + 1):
        path = memory / f"{nth}.db"
        shutil.copy(empty, path)
        fault = Fault(code=code, at=nth, times=times)
        store = opened(path, fault)

        refused = tell_story(store, path, states, fault, until_healed=0 if times == 1 else 1)

        assert refused == (1 if times == 1 else 2), f"nobody heard of {fault.hit}"
        store.close()


@pytest.mark.parametrize("late", [False, True], ids=["undone", "done"])
@pytest.mark.parametrize("code", LASTING.values(), ids=LASTING)
def test_what_may_not_pass_is_told_and_never_tried_again_on_that_handle(
    clean_run, empty, memory, code, late
):
    """(D4, D8) The next start verifies the file; a commit that may have been made is there as a whole or not at all."""
    states, statements = clean_run
    for nth in range(1, statements + 1):
        path = memory / f"{nth}.db"
        shutil.copy(empty, path)
        fault = Fault(code=code, at=nth, times=1, late=late)
        store = opened(path, fault)
        with pytest.raises(StoreBroken, match="the next start verifies it"):
            tell_story(store, path, states, fault, until_healed=0)
        seen = fault.seen
        with pytest.raises(StoreBroken):
            store.apply(STORY[0], RULES, START)
        with pytest.raises(StoreBroken):
            store.change("SELECT 1")
        assert fault.seen == seen, "the handle was used again"
        assert on_file(path) in states

        store._connection.close()  # as the kernel does when the process ends
        assert prepare(path, START).lost == ""
        again = opened(path, Fault())
        begin = max(0, states.index(on_file(path)))
        for n in range(begin, len(STORY)):
            again.apply(STORY[n], RULES, START + timedelta(seconds=n))
        assert on_file(path) == states[-1]
        again.close()


def test_the_first_full_disk_frees_the_reserve_and_loses_nobody_a_call(clean_run, empty, memory):
    """(D2) Whatever statement meets it: the batch is written from the reserve, at once, and alerts have to wait."""
    states, statements = clean_run
    for nth in range(1, statements + 1):
        path = memory / f"{nth}.db"
        shutil.copy(empty, path)
        fault = Fault(code=sqlite3.SQLITE_FULL, at=nth, times=1)
        ballast = Ballast(path, size=64 * 1024, room=64 * 1024)
        store = opened(path, fault, ballast)

        assert tell_story(store, path, states, fault, until_healed=0) == 0

        assert store.is_scarce
        assert not ballast.is_there
        store.beat(START)
        assert (store.is_scarce, ballast.is_there) == (False, True)
        store.close()


def test_a_batch_that_could_not_even_be_rolled_back_is_undone_before_the_next(empty, tmp_path):
    path = tmp_path / "e.db"
    shutil.copy(empty, path)
    fault = Fault()
    store = opened(path, fault)
    store._connection.execute("BEGIN IMMEDIATE")
    store._connection.execute("INSERT INTO meta VALUES ('half', 'stored')")

    store.apply(STORY[0], RULES, START)

    reader = open_for_reading(path)
    assert reader.execute("SELECT count(*) FROM meta WHERE name = 'half'").fetchone() == (0,)
    assert reader.execute("SELECT count(*) FROM incidents").fetchone() == (2,)
    reader.close()
    store.close()
