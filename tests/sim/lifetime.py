"""One life of the daemon: the real engine, store, dialer, follower and callbacks, until it ends where fate has it end.

The process ends as by `kill -9`: at that very point the database files are copied as they lie on disk, and nothing that
the old process still does reaches anybody. The next life opens the copy, write-ahead log and all.
"""

import asyncio
import contextvars
import json
import shutil
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from clockwork import OWNED, ProcessClock
from exchange import Exchange
from fate import Fate
from post_office import PostOffice

from escalator.clock import VirtualClock
from escalator.engine import Engine, new_id
from escalator.escalation.events import AlertReceived, Event
from escalator.escalation.rules import Rules
from escalator.intake import read
from escalator.phone.callbacks import Callbacks
from escalator.phone.dialer import Dialer
from escalator.phone.follower import Follower
from escalator.phone.guard import Guard
from escalator.phone.settings import PhoneSettings
from escalator.phone.signature import SIGNATURE_HEADER, sign
from escalator.phone.text_callbacks import TextCallbacks
from escalator.phone.texter import Texter
from escalator.store.changes import Result
from escalator.store.connection import open_for_writing
from escalator.store.errors import StoreError
from escalator.store.reading import Reader
from escalator.store.retention import let_go
from escalator.store.sqlite import SqliteStore
from escalator.store.writer import Lane, Writer
from escalator.telemetry import Metrics

AUTH_TOKEN = "not-a-real-auth-token"
PUBLIC_URL = "https://pager.example.net"
SETTINGS = PhoneSettings(
    public_url=PUBLIC_URL,
    from_numbers=("+15005550006",),
    auth_tokens=(AUTH_TOKEN,),
    calls_per_second=2.0,
    machine_detection=True,
)


class Killed(BaseException):
    """The process is no more. Nothing of ours may catch this."""


class Life:
    """Whether the process lives, and where it may end."""

    def __init__(
        self,
        fate: Fate,
        tell: Callable[[str], None],
        path: Path,
        stand_still: Callable[[timedelta], None],
    ):
        self.is_alive = True
        self._stand_still = stand_still
        self.commits = 0
        self.batch = ""
        self.fate = fate
        self._tell = tell
        self.path = path
        self.heir = path.with_name(f"{int(path.stem) + 1}.db")

    def pass_point(self, point: str) -> None:
        """Go on, unless the process ends here."""
        if not self.is_alive:
            raise Killed
        if self.fate.ends(point):
            self.end(point)
            raise Killed

    def stand_still(self) -> None:
        """The process, and all who would ask it, see nothing of what passes now."""
        seconds = self.fate.stands_still(self.batch)
        if seconds:
            self._tell(f"stands still for {seconds:.1f} s after {self.batch}")
            self._stand_still(timedelta(seconds=seconds))

    async def gate(self, point: str) -> None:
        """As `pass_point` for a coroutine: the dead wait for ever."""
        try:
            self.pass_point(point)
        except Killed:
            await asyncio.get_running_loop().create_future()

    def end(self, point: str) -> None:
        """Now: what is on disk is all that is left."""
        self.is_alive = False
        self._tell(f"killed at {point}")
        for suffix in ("", "-wal"):
            left = self.path.with_name(self.path.name + suffix)
            if left.exists():
                shutil.copyfile(left, self.heir.with_name(self.heir.name + suffix))


