"""The page that answers who would be rung: labels and a moment in, the way of the alert and each ring out.

Nothing is stored and nobody is rung. The form is sent and leads to an address that holds the question, so that it can
be handed on; a question too long for an address is answered where it is.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from aiohttp import web

from escalator.escalation.incidents import Incident
from escalator.foresight.explaining import explain
from escalator.foresight.explanation import Explanation
from escalator.foresight.moments import read_at
from escalator.foresight.settings import phones_of
from escalator.foresight.wording import dated
from escalator.store.reading import alerts_of
from escalator.web.answers import Refusal, invalid, not_found
from escalator.web.board.actions import read_form
from escalator.web.board.foretold import headline, rounds, worst_case
from escalator.web.board.frame import Frame, in_html
from escalator.web.board.labels import read_labels, write_labels
from escalator.web.board.typed import Slip, for_field, local_moment, slip_of
from escalator.web.board.viewer import Viewer
from escalator.web.context import WebContext

ADDRESS_BYTES_MAX = 4000
AT_CHARS_MAX = 80
EXAMPLE = "alertname=DiskFull severity=critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: an alert, and when it fires."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    at: datetime


class ExplainPage:
    """The page of who would be rung."""

    def __init__(self, context: WebContext, frame: Frame):
        self.frame = frame
        self._context = context
        self._engine = context.engine
        # One at a time: many at once would only be slower, and take the processor from paging.
        self._turn = asyncio.Lock()

    @in_html
    async def show(self, request: web.Request) -> web.Response:
        """`GET /explain`; `incident` asks about the alert of one, as if it fired now."""
        viewer = self.frame.viewer(request)
        if incident_id := request.query.get("incident", ""):
            return await self._of_incident(request, incident_id)
        typed = {name: request.query.get(name, "") for name in ("labels", "at")}
        if not typed["labels"].strip():
            return await self._page(request, Slip(typed=typed), None)
        return await self._answer(request, typed, viewer)

    @in_html
    async def ask(self, request: web.Request) -> web.Response:
        """`POST /explain`: leads to the address that asks the same."""
        form = await read_form(request)
        typed = {name: form.get(name, "") for name in ("labels", "at")}
        query = urlencode({name: text for name, text in typed.items() if text.strip()})
        if len(query) <= ADDRESS_BYTES_MAX and typed["labels"].strip():
            return web.Response(status=303, headers={"Location": f"/explain?{query}"})
        return await self._answer(request, typed, self.frame.viewer(request))

    async def _answer(
        self, request: web.Request, typed: Mapping[str, str], viewer: Viewer
    ) -> web.Response:
        try:
            question = self._question(typed, viewer)
        except Refusal as refusal:
            return await self._page(request, slip_of(refusal, typed), None, refusal.status)
        shown = {**typed, "at": for_field(question.at, viewer.zone)}
        return await self._page(request, Slip(typed=shown), await self._told(question, viewer))

    async def _of_incident(self, request: web.Request, incident_id: str) -> web.Response:
        viewer, reader = self.frame.viewer(request), self._engine.reader
        incident = reader.incident(incident_id)
        if incident is None:
            raise not_found("incident of this id")
        alerts = await reader.in_thread(lambda db: alerts_of(db, incident_id, 1))
        if not alerts:
            return await self._page(request, Slip(), None)
        at = self._engine.clock.wall()
        first = alerts[0]
        question = Question(labels=first.labels, annotations=first.annotations, at=at)
        typed = {"labels": write_labels(first.labels), "at": for_field(at, viewer.zone)}
        told = await self._told(question, viewer)
        return await self._page(request, Slip(typed=typed), told, incident=incident)

    def _question(self, typed: Mapping[str, str], viewer: Viewer) -> Question:
        try:
            labels = read_labels(typed["labels"])
        except ValueError as problem:
            raise invalid("labels", str(problem)) from None
        if not labels:
            raise invalid("labels", f"Write the labels of an alert, as {EXAMPLE}.")
        asked = typed["at"].strip()
        if len(asked) > AT_CHARS_MAX:
            raise invalid("at", "This is too long for a time.")
        try:
            at = read_at(local_moment(asked), viewer.zone) if asked else self._engine.clock.wall()
        except ValueError as problem:
            raise invalid("at", str(problem)) from None
        return Question(labels=labels, annotations={}, at=at)

    async def _told(self, question: Question, viewer: Viewer) -> Explanation:
        async with self._turn:
            return await asyncio.to_thread(
                explain,
                self._engine.rules,
                question.labels,
                question.at,
                annotations=question.annotations,
                phones=phones_of(self._context.config()),
                zone=viewer.zone,
            )

    async def _page(
        self,
        request: web.Request,
        slip: Slip,
        told: Explanation | None,
        status: int = 200,
        *,
        incident: Incident | None = None,
    ) -> web.Response:
        viewer = self.frame.viewer(request)
        live = await asyncio.to_thread(
            self.frame.render,
            "explain.html",
            slip=slip,
            told=told,
            incident=incident,
            headline=headline(told) if told else "",
            worst_case=worst_case(told) if told else "",
            rounds=rounds(told) if told else [],
            moment=dated(told.at, viewer.zone, year=True) if told else "",
            zone_name=viewer.zone_name,
            example=EXAMPLE,
        )
        return await self.frame.page(request, "Explain", live, status=status)
