"""Silences over HTTP: matchers and a span in which no new incident pages.

What is answered 201 is on file and holds for the next alert. A silence does not touch what is open (snoozing does);
its answer says which open incidents it would have held.
"""

import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from escalator.config.matching import read_matchers
from escalator.config.moments import read_moment
from escalator.engine import Engine, new_id
from escalator.escalation.matchers import Matcher, MatcherError
from escalator.escalation.silences import Silence
from escalator.store import live
from escalator.telemetry import get_logger
from escalator.web import bodies
from escalator.web.access import asking
from escalator.web.answers import as_json, invalid, not_found
from escalator.web.bodies import Fields
from escalator.web.context import WebContext
from escalator.web.shapes import Shape, time

log = get_logger("silences")

LASTS_MAX = timedelta(days=366)
MATCHERS_MAX = 50
OPEN_SHOWN = 100
_KNOWN = frozenset({"matchers", "from", "to", "for", "comment", "by"})
_OPEN = (
    "SELECT DISTINCT a.incident_id, a.labels FROM alerts a JOIN incidents i ON i.id = a.incident_id "
    "WHERE i.phase IN ('triggered', 'acknowledged', 'snoozed', 'exhausted') AND a.status = 'firing' "
    "ORDER BY a.incident_id DESC LIMIT 20000"
)


class Silences:
    """The silences in force."""

    def __init__(self, context: WebContext):
        self._context = context
        self._engine: Engine = context.engine

    async def list(self, _: web.Request) -> web.Response:
        """`GET /api/v1/silences`: those that are not over."""
        wall = self._engine.clock.wall()
        found = [one for one in self._engine.rules.silences if one.end > wall]
        return as_json({"silences": [silence_shape(one, wall) for one in found]})

    async def add(self, request: web.Request) -> web.Response:
        """`POST /api/v1/silences {matchers, from, to, comment, by}`; `for` may stand for `to`."""
        fields = await bodies.json_fields(request, _KNOWN)
        matchers = _matchers(fields)
        wall = self._engine.clock.wall()
        start, end = self._span(fields, wall)
        by = asking(self._context.config(), request, fields)
        silence = Silence(
            id=new_id(self._engine.clock.now()),
            matchers=matchers,
            start=start,
            end=end,
            comment=bodies.text(fields, "comment", 500),
            by=by,
            created_at=wall,
        )
        await self._engine.change_live(lambda db: live.add_silence(db, silence))
        log.info("silence_added", silence=silence.id, until=end.isoformat(), by=by)
        still = await self._engine.reader.in_thread(lambda db: _open_that_fit(db, matchers))
        return as_json({**silence_shape(silence, wall), "open_incidents": still}, 201)

    async def expire(self, request: web.Request) -> web.Response:
        """`DELETE /api/v1/silences/{id}`: it ends now, and what it holds and still fires pages."""
        silence_id, wall = request.match_info["id"], self._engine.clock.wall()
        found = await self._engine.change_live(lambda db: live.expire_silence(db, silence_id, wall))
        if not found:
            raise not_found("silence of this id")
        log.info("silence_expired", silence=silence_id, by=asking(self._context.config(), request))
        return web.Response(status=204)

    def _span(self, fields: Fields, wall: datetime) -> tuple[datetime, datetime]:
        zone = ZoneInfo(self._context.config().timezone)
        start, end, lasts = (bodies.text(fields, name, 40) for name in ("from", "to", "for"))
        begins = _moment("from", lambda: read_moment(start, zone)) if start else wall
        if bool(end) == bool(lasts):
            raise invalid("to", "write when it ends: `to`, or how long it lasts: `for`")
        if lasts:
            ends = begins + bodies.duration(lasts, "for", LASTS_MAX)
        else:
            ends = _moment("to", lambda: read_moment(end, zone, is_end=True))
        if ends <= max(begins, wall):
            raise invalid("to" if end else "for", "the silence would be over before it begins")
        if ends - begins > LASTS_MAX:
            raise invalid("to", "a silence lasts at most a year; what shall never page is a route")
        return begins.astimezone(UTC), ends.astimezone(UTC)


def silence_shape(silence: Silence, wall: datetime) -> Shape:
    """A silence as the API shows it."""
    return {
        "id": silence.id,
        "state": "active" if silence.start <= wall else "pending",
        "matchers": [str(one) for one in silence.matchers],
        "from": time(silence.start),
        "to": time(silence.end),
        "comment": silence.comment or None,
        "by": silence.by or None,
        "created_at": time(silence.created_at),
    }


def _matchers(fields: Fields) -> tuple[Matcher, ...]:
    given = fields.get("matchers")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(one, str) for one in texts):
        raise invalid("matchers", """must be a list of matchers, as ['alertname="DiskFull"']""")
    if len(texts) > MATCHERS_MAX:
        raise invalid("matchers", f"holds more than {MATCHERS_MAX} matchers")
    try:
        found = read_matchers(texts)
    except MatcherError as problem:
        raise invalid("matchers", str(problem)) from None
    if all(one.matches({}) for one in found):
        raise invalid("matchers", "would silence everything; name a label that an alert must have")
    return found


def _moment(name: str, read: Callable[[], datetime]) -> datetime:
    try:
        return read()
    except ValueError as problem:
        raise invalid(name, str(problem)) from None


def _open_that_fit(connection: sqlite3.Connection, matchers: Sequence[Matcher]) -> list[str]:
    """Open incidents in which something fires that fits, newest first."""
    found: dict[str, None] = {}
    for incident_id, labels in connection.execute(_OPEN):
        if incident_id not in found and all(one.matches(json.loads(labels)) for one in matchers):
            found[incident_id] = None
            if len(found) == OPEN_SHOWN:
                break
    return list(found)
