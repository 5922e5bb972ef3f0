"""The pages: a phone for each number, and the stage that they stand on. For this machine only.

A page is sent once and then lives from the stream of events and the control API. Nothing is loaded
from anywhere else and no script or style stands in a page, so the strictest policy holds. What
callers say is text to all of them, never markup.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from escalator.simulator.guard import problem, this_machine_only
from escalator.simulator.live import Live
from escalator.simulator.phones import Phones
from escalator.simulator.show import Act, ActError, Owner

if TYPE_CHECKING:
    from escalator.simulator.server import Simulator

# What is assumed a call costs, in US dollars for each minute begun, where somebody or something answers.
PRICE_PER_MINUTE = 0.05
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Pages:
    """The handlers."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator
        self._phones = Phones(simulator)
        self._live = Live(simulator.journal, self._shown)
        self._templates = Environment(
            loader=PackageLoader("escalator.simulator"), autoescape=True, undefined=StrictUndefined
        )
        folder = files("escalator.simulator") / "static"
        self._static = {
            file.name: file.read_bytes() for file in folder.iterdir() if _type_of(file.name)
        }

    def app(self) -> web.Application:
        """The application to hang under /demo."""
        app = web.Application(middlewares=[this_machine_only])
        app.add_routes(
            [
                web.get("", self.stage),
                web.get("/phone/{person}", self.phone),
                web.get("/phone/{person}/wire", self.wire),
                web.get("/state", self.state),
                web.get("/events", self.events),
                web.post("/acts/{act}", self.act),
                web.get("/static/{name}", self.static),
            ]
        )
        app.on_response_prepare.append(_with_headers)
        app.on_shutdown.append(self._end)
        return app

    async def stage(self, _: web.Request) -> web.Response:
        """The stage: links, acts, all phones small, the story so far."""
        show = self._simulator.show
        groups: dict[str, list[Act]] = {}
        for act in show.acts:
            groups.setdefault(act.group, []).append(act)
        return self._page("stage.html", show=show, groups=groups, owners=self._phones.owners())

    async def phone(self, request: web.Request) -> web.Response:
        """One phone."""
        owner = self._phones.find(request.match_info["person"])
        if owner is None:
            return self._page("no_phone.html", status=404, owners=self._phones.owners())
        return self._page(
            "phone.html", owner=owner, show=self._simulator.show, price=PRICE_PER_MINUTE
        )

    async def wire(self, request: web.Request) -> web.Response:
        """What went over the wire for the call that a phone shows."""
        return web.json_response({"wire": self._phones.wire(self._owner(request))})

    async def state(self, _: web.Request) -> web.Response:
        """What a stream would begin with, for a page that shares another one's."""
        shown = [json.loads(text) for text in self._shown().values()]
        return web.json_response({"shown": shown})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """What is shown, live."""
        return await self._live.stream(request)

    async def act(self, request: web.Request) -> web.Response:
        """Play one of the acts that the show has."""
        act = self._simulator.show.act(request.match_info["act"])
        if act is None:
            raise LookupError("the show has no such act")
        try:
            said = await act.play()
        except ActError as error:
            return problem(409, "conflict", str(error))
        return web.json_response({"said": said})

    async def static(self, request: web.Request) -> web.Response:
        """A script, a style, a picture."""
        name = request.match_info["name"]
        if name not in self._static:
            raise LookupError("there is no such file")
        return web.Response(body=self._static[name], content_type=_type_of(name), charset="utf-8")

    def _owner(self, request: web.Request) -> Owner:
        owner = self._phones.find(request.match_info["person"])
        if owner is None:
            raise LookupError("there is no such phone")
        return owner

    def _page(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        page = self._templates.get_template(template)
        text = page.render(speed=self._simulator.pace.speed, **values)
        return web.Response(text=text, status=status, content_type="text/html")

    def _shown(self) -> Mapping[str, str]:
        show = self._simulator.show
        stage = {
            "kind": "stage",
            "facts": [
                {"name": fact.name, "value": fact.value, "is_bad": fact.is_bad}
                for fact in show.facts()
            ],
            "lines": [
                {
                    "at": line.at.isoformat(timespec="milliseconds"),
                    "who": line.who,
                    "what": line.what,
                    "is_speech": line.is_speech,
                }
                for line in show.lines
            ],
        }
        parts = [stage, *self._phones.shown()]
        return {str(part.get("number", "")): json.dumps(part, ensure_ascii=False) for part in parts}

    async def _end(self, _: web.Application) -> None:
        self._live.stop()


def _type_of(name: str) -> str:
    """The content type of a static file; "" for what is not served."""
    return _TYPES.get(name[name.rfind(".") :], "")


async def _with_headers(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
