"""What happens to a database file before it is used: is it on a disk of this machine, is it sound, does it fit?

Fail open: a damaged file is set aside untouched, and an empty store takes its place, for a pager without history is
better than none. A mark beside the database remembers that until somebody has been paged about it, however often the
process dies in between.
"""

import os
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from escalator.store.connection import open_for_reading
from escalator.store.errors import StoreError
from escalator.store.schema import migrations
from escalator.store.trouble import Trouble, trouble_of
from escalator.store.upkeep import back_up

FORCE = "ESCALATOR_STORAGE_FORCE"
_MOUNTS = Path("/proc/self/mountinfo")
_REMOTE = frozenset(
    "9p acfs afs beegfs ceph cifs coda glusterfs gpfs lustre ncpfs nfs nfs4 orangefs pvfs2 smb3 smbfs "
    "fuse.ceph fuse.glusterfs fuse.rclone fuse.s3fs fuse.sshfs".split()
)
_FILES = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was found and done. `lost` names the file set aside of which nobody has been told yet, "" for none;
    `backup` the copy made before a migration; `last_beat` is when a daemon last wrote to it.
    """

    lost: str = ""
    backup: Path | None = None
    last_beat: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    damage: str = ""
    pending: bool = False
    last_beat: datetime | None = None


def prepare(path: Path, at: datetime, *, force: bool = False) -> Prepared:
    """Make a database file ready to be opened; call it with the lock held. `at` names what is set aside.

    Raises `StoreError` for a file system of another machine (unless forced), for a file that cannot be read, and when
    no backup can be made before a migration.
    """
    refuse_remote(path, force=force)
    found = _look(path, thorough=_mark(path, "suspect").exists())
    if found.damage:
        _set_aside(path, at, found.damage)
        found = _Found()
    _mark(path, "suspect").unlink(missing_ok=True)
    backup = None
    if found.pending:
        backup = path.with_name(f"{path.name}.before-{at:%Y%m%dT%H%M%S%f}")
        back_up(path, backup)
    return Prepared(lost=_lost(path), backup=backup, last_beat=found.last_beat)


def refuse_remote(path: Path, *, force: bool = False, mounts: str | None = None) -> None:
    """Raise `StoreError` when this is on a network file system, whose locks and syncs may lie.

    `mounts` is a text as /proc/self/mountinfo holds it. Where nothing can be known, nothing is refused.
    """
    kind = _file_system(path, _MOUNTS.read_text(errors="replace") if mounts is None else mounts)
    if kind in _REMOTE and not force:
        raise StoreError(
            f"{path}: this is on {kind}, a network file system, where what was accepted may be lost; "
            f"put storage.path on a local disk. {FORCE}=1 overrules this, at your own risk"
        )


def suspect(path: Path) -> None:
    """Leave a mark: the next start reads the whole file before it trusts it."""
    _make_mark(_mark(path, "suspect"), "")


def remember_loss(path: Path, what: str) -> None:
    """Leave a mark: somebody is to be paged about what was lost."""
    _make_mark(_mark(path, "lost"), what)


def forget_loss(path: Path) -> None:
    """Somebody is being paged about it."""
    _mark(path, "lost").unlink(missing_ok=True)


def _file_system(path: Path, mounts: str) -> str:
    """The type of the file system that a path is on; "" when that is not known."""
    place = str(path.resolve().parent)
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if "-" not in fields or len(fields) < 10:
            continue
        point = fields[4].encode().decode("unicode_escape")
        is_above = place == point or place.startswith(point.rstrip("/") + "/")
        if is_above and len(point) >= best:  # of two on one place the later one counts
            best, kind = len(point), fields[fields.index("-") + 1]
    return kind


def _look(path: Path, *, thorough: bool) -> _Found:
    if not path.is_file() or path.stat().st_size == 0:
        return _Found()
    try:
        connection = open_for_reading(path)
        try:
            return _check(connection, thorough=thorough)
        finally:
            connection.close()
    except sqlite3.Error as error:
        if trouble_of(error) is Trouble.CORRUPT:
            return _Found(damage=str(error))
        raise StoreError(f"{path}: the database cannot be opened: {error}") from error


def _check(connection: sqlite3.Connection, *, thorough: bool) -> _Found:
    database = Database(connection, execute_plugins=False)
    applied = {one.name for one in migrations.applied(database)}
    if applied - {one.name for one in migrations._migrations}:
        return _Found()  # of a newer program: refused when it is opened, and not ours to judge
    check = "integrity_check" if thorough else "quick_check"
    answer = connection.execute(f"PRAGMA {check}(1)").fetchone()[0]
    if answer != "ok":
        return _Found(damage=str(answer).partition("\n")[0])
    return _Found(pending=bool(migrations.pending(database)), last_beat=_last_beat(database))


def _last_beat(database: Database) -> datetime | None:
    if "meta" not in database.table_names():
        return None
    row = database.execute("SELECT value FROM meta WHERE name = 'beat'").fetchone()
    try:
        return None if row is None else datetime.fromisoformat(row[0])
    except ValueError:
        return None


def _set_aside(path: Path, at: datetime, damage: str) -> None:
    """Rename the file with its log. The mark comes first: a death in between must not hide the loss."""
    aside = path.with_name(f"{path.name}.damaged-{at:%Y%m%dT%H%M%S%f}")
    remember_loss(path, f"{aside.name}: {damage}")
    for end in reversed(_FILES):
        file = path.with_name(path.name + end)
        if file.exists():
            file.rename(aside.with_name(aside.name + end))


def _lost(path: Path) -> str:
    mark = _mark(path, "lost")
    return mark.read_text(errors="replace").strip() or "unknown" if mark.exists() else ""


def _mark(path: Path, name: str) -> Path:
    return path.with_name(f"{path.name}.{name}")


def _make_mark(mark: Path, text: str) -> None:
    """As durable as the disk allows; a mark that cannot be made must not be what stops us."""
    try:
        with mark.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return
