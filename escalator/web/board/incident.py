"""The page of one incident: what fires, what was done and why, who was called and what they heard, and what came in."""

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from escalator.escalation.calls import Call
from escalator.escalation.incidents import Incident
from escalator.escalation.rules import Rules
from escalator.store.glance import raw_payloads
from escalator.store.reading import AlertRecord, Timeline, alerts_of, calls_of, timeline_of
from escalator.web.answers import not_found
from escalator.web.board.actions import NO_ATTEMPT, Attempt
from escalator.web.board.frame import Frame, Times, in_html
from escalator.web.board.health import troubles_of
from escalator.web.board.live import LiveParts
from escalator.web.board.rows import name_of, row_of
from escalator.web.board.said import Said, said_in
from escalator.web.board.viewer import Viewer
from escalator.web.board.whys import whys
from escalator.web.context import WebContext

ALERTS_MAX = 100
CALLS_MAX = 100
RAW_MAX = 3
RAW_CHARS_MAX = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """Everything that is on file about an incident, as far as it is shown."""

    alerts: Sequence[AlertRecord]
    calls: Sequence[Call]
    timeline: Timeline
    raw: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """A call as it is listed."""

    call: Call
    name: str
    said: Said | None


class IncidentPage:
    """The page of one incident."""

    def __init__(self, context: WebContext, frame: Frame, parts: LiveParts):
        self.frame = frame
        self._context = context
        self._engine = context.engine
        self._parts = parts

    @in_html
    async def show(self, request: web.Request) -> web.Response:
        """`GET /incidents/{id}`."""
        viewer = self.frame.viewer(request)
        incident = self._found(request.match_info["id"])
        key = ("incident", incident.id, viewer.zone_name)
        title = incident.title or "untitled"
        return await self._parts.answer(request, title, key, lambda: self.live(incident.id, viewer))

    async def live(self, incident_id: str, viewer: Viewer, attempt: Attempt = NO_ATTEMPT) -> str:
        """The live part, made off the loop: a timeline may have a thousand lines."""
        file = await self._engine.reader.in_thread(lambda db: _read(db, incident_id))
        incident = self._found(incident_id)
        carried = {page.incident_id for call in file.calls for page in call.pages}
        incidents = {one: self._engine.reader.incident(one) for one in list(carried)[:CALLS_MAX]}
        times = Times(now=self._engine.clock.now(), viewer=viewer)
        return await asyncio.to_thread(
            self._rendered, incident, file, {**incidents, incident.id: incident}, (times, attempt)
        )

    def _rendered(
        self,
        incident: Incident,
        file: _File,
        incidents: dict[str, Incident | None],
        how: tuple[Times, Attempt],
    ) -> str:
        rules, (times, attempt) = self._engine.rules, how
        return self.frame.render(
            "incident.html",
            troubles=troubles_of(self._context),
            row=row_of(rules, incident),
            incident=incident,
            alerts=file.alerts[:ALERTS_MAX],
            more_alerts=max(0, incident.firing + incident.resolved - ALERTS_MAX),
            calls=[_call_row(rules, call, incidents) for call in file.calls[-CALLS_MAX:]],
            more_calls=max(0, len(file.calls) - CALLS_MAX),
            timeline=file.timeline,
            by_names={line.by: name_of(rules, line.by) for line in file.timeline.lines if line.by},
            whys=whys(rules, incident, file.calls, file.timeline.lines),
            resolved_by=name_of(rules, incident.resolved_by or ""),
            raw=[text[:RAW_CHARS_MAX] for text in file.raw],
            times=times,
            attempt=attempt,
        )

    def _found(self, incident_id: str) -> Incident:
        incident = self._engine.reader.incident(incident_id)
        if incident is None:
            raise not_found("incident of this id")
        return incident


def _read(connection: sqlite3.Connection, incident_id: str) -> _File:
    return _File(
        alerts=alerts_of(connection, incident_id, ALERTS_MAX),
        calls=calls_of(connection, incident_id),
        timeline=timeline_of(connection, incident_id),
        raw=raw_payloads(connection, incident_id, RAW_MAX),
    )


def _call_row(rules: Rules, call: Call, incidents: dict[str, Incident | None]) -> CallRow:
    carried = [
        found
        for one in dict.fromkeys(page.incident_id for page in call.pages)
        if (found := incidents.get(one)) is not None
    ]
    return CallRow(call=call, name=name_of(rules, call.person), said=said_in(rules, call, carried))
