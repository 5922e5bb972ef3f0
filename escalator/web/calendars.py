"""Our calendars over HTTP: each under a link that is its own key, and the list of links for people.

Calendar programs cannot log in, so the link has to do: it is known to nobody who was not told it.
"""

from aiohttp import web

from escalator.calendars.feeds import Feeds
from escalator.web.answers import as_json, not_found
from escalator.web.context import WebContext


class CalendarLinks:
    """The calendars of people and schedules of the config in force."""

    def __init__(self, context: WebContext):
        self._feeds = Feeds(context.engine, context.link_key)

    async def calendar(self, request: web.Request) -> web.Response:
        """`GET /calendar/{token}.ics`."""
        subject = self._feeds.subject(request.match_info["token"])
        if subject is None:
            raise not_found("calendar under this link")
        body = await self._feeds.calendar(subject)
        return web.Response(
            body=body,
            content_type="text/calendar",
            charset="utf-8",
            headers={"Content-Disposition": f'inline; filename="{subject.name}.ics"'},
        )

    async def list(self, request: web.Request) -> web.Response:
        """`GET /api/v1/calendars`: links with the host that was asked, as a person would paste them."""
        origin = f"{request.scheme}://{request.host}"
        found = [
            {
                "kind": subject.kind.value,
                "name": subject.name,
                "title": self._feeds.title(subject),
                "path": self._feeds.path(subject),
                "url": origin + self._feeds.path(subject),
            }
            for subject in self._feeds.subjects()
        ]
        return as_json({"calendars": found})
