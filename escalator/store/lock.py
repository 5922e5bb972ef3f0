"""One daemon a database: a lock on a file beside it, held until the process ends.

Nothing heavy is imported here, so that a second daemon can be turned away before it has loaded what it would need.
"""

import fcntl
import os
from pathlib import Path

from escalator.store.errors import StoreHeld


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


def locked(database: Path) -> Lock:
    """The lock of a database that may not be there yet, nor its folder. Raises `StoreHeld`, and `OSError`."""
    database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = Lock(database)
    lock.acquire()
    return lock
