"""A schedule's shifts as weeks to be drawn: where each bar begins and how wide it is, what it says, how the clock goes.

A week is as wide as it is long. So a day with a change of the clock is an hour wider or narrower than the others, and
a bar's width is always its length in time. Places are per cent of the week's width. Everything is in one zone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from escalator.escalation.local_time import first_instant, offset_change
from escalator.escalation.oncall import Shift
from escalator.escalation.reasons import Kind
from escalator.foresight.wording import clock, dated, listed

DAYS = 7
LAYER_LOOKS = 4  # so many layers look different; then the looks begin anew
NOBODY = "nobody"
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


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
class Bar:
    """A part of a shift within a week. `look` is how it is drawn, `row` counts from 0."""

    x: str
    width: str
    row: int
    look: str
    label: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Seven days. `rows` are the keys of people, NOBODY the last; `now` is where the present is, "" for elsewhere."""

    name: str
    number: int
    days: tuple[Day, ...]
    rows: tuple[str, ...]
    bars: tuple[Bar, ...]
    changes: tuple[str, ...]
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is drawn in: the zone, the names of people, the present."""

    zone: ZoneInfo
    names: Mapping[str, str]
    now: datetime


def monday(day: date) -> date:
    """The first day of the week that holds this day."""
    return day - timedelta(days=day.weekday())


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When this day begins, in UTC."""
    return first_instant(day, time.min, zone)


def weeks_of(
    shifts: Sequence[Shift], reasons: Mapping[Shift, str], first: date, count: int, setting: Setting
) -> Iterator[Week]:
    """The weeks from a Monday on; the shifts are in order and cover them."""
    for n in range(count):
        begins = first + timedelta(weeks=n)
        start = midnight(begins, setting.zone)
        end = midnight(begins + timedelta(weeks=1), setting.zone)
        inside = [one for one in shifts if one.start < end and one.end > start]
        yield _week(begins, _Scale(start, end), inside, reasons, setting)


def look_of(shift: Shift) -> str:
    """How a shift is drawn."""
    if not shift.people:
        return NOBODY
    if shift.reason.kind is Kind.LAYER:
        return f"layer-{(shift.reason.layer - 1) % LAYER_LOOKS + 1}"
    return shift.reason.kind.value


def kind_of(shift: Shift) -> str:
    """What a shift comes from, in a word or two."""
    if not shift.people:
        return NOBODY
    is_layer = shift.reason.kind is Kind.LAYER
    return f"layer {shift.reason.layer}" if is_layer else shift.reason.kind.value


@dataclass(frozen=True, slots=True)
class _Scale:
    """The width of a week in time."""

    start: datetime
    end: datetime

    def place(self, at: datetime) -> float:
        """Where a moment is, in per cent; what is outside is at the edge."""
        inside = min(max(at, self.start), self.end)
        return 100 * ((inside - self.start) / (self.end - self.start))


def _week(
    begins: date,
    scale: _Scale,
    shifts: Sequence[Shift],
    reasons: Mapping[Shift, str],
    setting: Setting,
) -> Week:
    on_duty = {person for one in shifts for person in one.people}
    known = [person for person in setting.names if person in on_duty]
    rows = [*known, *sorted(on_duty.difference(known))]
    if any(not one.people for one in shifts):
        rows.append(NOBODY)
    places = {person: row for row, person in enumerate(rows)}
    last = begins + timedelta(days=DAYS - 1)
    is_now = scale.start <= setting.now < scale.end
    return Week(
        name=f"{begins.day} {begins:%b} to {last.day} {last:%b %Y}",
        number=begins.isocalendar().week,
        days=tuple(_days(begins, scale, setting)),
        rows=tuple(rows),
        bars=tuple(
            bar for one in shifts for bar in _bars(one, reasons[one], places, scale, setting)
        ),
        changes=tuple(_changes(begins, setting.zone)),
        now=_share(scale.place(setting.now)) if is_now else "",
    )


def _days(begins: date, scale: _Scale, setting: Setting) -> Iterator[Day]:
    today = setting.now.astimezone(setting.zone).date()
    for n in range(DAYS):
        day = begins + timedelta(days=n)
        start, end = midnight(day, setting.zone), midnight(day + _DAY, setting.zone)
        if start == end:  # a zone that crossed the date line left it out
            continue
        x, until = scale.place(start), scale.place(end)
        yield Day(
            x=_share(x),
            width=_share(until - x),
            name=f"{day:%a}",
            number=f"{day.day} {day:%b}" if day.day == 1 or n == 0 else str(day.day),
            is_weekend=day.weekday() >= 5,
            is_today=day == today,
            note="" if end - start == _DAY else f"{(end - start) / _HOUR:g} h",
        )


def _bars(
    shift: Shift, reason: str, places: Mapping[str, int], scale: _Scale, setting: Setting
) -> Iterator[Bar]:
    x, until = scale.place(shift.start), scale.place(shift.end)
    start, end = dated(shift.start, setting.zone), dated(shift.end, setting.zone)
    who = listed(setting.names.get(one, one) for one in shift.people)
    title = f"{who}, {start} to {end}" + (f": {reason}" if shift.people else "")
    for person in shift.people or (NOBODY,):
        yield Bar(
            x=_share(x),
            width=_share(until - x),
            row=places[person],
            look=look_of(shift),
            label=_label(shift, until - x),
            title=title,
        )


def _label(shift: Shift, width: float) -> str:
    """What fits into a bar of this width where a week is 700 pixels wide, 7 a letter."""
    letters = int(width) - 2
    override = shift.reason.override
    wanted = [", ".join(shift.reason.titles), kind_of(shift)]
    if override is not None:
        wanted.insert(0, override.reason)
    return next((one for one in wanted if one and len(one) <= letters), "")


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
        old = clock((at + before).replace(tzinfo=UTC), ZoneInfo("UTC"))
        new = clock((at + after).replace(tzinfo=UTC), ZoneInfo("UTC"))
        yield f"{day:%a} {day.day} {day:%b} has {(end - start) / _HOUR:g} hours: the clock goes {way} from {old} to {new}."


def _share(value: float) -> str:
    """Per cent to a hundredth."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
