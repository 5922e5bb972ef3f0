"""Every route of the internal listener, once: where it is, who may come in, what it takes, how it may answer.

The server is built from this table, and so is the OpenAPI document; a route that is not in here does not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Door(Enum):
    """Who may come in."""

    ANYBODY = "anybody"  # says nothing and does nothing that needs protecting
    SENDER = "sender"  # by the auth of its receiver
    PEOPLE = "people"  # by the config's `web`


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation. `answers` names the schema of each 2xx, "" for none in JSON; `refusals` are its other codes."""

    name: str
    method: str
    path: str
    summary: str
    door: Door
    answers: Mapping[int, str]
    refusals: tuple[int, ...] = ()
    takes: str = ""
    is_page: bool = False  # answered in HTML, failures too
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def operation(self) -> str:
        """The name that tells apart routes that share a handler."""
        is_shared = self.name in ("act", "board_act")
        return f"{self.name}_{self.path.rpartition('/')[2]}" if is_shared else self.name

    @property
    def codes(self) -> frozenset[int]:
        """Every status this route answers with."""
        doors = {Door.ANYBODY: (), Door.SENDER: (401, 403), Door.PEOPLE: (401, 403)}
        return frozenset({*self.answers, *self.refusals, *doors[self.door]})


_BODY = (400, 408, 413, 415)
_ACTION_PATHS = "acknowledge resolve snooze escalate note".split()
_REPORT_QUERY = {
    "from": "the first day; default 90 days back",
    "to": "the last day; default today",
    "price": "of a begun minute, for the estimate; default 0.02",
}

ROUTES: tuple[Route, ...] = (
    Route(
        name="receive",
        method="POST",
        path="/receive/{receiver}",
        summary="Alerts in the receiver's format; answered after the commit.",
        door=Door.SENDER,
        answers={202: "Accepted"},
        refusals=(*_BODY, 404, 503),
        takes="payload",
    ),
    Route(
        name="receive_posted",
        method="POST",
        path="/receive/{receiver}/api/v2/alerts",
        summary="Prometheus speaking to an Alertmanager: a list of alerts.",
        door=Door.SENDER,
        answers={200: ""},
        refusals=(*_BODY, 404, 503),
        takes="payload",
    ),
    Route(
        name="list_incidents",
        method="GET",
        path="/api/v1/incidents",
        summary="Incidents, newest first.",
        door=Door.PEOPLE,
        answers={200: "IncidentList"},
        refusals=(400, 503),
        query={
            "phase": "open (default), all, or phases separated by commas",
            "limit": "1 to 500, default 50",
            "after": "the cursor `next` of the page before",
        },
    ),
    Route(
        name="show_incident",
        method="GET",
        path="/api/v1/incidents/{id}",
        summary="One incident with its alerts, calls and timeline.",
        door=Door.PEOPLE,
        answers={200: "Incident"},
        refusals=(400, 404, 503),
        query={"alerts": "how many alerts, 0 to 10000, default 100"},
    ),
    *(
        Route(
            name="act",
            method="POST",
            path=f"/api/v1/incidents/{{id}}/{action}",
            summary=f"{action.capitalize()} an incident; answers with it also when nothing changed.",
            door=Door.PEOPLE,
            answers={200: "Incident"},
            refusals=(*_BODY, 404, 503),
            takes="Action",
        )
        for action in _ACTION_PATHS
    ),
    Route(
        name="place_call",
        method="POST",
        path="/api/v1/calls",
        summary="Ring one phone and say something; one try. An Idempotency-Key makes repeating it safe.",
        door=Door.PEOPLE,
        answers={202: "Call"},
        refusals=(*_BODY, 409, 503),
        takes="NewCall",
        query={
            "wait": "hold the answer until the call is `answered` or `ended`",
            "timeout": "how long at most, up to 300s; default 60s",
        },
    ),
    Route(
        name="show_call",
        method="GET",
        path="/api/v1/calls/{id}",
        summary="A call.",
        door=Door.PEOPLE,
        answers={200: "Call"},
        refusals=(400, 404, 503),
        query={
            "wait": "hold the answer until the call is `answered` or `ended`",
            "timeout": "how long at most, up to 300s; default 60s",
        },
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
    Route(
        name="board_now",
        method="GET",
        path="/",
        summary="The board: what is open.",
        door=Door.PEOPLE,
        answers={200: ""},
        refusals=(503,),
        is_page=True,
    ),
    Route(
        name="board_incident",
        method="GET",
        path="/incidents/{id}",
        summary="The board: one incident.",
        door=Door.PEOPLE,
        answers={200: ""},
        refusals=(404, 503),
        is_page=True,
    ),
    *(
        Route(
            name="board_act",
            method="POST",
            path=f"/incidents/{{id}}/{action}",
            summary=f"{action.capitalize()} an incident by a form of the board; leads back to the page.",
            door=Door.PEOPLE,
            answers={200: "", 303: ""},
            refusals=(*_BODY, 404, 503),
            takes="form",
            is_page=True,
        )
        for action in _ACTION_PATHS
    ),
    Route(
        name="board_reports",
        method="GET",
        path="/reports",
        summary="The board: calls, nights, how soon somebody took it, and what it may cost.",
        door=Door.PEOPLE,
        answers={200: ""},
        refusals=(400, 503),
        query=_REPORT_QUERY,
        is_page=True,
    ),
    Route(
        name="board_reports_file",
        method="GET",
        path="/reports.csv",
        summary="The figures of the reports as CSV.",
        door=Door.PEOPLE,
        answers={200: ""},
        refusals=(400, 503),
        query=_REPORT_QUERY,
        is_page=True,
    ),
    Route(
        name="board_events",
        method="GET",
        path="/events",
        summary="Server-sent events: ids of the incidents that changed. At most 50 streams, of an hour each.",
        door=Door.PEOPLE,
        answers={200: ""},
        refusals=(400, 503),
        query={"since": "the position that the page was made from"},
    ),
    Route(
        name="board_who",
        method="POST",
        path="/who",
        summary="Where nobody has to log in: the person who sits at this browser.",
        door=Door.PEOPLE,
        answers={303: ""},
        refusals=_BODY,
        takes="form",
        is_page=True,
    ),
    Route(
        name="board_static",
        method="GET",
        path="/static/{file}",
        summary="What the pages load: a style and two scripts.",
        door=Door.PEOPLE,
        answers={200: ""},
        refusals=(404,),
    ),
)
