"""A schedule's shifts as weeks to be drawn: where each bar begins and how wide it is, what it says, how the clock goes.

A week is as wide as it is long. So a day with a change of the clock is an hour wider or narrower than the others, and
a bar's width is always its length in time. Places are per cent of the week's width. Everything is in one zone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from escalator.escalation.local_time import first_instant, offset_change
from escalator.escalation.oncall import Shift, shifts
from escalator.escalation.reasons import Kind, name_of
from escalator.escalation.rules import Person
from escalator.escalation.schedules import Schedule
from escalator.foresight.wording import dated, listed

DAYS = 7
LAYER_LOOKS = 4  # so many layers look different; then the looks begin anew
NOBODY = ""
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
# Each handoff ends one shift and begins another, and schedules share them.
_dated = lru_cache(maxsize=8192)(dated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of a week. `note` says how long it is where that is not 24 hours."""

    x: str
    width: str
    name: str
    number: str
    is_weekend: bool
    is_today: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A shift in words: who, from when to when (in the zone of the drawing), why; nobody: `who` is "".

    `look` is how it is drawn, `kind` what it comes from.
    """

    shift: Shift
    who: str
    start: str
    end: str
    why: str
    look: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A part of a shift within a week, for one of its people; `row` counts from 0."""

    x: str
    width: str
    row: int
    label: str
    told: Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruler:
    """Seven days from `start` to `end`, the same for every schedule. `now` is the place of the present, if it is in
    here; `changes` are sentences on the clock.
    """

    start: datetime
    end: datetime
    name: str
    number: int
    month: str
    days: tuple[Day, ...]
    changes: tuple[str, ...]
    now: str

    def place(self, at: datetime) -> float:
        """Where a moment is, in per cent; what is outside is at the edge."""
        inside = min(max(at, self.start), self.end)
        return 100 * ((inside - self.start) / (self.end - self.start))


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What a schedule does in a week. `rows` are names, "" the last where nobody is on call."""

    ruler: Ruler
    rows: tuple[str, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is drawn in: the zone, the people, the present."""

    zone: ZoneInfo
    people: Mapping[str, Person]
    now: datetime

    def name(self, person: str) -> str:
        """How somebody is called; the key of somebody unknown."""
        return name_of(person, self.people) or person


def monday(day: date) -> date:
    """The first day of the week that holds this day."""
    return day - timedelta(days=day.weekday())


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When this day begins, in UTC."""
    return first_instant(day, time.min, zone)


def rulers(first: date, count: int, setting: Setting) -> Iterator[Ruler]:
    """The weeks from a Monday on."""
    for n in range(count):
        begins = first + timedelta(weeks=n)
        last = begins + timedelta(days=DAYS - 1)
        ruler = Ruler(
            start=midnight(begins, setting.zone),
            end=midnight(last + _DAY, setting.zone),
            name=f"{begins.day} {begins:%b} to {last.day} {last:%b %Y}",
            number=begins.isocalendar().week,
            month=f"{begins:%b %Y}",
            days=(),
            changes=tuple(_changes(begins, setting.zone)),
            now="",
        )
        is_now = ruler.start <= setting.now < ruler.end
        yield replace(
            ruler,
            days=tuple(_days(begins, ruler, setting)),
            now=_share(ruler.place(setting.now)) if is_now else "",
        )


def told(schedule: Schedule, start: datetime, end: datetime, setting: Setting) -> list[Told]:
    """The shifts of a span in words, in order; what goes on beyond the span is cut."""
    found = shifts(schedule, setting.people, start, end)
    return [
        Told(
            shift=one,
            who=listed(setting.name(person) for person in one.people) if one.people else "",
            start=_dated(one.start, setting.zone),
            end=_dated(one.end, setting.zone),
            why=_why(schedule, one, setting),
            look=_look(one),
            kind=_kind(one),
        )
        for one in found
    ]


def week_of(parts: Sequence[Told], ruler: Ruler, setting: Setting) -> Week:
    """What the parts, in order, have in a week."""
    inside = [one for one in parts if one.shift.start < ruler.end and one.shift.end > ruler.start]
    on_duty = {person for one in inside for person in one.shift.people}
    rows = [person for person in setting.people if person in on_duty]
    rows += sorted(on_duty.difference(rows))
    if any(not one.shift.people for one in inside):
        rows.append(NOBODY)
    places = {person: row for row, person in enumerate(rows)}
    return Week(
        ruler=ruler,
        rows=tuple(person and setting.name(person) for person in rows),
        bars=tuple(bar for one in inside for bar in _bars(one, places, ruler)),
    )


def _why(schedule: Schedule, shift: Shift, setting: Setting) -> str:
    if schedule.events == () and not shift.people:
        return "no event of this calendar is known here"
    return shift.reason.text(setting.people, setting.zone)


def _look(shift: Shift) -> str:
    if not shift.people:
        return "nobody"
    if shift.reason.kind is Kind.LAYER:
        return f"layer-{(shift.reason.layer - 1) % LAYER_LOOKS + 1}"
    return shift.reason.kind.value


def _kind(shift: Shift) -> str:
    if not shift.people:
        return "nobody"
    is_layer = shift.reason.kind is Kind.LAYER
    return f"layer {shift.reason.layer}" if is_layer else shift.reason.kind.value


def _days(begins: date, ruler: Ruler, setting: Setting) -> Iterator[Day]:
    today = setting.now.astimezone(setting.zone).date()
    for n in range(DAYS):
        day = begins + timedelta(days=n)
        start, end = midnight(day, setting.zone), midnight(day + _DAY, setting.zone)
        if start == end:  # a zone that crossed the date line left it out
            continue
        x, until = ruler.place(start), ruler.place(end)
        yield Day(
            x=_share(x),
            width=_share(until - x),
            name=f"{day:%a}",
            number=f"{day.day} {day:%b}" if day.day == 1 else str(day.day),
            is_weekend=day.weekday() >= 5,
            is_today=day == today,
            note="" if end - start == _DAY else f"{(end - start) / _HOUR:g} h",
        )


def _bars(one: Told, places: Mapping[str, int], ruler: Ruler) -> Iterator[Bar]:
    x, until = ruler.place(one.shift.start), ruler.place(one.shift.end)
    for person in one.shift.people or (NOBODY,):
        yield Bar(
            x=_share(x),
            width=_share(until - x),
            row=places[person],
            label=_label(one, until - x),
            told=one,
        )


def _label(one: Told, width: float) -> str:
    """What fits into a bar of this width where a week is 700 pixels wide, 7 a letter."""
    letters = int(width) - 2
    reason = one.shift.reason
    wanted = (reason.override.reason if reason.override else "", ", ".join(reason.titles), one.kind)
    return next((text for text in wanted if text and len(text) <= letters), "")


def _changes(begins: date, zone: ZoneInfo) -> Iterator[str]:
    """A sentence for each day of the week on which the clock changes."""
    for n in range(DAYS):
        day = begins + timedelta(days=n)
        start, end = midnight(day, zone), midnight(day + _DAY, zone)
        at = offset_change(zone, start, end) if start < end else None
        if at is None:
            continue
        before = (at - timedelta(seconds=1)).astimezone(zone).utcoffset() or timedelta(0)
        after = at.astimezone(zone).utcoffset() or timedelta(0)
        way = "back" if after < before else "forward"
        yield (
            f"{day:%a} {day.day} {day:%b} has {(end - start) / _HOUR:g} hours: the clock goes {way}"
            f" from {at + before:%H:%M} to {at + after:%H:%M}."
        )


def _share(value: float) -> str:
    """Per cent to a hundredth."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
