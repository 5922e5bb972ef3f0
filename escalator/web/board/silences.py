"""The page of silences: which hold and which are to come, the form for a new one, and what stays open all the same.

A silence holds what comes; what is open goes on ringing until somebody snoozes it. So wherever a silence is made or
shown, the open incidents that it fits are told, with a button to snooze each.
"""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from escalator.escalation.incidents import Incident
from escalator.escalation.matchers import Matcher, Operator
from escalator.escalation.silences import Silence
from escalator.foresight.wording import dated
from escalator.store.reading import alerts_of
from escalator.web.answers import Refusal, not_found
from escalator.web.board.actions import Form, read_form
from escalator.web.board.frame import Frame, Times, in_html
from escalator.web.board.rows import name_of
from escalator.web.board.typed import Slip, local_moment, slip_of, wanted
from escalator.web.board.viewer import Viewer
from escalator.web.bodies import Fields
from escalator.web.context import WebContext
from escalator.web.incidents import SNOOZE_MAX
from escalator.web.silences import MATCHERS_MAX, Silences, open_that_fit

SHOWN_MAX = 100
OPEN_MAX = 10
ALERTS_LOOKED_AT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A silence as it is listed. `still_open` are some of the open incidents that it fits, `more` how many others."""

    silence: Silence
    is_active: bool
    start: str
    end: str
    by: str
    still_open: Sequence[Incident]
    more: int
    can_snooze: bool


class SilencesPage:
    """The page of silences."""

    def __init__(self, context: WebContext, frame: Frame):
        self.frame = frame
        self._engine = context.engine
        self._silences = Silences(context)

    @in_html
    async def show(self, request: web.Request) -> web.Response:
        """`GET /silences`; `incident` has its labels in the form, `made` is told of."""
        incident = self._incident(request.query.get("incident", ""))
        typed = {}
        if incident is not None:
            labels = await self._engine.reader.in_thread(lambda db: common_labels(db, incident.id))
            typed = {"matchers": as_matchers(labels)}
        return await self._page(request, Slip(typed=typed), incident, 200)

    @in_html
    async def add(self, request: web.Request) -> web.Response:
        """`POST /silences`: leads to the page, which tells what it holds and what not."""
        form = await read_form(request)
        viewer = self.frame.viewer(request)
        try:
            made = await self._silences.make(_fields(form), viewer.by, viewer.zone)
        except Refusal as refusal:
            incident = self._engine.reader.incident(form.get("incident", ""))
            return await self._page(request, slip_of(refusal, form), incident, refusal.status)
        return web.Response(status=303, headers={"Location": f"/silences?made={made.id}"})

    @in_html
    async def end(self, request: web.Request) -> web.Response:
        """`POST /silences/{id}/end`: leads back."""
        await read_form(request)
        await self._silences.end(request.match_info["id"], self.frame.viewer(request).by)
        return web.Response(status=303, headers={"Location": "/silences"})

    def _incident(self, incident_id: str) -> Incident | None:
        if not incident_id:
            return None
        found = self._engine.reader.incident(incident_id)
        if found is None:
            raise not_found("incident of this id")
        return found

    async def _page(
        self, request: web.Request, slip: Slip, incident: Incident | None, status: int
    ) -> web.Response:
        viewer, wall = self.frame.viewer(request), self._engine.clock.wall()
        found = [one for one in self._engine.rules.silences if one.end > wall][::-1]
        fitting = await self._engine.reader.at_leisure(
            lambda db: open_that_fit(db, [one.matchers for one in found[:SHOWN_MAX]])
        )
        listed = [
            self._listed(one, still, viewer)
            for one, still in zip(found[:SHOWN_MAX], fitting, strict=True)
        ]
        live = await asyncio.to_thread(
            self.frame.render,
            "silences.html",
            silences=listed,
            more=max(0, len(found) - SHOWN_MAX),
            made=next((one for one in listed if one.silence.id == _made(request)), None),
            slip=slip,
            incident=incident,
            times=Times(now=self._engine.clock.now(), viewer=viewer),
        )
        title = "Not saved · Silences" if slip.path else "Silences"
        return await self.frame.page(request, title, live, status=status)

    def _listed(self, silence: Silence, still: Sequence[str], viewer: Viewer) -> Listed:
        wall = self._engine.clock.wall()
        found = [self._engine.reader.incident(one) for one in still[:OPEN_MAX]]
        return Listed(
            silence=silence,
            is_active=silence.start <= wall,
            start=dated(silence.start, viewer.zone),
            end=dated(silence.end, viewer.zone, year=silence.end.year != wall.year),
            by=name_of(self._engine.rules, silence.by),
            still_open=[one for one in found if one is not None and one.is_open],
            more=max(0, len(still) - OPEN_MAX),
            can_snooze=timedelta(0) < silence.end - wall < SNOOZE_MAX,
        )


def common_labels(connection: sqlite3.Connection, incident_id: str) -> Mapping[str, str]:
    """The labels that the firing alerts of an incident have in common; of its first alert, where there are none."""
    alerts = alerts_of(connection, incident_id, ALERTS_LOOKED_AT)
    looked_at = [one for one in alerts if one.status == "firing"] or alerts[:1]
    if not looked_at:
        return {}
    first, *others = (one.labels for one in looked_at)
    common = {
        name: value
        for name, value in first.items()
        if value and all(one.get(name) == value for one in others)
    }
    return common or first


def as_matchers(labels: Mapping[str, str]) -> str:
    """Matchers that fit alerts of these labels, one a line."""
    found = (Matcher(name, Operator.EQUAL, value) for name, value in sorted(labels.items()))
    return "\n".join(str(one) for one in list(found)[:MATCHERS_MAX])


def _fields(form: Form) -> Fields:
    """What was typed, as the API takes it. A button with a length wins over a time that was typed."""
    fields = wanted(form, "comment", "for")
    fields["matchers"] = [line for line in form.get("matchers", "").splitlines() if line.strip()]
    for name in ("from", "to"):
        if form.get(name, "").strip() and not (name == "to" and "for" in fields):
            fields[name] = local_moment(form[name])
    return fields


def _made(request: web.Request) -> str:
    return request.query.get("made", "")
