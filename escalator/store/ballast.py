"""Room that is kept for the hour when the disk is full: a file beside the database, given up to let calls go on.

Freed by the first write that finds no room, made again once there is more room than it takes.
"""

import os
from pathlib import Path

SIZE = 16 * 1024 * 1024
ROOM = SIZE + 8 * 1024 * 1024


class Ballast:
    """The reserve of one database file; sizes are in bytes."""

    def __init__(self, database: Path, size: int = SIZE, room: int = ROOM):
        self._path = database.with_name(database.name + ".ballast")
        self._size, self._room = size, room

    @property
    def is_there(self) -> bool:
        """Whether the reserve is whole."""
        try:
            return self._path.stat().st_size >= self._size
        except OSError:
            return False

    def make(self) -> bool:
        """Take the room, if there is some to spare. Whether the reserve is there now."""
        if self.is_there:
            return True
        try:
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize < self._room:
                return False
            self._allocate()
        except OSError:
            self.free()
            return False
        return True

    def free(self) -> bool:
        """Give the room up. Whether there was any to give."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def _allocate(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size)
        finally:
            os.close(descriptor)
