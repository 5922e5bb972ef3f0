"""The world around one database: processes that come and go, a carrier, senders. `storm` says what happens in it.

Time passes by `World.pass_time` alone, which holds everything to the invariants at each moment and buries the dead.
"""

import asyncio
import contextvars
import itertools
import re
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from clockwork import VirtualLoop, settle, step_until
from exchange import Exchange, Fields, Line, heard_of
from fate import Fate
from invariants import (
    Broken,
    check_acknowledged,
    check_alerts,
    check_asked,
    check_letter,
    check_letter_asked,
    check_live,
    check_made,
    check_spoken,
    check_store,
)
from lifetime import Life, Process
from post_office import Letter, PostOffice

from escalator.clock import VirtualClock
from escalator.escalation.rules import Rules
from escalator.phone.carrier import NewCall, NewMessage
from escalator.store.connection import open_for_reading
from escalator.store.errors import StoreError

TURNS_MAX = 400
_ID = re.compile(r"\b[0-9a-f]{26}\b")


class World:
    """Everything around one database, from the first process to the last."""

    def __init__(self, clock: VirtualClock, folder: Path, fate: Fate, config: Rules):
        self.clock = clock
        self.fate = fate
        self.config = config
        self.trace: list[str] = []
        self.exchange = Exchange(clock, fate, self._call_back, self.tell)
        self.exchange.on_asked = self._asked
        self.exchange.on_made = self._made
        self.exchange.on_spoken = self._spoken
        self.post_office = PostOffice(clock, fate, self._call_back, self.spawn)
        self.post_office.on_asked = self._letter_asked
        self.post_office.on_made = self._letter_made
        self.live_promised: dict[str, str] = {}
        self._live_ids = itertools.count(1)
        self.crashes = 0
        self.downtime = lambda: 1.0
        self.acknowledged: set[str] = set()
        self.promised: dict[str, str] = {}
        self.is_wall_wrong = False
        self._ids: dict[str, str] = {}
        self._errors: list[BaseException] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._begin(folder / "1.db")

    def tell(self, what: str) -> None:
        known = _ID.sub(lambda found: self.name(found[0]), what)
        self.trace.append(f"{self.clock.boottime():10.3f} {known}")

    def name(self, of: str) -> str:
        return self._ids.setdefault(of, f"id{len(self._ids) + 1}")

    # ---- the process's lives

    def _begin(self, path: Path) -> None:
        self.life = Life(self.fate, self.tell, path, self.clock.stand_still)
        self._checked = -1
        self.process: Process | None = Process(
            self.clock, self.exchange, self.post_office, self.life, self.config
        )
        self.db = open_for_reading(self.life.path)
        check_acknowledged(self.db, self.acknowledged)
        check_alerts(self.db, self.promised)
        check_live(self.db, self.live_promised)

    def kill(self, why: str = "any time") -> None:
        if self.life.is_alive:
            self.life.end(why)

    async def _bury(self) -> None:
        assert self.process is not None
        self.crashes += 1
        self.db.close()
        process, self.process = self.process, None
        await process.bury()
        self.spawn(self._rise(self.life.heir, self.downtime()))

    async def _rise(self, path: Path, after: float) -> None:
        await self.clock.sleep(after)
        self.tell("started")
        self._begin(path)

    @property
    def ready(self) -> Process | None:
        """The process, if it can be spoken to."""
        alive = self.process is not None and self.life.is_alive and self.process.is_ready
        return self.process if alive else None

    # ---- time

    async def pass_time(self, span: timedelta | float) -> None:
        """Let time pass, look after the process, and hold everything to the invariants at each moment."""
        seconds = span.total_seconds() if isinstance(span, timedelta) else span
        end = self.clock.now() + timedelta(seconds=seconds)
        before, busy = self.clock.now(), 0
        while True:
            await settle()
            await self._look_after()
            if not await step_until(end):
                break
            busy = busy + 1 if self.clock.now() - before < timedelta(seconds=1) else 0
            before = before if busy else self.clock.now()
            if busy > TURNS_MAX:
                raise Broken(f"livelock: {busy} turns in a second")
        await self._look_after()

    async def _look_after(self) -> None:
        errors = [*self._errors, *self.exchange.errors, *self.clock_errors()]
        process = self.process
        if process is not None:
            if process.errors and not self.life.is_alive:
                process.errors.clear()
            if process.errors and all(map(_is_of_store, process.errors)):
                process.errors.clear()  # it could not start: systemd starts it again
                self.life.end("exit")
            errors += process.errors
        if errors:
            raise _first_of(errors[0])
        if process is not None and not self.life.is_alive:
            await self._bury()
        elif process is not None and self.life.commits != self._checked:
            self._checked = self.life.commits
            check_store(self.db)
            undecided = process.metrics.events_undecided._value.get()
            if undecided:
                raise Broken("an event could not be decided")

    def clock_errors(self) -> list[BaseException]:
        loop = asyncio.get_running_loop()
        return loop.errors if isinstance(loop, VirtualLoop) else []

    def spawn(self, work: Any) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001 - `pass_time` raises it
                self._errors.append(error)

        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(guarded(), context=contextvars.Context()))

    async def close(self) -> None:
        await self.exchange.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.process is not None:
            self.life.is_alive = False
            await self.process.bury()
            self.db.close()

    # ---- what the carrier does

    async def _call_back(self, url: str, fields: Fields) -> tuple[int, str] | None:
        process = self.ready
        return None if process is None else await process.callback(url, fields)

    def _asked(self, new: NewCall) -> None:
        assert self.process is not None
        line = Line("", new, self.clock.now(), self.clock.now())
        check_asked(self.db, self.process.engine.rules, new.to, line.hashed)

    def _made(self, line: Line) -> None:
        if not self.life.is_alive or self.process is None:
            return  # nobody has the file open; it arrived after the end
        may_repeat = self.is_wall_wrong or line.new.to in self.exchange.blind
        check_made(self.db, line, self.exchange.lines, may_repeat=may_repeat)

    def _letter_asked(self, new: NewMessage) -> None:
        assert self.process is not None
        letter = Letter("", new, self.clock.now())
        check_letter_asked(self.db, self.process.engine.rules, new.to, letter.hashed)

    def _letter_made(self, letter: Letter) -> None:
        self.tell(f"{letter.sid[-3:]} is sent, to {letter.new.to[-3:]}")
        if not self.life.is_alive or self.process is None:
            return
        may_repeat = self.is_wall_wrong or letter.new.to in self.post_office.blind
        check_letter(self.db, letter, self.post_office.letters, may_repeat=may_repeat)

    def _spoken(self, line: Line, url: str, words: str) -> None:
        if not self.life.is_alive or self.process is None or "/key" not in url:
            return
        self.tell(f"{line.sid[-3:]} hears {words}")
        self.acknowledged.update(check_spoken(self.db, line, heard_of(url), words))

    # ---- what senders, operators and their tools do

    async def send(
        self, key: str, *, firing: bool = True, severity: str = "critical", group: str = ""
    ) -> None:
        """A sender's message, sent again until it is accepted."""
        self.promised.pop(key, None)
        message = message_of(key, firing=firing, severity=severity, group=group or key)
        while True:
            process = self.ready
            status = None if process is None else await process.receive(message)
            if status is not None:
                self.tell(f"sent {key} {'firing' if firing else 'resolved'} -> {status}")
            if status == 202:
                self.promised[key] = "firing" if firing else "resolved"
                return
            await self.clock.sleep(10.0)

    async def change_live(self, table: str, work: Callable[[sqlite3.Connection, str], Any]) -> str:
        """What an operator puts or ends live, asked again, with another id, until it is answered 201."""
        while True:
            process, row_id = self.ready, f"{table}-{next(self._live_ids)}"
            status = None
            if process is not None:
                status = await process.change_live(table, partial(work, row_id=row_id))
            if status == 201:
                self.tell(f"{row_id} -> 201")
                return row_id
            await self.clock.sleep(3.0)

    def story(self, incident: str) -> str:
        """What the timeline says of an incident."""
        found = self.db.execute(
            "SELECT at, event, text FROM timeline WHERE incident_id = ? ORDER BY id", (incident,)
        )
        return "\n" + "\n".join(f"{at} {event}: {text}" for at, event, text in found)

    def incidents(self) -> list[str]:
        if self.ready is None:
            return []
        return [row[0] for row in self.db.execute("SELECT id FROM incidents ORDER BY id")]


def _first_of(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _is_of_store(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_of_store, error.exceptions))
    return isinstance(error, StoreError)


def message_of(key: str, *, firing: bool, severity: str, group: str) -> dict[str, Any]:
    """One alert as Alertmanager sends it."""
    status = "firing" if firing else "resolved"
    alert = {
        "status": status,
        "labels": {"alertname": key, "severity": severity},
        "annotations": {"summary": f"{key} needs you"},
        "startsAt": "2026-11-22T15:56:03.078Z",
        "endsAt": "0001-01-01T00:00:00Z" if firing else "2026-11-22T16:56:03.078Z",
        "fingerprint": key,
    }
    return {
        "receiver": "escalator",
        "status": status,
        "alerts": [alert],
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://127.0.0.1",
        "version": "4",
        "groupKey": group,
        "truncatedAlerts": 0,
    }
