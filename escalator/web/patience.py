"""Close connections that do not come to the point: a request's head must be there within ten seconds (L5).

aiohttp waits for ever for the head of a connection's first request; later ones fall under its keep-alive. Bodies have
a time of their own, see `bodies`.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

HEAD_SECONDS = 10.0
_HEAD_ENDS = re.compile(rb"\n\r?\n")
_OVERLAP_BYTES = 2


class PatientRunner(web.AppRunner):
    """An `AppRunner` for either listener whose connections must send their first head within `head_seconds`."""

    def __init__(
        self, app: web.Application, *, head_seconds: float = HEAD_SECONDS, **options: Any
    ) -> None:
        super().__init__(app, **options)
        self._head_seconds = head_seconds

    @property
    def server(self) -> Any:
        """What makes the protocol of each connection; sites ask for it once, when they start."""
        server = super().server
        return None if server is None else self._watched(server)

    def _watched(self, server: web.Server) -> Callable[[], asyncio.Protocol]:
        return lambda: _Watched(server(), self._head_seconds)


class _Watched(asyncio.Protocol):
    """Passes everything on, and hangs up when the first head is late."""

    def __init__(self, inner: asyncio.Protocol, seconds: float) -> None:
        self._inner = inner
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "a listener's connections are streams"
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, transport.abort)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._timer is not None and self._ends_head(data):
            self._stop()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def _ends_head(self, data: bytes) -> bool:
        # Blank lines before a request are no head.
        seen = self._tail + data if self._tail else data.lstrip(b"\r\n")
        self._tail = seen[-_OVERLAP_BYTES:]
        return _HEAD_ENDS.search(seen) is not None

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
