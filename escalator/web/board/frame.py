"""What every page of the board is made with: templates that escape, headers that forbid, one look for failures.

A page is a frame around a live part. The frame is made for each request; the live part is what changes with the
incidents, is fetched again by open boards, and is made once for all of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, wraps
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from escalator.foresight.wording import dated
from escalator.store.errors import StoreError
from escalator.web.answers import RETRY_AFTER_SECONDS, Refusal
from escalator.web.board import wording
from escalator.web.board.assets import Assets, packed, takes_packed, the_assets
from escalator.web.board.typed import field_kind
from escalator.web.board.viewer import Viewer, viewer_of
from escalator.web.context import WebContext

# A form is sent with the page's own origin only where the browser may tell it: `no-referrer` would have it say "null",
# which no server can tell from a stranger's. Nothing is told to other sites either way.
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
LARGE_BYTES = 32 * 1024  # what takes more than a millisecond to pack is packed off the loop
_HTMX = '{"includeIndicatorCSS":false,"history":false,"morphIgnore":["data-htmx-powered","open"]}'


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation."""

    address: str
    title: str


NAVIGATION = (
    Entry("/", "Now"),
    Entry("/calendar", "Calendar"),
    Entry("/silences", "Silences"),
    Entry("/explain", "Explain"),
    Entry("/reports", "Reports"),
)

Handler = Callable[[Any, web.Request], Awaitable[web.StreamResponse]]


class Frame:
    """The frame of all pages, and the environment that their templates live in."""

    def __init__(self, context: WebContext):
        self._context = context
        self.assets = the_assets()
        self._templates = _environment(self.assets)

    def viewer(self, request: web.Request) -> Viewer:
        """Who looks."""
        return viewer_of(request, self._context.config())

    def render(self, template: str, **values: object) -> str:
        """A template of the board as text; what comes from outside is escaped."""
        return self._templates.get_template(f"board/{template}").render(**values)

    def macro(self, template: str, name: str, *values: object) -> str:
        """What a macro of a template makes of these values, as text."""
        macros = self._templates.get_template(f"board/{template}").module
        return str(getattr(macros, name)(*values))

    async def page(
        self, request: web.Request, title: str, live: str, *, status: int = 200, position: int = -1
    ) -> web.Response:
        """A whole page around its live part. `position`: how new that is; -1 for a page that never changes."""
        config = self._context.config()
        viewer = self.viewer(request)
        people = [] if viewer.is_logged_in else sorted(config.people.items())
        html = self.render(
            "frame.html",
            title=title,
            live=Markup(live),  # noqa: S704 - rendered by `render`, which has escaped it
            position=position,
            path=request.path,
            viewer=viewer,
            people=[(key, person.name or key) for key, person in people],
            now=self._context.engine.clock.now(),
        )
        return await as_html(request, html.encode(errors="replace"), status)

    async def failure(self, request: web.Request, refusal: Refusal) -> web.Response:
        """A failure as a page, or as the part of one that a script asked for."""
        part = self.render("failure.html", status=refusal.status, message=refusal.message)
        if is_partial(request):
            response = await as_html(request, part.encode(errors="replace"), refusal.status)
        else:
            response = await self.page(request, str(refusal.status), part, status=refusal.status)
        response.headers.update(refusal.headers)
        return response


@cache
def _environment(assets: Assets) -> Environment:
    """The templates, compiled once however many listeners there are."""
    templates = Environment(
        loader=PackageLoader("escalator.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals |= {
        "navigation": NAVIGATION,
        "htmx_config": _HTMX,
        "asset": assets.address,
    }
    templates.filters |= {
        "machine_time": wording.machine_time,
        "span": wording.span,
        "roughly": wording.roughly,
        "masked": wording.masked,
        "web_address": wording.web_address,
        "pieces": wording.pieces,
        "cut": wording.cut,
        "dated": dated,
        "field_kind": field_kind,
    }
    return templates


def in_html(handler: Handler) -> Callable[[Any, web.Request], Awaitable[web.StreamResponse]]:
    """Have what a handler refuses told as a page. The object it belongs to has a `frame`."""

    @wraps(handler)
    async def answer(page: Any, request: web.Request) -> web.StreamResponse:
        try:
            return await handler(page, request)
        except Refusal as refusal:
            failure = refusal
        except StoreError:
            message = (
                "The database could not be read or written just now; nothing was changed. "
                "The log says more. Try again."
            )
            later = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            failure = Refusal(503, message, headers=later)
        frame: Frame = page.frame
        return await frame.failure(request, failure)

    return answer


def is_partial(request: web.Request) -> bool:
    """Whether a script asks, which wants the live part alone."""
    return request.headers.get("HX-Request") == "true"


async def as_html(
    request: web.Request, body: bytes, status: int = 200, ready: bytes | None = None
) -> web.Response:
    """An answer in HTML, packed where the browser takes that; `ready` is the same body packed already."""
    headers = {**HEADERS, "Vary": "Accept-Encoding, HX-Request"}
    if takes_packed(request):
        headers["Content-Encoding"] = "gzip"
        body = await _packed(body) if ready is None else ready
    return web.Response(
        status=status, body=body, content_type="text/html", charset="utf-8", headers=headers
    )


async def _packed(body: bytes) -> bytes:
    return await asyncio.to_thread(packed, body) if len(body) > LARGE_BYTES else packed(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How a template writes times: `now` is that of the rendering, in engine time."""

    now: datetime
    viewer: Viewer

    def local(self, at: datetime) -> str:
        """A time in the viewer's zone."""
        return wording.local_time(at, self.now, self.viewer.zone)

    @property
    def today(self) -> str:
        """The viewer's day."""
        return str(self.now.astimezone(self.viewer.zone).date())

    def ago(self, at: datetime) -> str:
        """How long ago that was."""
        return f"{wording.roughly(self.now - at)} ago"

    def left(self, at: datetime) -> str:
        """How long it takes until then."""
        return f"in {wording.span(at - self.now)}" if at > self.now else "now"
