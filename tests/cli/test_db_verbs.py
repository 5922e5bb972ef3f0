"""The verbs about the database file: they disturb no daemon, lose nothing and overwrite nothing (K14, K15)."""

import json
import sqlite3
import stat

import pytest
from click.testing import CliRunner
from sqlite_utils import Database

from escalator.cli import main
from escalator.store.connection import open_for_writing
from escalator.store.lock import Lock
from escalator.store.schema import migrations


@pytest.fixture
def db(tmp_path):
    def run(*arguments, path=tmp_path / "escalator.db", exits=0):
        typed = ["db", *map(str, arguments), "--storage.path", str(path)]
        result = CliRunner().invoke(main, typed)
        assert result.exit_code == exits, (result.output, result.exception)
        return result

    return run


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "escalator.db"
    open_for_writing(path).close()
    return path


@pytest.fixture
def old_database(tmp_path):
    """A database from before the first migration, with something in it."""
    path = tmp_path / "escalator.db"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE keepsake (word TEXT); INSERT INTO keepsake VALUES ('x')")
    connection.close()
    return path


def names():
    """The migrations of this program, in order."""
    return [one.name for one in migrations.pending(Database(memory=True))]


def tables_of(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    finally:
        connection.close()


# ---- check


def test_check_tells_what_is_in_the_file_and_who_works_on_it(house):
    house.fire()

    told = house.run("db", "check").stdout
    shown = house.json("db", "check")

    assert f"running, pid {house.pid}" in told
    assert "sound: " in told
    assert f"up to date ({names()[-1]})" in told
    assert shown["ok"] is True
    assert shown["holder"] == str(house.pid)
    assert shown["counts"]["incidents"] >= shown["open_incidents"] >= 1
    assert shown["pragmas"]["journal_mode"] == "wal"


def test_check_says_when_no_daemon_is_running(db, database):
    lock = Lock(database)
    lock.acquire()
    held = json.loads(db("check", "-o", "json").stdout)["holder"]
    lock.release()

    assert held is not None
    assert "not running" in db("check").stdout
    assert list(database.parent.glob("*.lock")) == [database.with_name("escalator.db.lock")]


def test_check_finds_a_broken_file(db, database):
    content = bytearray(database.read_bytes())
    content[4096 * 2 : 4096 * 6] = b"\xff" * 4096 * 4
    database.write_bytes(content)

    result = db("check", exits=1)

    assert "Traceback" not in result.output
    assert str(database) in result.output


def test_check_refuses_a_file_of_a_newer_program(db, database):
    add_migration(database, "9999_from_the_future")

    result = db("check", exits=1)

    assert "NEWER than this program (it has 9999_from_the_future)" in result.stdout


def test_check_names_what_is_not_applied_yet(db, old_database):
    assert f"{', '.join(names())} not applied yet" in db("check").stdout
    assert tables_of(old_database) == {"keepsake"}


@pytest.mark.parametrize("verb", [["check"], ["migrate"], ["backup", "copy.db"]])
def test_a_file_that_is_not_there_is_not_made(db, tmp_path, verb):
    result = db(*verb, exits=1)

    assert "there is no database here" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", [["check"], ["migrate"], ["backup", "copy.db"]])
def test_a_file_that_is_no_database_is_told_as_such(db, tmp_path, verb):
    (tmp_path / "escalator.db").write_bytes(b"not a database at all" * 1000)

    result = db(*verb, exits=1)

    assert "not a database" in result.stderr


# ---- backup


def test_a_backup_under_a_running_daemon_is_one_whole_private_file(house, tmp_path):
    incident = house.fire()
    copy = tmp_path / "copy.db"

    house.run("db", "backup", copy)

    connection = sqlite3.connect(copy)
    found = connection.execute("SELECT phase FROM incidents WHERE id = ?", (incident,)).fetchall()
    [mode] = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    assert found == [("triggered",)]
    assert mode == "delete"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [copy]


def test_a_backup_never_overwrites(db, database, tmp_path):
    (tmp_path / "copy.db").write_text("precious")

    result = db("backup", tmp_path / "copy.db", exits=1)

    assert "is not overwritten" in result.stderr
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_backup_does_not_follow_a_link_that_leads_nowhere(db, database, tmp_path):
    (tmp_path / "copy.db").symlink_to(tmp_path / "elsewhere.db")

    db("backup", tmp_path / "copy.db", exits=1)

    assert not (tmp_path / "elsewhere.db").exists()


def test_a_backup_that_fails_leaves_nothing_behind(db, database, tmp_path):
    content = bytearray(database.read_bytes())
    content[4096 * 2 : 4096 * 6] = b"\xff" * 4096 * 4
    database.write_bytes(content)
    before = set(tmp_path.iterdir())

    broken = db("backup", tmp_path / "copy.db", exits=1)
    nowhere = db("backup", tmp_path / "no" / "copy.db", exits=1)

    assert "no backup was made" in broken.stderr
    assert "No such file" in nowhere.stderr
    assert not {path for path in tmp_path.iterdir() if "copy" in path.name} - before


# ---- migrate


def test_migrate_keeps_the_file_as_it_was_and_applies_what_is_pending(db, old_database, tmp_path):
    told = json.loads(db("migrate", "-o", "json").stdout)

    assert told["applied"] == names()
    assert tables_of(told["backup"]) == {"keepsake"}
    assert tables_of(old_database) >= {"keepsake", "incidents"}
    assert stat.S_IMODE(old_database.stat().st_mode) == 0o600


def test_migrate_does_nothing_where_nothing_is_pending(db, database):
    before = database.read_bytes()

    assert "nothing to do" in db("migrate").stdout
    assert database.read_bytes() == before
    assert not list(database.parent.glob("*.before-*"))


def test_migrate_is_refused_while_a_daemon_has_the_file(house):
    result = house.run("db", "migrate", exits=1)

    assert f"held by the escalator with pid {house.pid}" in result.stderr


def test_migrate_refuses_a_file_of_a_newer_program(db, database):
    add_migration(database, "9999_from_the_future")
    before = database.read_bytes()

    result = db("migrate", exits=1)

    assert "9999_from_the_future" in result.stderr
    assert database.read_bytes() == before
    assert not list(database.parent.glob("*.before-*"))


def add_migration(path, name):
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)",
            ("escalator", name, "2026-11-22"),
        )
    connection.close()
