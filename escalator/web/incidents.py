"""Incidents over HTTP: lists, one with all that happened to it, and what a person may do to one.

An action answers with the incident also when it changed nothing; the timeline says so. Who acted is the body's `by`,
else the name behind the login, else `api`.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from escalator.escalation.calls import Call
from escalator.escalation.events import Action, Asked
from escalator.escalation.incidents import Incident, Phase
from escalator.escalation.messages import Message
from escalator.store.messages import messages_of
from escalator.store.reading import (
    AlertRecord,
    Timeline,
    alerts_of,
    calls_of,
    list_incidents,
    timeline_of,
)
from escalator.web import bodies
from escalator.web.access import asking
from escalator.web.answers import as_json, invalid, not_found
from escalator.web.bodies import Fields
from escalator.web.context import WebContext
from escalator.web.shapes import Shape, incident_shape, whole_incident_shape

LIST_DEFAULT = 50
LIST_MAX = 500
ALERTS_DEFAULT = 100
ALERTS_MAX = 10_000
SNOOZE_MAX = timedelta(days=30)
_ALL = tuple(phase.value for phase in Phase)
_OPEN = tuple(phase.value for phase in Phase if phase is not Phase.RESOLVED)
_KNOWN = frozenset({"by", "for", "until", "text"})
ACTIONS: Mapping[str, Action] = {
    "acknowledge": Action.ACKNOWLEDGE,
    "resolve": Action.RESOLVE,
    "snooze": Action.SNOOZE,
    "escalate": Action.ESCALATE,
    "note": Action.NOTE,
}


@dataclass(frozen=True, slots=True)
class _Details:
    alerts: list[AlertRecord]
    calls: list[Call]
    timeline: Timeline
    messages: list[Message]


class Incidents:
    """The incidents of the store."""

    def __init__(self, context: WebContext):
        self._context = context
        self._engine = context.engine
        self._reader = context.engine.reader

    async def list(self, request: web.Request) -> web.Response:
        """`GET /api/v1/incidents`, newest first."""
        phases = _phases(request.query.get("phase", "open"))
        limit = bodies.number(request.query.get("limit", LIST_DEFAULT), "limit", 1, LIST_MAX)
        after = request.query.get("after")
        if after is not None and not (after.isascii() and after.isalnum() and len(after) <= 64):
            raise invalid("after", "is no cursor; take it from `next` of the page before")
        found = await self._reader.in_thread(
            lambda connection: list_incidents(connection, phases, limit + 1, after)
        )
        page = found[:limit]
        rules = self._engine.rules
        return as_json(
            {
                "incidents": [incident_shape(rules, incident) for incident in page],
                "next": page[-1].id if len(found) > limit else None,
            }
        )

    async def show(self, request: web.Request) -> web.Response:
        """`GET /api/v1/incidents/{id}`."""
        alerts_max = bodies.number(
            request.query.get("alerts", ALERTS_DEFAULT), "alerts", 0, ALERTS_MAX
        )
        return as_json(await self._whole(self._found(request), alerts_max))

    async def act(self, request: web.Request) -> web.Response:
        """`POST /api/v1/incidents/{id}/acknowledge` and the other actions, committed when it answers."""
        action = ACTIONS[request.path.rpartition("/")[2]]
        fields = await bodies.json_fields(request, _KNOWN)
        incident = self._found(request)
        event = Asked(
            incident_id=incident.id,
            action=action,
            by=asking(self._context.config(), request, fields),
            text=self._text(fields, action),
            until=self._until(fields, action),
        )
        (result,) = await self._engine.submit(event)
        return as_json(await self._whole(result.incident or incident, ALERTS_DEFAULT))

    def _found(self, request: web.Request) -> Incident:
        incident = self._reader.incident(request.match_info["id"])
        if incident is None:
            raise not_found("incident of this id")
        return incident

    async def _whole(self, incident: Incident, alerts_max: int) -> Shape:
        def ask(connection: sqlite3.Connection) -> _Details:
            return _Details(
                alerts_of(connection, incident.id, alerts_max),
                calls_of(connection, incident.id),
                timeline_of(connection, incident.id),
                messages_of(connection, incident.id),
            )

        details = await self._reader.in_thread(ask)
        return whole_incident_shape(
            self._engine.rules,
            incident,
            details.alerts,
            details.calls,
            details.timeline,
            messages=details.messages,
        )

    # ---- what an action's body says

    @staticmethod
    def _text(fields: Fields, action: Action) -> str:
        text = bodies.text(fields, "text")
        if action is Action.NOTE and not text:
            raise invalid("text", "a note needs text")
        return text

    def _until(self, fields: Fields, action: Action) -> datetime | None:
        """The end of a snooze in engine time; None leaves it to the policy."""
        span, until = bodies.text(fields, "for", 40), bodies.text(fields, "until", 40)
        if not span and not until:
            return None
        if action is not Action.SNOOZE:
            raise invalid("for" if span else "until", "only snooze takes an end")
        if span and until:
            raise invalid("until", "write `for` or `until`, not both")
        clock = self._engine.clock
        if span:
            return clock.now() + bodies.duration(span, "for", SNOOZE_MAX)
        left = bodies.moment(until, "until") - clock.wall()
        if not timedelta(0) < left <= SNOOZE_MAX:
            raise invalid("until", "must be ahead, and at most 30 days")
        return clock.now() + left


def _phases(wanted: str) -> tuple[str, ...]:
    if wanted == "all":
        return _ALL
    if wanted == "open":
        return _OPEN
    phases = tuple(dict.fromkeys(wanted.split(",")))
    for phase in phases:
        if phase not in _ALL:
            raise invalid("phase", f"write open, all, or some of {','.join(_ALL)}")
    return phases
