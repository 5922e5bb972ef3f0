"""The simulator as a whole: one account, its API on a loopback address, and everything that happens
in it.

It starts and stops with `run` (or `start` and `stop`), listens on loopback only, and keeps all
state in memory.
"""

import ssl
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

import aiohttp
from aiohttp import web

from escalator.simulator.callbacks import Callbacks
from escalator.simulator.calls import SimCall
from escalator.simulator.carrier import Carrier
from escalator.simulator.control import Control
from escalator.simulator.exchange import Exchange
from escalator.simulator.faults import Faults
from escalator.simulator.guard import is_loopback
from escalator.simulator.journal import Events, Journal, Listener, SimRequest
from escalator.simulator.messages import Messages, SimMessage
from escalator.simulator.pace import Pace
from escalator.simulator.pages import Pages
from escalator.simulator.people import People
from escalator.simulator.resources import AccountResource, Calls, MessageResource
from escalator.simulator.rest import Account, Gate
from escalator.simulator.show import Show
from escalator.simulator.signature import Signer
from escalator.simulator.tasks import Tasks
from escalator.simulator.webhook import Answer, Webhooks

T = TypeVar("T")
ACCOUNT_SID = "AC" + "0" * 30 + "01"
AUTH_TOKEN = "simulated-auth-token"  # noqa: S105 - opens nothing but a simulator on loopback
_SHUTDOWN_SECONDS = 0.2


