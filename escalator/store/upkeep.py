"""What a person does to the database file by hand: look whether it is sound, copy it, migrate it.

Looking and copying disturb no daemon. Migrating is refused while one runs, and makes a copy first.
A copy is one file that only its owner may read, whole or not there, and never written over another.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from escalator.store.connection import open_for_reading, open_for_writing
from escalator.store.errors import StoreError, StoreTooNew
from escalator.store.lock import Lock
from escalator.store.schema import migrations

_PRAGMAS = ("journal_mode", "page_size", "page_count", "freelist_count", "auto_vacuum", "encoding")
_TABLES = ("incidents", "alerts", "calls", "timeline")
_FAULTS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How a database file is. `size` is in bytes, with the write-ahead log.

    `faults`: what SQLite finds broken, a sentence each. `applied`, `pending`, `unknown`: names of
    migrations; unknown ones were made by a newer program. `holder`: the pid of the daemon that
    works on it ("unknown" if it does not say), None for none.
    """

    path: Path
    size: int
    faults: tuple[str, ...]
    applied: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]
    pragmas: dict[str, str]
    counts: dict[str, int]
    open_incidents: int
    holder: str | None

    @property
    def is_sound(self) -> bool:
        """Whether this program can work with it."""
        return not self.faults and not self.unknown


def inspect(path: Path) -> Condition:
    """Look at a database without changing it. Raises `StoreError` when it cannot be read at all."""
    with _reading(path) as connection:
        try:
            return _condition(path, connection)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{path}: the database cannot be read: {error}") from error


def holder(path: Path) -> str | None:
    """The pid of the daemon that has this database, None when there is none.

    The lock is taken for an instant, shared; nothing is made when there is no lock file.
    """
    try:
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path}.lock: cannot be read: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
    else:
        return None
    finally:
        os.close(descriptor)


def back_up(path: Path, target: Path) -> int:
    """Copy a database that may be in use; returns the copy's size in bytes.

    Raises `StoreError`; then there is no copy, and a file that was there is as it was.
    """
    if target.exists() or target.is_symlink():
        raise StoreError(f"{target}: is there already and is not overwritten; choose another name")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    with _reading(path) as source:
        try:
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            _copy(source, partial)
            # A link, unlike a rename, fails where somebody has put a file meanwhile.
            os.link(partial, target)
            _make_durable(target.parent)
        except (sqlite3.Error, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise StoreError(f"{target}: no backup was made: {reason}") from error
        finally:
            partial.unlink(missing_ok=True)
    return target.stat().st_size


def rescue(source: sqlite3.Connection, path: Path) -> bool:
    """Write an open database whose file was deleted to its path again, never over another file. Whether it worked."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _copy(source, partial)
        _forget_log(path)
        os.link(partial, path)
        _make_durable(path.parent)
    except (sqlite3.Error, OSError):
        return False
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    return True


def migrate(path: Path, backup: Path) -> tuple[str, ...]:
    """Bring a database up to this program, after a copy of it; the names of what was applied.

    Nothing pending: nothing is done and no copy made. Raises `StoreHeld` while a daemon has it,
    `StoreTooNew` for a file of a newer program, `StoreError` else.
    """
    _demand(path)
    lock = Lock(path)
    lock.acquire()
    try:
        before = inspect(path)
        if before.unknown:
            raise StoreTooNew(
                f"{path}: written by a newer escalator (it has {', '.join(before.unknown)}); nothing"
                " was changed. Use the newer program"
            )
        if before.pending:
            back_up(path, backup)
            open_for_writing(path).close()
    finally:
        lock.release()
    return before.pending


def _condition(path: Path, connection: sqlite3.Connection) -> Condition:
    checked = [row[0] for row in connection.execute(f"PRAGMA quick_check({_FAULTS_MAX})")]
    database = Database(connection, execute_plugins=False)
    applied = tuple(one.name for one in migrations.applied(database))
    known = {one.name for one in migrations._migrations}
    pragmas = ((name, connection.execute(f"PRAGMA {name}").fetchone()) for name in _PRAGMAS)
    counts = {table: _count(connection, table) for table in _TABLES if database[table].exists()}
    return Condition(
        path=path,
        size=sum(_size(path.with_name(path.name + end)) for end in ("", "-wal")),
        faults=() if checked == ["ok"] else tuple(str(fault) for fault in checked),
        applied=applied,
        pending=tuple(one.name for one in migrations.pending(database)),
        unknown=tuple(name for name in applied if name not in known),
        pragmas={name: str(row[0]) for name, row in pragmas if row},
        counts=counts,
        open_incidents=_count(connection, "incidents WHERE phase != 'resolved'") if counts else 0,
        holder=holder(path),
    )


def _count(connection: sqlite3.Connection, what: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0])


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _demand(path: Path) -> None:
    """Ask for the file first: SQLite's own words for a missing one help nobody."""
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise StoreError(
            f"{path}: there is no database here; the daemon makes it at its first start"
        ) from None
    except OSError as error:
        raise StoreError(f"{path}: the database cannot be read: {error.strerror}") from error


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    _demand(path)
    connection = open_for_reading(path)
    try:
        yield connection
    finally:
        connection.close()


def _copy(source: sqlite3.Connection, target: Path) -> None:
    """One consistent copy in one file, checked and on disk."""
    copy = sqlite3.connect(target, isolation_level=None)
    try:
        source.backup(copy)
        # The copy of a WAL database says WAL too, and would leave files beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
        checked = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        if checked != "ok":
            raise sqlite3.DatabaseError(f"the database is damaged: {checked}")
    finally:
        copy.close()
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _forget_log(path: Path) -> None:
    """A log without its database belongs to nothing, and must not be taken for that of the next one."""
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
