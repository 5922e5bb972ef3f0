"""Before a database is used: sound, local, copied before it is migrated; and what happens when it is not."""

import os
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cast import RULES, fired
from sqlite_utils import Database

from escalator.store.ballast import Ballast
from escalator.store.connection import open_for_reading, open_for_writing
from escalator.store.errors import StoreBroken, StoreError
from escalator.store.opening import forget_loss, prepare, refuse_remote, suspect
from escalator.store.schema import migrations
from escalator.store.sqlite import SqliteStore
from escalator.store.upkeep import inspect
from escalator.telemetry import Metrics

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def filled(path):
    store = SqliteStore(path, Metrics())
    store.apply([fired(f"{n}") for n in range(200)], RULES, AT)
    store.close()


def damage(path):
    """Break a page in the middle that quick_check looks at."""
    with path.open("r+b") as file:
        file.seek(4096 * 5)
        file.write(b"\xff" * 4096 * 3)


def incidents(path):
    reader = open_for_reading(path)
    try:
        return reader.execute("SELECT count(*) FROM incidents").fetchone()[0]
    finally:
        reader.close()


@pytest.mark.parametrize("how", ["a broken page", "no database at all"])
def test_a_damaged_file_is_set_aside_untouched_and_an_empty_store_takes_its_place(tmp_path, how):
    """(D7) Fail open: a pager without history is better than none."""
    path = tmp_path / "e.db"
    filled(path)
    if how == "a broken page":
        damage(path)
    else:
        path.write_bytes(b"this is no database" * 1000)
    (tmp_path / "e.db-wal").write_bytes(b"its log")
    before = path.read_bytes()

    found = prepare(path, AT)

    aside = tmp_path / "e.db.damaged-20261122T030000000000"
    assert found.lost.startswith(aside.name)
    assert aside.read_bytes() == before
    assert (tmp_path / f"{aside.name}-wal").read_bytes() == b"its log"
    open_for_writing(path).close()
    assert incidents(path) == 0


def test_a_loss_is_remembered_until_somebody_has_been_told(tmp_path):
    """(D7) However often the process dies in between."""
    path = tmp_path / "e.db"
    filled(path)
    damage(path)
    lost = prepare(path, AT).lost
    open_for_writing(path).close()

    assert prepare(path, AT + timedelta(minutes=1)).lost == lost

    forget_loss(path)
    assert prepare(path, AT + timedelta(minutes=2)).lost == ""
    aside = {
        one.name.removesuffix("-wal").removesuffix("-shm") for one in tmp_path.glob("*.damaged-*")
    }
    assert aside == {"e.db.damaged-20261122T030000000000"}


def test_a_sound_file_is_left_as_it_is(tmp_path):
    path = tmp_path / "e.db"
    filled(path)
    before = path.read_bytes()

    found = prepare(path, AT)

    assert (found.lost, found.backup) == ("", None)
    assert path.read_bytes() == before


