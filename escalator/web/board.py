"""The page a person opens in a browser: what this is, and what is open. No script, nothing from elsewhere.

All text of alerts is escaped by the template engine, and the page may load nothing and be framed by nobody (X12, X13).
"""

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from escalator.escalation.foretell import what_next
from escalator.escalation.incidents import Phase
from escalator.store.reading import list_incidents
from escalator.web.context import WebContext

ROWS_MAX = 100
_OPEN = tuple(phase.value for phase in Phase if phase is not Phase.RESOLVED)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
}


class Board:
    """The page at `/`."""

    def __init__(self, context: WebContext):
        self._engine = context.engine
        templates = Environment(
            loader=PackageLoader("escalator.web"), autoescape=True, undefined=StrictUndefined
        )
        self._page = templates.get_template("board.html")

    async def show(self, _: web.Request) -> web.Response:
        """`GET /`."""
        found = await self._engine.reader.in_thread(
            lambda connection: list_incidents(connection, _OPEN, ROWS_MAX + 1, None)
        )
        rules = self._engine.rules
        page = self._page.render(
            rows=[(incident, what_next(rules, incident)) for incident in found[:ROWS_MAX]],
            more=len(found) > ROWS_MAX,
        )
        return web.Response(text=page, content_type="text/html", headers=_HEADERS)
