"""How the database file is opened: durable and strict.

WAL with synchronous=FULL, so that what was committed survives a power cut.
"""

import sqlite3
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from escalator.store.errors import StoreBroken, StoreError, StoreTooNew
from escalator.store.schema import migrations
from escalator.store.trouble import Trouble, trouble_of

# Each with what SQLite says of it afterwards: where it cannot be set, the promises cannot be kept.
_PRAGMAS = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("busy_timeout", "5000", 5000),
    ("foreign_keys", "ON", 1),
    ("trusted_schema", "OFF", 0),
    ("wal_autocheckpoint", "4000", 4000),
    ("journal_size_limit", "67108864", 67108864),
)


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The one write connection: migrated, WAL, synchronous=FULL, transactions by hand.

    Raises `StoreTooNew` for a file of a newer program and `StoreError` when it cannot be opened.
    """
    try:
        _close_to_others(path)
        connection = sqlite3.connect(
            path, timeout=5, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        for name, value, expected in _PRAGMAS:
            connection.execute(f"PRAGMA {name}={value}")
            _demand(path, connection, name, expected)
        _migrate(connection, path)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: the database cannot be opened: {error}") from error
    return connection


class Reading(sqlite3.Connection):
    """A connection whose errors are those of the store."""

    def execute(self, statement: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """As of any connection. Raises `StoreError`, and `StoreBroken` when the file cannot be trusted."""
        try:
            return super().execute(statement, parameters)
        except sqlite3.Error as error:
            kind = StoreError if trouble_of(error) in _PASSING else StoreBroken
            raise kind(f"the database could not be read: {error}") from error


_PASSING = frozenset({Trouble.PASSING, Trouble.FULL})


def open_for_reading(
    path: Path, factory: type[sqlite3.Connection] = sqlite3.Connection
) -> sqlite3.Connection:
    """A read-only connection that sees every commit."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=5,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        factory=factory,
    )


def _demand(path: Path, connection: sqlite3.Connection, name: str, expected: object) -> None:
    found = connection.execute(f"PRAGMA {name}").fetchone()[0]
    if found != expected:
        raise StoreError(
            f"{path}: SQLite does not take {name}={expected} here (it is {found}); without it what "
            "was accepted could be lost. Put the database on a local disk"
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
