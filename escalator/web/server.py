"""The internal listener, put together: the table of routes, their handlers, and the doors before them.

Every request passes the same way: a foreign page's requests are refused, the door asks who it is, the handler answers,
and whatever it raises becomes an error in the one shape. Only forms redirect, to pages of ours; there is no CORS.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from escalator.web.access import Access, guard_against_forgery
from escalator.web.access_log import access_log_class, sampled_logger
from escalator.web.answers import answer_safely, refuse
from escalator.web.board.pages import Board
from escalator.web.calendars import CalendarLinks
from escalator.web.calls import Calls
from escalator.web.connections import Limits
from escalator.web.context import WebContext
from escalator.web.explain import Explain
from escalator.web.heartbeats import HeartbeatUrls
from escalator.web.incidents import Incidents
from escalator.web.oncall import OnCall
from escalator.web.operations import Operations
from escalator.web.overrides import Overrides
from escalator.web.patience import PatientRunner, Terms
from escalator.web.receive import Receivers
from escalator.web.routes import ROUTES, Door
from escalator.web.silences import Silences
from escalator.web.who import remember_name

SHUTDOWN_SECONDS = 5.0
VITAL = frozenset(route.path for route in ROUTES if route.door is Door.ANYBODY)
_SENDERS = ("/receive/", "/heartbeat/")


def build(context: WebContext) -> web.Application:
    """The application of the internal listener."""
    application = web.Application(middlewares=[answer_safely, _doors(context)])
    calls, board = Calls(context), Board(context)
    handlers = _handlers(context, calls, board)
    for route in ROUTES:
        handler = handlers[route.name]
        for path in _paths(route.path):
            resource = application.router.add_resource(path)
            resource.add_route(route.method, handler)
            if route.method == "GET":
                resource.add_route("HEAD", handler)

    async def answer_the_waiting(_: web.Application) -> None:
        calls.waiting.stop()
        board.events.stop()

    application.on_shutdown.append(answer_the_waiting)
    return application


def new_runner(context: WebContext, limits: Limits | None = None, **options: Any) -> PatientRunner:
    """A runner for `build(context)` with everything set that the listener relies on.

    `auto_decompress` stays off: what is sent packed is refused, and must not be unpacked before.
    """
    clock = context.engine.clock
    return PatientRunner(
        build(context),
        Terms(limits=limits or Limits(), vital=VITAL, refuse=refuse),
        access_log_class=access_log_class(context.engine.metrics, clock),
        logger=sampled_logger(clock),
        auto_decompress=False,
        shutdown_timeout=SHUTDOWN_SECONDS,
        **options,
    )


def _handlers(context: WebContext, calls: Calls, board: Board) -> Mapping[str, Handler]:
    receivers, incidents = Receivers(context), Incidents(context)
    overrides, silences = Overrides(context), Silences(context)
    calendars = CalendarLinks(context)
    heartbeats, operations = HeartbeatUrls(context), Operations(context)
    return {
        "receive": receivers.receive,
        "receive_posted": receivers.receive_posted,
        "beat": heartbeats.beat,
        "beat_posted": heartbeats.beat,
        "list_heartbeats": heartbeats.list,
        "list_incidents": incidents.list,
        "show_incident": incidents.show,
        "act": incidents.act,
        "show_oncall": OnCall(context).show,
        "explain": Explain(context).explain,
        "list_overrides": overrides.list,
        "add_override": overrides.add,
        "remove_override": overrides.remove,
        "list_calendars": calendars.list,
        "calendar": calendars.calendar,
        "list_silences": silences.list,
        "add_silence": silences.add,
        "expire_silence": silences.expire,
        "place_call": calls.place,
        "show_call": calls.show,
        "healthy": operations.healthy,
        "ready": operations.ready,
        "reload": operations.reload,
        "metrics": operations.metrics,
        "openapi": operations.openapi,
        "schema": operations.schema,
        **board.handlers,
    }


def _paths(path: str) -> tuple[str, ...]:
    """The path as the router has it. A sender's address may end in a slash: it is not worth losing alerts for."""
    routed = path.replace("{id}", "{id:[0-9A-Za-z]{1,64}}")
    return (routed, f"{routed}/") if path.startswith(_SENDERS) else (routed,)


def _doors(context: WebContext) -> Middleware:
    access = Access(context.config)
    doors = {path: route.door for route in ROUTES for path in (route.path, f"{route.path}/")}

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        guard_against_forgery(request, context.config().web.hosts)
        resource = request.match_info.route.resource
        if resource is not None:
            door = doors[resource.canonical]
        else:  # answered 404 or 405 by the router; senders hear which without a login
            door = Door.SENDER if request.path.startswith(_SENDERS) else Door.PEOPLE
        if door is Door.PEOPLE:
            remember_name(request, await access.admit(request))
        return await handler(request)

    return admit
