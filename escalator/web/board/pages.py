"""The board put together: its frame, its pages, its forms and its files, as handlers by the names of the routes."""

from collections.abc import Mapping

from aiohttp.typedefs import Handler

from escalator.web.board.acting import Acting
from escalator.web.board.calendar import CalendarPage
from escalator.web.board.explain import ExplainPage
from escalator.web.board.frame import Frame
from escalator.web.board.incident import IncidentPage
from escalator.web.board.live import LiveParts
from escalator.web.board.now import Now
from escalator.web.board.reports import Reports
from escalator.web.board.silences import SilencesPage
from escalator.web.context import WebContext
from escalator.web.events import Events


class Board:
    """All pages for people. `events` has to be stopped with the listener."""

    def __init__(self, context: WebContext):
        frame = Frame(context)
        parts = LiveParts(context, frame)
        self.events = Events(context.engine, parts.surroundings)
        self._now = Now(context, frame, parts)
        self._incident = IncidentPage(context, frame, parts)
        self._acting = Acting(context, self._now, self._incident, self.events)
        self._reports = Reports(context, frame)
        self._calendar = CalendarPage(context, frame)
        self._silences = SilencesPage(context, frame)
        self._explain = ExplainPage(context, frame)
        self._assets = frame.assets

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Each handler by the name of its route."""
        return {
            "board_now": self._now.show,
            "board_incident": self._incident.show,
            "board_act": self._acting.act,
            "board_who": self._acting.who,
            "board_calendar": self._calendar.show,
            "board_override_add": self._calendar.add,
            "board_override_remove": self._calendar.remove,
            "board_silences": self._silences.show,
            "board_silence_add": self._silences.add,
            "board_silence_end": self._silences.end,
            "board_explain": self._explain.show,
            "board_explain_ask": self._explain.ask,
            "board_reports": self._reports.show,
            "board_reports_file": self._reports.file,
            "board_events": self.events.stream,
            "board_static": self._assets.show,
        }
