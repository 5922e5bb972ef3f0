"""What part of the calendar somebody looks at: which schedule, which weeks, in which zone; all of it in the address.

What cannot be used is told at its field; meanwhile the page shows what it shows without it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from escalator.config.moments import YEARS, read_day
from escalator.config.values import read_timezone
from escalator.escalation.rules import Rules
from escalator.web.board.viewer import Viewer
from escalator.web.board.weeks import monday

WEEKS = 2
WEEKS_MAX = 8
_T = TypeVar("_T")

Typed = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """`schedule` is "" for all of them; `first` is a Monday. `complaints` say what is the matter with which field."""

    schedule: str
    first: date
    weeks: int
    zone_name: str
    typed: Typed
    complaints: Mapping[str, str]

    def wrong(self, name: str) -> str:
        """What is wrong with a field, "" for nothing."""
        return self.complaints.get(name, "")

    @property
    def zone(self) -> ZoneInfo:
        """What the page is in."""
        return ZoneInfo(self.zone_name)

    @property
    def end(self) -> date:
        """The Monday after the last week."""
        return self.first + timedelta(weeks=self.weeks)

    def fields(self) -> dict[str, str]:
        """The view as fields of a form or an address."""
        return {
            "schedule": self.schedule,
            "week": str(self.first),
            "weeks": str(self.weeks),
            "zone": self.zone_name,
        }

    def address(self, **other: str) -> str:
        """Where this is shown, some fields being other ones."""
        return "/calendar?" + urlencode({**self.fields(), **other})

    def moved(self, weeks: int) -> str:
        """Where the weeks so much later are shown; "" beyond the calendar."""
        day = self.first + timedelta(weeks=weeks)
        return self.address(week=str(day)) if _is_in_reach(day) else ""


def read_view(typed: Typed, rules: Rules, viewer: Viewer, today: date) -> View:
    """What the fields mean."""
    wrong: dict[str, str] = {}

    def read(name: str, reader: Callable[[str], _T], default: _T) -> _T:
        text = typed.get(name, "").strip()
        try:
            return reader(text) if text else default
        except ValueError as problem:
            wrong[name] = f"{problem}."
            return default

    def known(name: str) -> str:
        if name not in rules.schedules:
            raise ValueError("There is no schedule of this name")
        return name

    return View(
        schedule=read("schedule", known, ""),
        first=read("week", _week, monday(today)),
        weeks=read("weeks", _count, WEEKS),
        zone_name=read("zone", _zone, viewer.zone_name),
        typed=typed,
        complaints=wrong,
    )


def zones_of(view: View, rules: Rules, viewer: Viewer) -> Iterator[tuple[str, str]]:
    """The zones to choose from, each with whose it is."""
    whose: dict[str, list[str]] = {view.zone_name: []}
    whose.setdefault(viewer.zone_name, []).append("yours")
    for schedule in rules.schedules.values():
        whose.setdefault(schedule.zone.key, []).append(schedule.name)
    for name, owners in whose.items():
        yield name, f"{name} ({_listed(owners)})" if owners else name


def _listed(owners: Sequence[str]) -> str:
    more = len(owners) - 3
    return ", ".join(owners[:3]) + (f" and {more} more" if more > 0 else "")


def _week(text: str) -> date:
    try:
        day = monday(read_day(text))
    except ValueError:
        raise ValueError("Must be a day of the first week, as 2026-12-24") from None
    if not _is_in_reach(day):
        raise ValueError("That is beyond this calendar")
    return day


def _is_in_reach(day: date) -> bool:
    """Whether weeks that begin here are within the years that the config speaks of."""
    return YEARS[0] <= day.year and (day + timedelta(weeks=WEEKS_MAX)).year <= YEARS[-1]


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= WEEKS_MAX):
        raise ValueError(f"Must be a number from 1 to {WEEKS_MAX}")
    return int(text)


def _zone(text: str) -> str:
    try:
        return read_timezone(text)
    except ValueError:
        raise ValueError("Must be a time zone, as Europe/Berlin") from None