class Simulator:
    """A carrier that speaks Twilio's API.

    `api_keys`: key SIDs and their secrets. `numbers`: those of the account, None for any.
    `calls_per_second`: None for no queue. `speed`: simulated seconds per real second. `shared_key`:
    id and secret, callbacks are then signed with HMAC-SHA256. `magic_numbers`: behave as with test
    credentials, nothing is dialled. `now`: the wall clock. `trust`: the certificates that callbacks
    over https accept.
    """

    def __init__(
        self,
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        *,
        secondary_token: str | None = None,
        api_keys: Mapping[str, str] | None = None,
        numbers: Collection[str] | None = None,
        calls_per_second: float | None = 1.0,
        speed: float = 1.0,
        shared_key: tuple[str, str] | None = None,
        magic_numbers: bool = False,
        now: Callable[[], datetime] | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        if calls_per_second is not None and calls_per_second <= 0:
            raise ValueError("calls_per_second must be positive, or None for no queue")
        self.account = Account(
            sid=account_sid,
            auth_token=auth_token,
            secondary_token=secondary_token,
            api_keys=dict(api_keys or {}),
            numbers=numbers,
            is_test=magic_numbers,
        )
        self.faults = Faults()
        self.pace = Pace(speed, now)
        self.show = Show()
        self._journal = Journal()
        self.people = People(changed=self._journal.changed)
        self._tasks = Tasks()
        self._signer = Signer(auth_token, shared_key)
        callbacks = Callbacks(Webhooks(self._signer, trust), self.faults, self._journal, self.pace)
        carrier = Carrier(
            account_sid=account_sid,
            pace=self.pace,
            journal=self._journal,
            people=self.people,
            tasks=self._tasks,
            callbacks=callbacks,
            sessions=self._session,
        )
        self._exchange = Exchange(carrier, calls_per_second)
        self._exchange.is_dialling = not magic_numbers
        self._messages = Messages(carrier)
        self._connector: aiohttp.TCPConnector | None = None
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._address = ("", 0)

    @asynccontextmanager
    async def run(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator["Simulator"]:
        """Run while the block lasts. Raises as `start` and `stop` do."""
        await self.start(host, port)
        try:
            yield self
        finally:
            await self.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 picks a free one. Raises `ValueError` off loopback, `OSError` if the
        port is taken.
        """
        if not is_loopback(host):
            raise ValueError(f"the simulator listens on loopback only, not on {host}")
        assert self._runner is None, "the simulator runs already"
        self._connector = aiohttp.TCPConnector(force_close=True, limit=0)
        self._runner = web.AppRunner(
            self._app(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
        )
        await self._runner.setup()
        self._address = (host, port)
        await self.come_back()

    async def stop(self) -> None:
        """Stop listening and drop every call. Raises an `ExceptionGroup` if the simulator itself
        failed.
        """
        runner, connector = self._runner, self._connector
        self._runner = self._connector = self._site = None
        try:
            await self._tasks.end()
        finally:
            if runner is not None:
                await runner.cleanup()
            if connector is not None:
                await connector.close()

    async def go_down(self) -> None:
        """Refuse connections from now on, and close those that are open. Calls in progress go
        on.
        """
        if self._site is None or self._runner is None:
            return
        await self._site.stop()
        self._site = None
        for connection in list(self._runner.server.connections if self._runner.server else ()):
            connection.force_close()

    async def come_back(self) -> None:
        """Listen again, on the same port. Raises `OSError` if the port is taken."""
        assert self._runner is not None, "the simulator does not run"
        if self._site is not None:
            return
        host, port = self._address
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self._site = site
        self._address = (host, self._runner.addresses[0][1])

    @property
    def url(self) -> str:
        """The API's base, `http://127.0.0.1:PORT`."""
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def calls(self) -> list[SimCall]:
        """All calls, oldest first."""
        return self._exchange.calls

    @property
    def messages(self) -> list[SimMessage]:
        """All messages, oldest first, those received too."""
        return self._messages.sent

    @property
    def requests(self) -> list[SimRequest]:
        """All requests to the REST API, oldest first."""
        return self._journal.requests

    @property
    def listeners(self) -> list[Listener]:
        """Functions that are told every event at once."""
        return self._journal.listeners

    @property
    def strangers(self) -> list[SimCall]:
        """The calls to numbers that have no script: in most tests there should be none."""
        return [call for call in self.calls if call.to not in self.people]

    @property
    def journal(self) -> Journal:
        """What is remembered and announced."""
        return self._journal

    def changed(self) -> None:
        """Say that something has changed that the pages show: the show, a switch."""
        self._journal.changed()

    def events(self) -> Events:
        """A stream of every event from now on: `async for`, then `close`."""
        return self._journal.events()

    def calls_to(self, number: str) -> list[SimCall]:
        """The calls to a number, oldest first."""
        return [call for call in self.calls if call.to == number]

    async def wait_for(self, condition: Callable[[], T], within: float = 5.0) -> T:
        """The condition's first true value. Raises `TimeoutError`, telling all, after `within`
        real seconds.
        """
        return await self._journal.wait_for(condition, within, self.story)

    async def wait_call(
        self, to: str | None = None, n: int = 1, *, status: str = "queued", within: float = 5.0
    ) -> SimCall:
        """The n-th call (to that number), once it has had that status. Raises `TimeoutError`."""

        def found() -> SimCall | None:
            calls = self.calls if to is None else self.calls_to(to)
            call = calls[n - 1] if len(calls) >= n else None
            return call if call is not None and status in call.history else None

        call = await self.wait_for(found, within)
        assert call is not None
        return call

    async def settle(self, within: float = 5.0) -> None:
        """Wait until every call is over and reported, and every message delivered. Raises
        `TimeoutError`.
        """
        await self.wait_for(lambda: all(call.finished.is_set() for call in self.calls), within)
        await self.wait_for(
            lambda: all(m.is_settled or m.direction == "inbound" for m in self.messages), within
        )

    async def text(self, sender: str, to: str, body: str, *, url: str) -> Answer:
        """Somebody texts one of the account's numbers; the answer of its webhook. Raises
        `FetchError`.
        """
        return await self._messages.receive(sender, to, body, url)

    def promote_secondary_token(self) -> None:
        """The secondary auth token becomes the one that signs; the old one stays valid as the
        secondary.
        """
        assert self.account.secondary_token is not None, "there is no secondary token"
        old = self.account.auth_token
        self.account.auth_token, self.account.secondary_token = self.account.secondary_token, old
        self._signer.auth_token = self.account.auth_token

    def story(self) -> str:
        """Everything that happened, for a person to read."""
        requests = [
            f"{r.method} {r.path} -> {r.status}{f' ({r.fault})' if r.fault else ''}"
            for r in self.requests
        ]
        failures = [f"the simulator itself failed: {failure!r}" for failure in self._tasks.failures]
        lines = [*requests, *(call.story() for call in self.calls), *failures]
        return "\n".join(lines) or "nothing happened"

    def _session(self) -> aiohttp.ClientSession:
        """A session with cookies of its own; addresses without a name may set them too."""
        return aiohttp.ClientSession(
            connector=self._connector,
            connector_owner=False,
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            trust_env=False,
        )

    def _app(self) -> web.Application:
        gate = Gate(self.account, self.faults, self._journal, self.pace)
        api = web.Application(middlewares=[gate.middleware])
        calls = Calls(
            self.account,
            self._exchange,
            self.faults,
            journal=self._journal,
            pace=self.pace,
        )
        api.add_routes(AccountResource(self.account).routes())
        api.add_routes(calls.routes())
        api.add_routes(MessageResource(self.account, self._messages).routes())
        app = web.Application()
        app.add_subapp("/2010-04-01", api)
        app.add_subapp("/simulator", Control(self).app())
        app.add_subapp("/demo", Pages(self).app())
        return app
