"""How the database is opened: by one daemon, durable, readable by its owner alone, never downgraded."""

import os
import sqlite3
import stat
import subprocess
import sys

import pytest
from sqlite_utils import Database, Migrations

from escalator.store.connection import open_for_reading, open_for_writing
from escalator.store.errors import StoreError, StoreHeld, StoreTooNew
from escalator.store.lock import Lock
from escalator.store.schema import migrations


def pragma(connection, name):
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_commit_survives_a_power_cut_and_the_log_stays_bounded(tmp_path):
    """(D1, D5, D6) WAL with synchronous=FULL; five seconds for others to finish."""
    connection = open_for_writing(tmp_path / "e.db")

    assert pragma(connection, "journal_mode") == "wal"
    assert pragma(connection, "synchronous") == 2
    assert pragma(connection, "busy_timeout") == 5000
    assert pragma(connection, "foreign_keys") == 1
    assert pragma(connection, "trusted_schema") == 0
    assert pragma(connection, "wal_autocheckpoint") == 4000
    assert pragma(connection, "journal_size_limit") == 64 * 1024 * 1024
    connection.close()


def test_nobody_else_can_read_the_database_or_its_log(tmp_path):
    """(X6) Phone numbers and alerts stand in both, the log included from its first byte."""
    before = os.umask(0o022)
    try:
        connection = open_for_writing(tmp_path / "e.db")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}

    assert modes == {"e.db": 0o600, "e.db-wal": 0o600, "e.db-shm": 0o600}
    connection.close()


def test_a_database_that_others_could_read_is_closed_to_them(tmp_path):
    path = tmp_path / "e.db"
    path.touch(mode=0o644)

    open_for_writing(path).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_daemon_is_refused_with_the_pid_of_the_first(tmp_path):
    """(K21) The lock is the kernel's, so that a killed holder leaves none behind."""
    script = (
        "import sys; from pathlib import Path; from escalator.store.lock import Lock\n"
        "Lock(Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
    )
    path = tmp_path / "e.db"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreHeld, match=rf"pid {holder.pid}\b"):
            Lock(path).acquire()
        holder.kill()

    lock = Lock(path)
    lock.acquire()
    lock.release()


def test_a_lock_given_back_can_be_taken_again(tmp_path):
    first, second = Lock(tmp_path / "e.db"), Lock(tmp_path / "e.db")
    first.acquire()
    with pytest.raises(StoreHeld, match=str(os.getpid())):
        second.acquire()

    first.release()

    second.acquire()
    second.release()


def test_a_database_of_a_newer_program_is_refused_and_left_as_it_is(tmp_path):
    """(K14) The name of the migration that is not known stands in the message."""
    path = tmp_path / "e.db"
    open_for_writing(path).close()
    newer = Migrations("escalator")
    newer(name="0999_from_the_future")(lambda db: db.execute("CREATE TABLE novelty (x)"))
    with Database(path) as database:
        newer.apply(database)
    before = path.read_bytes()

    with pytest.raises(StoreTooNew, match="0999_from_the_future"):
        open_for_writing(path)

    assert path.read_bytes() == before


def test_an_open_database_of_today_is_not_migrated_again(tmp_path):
    path = tmp_path / "e.db"
    open_for_writing(path).close()
    before = path.read_bytes()

    open_for_writing(path).close()

    assert path.read_bytes() == before


def test_a_migration_that_breaks_leaves_the_schema_as_it_was(tmp_path):
    """(K14) Old or new, never between."""
    path = tmp_path / "e.db"
    connection = open_for_writing(path)
    broken = Migrations("escalator")

    @broken(name="0999_broken")
    def breaks(db):
        db.execute("CREATE TABLE half (x)")
        db.execute("CREATE TABLE incidents (x)")

    with pytest.raises(sqlite3.OperationalError):
        broken.apply(Database(connection))

    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert "half" not in tables
    assert not migrations.pending(Database(connection))
    connection.close()


@pytest.mark.parametrize("content", [b"this is no database" * 100, None], ids=["text", "folder"])
def test_what_is_no_database_is_named_in_the_error(tmp_path, content):
    path = tmp_path / "e.db"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)

    with pytest.raises(StoreError, match=r"e\.db: the database cannot be opened"):
        open_for_writing(path)


def test_a_reader_cannot_write(tmp_path):
    open_for_writing(tmp_path / "e.db").close()
    reader = open_for_reading(tmp_path / "e.db")

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM incidents")
    reader.close()
