"""Overrides over HTTP: who is on call instead of the schedule, for a dated span.

What is answered 201 is on file and holds for the next decision. Those of the config file are listed too; only live
ones can be taken away.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from aiohttp import web

from escalator.config.moments import read_span
from escalator.config.problems import did_you_mean
from escalator.engine import Engine, new_id
from escalator.escalation.schedules import Override, Schedule
from escalator.store import live
from escalator.telemetry import get_logger
from escalator.web import bodies
from escalator.web.access import asking
from escalator.web.answers import as_json, invalid, not_found
from escalator.web.bodies import Fields
from escalator.web.context import WebContext
from escalator.web.shapes import Shape, time

log = get_logger("overrides")

_KNOWN = frozenset({"schedule", "person", "from", "to", "reason", "by"})
_NAMES_SHOWN = 50


class Overrides:
    """The overrides in force."""

    def __init__(self, context: WebContext):
        self._context = context
        self._engine: Engine = context.engine

    async def list(self, request: web.Request) -> web.Response:
        """`GET /api/v1/overrides`: those that are not over, of the file and live ones."""
        wanted = request.query.get("schedule")
        wall = self._engine.clock.wall()
        found = [
            one
            for schedule in self._engine.rules.schedules.values()
            for one in schedule.overrides
            if one.end > wall and wanted in (None, schedule.name)
        ]
        return as_json({"overrides": [override_shape(one) for one in found]})

    async def add(self, request: web.Request) -> web.Response:
        """`POST /api/v1/overrides {schedule, person, from, to, reason}`."""
        fields = await bodies.json_fields(request, _KNOWN)
        by = asking(self._context.config(), request, fields)
        override, covered = await self.make(fields, by)
        shape = {**override_shape(override), "covers": [override_shape(one) for one in covered]}
        return as_json(shape, 201)

    async def make(
        self, fields: Fields, by: str, zone: ZoneInfo | None = None
    ) -> tuple[Override, Sequence[Override]]:
        """Put an override in force; with it those that it lies upon. Local times are those of `zone`, else of the
        schedule's. Raises `Refusal` 400 that names the field.
        """
        schedule = self._schedule(fields)
        start, end = self._span(fields, zone or schedule.zone)
        override = Override(
            id=new_id(self._engine.clock.now()),
            schedule=schedule.name,
            person=self._person(fields),
            start=start,
            end=end,
            reason=bodies.text(fields, "reason", 500),
            created_at=self._engine.clock.wall(),
        )
        await self._engine.change_live(lambda db: live.add_override(db, override, by))
        log.info("override_added", override=override.id, schedule=schedule.name, by=by)
        covered = [one for one in schedule.overrides if one.start < end and start < one.end]
        return override, covered

    async def remove(self, request: web.Request) -> web.Response:
        """`DELETE /api/v1/overrides/{id}`."""
        await self.take_away(request.match_info["id"], asking(self._context.config(), request))
        return web.Response(status=204)

    async def take_away(self, override_id: str, by: str) -> None:
        """Have a live override no longer hold. Raises `Refusal` 404."""
        gone = await self._engine.change_live(lambda db: live.remove_override(db, override_id))
        if not gone:
            raise not_found("live override of this id; those of the config file are changed there")
        log.info("override_removed", override=override_id, by=by)

    def _schedule(self, fields: Fields) -> Schedule:
        schedules = self._engine.rules.schedules
        name = bodies.text(fields, "schedule", 100)
        if name not in schedules:
            raise invalid("schedule", _unknown("schedule", name, schedules))
        return schedules[name]

    def _person(self, fields: Fields) -> str:
        people = self._engine.rules.people
        name = bodies.text(fields, "person", 100)
        if name not in people:
            raise invalid("person", _unknown("person", name, people))
        return name

    def _span(self, fields: Fields, zone: ZoneInfo) -> tuple[datetime, datetime]:
        start, end = bodies.text(fields, "from", 40), bodies.text(fields, "to", 40)
        for name, text in (("from", start), ("to", end)):
            if not text:
                raise invalid(name, "is missing; write a time, as 2026-12-24 18:00")
        try:
            begins, ends = read_span(start, end, zone)
        except ValueError as problem:
            raise invalid("to" if "span" in str(problem) else "from", str(problem)) from None
        if ends <= self._engine.clock.wall():
            raise invalid("to", f"{end} is over already")
        return begins, ends


def override_shape(override: Override) -> Shape:
    """An override as the API shows it; one of the file has no id."""
    return {
        "id": override.id or None,
        "source": "live" if override.id else "file",
        "schedule": override.schedule,
        "person": override.person,
        "from": time(override.start),
        "to": time(override.end),
        "reason": override.reason or None,
        "created_at": time(override.created_at),
    }


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    """What is wrong with a name, and the names that there are."""
    names = sorted(known)
    shown = ", ".join(names[:_NAMES_SHOWN]) or "none"
    hint = did_you_mean(name, names)
    return f"there is no {what} {name!r}{hint}; there are: {shown}"
