"""An incident while it is being decided: its value so far, the timeline's lines, the pages that
close.

A draft lives for one decision. From outside, deciding stays a function from values to values.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from escalator.escalation.assign import policy_for
from escalator.escalation.incidents import (
    ClosePage,
    Incident,
    Line,
    Outcome,
    Page,
    PageState,
    Phase,
    Text,
)
from escalator.escalation.rules import Policy, Rules


class Draft:
    """One decision in the making."""

    def __init__(self, rules: Rules, incident: Incident, now: datetime, *, is_new: bool = False):
        self.rules = rules
        self.incident = incident
        self.now = now
        self._is_new = is_new
        self._lines: list[Line] = []
        self._effects: list[ClosePage] = []

    @property
    def policy(self) -> Policy:
        """The incident's policy as the config in force has it."""
        return policy_for(self.rules, self.incident.policy)

    @property
    def wall(self) -> datetime:
        """The wall time of this decision, which schedules follow."""
        return self.rules.wall(self.now)

    def say(self, event: str, text: str, *, by: str | None = None, call: str | None = None) -> None:
        """Add a line to the timeline."""
        self._lines.append(Line(event=event, text=text, by=by, call=call))

    def enter(self, phase: Phase, until: timedelta | datetime | None) -> None:
        """Change the phase; `until` is its end (a span counts from now, None for no end)."""
        end = self.now + until if isinstance(until, timedelta) else until
        self.incident = replace(self.incident, phase=phase, until=end, held="")

    def set_pages(self, pages: tuple[Page, ...]) -> None:
        """Put these pages in place of the present ones."""
        self.incident = replace(self.incident, pages=pages)

    def put_page(self, page: Page) -> None:
        """Put one page in place of the same person's."""
        others = tuple(other for other in self.incident.pages if other.person != page.person)
        self.set_pages((*others, page))

    def set_texts(self, texts: tuple[Text, ...]) -> None:
        """Put these messages in place of the present ones; wanted twice at one moment, it is one."""
        once = {(text.person, text.due_at): text for text in texts}
        self.incident = replace(self.incident, texts=tuple(once.values()))

    def close_pages(self) -> None:
        """Everybody's page is over; live calls lose theirs, and no message is owed any more."""
        self.set_texts(())
        for page in self.incident.pages:
            if page.state is PageState.CALLING:
                self._effects.append(ClosePage(page.call_id, self.incident.id, page.person))
        self.set_pages(())

    def person_name(self, key: str | None) -> str:
        """How a person (or whoever acted) is called in the timeline."""
        if key is None:
            return "somebody"
        person = self.rules.people.get(key)
        return person.name if person is not None else key

    def outcome(self) -> Outcome:
        """The decision, with the incident's timer set."""
        done = replace(self.incident, due_at=self._due_at(), updated_at=self.now)
        return Outcome(
            incident=done,
            effects=tuple(self._effects),
            lines=tuple(self._lines),
            is_new=self._is_new,
        )

    def _due_at(self) -> datetime | None:
        incident = self.incident
        if not incident.is_open:
            return None
        times = [
            page.next_at
            for page in incident.pages
            if page.state is PageState.WAITING and page.next_at is not None
        ]
        if incident.until is not None:
            times.append(incident.until)
        return min(times, default=None)
