"""Has a calendar read by a process of its own, which can be ended: no feed keeps the pager from its work.

The process gets no environment that could hold a secret, and twenty seconds; one is at work at a time.
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from escalator.escalation.calendar_titles import Entry

BEFORE = timedelta(days=31)
AFTER = timedelta(days=400)
EVENTS_MAX = 10_000
WORK_SECONDS = 20.0
PROGRAM = Path(__file__).with_name("expand.py")
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZDIR")

Told = list[Any]


class Refused(Exception):
    """What was fetched cannot be used as a calendar, and why; nothing in it is a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The events of a calendar as they are kept, and the names of zones in it that nobody knows."""

    told: Told
    zones: tuple[str, ...] = ()


class CalendarReader:
    """Reads calendars, one after the other."""

    def __init__(self, seconds: float = WORK_SECONDS):
        self._seconds = seconds
        self._turn = asyncio.Semaphore(1)

    async def read(self, body: bytes, zone: str, wall: datetime) -> Read:
        """The events from a month before until 400 days after this wall time. Days and times without a zone are in
        the calendar's own, else in `zone`. Raises `Refused`.
        """
        horizon = (wall - BEFORE, wall + AFTER)
        words = [zone, *(str(int(one.timestamp())) for one in horizon), str(EVENTS_MAX)]
        async with self._turn:
            output = await self._run(words, body)
        try:
            answer = json.loads(output)
        except ValueError:
            raise Refused("reading it took more than it may: its reader was ended") from None
        if "refused" in answer:
            raise Refused(answer["refused"])
        return Read(told=answer["events"], zones=tuple(answer["zones"]))

    async def _run(self, words: list[str], body: bytes) -> bytes:
        # -P: neither the folder of the program nor the daemon's own may stand in for a library.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(PROGRAM), *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(),
        )
        try:
            async with asyncio.timeout(self._seconds):
                output, _ = await process.communicate(body)
        except TimeoutError:
            raise Refused(f"reading it took longer than {self._seconds:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return output


def entries_of(told: Told) -> list[Entry]:
    """The kept events as values. Raises `ValueError`, `TypeError` or `OverflowError` for what is no such list."""
    return [
        Entry(
            start=datetime.fromtimestamp(start, UTC),
            end=datetime.fromtimestamp(end, UTC),
            title=str(title),
            addresses=tuple(str(one) for one in addresses),
        )
        for start, end, title, addresses in told
    ]


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name in _ENVIRONMENT or name.startswith("PYTHON")
    }