def test_a_file_under_suspicion_is_read_as_a_whole(tmp_path):
    """(D8) An index that lies is not seen by the quick check."""
    path = tmp_path / "e.db"
    filled(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute(
        "UPDATE sqlite_master SET sql = 'CREATE INDEX incidents_phase ON incidents (id, phase)' "
        "WHERE name = 'incidents_phase'"
    )
    connection.close()
    assert prepare(path, AT).lost == ""

    suspect(path)

    assert prepare(path, AT).lost != ""


def test_the_last_sign_of_life_is_found_so_that_an_old_copy_is_known(tmp_path):
    """(D10)"""
    path = tmp_path / "e.db"
    assert prepare(path, AT).last_beat is None
    store = SqliteStore(path, Metrics())
    store.beat(AT)
    store.close()

    assert prepare(path, AT + timedelta(days=9)).last_beat == AT


def test_a_file_that_has_to_be_migrated_is_copied_before(tmp_path):
    """(K14) The copy is the file as it was, whole."""
    path = tmp_path / "e.db"
    filled(path)
    with Database(path) as database:
        database.execute("DELETE FROM _sqlite_migrations WHERE name = '0001_first_tables'")
        database.conn.commit()
    assert migrations.pending(Database(path))

    backup = prepare(path, AT).backup

    assert backup is not None
    assert incidents(backup) == 200
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_without_a_copy_there_is_no_migration(tmp_path):
    """(K14)"""
    path = tmp_path / "e.db"
    filled(path)
    with Database(path) as database:
        database.execute("DELETE FROM _sqlite_migrations WHERE name = '0001_first_tables'")
        database.conn.commit()
    (tmp_path / f"e.db.before-{AT:%Y%m%dT%H%M%S%f}").touch()

    with pytest.raises(StoreError, match="is not overwritten"):
        prepare(path, AT)


MOUNTS = """\
40 22 0:41 / /var/lib rw,relatime shared:5 - nfs4 server:/lib rw,vers=4.2
41 40 0:42 / /var/lib/local\\040disk rw - xfs /dev/vdb rw
42 22 0:43 / /srv rw - ext4 /dev/vdc rw
43 22 0:44 / /srv rw - cifs //server/srv rw
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/var/lib/escalator/e.db", "nfs4"), ("/srv/e.db", "cifs")],
)
def test_a_network_file_system_is_refused_by_name_unless_forced(path, kind):
    """(D12) The deepest mount counts, and of two on one place the later."""
    with pytest.raises(StoreError, match=rf"on {kind}, a network file system.*STORAGE_FORCE=1"):
        refuse_remote(Path(path), mounts=MOUNTS)

    refuse_remote(Path(path), mounts=MOUNTS, force=True)


@pytest.mark.parametrize("path", ["/home/e.db", "/var/lib/local disk/e.db", "/var/library/e.db"])
def test_a_local_disk_is_taken(path):
    """(D12)"""
    refuse_remote(Path(path), mounts=MOUNTS)


def test_a_setting_that_sqlite_does_not_take_is_an_error():
    """(D1) In memory there is no write-ahead log, and no durability either."""
    with pytest.raises(StoreError, match="does not take journal_mode=wal here"):
        open_for_writing(InMemory(":memory:"))


class InMemory(str):
    """A path that SQLite takes for no file at all."""

    def is_file(self):
        return False

    def exists(self):
        return True


def test_a_deleted_file_is_written_anew_from_what_is_open(tmp_path):
    """(D9) And the process ends, since what is open leads nowhere any more."""
    path = tmp_path / "e.db"
    store = SqliteStore(path, Metrics())
    store.apply([fired()], RULES, AT)
    for file in tmp_path.iterdir():
        file.unlink()

    with pytest.raises(StoreBroken, match="deleted while it was open; it was written anew"):
        store.beat(AT)

    store.close()
    assert inspect(path).open_incidents == 1
    assert prepare(path, AT).lost == ""


def test_a_deleted_folder_is_made_anew(tmp_path):
    """(D9)"""
    folder = tmp_path / "state"
    folder.mkdir()
    store = SqliteStore(folder / "e.db", Metrics())
    store.apply([fired()], RULES, AT)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()

    with pytest.raises(StoreBroken, match="written anew"):
        store.beat(AT)

    store.close()
    assert inspect(folder / "e.db").open_incidents == 1


def test_what_cannot_be_written_anew_is_remembered_as_lost(tmp_path):
    """(D9, D7) A folder that is a file now: the next start, once it can be made, pages about the loss."""
    path = tmp_path / "e.db"
    store = SqliteStore(path, Metrics())
    store.apply([fired()], RULES, AT)
    path.unlink()
    (tmp_path / f".e.db.{os.getpid()}.partial").mkdir()

    with pytest.raises(StoreBroken, match="could not be written anew"):
        store.beat(AT)

    store.close()
    assert "deleted" in prepare(path, AT).lost


def test_a_file_put_in_place_of_the_open_one_is_not_overwritten(tmp_path):
    """(D9) Somebody restored a backup under a running daemon."""
    path, other = tmp_path / "e.db", tmp_path / "other.db"
    filled(other)
    store = SqliteStore(path, Metrics())
    store.apply([fired()], RULES, AT)
    other.rename(path)
    before = path.read_bytes()

    with pytest.raises(StoreBroken, match="replaced by another"):
        store.beat(AT)

    assert path.read_bytes() == before
    store.close()


def test_the_reserve_takes_real_room_and_gives_it_back(tmp_path):
    """(D2)"""
    ballast = Ballast(tmp_path / "e.db", size=1_000_000, room=1_000_000)

    assert ballast.make()
    (file,) = tmp_path.iterdir()
    assert file.stat().st_blocks * 512 >= 1_000_000
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert ballast.make(), "made once"

    assert ballast.free()
    assert list(tmp_path.iterdir()) == []
    assert not ballast.free()


def test_no_reserve_is_taken_from_a_disk_that_has_none_to_spare(tmp_path):
    disk = os.statvfs(tmp_path)
    ballast = Ballast(tmp_path / "e.db", size=1000, room=disk.f_blocks * disk.f_frsize + 1)

    assert not ballast.make()
    assert list(tmp_path.iterdir()) == []
