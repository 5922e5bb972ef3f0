"""The internal listener on loopback with its true neighbours: a config file, the engine, a database."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from escalator.clock import Clock
from escalator.config.loading import load
from escalator.config.problems import ConfigError
from escalator.engine import Engine
from escalator.heartbeats import Heartbeats
from escalator.store.reading import Reader
from escalator.store.sqlite import SqliteStore
from escalator.telemetry import Metrics
from escalator.web.context import WebContext
from escalator.web.server import new_runner

PAYLOADS = Path(__file__).parents[1] / "payloads"
GENERATED_TOKEN = "generated-for-this-test"
LINK_KEY = b"key of the links of this test..."
ENVIRON = {
    "TOKEN": "carrier-secret",
    "OPS": "ops-secret",
    "SENDER": "sender-secret",
    "HASH": "$2b$04$f/z37NFlucdTDxRZ0P9FHe/f.TGFvBy0gCUnr5tgSrji5gjGinP3W",  # of "correct horse"
}
CONFIG = """
version: 1
public_url: https://pager.example.net
language: de-DE
twilio: { account_sid: AC0123456789abcdef0123456789abcdef, auth_token: { env: TOKEN }, from: +15005550006 }
people:
  ana: { name: Ana Ortega, phone: +491713920012, language: ja-JP }
  ben: { name: Ben Shah, phone: +447700900123, aliases: [ben@example.net] }
policies:
  default: { steps: [{ call: ana }, { call: ben }] }
"""


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str | None]:
        """Status, code and path of an error in the one shape."""
        told = self.json["error"]
        assert set(told) >= {"code", "message", "path"}
        assert told["message"]
        return self.status, told["code"], told["path"]


@dataclass
class Listener:
    """A running listener. `not_ready` and `problems` are what the rest of the daemon would say."""

    engine: Engine
    clock: Clock
    address: tuple[str, int]
    session: aiohttp.ClientSession
    runner: web.AppRunner
    not_ready: list[str] = field(default_factory=list)
    reloads: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        async with self.session.request(
            method, self.url + path, allow_redirects=False, **options
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        """Bytes go as they are, anything else as JSON."""
        if isinstance(body, bytes):
            return await self.ask("POST", path, data=body, **options)
        if body is None:
            return await self.ask("POST", path, **options)
        headers = {"Content-Type": "application/json", **options.pop("headers", {})}
        data = io.BytesIO(json.dumps(body).encode())
        return await self.ask("POST", path, data=data, headers=headers, **options)

    async def fire(self, name: str = "DiskFull", **labels: str) -> str:
        """Send one alert and return the id of its incident."""
        alert = {"key": name, "labels": {"alertname": name, **labels}}
        answer = await self.post("/receive/hook", alert)
        assert answer.status == 202, answer.body
        return str(answer.json["incidents"][0]["id"])


@asynccontextmanager
async def opened(
    folder: Path, more: str, clock: Clock, generated_token: str
) -> AsyncIterator[Listener]:
    file = folder / "escalator.yml"
    file.write_text(CONFIG + more)
    loaded = [load(file, environ=ENVIRON)]
    metrics = Metrics()
    store = SqliteStore(folder / "escalator.db", metrics)
    reader = Reader(folder / "escalator.db")
    engine = Engine(store, reader, clock, loaded[0].rules, metrics)
    engine.start()

    async def reload() -> list[str]:
        try:
            loaded[0] = load(file, environ=ENVIRON)
        except ConfigError as error:
            return [str(problem) for problem in error.problems]
        engine.rules = loaded[0].rules
        return []

    not_ready: list[str] = []
    started_at = clock.now()
    context = WebContext(
        engine=engine,
        heartbeats=Heartbeats(engine, lambda: started_at),
        config=lambda: loaded[0].config,
        generated_token=lambda: generated_token,
        why_not_ready=lambda: not_ready[0] if not_ready else None,
        reload=reload,
        link_key=LINK_KEY,
    )
    runner = new_runner(context)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with aiohttp.ClientSession() as session:
        yield Listener(engine, clock, runner.addresses[0][:2], session, runner, not_ready)
    await runner.cleanup()
    await engine.stop()
    reader.close()
