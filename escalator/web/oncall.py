"""Who is on call over HTTP: now or at a moment, until when and why, and the shifts of the days after."""

import asyncio
import re
from datetime import datetime
from zoneinfo import ZoneInfo

from aiohttp import web

from escalator.foresight.duty import DAYS_MAX, on_call_report
from escalator.foresight.moments import read_at
from escalator.web import bodies
from escalator.web.answers import as_json, invalid
from escalator.web.context import WebContext
from escalator.web.foresight_shapes import oncall_shape

AT_CHARS_MAX = 80

_BLANK_FOR_PLUS = re.compile(r"(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?) (\d\d:\d\d)$")


class OnCall:
    """The schedules, with live overrides and calendars."""

    def __init__(self, context: WebContext):
        self._context = context

    async def show(self, request: web.Request) -> web.Response:
        """`GET /api/v1/oncall`. Worked out in a thread: a year of many schedules takes its time."""
        engine = self._context.engine
        days = bodies.number(request.query.get("days", "0"), "days", 0, DAYS_MAX)
        at = engine.clock.wall()
        if (asked := request.query.get("at")) is not None:
            at = moment_asked(asked, ZoneInfo(self._context.config().timezone))
        duties = await asyncio.to_thread(on_call_report, engine.rules, at, days)
        return as_json(oncall_shape(at, duties))


def moment_asked(text: str, zone: ZoneInfo) -> datetime:
    """The moment that `at` names; local times are of this zone, unless one is written behind them."""
    if len(text) > AT_CHARS_MAX:
        raise invalid("at", f"is longer than {AT_CHARS_MAX} characters")
    # A plus that was not encoded arrives as a blank.
    text = _BLANK_FOR_PLUS.sub(r"\1+\2", text)
    try:
        return read_at(text, zone)
    except ValueError as problem:
        raise invalid("at", str(problem)) from None
