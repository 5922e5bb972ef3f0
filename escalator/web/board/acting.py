"""The forms of the board: an action on an incident, and who sits there. After each the reader is back where they were.

A browser without a script is redirected to the page; a script gets the live part of it at once. What could not be used
comes back as the same page, with what was typed and what is wrong with it.
"""

from aiohttp import web

from escalator.escalation.events import Action
from escalator.escalation.incidents import Incident, Phase
from escalator.web.answers import Refusal, invalid, not_found
from escalator.web.board.actions import Attempt, Form, asked, read_form
from escalator.web.board.frame import Frame, as_html, in_html, is_partial
from escalator.web.board.incident import IncidentPage
from escalator.web.board.now import Now
from escalator.web.board.viewer import remember
from escalator.web.context import WebContext
from escalator.web.events import Events

_DONE = {
    "acknowledge": (Phase.ACKNOWLEDGED, "Acknowledged."),
    "escalate": (Phase.TRIGGERED, "Passed on."),
    "snooze": (Phase.SNOOZED, "Snoozed."),
    "resolve": (Phase.RESOLVED, "Resolved."),
}


class Acting:
    """What forms do."""

    def __init__(self, context: WebContext, now: Now, incident: IncidentPage, events: Events):
        self.frame: Frame = now.frame
        self._context = context
        self._engine = context.engine
        self._now = now
        self._incident = incident
        self._events = events

    @in_html
    async def act(self, request: web.Request) -> web.StreamResponse:
        """`POST /incidents/{id}/acknowledge` and the other actions."""
        word = request.path.rpartition("/")[2]
        viewer = self.frame.viewer(request)
        form = await read_form(request)
        incident = self._engine.reader.incident(request.match_info["id"])
        if incident is None:
            raise not_found("incident of this id")
        is_now = form.get("back", "now") == "now"
        try:
            event = asked(form, incident.id, word, viewer, self._engine.clock)
        except Refusal as refusal:
            return await self._again(request, incident.id, word, (form, refusal))
        (result,) = await self._engine.submit(event)
        self._events.look()
        if not is_partial(request):
            back = "/" if is_now else f"/incidents/{incident.id}"
            return web.Response(status=303, headers={"Location": back})
        response = await (self._now.show(request) if is_now else self._incident.show(request))
        response.headers["Board-Told"] = _told(word, result.incident or incident)
        return response

    @in_html
    async def who(self, request: web.Request) -> web.Response:
        """`POST /who`: the person who says that they sit there; no login is needed, so none is replaced."""
        form = await read_form(request)
        person = form.get("person", "")
        if self.frame.viewer(request).is_logged_in:
            raise Refusal(403, "You are signed in: your login says who you are.")
        if person and person not in self._context.config().people:
            raise invalid("person", "There is nobody of this name in the config.")
        response = web.Response(status=303, headers={"Location": _own_path(form.get("back", ""))})
        remember(response, person)
        return response

    async def _again(
        self, request: web.Request, incident_id: str, word: str, failed: tuple[Form, Refusal]
    ) -> web.Response:
        """The page that the form came from, with what is wrong told at its field."""
        form, refusal = failed
        if not refusal.path:
            raise refusal
        viewer = self.frame.viewer(request)
        attempt = Attempt(
            incident_id=incident_id,
            action=word,
            path=refusal.path,
            problem=refusal.message,
            typed=form,
        )
        if form.get("back", "now") == "now":
            title, live = "Now", await self._now.live(viewer, attempt)
        else:
            title, live = "Incident", await self._incident.live(incident_id, viewer, attempt)
        if is_partial(request):
            return await as_html(request, live.encode(errors="replace"), refusal.status)
        return await self.frame.page(request, title, live, status=refusal.status)


def _told(word: str, incident: Incident) -> str:
    """What the action came to, in a sentence."""
    if Action(word) is Action.NOTE:
        return "The note is in the timeline."
    phase, done = _DONE[word]
    if incident.phase is phase:
        return done
    return f"Nothing changed: it is {incident.phase.value}."


def _own_path(text: str) -> str:
    """The path of a page of ours to go back to; the first page for anything else."""
    is_ours = text.startswith("/") and text.replace("/", "").isalnum() and "//" not in text
    return text if is_ours and text.isascii() and len(text) < 200 else "/"
