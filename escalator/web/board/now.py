"""The page `/`: what is open, those first that nobody has taken, with what happens next and the buttons to act."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

from aiohttp import web

from escalator.store.glance import Glance, Stalled, glance
from escalator.web.board.actions import NO_ATTEMPT, Attempt
from escalator.web.board.frame import Frame, Times, in_html
from escalator.web.board.health import troubles_of
from escalator.web.board.live import LiveParts
from escalator.web.board.rows import UNTAKEN, Rows
from escalator.web.board.viewer import Viewer
from escalator.web.context import WebContext

SHOWN_MAX = 500
# The others have all their buttons on their own pages: nobody works off a storm by snoozing one after the other here.
FULL_MAX = 50
LATE_AFTER = timedelta(minutes=1)


class Now:
    """The page of what is open."""

    def __init__(self, context: WebContext, frame: Frame, parts: LiveParts):
        self.frame = frame
        self._context = context
        self._engine = context.engine
        self._parts = parts
        self._rows = Rows(frame)

    @in_html
    async def show(self, request: web.Request) -> web.Response:
        """`GET /`."""
        viewer = self.frame.viewer(request)
        key = ("now", viewer.zone_name)
        return await self._parts.answer(request, "Now", key, lambda: self.live(viewer))

    async def live(self, viewer: Viewer, attempt: Attempt = NO_ATTEMPT) -> str:
        """The live part, made off the loop: five hundred incidents take a while."""
        now = self._engine.clock.now()
        found = await self._engine.reader.in_thread(
            lambda db: glance(db, SHOWN_MAX, now - LATE_AFTER)
        )
        times = Times(now=now, viewer=viewer)
        return await asyncio.to_thread(self._rendered, found, times, attempt)

    def _rendered(self, found: Glance, times: Times, attempt: Attempt) -> str:
        rules = self._engine.rules
        total = sum(found.counts.values())
        untaken = sum(found.counts.get(phase.value, 0) for phase in UNTAKEN)
        return self.frame.render(
            "now.html",
            troubles=(*troubles_of(self._context), *stalled(found.stalled, times)),
            on_call=self._parts.on_call.shown(times.viewer),
            rows=[
                self._rows.row(one, rules, times, attempt, is_full=n < FULL_MAX)
                for n, one in enumerate(found.found)
            ],
            total=total,
            untaken=untaken,
            rest=total - len(found.found),
            times=times,
        )


def stalled(found: Stalled, times: Times) -> Iterator[str]:
    """What the store says of calls that should ring and do not, in sentences."""
    if found.refused:
        many = "calls are" if found.refused > 1 else "call is"
        yield (
            f"The carrier takes no calls: {found.refused} {many} refused and tried again. Check its status, the"
            " account and its balance; acknowledge here meanwhile."
        )
    if found.late and found.since is not None:
        many = "pages wait" if found.late > 1 else "page waits"
        yield (
            f"Calls are late: {found.late} {many} for a call, the oldest since {times.local(found.since)}."
            " Check the carrier and the limits in twilio.limits."
        )
