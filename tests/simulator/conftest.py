"""The simulator's neighbours in these tests: a server that answers its callbacks, and clients of its API."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from escalator.simulator import ACCOUNT_SID, AUTH_TOKEN, SimCall, Simulator

ANA = "+447700900123"
FROM = "+15005550006"
EVENTS = ["initiated", "ringing", "answered", "completed"]
Reaction = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Got:
    """One request as the application received it."""

    method: str
    raw_path: str
    headers: dict[str, str]
    form: list[tuple[str, str]]

    def __getitem__(self, name: str) -> str:
        return dict(self.form)[name]


@dataclass
class Application:
    """The customer's web server. `pages` maps a path to TwiML text, or to a function of the request."""

    url: str = ""
    pages: dict[str, str | Reaction] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = [(name, str(value)) for name, value in (await request.post()).items()]
        got = Got(request.method, request.raw_path, dict(request.headers), form)
        self.got.append(got)
        page = self.pages.get(request.path)
        if page is None:
            return web.Response(status=204)
        if isinstance(page, str):
            return web.Response(text=page, content_type="text/xml")
        return await page(request)

    def paths(self) -> list[str]:
        return [got.raw_path for got in self.got]


@dataclass
class Customer:
    """A customer's program: places calls over plain HTTP and owns the application that answers them."""

    simulator: Simulator
    session: aiohttp.ClientSession
    application: Application

    async def request(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and JSON (None for none) of a request below the account."""
        url = f"{self.simulator.url}/2010-04-01/Accounts/{ACCOUNT_SID}{path}"
        authorization = aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)
        options.setdefault("headers", {"Authorization": authorization})
        async with self.session.request(method, url, allow_redirects=False, **options) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else await answer.text()

    async def create(self, **parameters: Any) -> tuple[int, Any]:
        """Create a call to Ana; None leaves a parameter out, `_` stands for `From`'s trailing one."""
        base = self.application.url
        form = {
            "To": ANA,
            "From": FROM,
            "Url": f"{base}/answer",
            "StatusCallback": f"{base}/status",
        }
        form |= {"StatusCallbackEvent": EVENTS} | parameters
        pairs = []
        for name, value in form.items():
            values = value if isinstance(value, list) else [value]
            pairs += [(name, str(v)) for v in values if v is not None]
        return await self.request("POST", "/Calls.json", data=pairs)

    async def place(self, **parameters: Any) -> SimCall:
        """Create a call that is accepted."""
        status, body = await self.create(**parameters)
        assert status == 201, body
        return next(call for call in self.simulator.calls if call.sid == body["sid"])

    async def call_through(self, **parameters: Any) -> SimCall:
        """Place a call and wait until all of it is over."""
        call = await self.place(**parameters)
        await call.ended()
        return call


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    application = Application()
    app = web.Application(client_max_size=2**22)
    app.router.add_route("*", "/{path:.*}", application.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    application.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield application
    await runner.cleanup()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(
        speed=2000, calls_per_second=None, api_keys={"SK" + "1" * 32: "key-secret"}
    ).run() as simulator:
        yield simulator


@pytest.fixture
async def customer(simulator: Simulator, application: Application) -> AsyncIterator[Customer]:
    async with aiohttp.ClientSession() as session:
        yield Customer(simulator, session, application)