class Disk:
    """The real write connection, whose commits may fail or be the last thing that the process does."""

    def __init__(self, connection: sqlite3.Connection, life: Life):
        self._connection = connection
        self._life = life
        # What the kernel has survives the end of a process; only power cuts need more.
        connection.execute("PRAGMA synchronous=OFF")

    def execute(self, statement: str, parameters: Any = ()) -> sqlite3.Cursor:
        if statement.startswith("DELETE") and not self._connection.in_transaction:
            return self._chore(statement, parameters)
        if statement != "COMMIT":
            if not self._life.is_alive:
                raise Killed
            return self._connection.execute(statement, parameters)
        if code := self._life.fate.disk_fault():
            error = sqlite3.OperationalError("the disk does not take it")
            error.sqlite_errorcode = code
            raise error
        self._life.pass_point(f"commit of {self._life.batch}: before")
        done = self._connection.execute(statement)
        self._life.commits += 1
        self._life.pass_point(f"commit of {self._life.batch}: after")
        return done

    def _chore(self, statement: str, parameters: Any) -> sqlite3.Cursor:
        """A statement that is a transaction of its own."""
        self._life.pass_point("chore: before")
        done = self._connection.execute(statement, parameters)
        self._life.commits += 1
        self._life.pass_point("chore: after")
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class Named:
    """The store, with a word on each batch for whoever reads of it."""

    def __init__(self, store: SqliteStore, life: Life):
        self._store = store
        self._life = life

    def apply(self, events: Sequence[Event], rules: Rules, now: datetime) -> Any:
        self._life.batch = "+".join(sorted({type(event).__name__ for event in events}))
        return self._store.apply(events, rules, now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class SteppedWriter(Writer):
    """The daemon's writer without its thread: what waits is committed at the next turn of the loop."""

    def __init__(self, life: Life, store: SqliteStore, **settings: Any):
        super().__init__(Named(store, life), **settings)
        self._life = life
        self._is_called = False

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()

    async def stop(self) -> None:
        while self._has_work() and self._life.is_alive:
            self._step()
        self._stopping = True
        self._store.close()

    async def submit(self, events: Sequence[Event], lane: Lane) -> list[Result | Exception]:
        self._call()
        return await super().submit(events, lane)

    async def run(self, chore: Callable[[], Any]) -> Any:
        self._call()
        return await super().run(chore)

    def _call(self) -> None:
        if not self._is_called:
            self._is_called = True
            self._loop.call_later(self._life.fate.commit_seconds(), self._step)

    def _step(self) -> None:
        self._is_called = False
        if not self._life.is_alive:
            return
        try:
            self.turn()
        except Killed:
            return
        self._life.stand_still()
        if self._has_work():
            self._call()


class Wire:
    """The carrier as one process reaches it. A dead process asks for nothing and hears nothing."""

    def __init__(self, exchange: Exchange | PostOffice, life: Life):
        self._exchange = exchange
        self._life = life

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def ask(*question: Any) -> Any:
            await self._life.gate(f"{name}: before")
            answer = await getattr(self._exchange, name)(*question)
            await self._life.gate(f"{name}: after")
            return answer

        return ask


class Request:
    """A request of the carrier, as far as the handlers look at it."""

    def __init__(self, url: str, fields: Sequence[tuple[str, str]]):
        parts = urlsplit(url.partition("#")[0])
        *_, token, kind = parts.path.split("/")
        self._body = urlencode(fields)
        self.match_info = {"token": token, "kind": kind}
        self.query = dict(parse_qsl(parts.query))
        self.raw_path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self.content_type = "application/x-www-form-urlencoded"
        self.remote = "127.0.0.1"
        signed = PUBLIC_URL + self.raw_path
        self.headers = {SIGNATURE_HEADER: sign(signed, fields, AUTH_TOKEN)}

    async def read(self) -> bytes:
        return self._body.encode()

    async def text(self) -> str:
        return self._body


class Process:
    """The daemon, started on the file that the last one left."""

    def __init__(
        self,
        clock: VirtualClock,
        exchange: Exchange,
        post_office: PostOffice,
        life: Life,
        rules: Rules,
    ):
        self.clock = ProcessClock(clock)
        self.life = life
        self.is_ready = False
        self.errors: list[BaseException] = []
        self._exchange = exchange
        self._post_office = post_office
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: list[asyncio.Future[Any]] = []
        self.metrics = Metrics()
        store = SqliteStore(
            life.path, self.metrics, connect=lambda path: Disk(open_for_writing(path), life)
        )
        self.reader = Reader(life.path)
        self.engine = Engine(
            store, self.reader, self.clock, rules, self.metrics, writer=partial(SteppedWriter, life)
        )
        self._store = store
        self._spawn(self._live())

    async def _live(self) -> None:
        wire = Wire(self._exchange, self.life)
        letters = Wire(self._post_office, self.life)
        self.engine.start()
        self.callbacks = Callbacks(self.engine, SETTINGS)
        self.texts = TextCallbacks(self.engine, Guard(self.engine, SETTINGS))
        async with asyncio.TaskGroup() as tasks:
            chance = self.life.fate.chance
            self.dialer = Dialer(self.engine, lambda: wire, SETTINGS, tasks, chance=chance)
            self.follower = Follower(self.engine, lambda: wire, tasks)
            self.texter = Texter(self.engine, lambda: letters, SETTINGS, tasks, chance=chance)
            await self.follower.begin()
            self.workers = [
                tasks.create_task(work)
                for work in (
                    self.engine.run(lambda: None),
                    self.dialer.run(),
                    self.follower.run(),
                    self.texter.run(),
                )
            ]
            self.is_ready = True

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        context = contextvars.copy_context()
        context.run(OWNED.set, self._tasks)
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._guarded(work), context=context)
        assert task in self._tasks, "it ends with the process"

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whoever runs the simulation looks at it
            self.errors.append(error)

    # ---- what comes in

    async def ask(self, work: Callable[[], Coroutine[Any, Any, Any]], reply: str) -> Any:
        """Whatever a handler answers; None when the process ended before its answer left."""
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(answered)

        async def handle() -> None:
            await self.life.gate(f"{reply}: asked")
            answer = await work()
            await self.life.gate(f"{reply}: before")
            answered.set_result(answer)
            await self.life.gate(f"{reply}: after")

        self._spawn(handle())
        return await answered

    async def callback(self, url: str, fields: Sequence[tuple[str, str]]) -> tuple[int, str] | None:
        """The carrier's request: our status and document, None for a connection that broke."""
        request = Request(url, fields)

        async def handle() -> tuple[int, str]:
            response = await self._handler(request)(request)
            return response.status, response.text or ""

        return await self.ask(handle, f"reply to {request.match_info['kind']}")

    def _handler(self, request: Request) -> Callable[[Any], Coroutine[Any, Any, Any]]:
        if request.match_info["kind"] != "sms":
            return self.callbacks.handle
        return self.texts.status if request.match_info["token"] else self.texts.reply

    async def change_live(self, what: str, work: Callable[[sqlite3.Connection], Any]) -> int | None:
        """What an operator puts or ends while the daemon runs: 201, 503, None."""

        def named(db: sqlite3.Connection) -> Any:
            self.life.batch = what
            return work(db)

        async def handle() -> int:
            try:
                await self.engine.change_live(named)
            except StoreError:
                return 503
            return 201

        return await self.ask(handle, "201")

    async def receive(self, message: dict[str, Any]) -> int | None:
        """A sender's request: 202, 503, or None for a connection that broke."""

        async def handle() -> int:
            intake = read(
                "prod", "alertmanager", json.dumps(message).encode(), "", self.clock.wall()
            )
            now = self.clock.now()
            events = [AlertReceived(alert=one, fresh_id=new_id(now)) for one in intake.alerts]
            return await self._stored(*events, lane=Lane.INTAKE)

        return await self.ask(handle, "202")

    async def submit(self, *events: Event) -> int | None:
        """What an operator asks for: 202, 503, or None."""
        return await self.ask(lambda: self._stored(*events), "202")

    async def let_go(self, retention: timedelta) -> int | None:
        """What the daemon does every hour: how many rows went, None when the process ended before that was over."""
        now = self.clock.now()
        return await self.ask(lambda: let_go(self.engine.change, now, retention), "chore")

    async def _stored(self, *events: Event, lane: Lane = Lane.URGENT) -> int:
        try:
            await self.engine.submit(*events, lane=lane)
        except StoreError:
            return 503
        return 202

    def reload(self, rules: Rules) -> None:
        """Another config, as `app` puts it in force."""
        self.dialer.settings = SETTINGS
        self.callbacks.use(SETTINGS)
        self.engine.rules = rules
        self.engine.ring()

    # ---- the end

    async def stop(self) -> None:
        """The orderly end of SIGTERM: the files are left as they are for the next one."""
        self.is_ready = False
        await asyncio.gather(self.dialer.stop(20.0), self.texter.stop(20.0))
        for worker in self.workers:
            worker.cancel()
        self.follower.stop()
        await self.engine.stop()
        if self.life.is_alive:
            self.life.end("SIGTERM")

    async def bury(self) -> None:
        """Take away what is left of a dead process; whoever waits for it sees the connection break."""
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for answered in self._waiting:
            if not answered.done():
                answered.set_result(None)
        self.reader.close()
        self._store.close()
