"""Streams of server-sent events: whatever the pages show, again as soon as it has changed.

A stream begins with everything, so that nobody has to know what they missed. It ends when the
simulator stops, and after an hour; browsers then ask again by themselves. At most fifty are open.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from aiohttp import web

from escalator.simulator.guard import problem
from escalator.simulator.journal import Journal

STREAMS_MAX = 50
STREAM_SECONDS = 3600.0
_QUIET_SECONDS = 15.0
_BREATH_SECONDS = 0.03


class Live:
    """The open streams. `look` gives what is shown now: a name for each part, and its JSON."""

    def __init__(
        self,
        journal: Journal,
        look: Callable[[], Mapping[str, str]],
        *,
        lasts: float = STREAM_SECONDS,
    ) -> None:
        self._journal = journal
        self._look = look
        self._lasts = lasts
        self._open = 0
        self._is_over = False

    def stop(self) -> None:
        """End all streams."""
        self._is_over = True
        self._journal.changed()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """One stream, until it ends."""
        if self._is_over or self._open >= STREAMS_MAX:
            return problem(503, "unavailable", "too many pages are open; close some of them")
        self._open += 1
        try:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(self._lasts):
                    await self._feed(request, response)
        finally:
            self._open -= 1
        return response

    async def _feed(self, request: web.Request, response: web.StreamResponse) -> None:
        sent: Mapping[str, str] = {}
        # Without a transport the browser has gone.
        while not self._is_over and request.transport is not None:
            change = self._journal.change
            now = self._look()
            for name in now:
                if sent.get(name) != now[name]:
                    await response.write(f"data: {now[name]}\n\n".encode())
            sent = now
            await self._change(change, response)

    async def _change(self, change: asyncio.Event, response: web.StreamResponse) -> None:
        """Wait for the change, and a moment more for those that come with it."""
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                await change.wait()
        except TimeoutError:
            await response.write(b": nothing new\n\n")
        else:
            await asyncio.sleep(_BREATH_SECONDS)
