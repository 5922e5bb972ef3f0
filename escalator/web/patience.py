"""What both listeners demand of a connection, and what every answer of theirs bears, whoever makes it.

A request's head must be there within ten seconds of its beginning (L5), an answer must be taken within little more than
a minute, and there are so many connections at once (L6). aiohttp by itself waits for ever for the head of a
connection's first request. Bodies have a time of their own, where they are read. What is no HTTP is refused in words
that repeat nothing of it, here and in the log: it may hold a secret.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from escalator.telemetry import get_logger
from escalator.web.connections import Connections, Limits

log = get_logger("http")

HEAD_SECONDS = 10.0
KEEPALIVE_SECONDS = 75.0
# Read on for so long after a refusal, for a sender that is still sending to hear it.
LINGERING_SECONDS = 2.0
# aiohttp closes an idle connection politely; what is left after that is hung up.
POLITENESS_SECONDS = 5.0
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "escalator",
    "X-Content-Type-Options": "nosniff",
}
_HEAD_ENDS = re.compile(rb"\n\r?\n")
_OVERLAP_BYTES = 2

Refuse = Callable[[int], web.Response]
"""How a listener words a refusal with this status: 400, or 503 for what may succeed later."""


def in_plain_words(status: int) -> web.Response:
    """A refusal for a listener that has no way of its own."""
    return web.Response(status=status, text=f"{HTTPStatus(status).phrase.lower()}\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a listener demands. `vital` are the paths that are answered also when all else is refused."""

    head_seconds: float = HEAD_SECONDS
    keepalive_seconds: float = KEEPALIVE_SECONDS
    politeness_seconds: float = POLITENESS_SECONDS
    limits: Limits = field(default_factory=Limits)
    vital: frozenset[str] = frozenset()
    refuse: Refuse = in_plain_words


class PatientRunner(web.AppRunner):
    """An `AppRunner` for either listener, which holds connections to its terms. `options` are aiohttp's."""

    def __init__(
        self,
        app: web.Application,
        terms: Terms,
        *,
        shutdown_timeout: float = 5.0,
        **options: Any,
    ) -> None:
        self._terms = terms
        self._connections = Connections(terms.limits)
        self._options = {
            "keepalive_timeout": terms.keepalive_seconds,
            "lingering_time": LINGERING_SECONDS,
            **options,
        }
        super().__init__(app, shutdown_timeout=shutdown_timeout, **self._options)
        app.middlewares.insert(0, self._while_answering)

    @property
    def count(self) -> int:
        """How many connections there are."""
        return self._connections.count

    @property
    def server(self) -> Any:
        """What makes the protocol of each connection; sites ask for it once, when they start."""
        server = super().server
        if server is None:
            return None
        return lambda: _Patient(server, self._terms, self._connections, self._options)

    @web.middleware
    async def _while_answering(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # A target with a scheme and a host is for proxies, which we are not (X15).
        if not request.raw_path.startswith("/"):
            refused = self._terms.refuse(400)
            refused.force_close()
            return refused
        if self._connections.is_busy and request.path not in self._terms.vital:
            return self._terms.refuse(503)
        connection = request.protocol
        assert isinstance(connection, _Patient), "the runner makes them all"
        connection.begins()
        try:
            return await handler(request)
        finally:
            connection.rests()


class _Patient(web.RequestHandler):
    """aiohttp's connection with a timer: for the head while that is awaited, for the answer to be taken after it."""

    def __init__(
        self,
        server: web.Server,
        terms: Terms,
        connections: Connections,
        options: Mapping[str, Any],
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(server, loop=loop, **options)
        self.address = ""
        self._terms = terms
        self._connections = connections
        self._wire: asyncio.Transport | None = None
        self._call_later = loop.call_later
        self._timer: asyncio.TimerHandle | None = None
        self._awaits_head = True
        self._has_begun = True
        self._tail = b""

    # ---- the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "a listener's connections are streams"
        self._wire = transport
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        super().connection_made(transport)
        if self._connections.admit(self):
            self._allow(self._terms.head_seconds)
        else:
            self.hang_up()

    def data_received(self, data: bytes) -> None:
        if self._awaits_head and data:
            if self._ends_head(data):
                self._awaits_head = False
                self._allow(self._answer_seconds)
            elif not self._has_begun:
                self._has_begun = True
                self._allow(self._terms.head_seconds)
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop()
        self._connections.gone(self)
        super().connection_lost(exc)

    def hang_up(self) -> None:
        """Close it at once, whatever it is doing."""
        self._stop()
        # aiohttp forgets its transport when it closes it, though what was written may never be taken.
        if self._wire is not None:
            self._wire.abort()

    # ---- its requests

    def begins(self) -> None:
        """A request is being answered, which may take as long as its handler allows."""
        self._stop()
        self._connections.begins(self)

    def rests(self) -> None:
        """The answer is made; it is to be taken, and the next request may begin."""
        self._awaits_head, self._has_begun, self._tail = True, False, b""
        if self.transport is not None:
            self._connections.rests(self)
            self._allow(self._answer_seconds)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Answer, with the headers that none of ours goes without."""
        if isinstance(resp, web.HTTPException):  # an `Expect` that aiohttp itself refuses
            resp = self._terms.refuse(400)
            resp.force_close()
        for name, value in HEADERS.items():
            resp.headers.setdefault(name, value)
        return await super().finish_response(request, resp, start_time)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - the words of aiohttp, which hold those of the request
    ) -> web.StreamResponse:
        """Refuse what is no HTTP, and what no handler answered."""
        # The log of requests tells of the malformed; why they are is in their own words only.
        if status >= 500:
            log.error("request_failed", handler="", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("a part of another answer is sent already")
        refused = self._terms.refuse(400 if status < 500 else 503)
        refused.force_close()
        return refused

    # ---- time

    @property
    def _answer_seconds(self) -> float:
        return self._terms.keepalive_seconds + self._terms.politeness_seconds

    def _allow(self, seconds: float) -> None:
        self._stop()
        self._timer = self._call_later(seconds, self.hang_up)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ends_head(self, data: bytes) -> bool:
        # Blank lines before a request are no head.
        seen = self._tail + data if self._tail else data.lstrip(b"\r\n")
        self._tail = seen[-_OVERLAP_BYTES:]
        return _HEAD_ENDS.search(seen) is not None
