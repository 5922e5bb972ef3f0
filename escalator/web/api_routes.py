"""The routes of the JSON API for people and programs."""

from escalator.web.route import BODY, Door, Route

_ACTION_PATHS = "acknowledge resolve snooze escalate note".split()

API_ROUTES: tuple[Route, ...] = (
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
            refusals=(*BODY, 404, 503),
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
        refusals=(*BODY, 409, 503),
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
        name="list_overrides",
        method="GET",
        path="/api/v1/overrides",
        summary="Overrides that are not over, of the config file and live ones.",
        door=Door.PEOPLE,
        answers={200: "OverrideList"},
        refusals=(503,),
        query={"schedule": "those of one schedule"},
    ),
    Route(
        name="add_override",
        method="POST",
        path="/api/v1/overrides",
        summary="Put one person on call instead of a schedule, for a span; in force when it answers.",
        door=Door.PEOPLE,
        answers={201: "Override"},
        refusals=(*BODY, 503),
        takes="NewOverride",
    ),
    Route(
        name="remove_override",
        method="DELETE",
        path="/api/v1/overrides/{id}",
        summary="Take a live override away.",
        door=Door.PEOPLE,
        answers={204: ""},
        refusals=(404, 503),
    ),
    Route(
        name="list_silences",
        method="GET",
        path="/api/v1/silences",
        summary="Silences that are not over.",
        door=Door.PEOPLE,
        answers={200: "SilenceList"},
        refusals=(503,),
    ),
    Route(
        name="add_silence",
        method="POST",
        path="/api/v1/silences",
        summary="Hold back new incidents of what fits; answers with the open ones that would have been held.",
        door=Door.PEOPLE,
        answers={201: "Silence"},
        refusals=(*BODY, 503),
        takes="NewSilence",
    ),
    Route(
        name="expire_silence",
        method="DELETE",
        path="/api/v1/silences/{id}",
        summary="End a silence now; what it holds and still fires pages.",
        door=Door.PEOPLE,
        answers={204: ""},
        refusals=(404, 503),
    ),
)
