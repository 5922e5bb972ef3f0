"""A server of calendars on loopback that does as it is told, also the worst."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

PATH = "/private-s3cret/basic.ics"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class CalendarServer:
    """What it answers, and what it was asked. `link` is the secret."""

    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    answer: Answer | None = None
    asked: list[web.Request] = field(default_factory=list)
    port: int = 0
    runner: web.ServerRunner | None = None

    @property
    def link(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    def says(self, body: bytes = b"", *, status: int = 200, **headers: str) -> None:
        """What is answered from now on; `etag="x"` becomes a header."""
        self.body, self.status, self.answer = body, status, None
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        if self.answer is not None:
            return await self.answer(request)
        etag = self.headers.get("etag")
        if etag and request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        return web.Response(body=self.body, status=self.status, headers=self.headers)

    async def start(self) -> None:
        self.runner = web.ServerRunner(web.Server(self._answered), shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        """From now on nobody is there."""
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None


@asynccontextmanager
async def calendar_server() -> AsyncIterator[CalendarServer]:
    server = CalendarServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def endless(request: web.Request) -> web.StreamResponse:
    """A body that never ends, as fast as it is taken."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"X" * 65536)


async def dripping(request: web.Request) -> web.StreamResponse:
    """A body that never ends, a byte now and then."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"X")
        await asyncio.sleep(0.05)


async def silent(_: web.Request) -> web.StreamResponse:
    """No answer at all."""
    await asyncio.sleep(30)
    raise AssertionError("nobody waits so long")
