"""The page of who is on call in which weeks, and of overrides: drawn, as a table, and with the form for a new one.

Everything on the page is in one zone, which its head names; also what is typed into the form.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web
from markupsafe import Markup

from escalator.calendars.feeds import Feeds
from escalator.calendars.links import SubjectKind
from escalator.escalation.rules import Rules
from escalator.escalation.schedules import Override, Schedule
from escalator.foresight.wording import dated
from escalator.web.answers import Refusal
from escalator.web.board.actions import read_form
from escalator.web.board.calendar_view import View, read_view, zones_of
from escalator.web.board.frame import Frame, in_html
from escalator.web.board.rows import name_of
from escalator.web.board.typed import Slip, local_moment, slip_of, wanted
from escalator.web.board.weeks import (
    Ruler,
    Setting,
    Told,
    Week,
    midnight,
    monday,
    rulers,
    told,
    week_of,
)
from escalator.web.context import WebContext
from escalator.web.overrides import Overrides

SCHEDULES_MAX = 20
OVERRIDES_MAX = 100
FEEDS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A schedule as it is drawn and listed. `looks` are those that occur, each with what it stands for."""

    schedule: Schedule
    weeks: Sequence[Week]
    parts: Sequence[Told]
    looks: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """An override as it is listed; `id` is "" for one of the file."""

    id: str
    schedule: str
    name: str
    start: str
    end: str
    reason: str


class CalendarPage:
    """The page of weeks."""

    def __init__(self, context: WebContext, frame: Frame):
        self.frame = frame
        self._engine = context.engine
        self._overrides = Overrides(context)
        self._feeds = Feeds(context.engine, context.link_key)
        # One at a time: eight weeks of twenty schedules keep a core busy for a while.
        self._turn = asyncio.Lock()

    @in_html
    async def show(self, request: web.Request) -> web.Response:
        """`GET /calendar`."""
        view = self._view(request, request.query)
        return await self._page(request, view, Slip(), 400 if view.complaints else 200)

    @in_html
    async def add(self, request: web.Request) -> web.Response:
        """`POST /calendar/overrides`: leads back to weeks that show it."""
        form = await read_form(request)
        view = self._view(request, {**form, "schedule": form.get("shown", "")})
        fields = wanted(form, "schedule", "person", "from", "to", "reason")
        for name in ("from", "to"):
            fields[name] = local_moment(form.get(name, ""))
        by = self.frame.viewer(request).by
        try:
            made, _ = await self._overrides.make(fields, by, view.zone)
        except Refusal as refusal:
            return await self._page(request, view, slip_of(refusal, form), refusal.status)
        return web.Response(status=303, headers={"Location": _shows(view, made)})

    @in_html
    async def remove(self, request: web.Request) -> web.Response:
        """`POST /calendar/overrides/{id}/remove`: leads back."""
        form = await read_form(request)
        view = self._view(request, form)
        await self._overrides.take_away(request.match_info["id"], self.frame.viewer(request).by)
        return web.Response(status=303, headers={"Location": f"{view.address()}#overrides"})

    def _view(self, request: web.Request, typed: Mapping[str, str]) -> View:
        viewer = self.frame.viewer(request)
        today = self._engine.clock.wall().astimezone(viewer.zone).date()
        return read_view(typed, self._engine.rules, viewer, today)

    async def _page(
        self, request: web.Request, view: View, slip: Slip, status: int
    ) -> web.Response:
        made = request.query.get("made", "") if status == 200 else ""
        async with self._turn:
            live = await asyncio.to_thread(self._rendered, request, view, slip, made)
        title = "Not saved · Calendar" if slip.path else "Calendar"
        return await self.frame.page(request, title, live, status=status)

    def _rendered(self, request: web.Request, view: View, slip: Slip, made: str) -> str:
        rules, viewer = self._engine.rules, self.frame.viewer(request)
        setting = Setting(zone=view.zone, people=rules.people, now=self._engine.clock.wall())
        drawn = list(rulers(view.first, view.weeks, setting))
        chosen = [one for one in rules.schedules.values() if view.schedule in ("", one.name)]
        exceptions = list(_exceptions(rules, chosen, setting))
        return self.frame.render(
            "calendar.html",
            view=view,
            slip=slip,
            viewer_zone=viewer.zone_name,
            schedules=list(rules.schedules),
            people=[(key, name_of(rules, key)) for key in rules.people],
            zones=list(zones_of(view, rules, viewer)),
            is_this_week=drawn[0].now != "",
            plans=[_plan(one, drawn, setting) for one in chosen[:SCHEDULES_MAX]],
            headers=[Markup(self.frame.macro("weeks.html", "header", one)) for one in drawn],  # noqa: S704 - a template has escaped it
            more=max(0, len(chosen) - SCHEDULES_MAX),
            overrides=exceptions[:OVERRIDES_MAX],
            more_overrides=max(0, len(exceptions) - OVERRIDES_MAX),
            made=next((one for one in exceptions if made and one.id == made), None),
            feeds=list(self._links(rules, view, viewer.person))[:FEEDS_MAX],
        )

    def _links(self, rules: Rules, view: View, viewer: str) -> Iterator[tuple[str, str]]:
        """The calendars of the schedules shown and of people, the viewer first, each with its address."""
        subjects = self._feeds.subjects()
        for one in sorted(subjects, key=lambda one: one.name != viewer):
            if one.kind is SubjectKind.PERSON:
                yield name_of(rules, one.name), self._feeds.path(one)
            elif view.schedule in ("", one.name):
                yield one.name, self._feeds.path(one)


def _plan(schedule: Schedule, drawn: Sequence[Ruler], setting: Setting) -> Plan:
    parts = told(schedule, drawn[0].start, drawn[-1].end, setting)
    looks: dict[str, dict[str, None]] = {}
    for look, kind in sorted({(one.look, one.kind) for one in parts}):
        looks.setdefault(look, {})[kind] = None
    return Plan(
        schedule=schedule,
        weeks=[week_of(parts, one, setting) for one in drawn],
        parts=parts,
        looks={look: ", ".join(kinds) for look, kinds in looks.items()},
    )


def _exceptions(rules: Rules, schedules: Sequence[Schedule], setting: Setting) -> Iterator[Dated]:
    """The overrides that are not over, as they begin."""
    found = [one for schedule in schedules for one in schedule.overrides if one.end > setting.now]
    for one in sorted(found, key=lambda one: one.start):
        yield Dated(
            id=one.id,
            schedule=one.schedule,
            name=name_of(rules, one.person),
            start=dated(one.start, setting.zone),
            end=dated(one.end, setting.zone, year=one.end.year != setting.now.year),
            reason=one.reason,
        )


def _shows(view: View, made: Override) -> str:
    """Where a new override is seen: here, if these weeks and this schedule hold it."""
    other = {"made": made.id}
    if view.schedule:
        other["schedule"] = made.schedule
    is_shown = midnight(view.first, view.zone) < made.end and made.start < midnight(
        view.end, view.zone
    )
    if not is_shown:
        other["week"] = str(monday(made.start.astimezone(view.zone).date()))
    return f"{view.address(**other)}#overrides"
