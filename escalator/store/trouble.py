"""What an error of SQLite means for us: wait, make room, or stop using the file.

Decided by SQLite's own codes, never by its words.
"""

import sqlite3
from enum import Enum

_IOERR_WRITE = sqlite3.SQLITE_IOERR | (3 << 8)
_IOERR_CORRUPT_FILE_SYSTEM = sqlite3.SQLITE_IOERR | (33 << 8)
_READONLY_MOVED = sqlite3.SQLITE_READONLY | (4 << 8)
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Trouble(Enum):
    """What to do about an error."""

    PASSING = "passing"  # locked, read-only, out of memory: the same may succeed later
    FULL = "full"  # no room, a quota, a size limit
    BROKEN = "broken"  # a sync or a read failed: what is open cannot be trusted any more
    CORRUPT = "corrupt"  # the file is damaged


def trouble_of(error: sqlite3.Error) -> Trouble:
    """Which trouble an error is. One that SQLite gave no code to is a passing one."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    primary = code & 0xFF
    if primary in _CORRUPT or code == _IOERR_CORRUPT_FILE_SYSTEM:
        return Trouble.CORRUPT
    # A write that was refused (a quota, a size limit) has lost nothing, unlike a sync that failed.
    if primary == sqlite3.SQLITE_FULL or code == _IOERR_WRITE:
        return Trouble.FULL
    if primary == sqlite3.SQLITE_IOERR or code == _READONLY_MOVED:
        return Trouble.BROKEN
    return Trouble.PASSING
