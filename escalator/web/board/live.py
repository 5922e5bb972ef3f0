"""The live part of a page, made once for all boards that show it.

What was made stays good until an incident changes, the config or the pager's health do, or it is a few seconds old (it
says how long ago things were). A board that was told of a change asks for a part at least as new as that, so that ten
boards cause one rendering, also while alerts pour in.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from escalator.escalation.rules import Rules
from escalator.store.glance import position
from escalator.web.board.assets import packed
from escalator.web.board.frame import Frame, as_html, is_partial
from escalator.web.board.health import troubles_of
from escalator.web.board.on_call import Mark, OnCall
from escalator.web.context import WebContext

GOOD_FOR = timedelta(seconds=5)
PARTS_MAX = 64

Surroundings = tuple[Rules, Sequence[str], Mark]
Make = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A live part as it was made: from everything up to `position`, in these surroundings."""

    html: str
    packed: bytes
    position: int
    at: datetime
    surroundings: Surroundings


class LiveParts:
    """The parts made lately, by page and zone."""

    def __init__(self, context: WebContext, frame: Frame):
        self._context = context
        self._engine = context.engine
        self._frame = frame
        self.on_call = OnCall(context.engine)
        self._parts: OrderedDict[tuple[str, ...], Part] = OrderedDict()
        self._makers: dict[tuple[str, ...], asyncio.Lock] = {}

    async def answer(
        self, request: web.Request, title: str, key: tuple[str, ...], make: Make
    ) -> web.Response:
        """The page, or its live part alone when a script asks."""
        part = await self._part(key, make, self._wanted(request))
        if is_partial(request):
            return await as_html(request, part.html.encode(errors="replace"), ready=part.packed)
        return await self._frame.page(request, title, part.html, position=part.position)

    def surroundings(self) -> Surroundings:
        """What pages show beside the incidents."""
        return self._engine.rules, tuple(troubles_of(self._context)), self.on_call.mark()

    def _wanted(self, request: web.Request) -> int:
        """How new the part must be: as new as a script says it knows of, else as new as can be."""
        since = request.query.get("since", "")
        now = self._engine.reader.at_once(position)
        if is_partial(request) and since.isascii() and since.isdecimal() and len(since) < 19:
            return min(int(since), now)
        return now

    async def _part(self, key: tuple[str, ...], make: Make, wanted: int) -> Part:
        if (part := self._good(key, wanted)) is not None:
            return part
        lock = self._makers.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                if (part := self._good(key, wanted)) is not None:
                    return part
                part = await self._made(make)
                self._parts[key] = part
                self._parts.move_to_end(key)
                if len(self._parts) > PARTS_MAX:
                    self._parts.popitem(last=False)
                return part
        finally:
            if not lock.locked():
                self._makers.pop(key, None)

    async def _made(self, make: Make) -> Part:
        # Taken before anything is read: the part may be newer than it says, never older.
        at, now = self._engine.reader.at_once(position), self._engine.clock.now()
        around = self.surroundings()
        html = await make()
        small = await asyncio.to_thread(packed, html.encode(errors="replace"))
        return Part(html=html, packed=small, position=at, at=now, surroundings=around)

    def _good(self, key: tuple[str, ...], wanted: int) -> Part | None:
        part = self._parts.get(key)
        if part is None or part.position < wanted:
            return None
        age = self._engine.clock.now() - part.at
        is_same = part.surroundings == self.surroundings()
        return part if is_same and age < GOOD_FOR else None
