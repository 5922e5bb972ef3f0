"""Tell open boards that something changed, as server-sent events: ids and nothing else, the page asks for the rest.

A stream sends at most four events a second, whatever happens meanwhile. It ends after an hour, and when the listener
stops; the browser then opens another. At most fifty are open at once.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import timedelta

from aiohttp import web

from escalator.engine import Bell, Engine
from escalator.store.errors import StoreError
from escalator.store.glance import Changed, changed_since, position
from escalator.web.answers import Refusal, unavailable
from escalator.web.patience import HEADERS

STREAMS_MAX = 50
LIFE = timedelta(hours=1)
PING_SECONDS = 15.0
PAUSE_SECONDS = 0.25
# A line that gives nobody work (a note) rings no bell: it is looked for.
LOOK_SECONDS = 1.0
WRITE_SECONDS = 10.0
_KIND = "text/event-stream"


class Events:
    """Everybody who listens at `/events`. `surroundings` is whatever else the pages show: when it changes, all do."""

    def __init__(self, engine: Engine, surroundings: Callable[[], object]):
        self._engine = engine
        self._surroundings = surroundings
        self._free: list[Bell] = []
        self._bells: set[Bell] = set()
        self._stopping = False

    @property
    def count(self) -> int:
        """How many listen."""
        return len(self._bells)

    def stop(self) -> None:
        """End all streams now, and whichever come later at once."""
        self._stopping = True
        self.look()

    def look(self) -> None:
        """Have everybody look at once whether something changed."""
        for bell in self._bells:
            bell.ring()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """`GET /events?since=POSITION`."""
        if _KIND not in request.headers.get("Accept", ""):
            raise Refusal(400, f"this is a stream of events; ask with Accept: {_KIND}")
        if self._stopping or self.count >= STREAMS_MAX:
            raise unavailable("too many boards are listening; this one may ask now and then")
        response = web.StreamResponse(
            headers={**HEADERS, "Content-Type": _KIND, "X-Accel-Buffering": "no"}
        )
        seen = _position(request)
        if request.method == "HEAD":
            return response
        bell = self._free.pop() if self._free else self._engine.new_bell()
        self._bells.add(bell)
        try:
            with contextlib.suppress(ConnectionError, TimeoutError):
                await response.prepare(request)
                await self._tell(request, response, bell, seen)
        finally:
            self._bells.discard(bell)
            self._free.append(bell)
        return response

    async def _tell(
        self, request: web.Request, response: web.StreamResponse, bell: Bell, seen: int | None
    ) -> None:
        clock = self._engine.clock
        end = clock.now() + LIFE
        last_word = clock.now() - timedelta(seconds=PING_SECONDS)
        around = self._surroundings()
        if seen is None:
            seen = self._engine.reader.at_once(position)
        while not self._stopping and clock.now() < end and not _is_gone(request):
            changed = self._changed(seen)
            is_other = around != (around := self._surroundings())
            if changed.position != seen or is_other:
                seen = changed.position
                await _write(response, _event(changed, is_all=changed.is_all or is_other))
                last_word = clock.now()
                await clock.sleep(PAUSE_SECONDS)
                continue
            if clock.now() - last_word >= timedelta(seconds=PING_SECONDS):
                await _write(response, b": here\n\n")
                last_word = clock.now()
            await bell.wait(clock, LOOK_SECONDS)

    def _changed(self, seen: int) -> Changed:
        try:
            return self._engine.reader.at_once(lambda db: changed_since(db, seen))
        except StoreError:  # the pages tell of it; the next look may go well
            return Changed(position=seen, incidents=())


def _position(request: web.Request) -> int | None:
    """How far the one who asks has come: what the browser last heard, else what its page was made from."""
    told = request.headers.get("Last-Event-ID", request.query.get("since", ""))
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 19 else None


def _event(changed: Changed, *, is_all: bool) -> bytes:
    ids = {"incidents": changed.incidents, "all": is_all}
    return f"id: {changed.position}\nevent: change\ndata: {json.dumps(ids)}\n\n".encode()


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _write(response: web.StreamResponse, text: bytes) -> None:
    """Raises `TimeoutError` when nobody takes it: such a board will come again."""
    async with asyncio.timeout(WRITE_SECONDS):
        await response.write(text)
