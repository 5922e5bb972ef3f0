"""Why somebody is on call, as values, and in words for a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from escalator.escalation.rules import Person
from escalator.escalation.schedules import Override


class Kind(StrEnum):
    """What answered."""

    LAYER = "layer"
    OVERRIDE = "override"
    CALENDAR = "calendar"
    NOBODY = "nobody"


class Absence(NamedTuple):
    """Somebody whose turn it is and who is not there; `reason` is "" where none was written."""

    person: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why these people are on call, or why nobody is.

    `layer` counts from 1, in written order; `titles` are those of the calendar's events. `absent`
    are those passed over, the scheduled one first; `standing_in` those who are there for them.
    `is_kept`: the absent are on call all the same, since nobody else of the calendar is there.
    """

    kind: Kind
    layer: int = 0
    override: Override | None = None
    titles: tuple[str, ...] = ()
    absent: tuple[Absence, ...] = ()
    standing_in: tuple[str, ...] = ()
    is_kept: bool = False

    def text(self, people: Mapping[str, Person], zone: ZoneInfo) -> str:
        """In words, moments in this zone: "layer 2; Ana is away (holidays), Ben stands in"."""
        if self.override is not None:
            return override_text(self.override, zone)
        head = self._head()
        if not self.absent:
            return head
        notes = [away_text(one, people) for one in self.absent]
        if self.standing_in:
            names = " and ".join(name_of(one, people) for one in self.standing_in)
            notes.append(f"{names} {'stands' if len(self.standing_in) == 1 else 'stand'} in")
        if self.is_kept:
            notes.append("but nobody else is there")
        return f"{head}; {', '.join(notes)}"

    def _head(self) -> str:
        """What answered, without who is away."""
        if self.kind is Kind.LAYER:
            return f"layer {self.layer}"
        titles = ", ".join(self.titles)
        if self.kind is Kind.CALENDAR:
            return f"calendar: {titles}" if titles else "calendar"
        return f"nobody is on call; {titles} names nobody" if titles else "nobody is on call"


def override_text(override: Override, zone: ZoneInfo) -> str:
    """An override in words: "override: swap with Ana until 26 Dec 09:00"."""
    start, end = override.start.astimezone(zone), override.end.astimezone(zone)
    # A year is said where it is not the one that everybody would think of.
    until = (
        f"until {end.day} {end:%b}{f' {end.year}' if end.year != start.year else ''} {end:%H:%M}"
    )
    return f"override: {override.reason} {until}" if override.reason else f"override {until}"


def away_text(absence: Absence, people: Mapping[str, Person]) -> str:
    """Somebody's absence in words: "Ana Ortega is away (holidays)"."""
    if absence.person not in people:
        return f"{absence.person} is not among the people"
    reason = f" ({absence.reason})" if absence.reason else ""
    return f"{name_of(absence.person, people)} is away{reason}"


def name_of(person: str, people: Mapping[str, Person]) -> str:
    """What the person is called; the key of somebody unknown."""
    return people[person].name if person in people else person
