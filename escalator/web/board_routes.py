"""The routes of the board: pages, their forms, what keeps them fresh."""

from escalator.web.route import BODY, Door, Route

_ACTION_PATHS = "acknowledge resolve snooze escalate note".split()

_REPORT_QUERY = {
    "from": "the first day; default 90 days back",
    "to": "the last day; default today",
    "price": "of a begun minute, for the estimate; default 0.02",
}

BOARD_ROUTES: tuple[Route, ...] = (
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
            refusals=(*BODY, 404, 503),
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
        refusals=(*BODY, 503),
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
