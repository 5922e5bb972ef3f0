"""The open incidents as rows of a list, each made once until it changes: storms show them all and change one.

What a row says follows from what is on file of its incident, the rules, the reader's zone and the day, save for how
long ago and until when things are; these are put in each time.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from escalator.escalation.foretell import Next, what_next
from escalator.escalation.incidents import Incident, PageState, Phase
from escalator.escalation.rules import Rules
from escalator.store.glance import OnFile
from escalator.web.board.actions import Attempt
from escalator.web.board.frame import Frame, Times

ROWS_MAX = 4000
TITLE_CHARS_MAX = 300
UNTAKEN = frozenset({Phase.TRIGGERED, Phase.EXHAUSTED})
# Stands in a row for what changes by itself. No sender can know it.
_MARK = secrets.token_hex(8)
AGO, LEFT = f"{_MARK}a", f"{_MARK}l"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An incident with what the pages say of it. `calling` are the people whose phones ring for it now."""

    incident: Incident
    next: Next | None
    calling: str
    taken_by: str
    is_taken: bool


@dataclass(frozen=True, slots=True)
class _Made:
    on_file: OnFile
    rules: Rules
    day: str
    html: str
    since: datetime
    next_at: datetime | None


class Rows:
    """The rows made lately, by incident and by how they are shown."""

    def __init__(self, frame: Frame):
        self._frame = frame
        self._made: OrderedDict[tuple[str, str, bool], _Made] = OrderedDict()

    def row(
        self, on_file: OnFile, rules: Rules, times: Times, attempt: Attempt, *, is_full: bool
    ) -> Markup:
        """The row of an incident; `is_full`: with all its buttons."""
        is_tried = attempt.incident_id == on_file.id
        key = (on_file.id, times.viewer.zone_name, is_full)
        made = None if is_tried else self._made.get(key)
        day = times.today
        if made is None or made.on_file != on_file or made.rules != rules or made.day != day:
            made = self._make(on_file, rules, times, attempt, is_full=is_full or is_tried)
            if not is_tried:
                self._keep(key, made)
        left = times.left(made.next_at) if made.next_at is not None else ""
        html = made.html.replace(AGO, times.ago(made.since)).replace(LEFT, left)
        return Markup(html)  # noqa: S704 - rendered by a template, which has escaped it

    def _make(
        self, on_file: OnFile, rules: Rules, times: Times, attempt: Attempt, *, is_full: bool
    ) -> _Made:
        row = row_of(rules, on_file.incident())
        html = self._frame.macro(
            "row.html", "row", row, times, attempt, is_full, TITLE_CHARS_MAX, AGO, LEFT
        )
        next_at = None if row.next is None else row.next.at
        return _Made(on_file, rules, times.today, html, row.incident.created_at, next_at)

    def _keep(self, key: tuple[str, str, bool], made: _Made) -> None:
        self._made[key] = made
        self._made.move_to_end(key)
        if len(self._made) > ROWS_MAX:
            self._made.popitem(last=False)


def row_of(rules: Rules, incident: Incident) -> Row:
    """An incident with everything that the pages say of it."""
    calling = (page.person for page in incident.pages if page.state is PageState.CALLING)
    return Row(
        incident=incident,
        next=what_next(rules, incident),
        calling=", ".join(name_of(rules, person) for person in calling),
        taken_by=name_of(rules, incident.acknowledged_by or ""),
        is_taken=incident.phase not in UNTAKEN,
    )


def name_of(rules: Rules, key: str) -> str:
    """How a person is called; whoever is no person is called as they called themselves."""
    person = rules.people.get(key)
    return person.name or key if person is not None else key
