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
        config = self._context.config()
        by = asking(config, request, fields)
        silence = await self.make(fields, by, ZoneInfo(config.timezone))
        [still] = await self._engine.reader.in_thread(
            lambda db: open_that_fit(db, [silence.matchers])
        )
        shape = silence_shape(silence, self._engine.clock.wall())
        return as_json({**shape, "open_incidents": still}, 201)

    async def make(self, fields: Fields, by: str, zone: ZoneInfo) -> Silence:
        """Put a silence in force; local times are those of `zone`. Raises `Refusal` 400 that names the field."""
        matchers = _matchers(fields)
        wall = self._engine.clock.wall()
        start, end = _span(fields, wall, zone)
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
        return silence

    async def expire(self, request: web.Request) -> web.Response:
        """`DELETE /api/v1/silences/{id}`: it ends now, and what it holds and still fires pages."""
        await self.end(request.match_info["id"], asking(self._context.config(), request))
        return web.Response(status=204)

    async def end(self, silence_id: str, by: str) -> None:
        """Have a silence end now. Raises `Refusal` 404."""
        wall = self._engine.clock.wall()
        found = await self._engine.change_live(lambda db: live.expire_silence(db, silence_id, wall))
        if not found:
            raise not_found("silence of this id")
        log.info("silence_expired", silence=silence_id, by=by)


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


def _span(fields: Fields, wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
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


def open_that_fit(
    connection: sqlite3.Connection, wanted: Sequence[Sequence[Matcher]]
) -> list[list[str]]:
    """For each of some lists of matchers the open incidents in which something fires that fits, newest first."""
    found: list[dict[str, None]] = [{} for _ in wanted]
    for incident_id, written in connection.execute(_OPEN) if wanted else ():
        labels = json.loads(written)
        for matchers, fitting in zip(wanted, found, strict=True):
            is_room = len(fitting) < OPEN_SHOWN
            if is_room and all(one.matches(labels) for one in matchers):
                fitting[incident_id] = None
    return [list(one) for one in found]
