"""Every route of the internal listener, once: where it is, who may come in, what it takes, how it may answer.

The server is built from this table, and so is the OpenAPI document; a route that is not in here does not exist.
"""

from escalator.web.api_routes import API_ROUTES
from escalator.web.board_routes import BOARD_ROUTES
from escalator.web.route import BODY, Door, Route

__all__ = ["ROUTES", "Door", "Route"]

ROUTES: tuple[Route, ...] = (
    Route(
        name="receive",
        method="POST",
        path="/receive/{receiver}",
        summary="Alerts in the receiver's format; answered after the commit.",
        door=Door.SENDER,
        answers={202: "Accepted"},
        refusals=(*BODY, 404, 503),
        takes="payload",
    ),
    Route(
        name="receive_posted",
        method="POST",
        path="/receive/{receiver}/api/v2/alerts",
        summary="Prometheus speaking to an Alertmanager: a list of alerts.",
        door=Door.SENDER,
        answers={200: ""},
        refusals=(*BODY, 404, 503),
        takes="payload",
    ),
    *(
        Route(
            name=name,
            method=method,
            path="/heartbeat/{name}",
            summary="A beat; answered after the commit. The body does not count.",
            door=Door.SENDER,
            answers={200: "Beat"},
            refusals=(*BODY, 404, 503),
        )
        for name, method in (("beat", "GET"), ("beat_posted", "POST"))
    ),
    Route(
        name="calendar",
        method="GET",
        path="/calendar/{token}.ics",
        summary="The shifts of a person or a schedule, as iCalendar text.",
        door=Door.LINK,
        answers={200: ""},
        refusals=(404, 503),
    ),
    Route(
        name="healthy",
        method="GET",
        path="/-/healthy",
        summary="The process lives.",
        door=Door.ANYBODY,
        answers={200: ""},
    ),
    Route(
        name="ready",
        method="GET",
        path="/-/ready",
        summary="Alerts can be accepted and stored.",
        door=Door.ANYBODY,
        answers={200: ""},
        refusals=(503,),
    ),
    Route(
        name="reload",
        method="POST",
        path="/-/reload",
        summary="Load the config again, whole or not at all.",
        door=Door.PEOPLE,
        answers={200: "Reloaded"},
        refusals=(400, 503),
    ),
    Route(
        name="metrics",
        method="GET",
        path="/metrics",
        summary="Metrics for Prometheus.",
        door=Door.PEOPLE,
        answers={200: ""},
        refusals=(503,),
    ),
    Route(
        name="openapi",
        method="GET",
        path="/openapi.json",
        summary="This document.",
        door=Door.PEOPLE,
        answers={200: "Document"},
    ),
    Route(
        name="schema",
        method="GET",
        path="/schema.json",
        summary="The JSON Schema of the config file.",
        door=Door.PEOPLE,
        answers={200: "Document"},
    ),
    *API_ROUTES,
    *BOARD_ROUTES,
)
