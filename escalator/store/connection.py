"""How the database file is opened: durable, strict, by one daemon at a time.

WAL with synchronous=FULL, so that what was committed survives a power cut. The daemon holds a lock on a file beside
the database; a second one stops and names the holder's process id.
"""

import fcntl
import os
import sqlite3
from pathlib import Path

from sqlite_utils import Database

from escalator.store.errors import StoreError, StoreHeld, StoreTooNew
from escalator.store.schema import migrations

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=5000",
    "foreign_keys=ON",
    "trusted_schema=OFF",
    "wal_autocheckpoint=4000",
    "journal_size_limit=67108864",
)


class Lock:
    """The right to be the daemon of this database file, held until the process ends or `release`."""

    def __init__(self, database: Path):
        self._path = database.with_name(database.name + ".lock")
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises `StoreHeld` naming the holder."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreHeld(
                f"{self._path}: held by the escalator with pid {holder}; two daemons on one database "
                "would ring phones twice, so this one stops"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The one write connection: migrated, WAL, synchronous=FULL, transactions by hand.

    Raises `StoreTooNew` for a file of a newer program and `StoreError` when it cannot be opened.
    """
    try:
        _close_to_others(path)
        connection = sqlite3.connect(
            path, timeout=5, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        _migrate(connection, path)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: the database cannot be opened: {error}") from error
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A read-only connection that sees every commit."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=5,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )


def _close_to_others(path: Path) -> None:
    """Before SQLite opens it, because the write-ahead log gets the mode that the database has then."""
    if path.is_file():
        path.chmod(0o600)
    elif not path.exists():
        path.touch(mode=0o600)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    database = Database(connection, execute_plugins=False)
    known = {migration.name for migration in migrations._migrations}
    newer = [one.name for one in migrations.applied(database) if one.name not in known]
    if newer:
        raise StoreTooNew(
            f"{path}: written by a newer escalator (it has {', '.join(newer)}); nothing was changed. "
            "Start the newer program again, or restore a backup made before the upgrade"
        )
    if migrations.pending(database):
        migrations.apply(database)
