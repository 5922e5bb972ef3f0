"""Short ways to write people, schedules and moments, for the tests of the on-call arithmetic."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from escalator.escalation.rules import Person
from escalator.escalation.schedules import (
    Away,
    CalendarEvent,
    Layer,
    Override,
    Rotation,
    Schedule,
    Unit,
    Window,
)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = frozenset(range(7))
BERLIN = "Europe/Berlin"


def utc(text: str) -> datetime:
    """`2026-03-29 01:00` as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: str = BERLIN, fold: int = 0) -> datetime:
    """A wall time that exists, as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def clock(text: str) -> time:
    return time.fromisoformat(text)


def team(*keys: str, **away: Away | tuple[Away, ...]) -> dict[str, Person]:
    """People; `away` gives some of them a span, or several."""
    spans = {key: one if isinstance(one, tuple) else (one,) for key, one in away.items()}
    return {
        key: Person(
            key=key,
            name=key.title(),
            phones=("+15005550006",),
            language="en",
            away=spans.get(key, ()),
        )
        for key in (*keys, *(one for one in away if one not in keys))
    }


def gone(start: str, end: str, reason: str = "", zone: str = BERLIN) -> Away:
    return Away(start=local(start, zone), end=local(end, zone), reason=reason)


def turning(
    every: str, at: str = "00:00", starting: str = "2026-01-01", *, weekday: int = 0, day: int = 1
) -> Rotation:
    """`turning("1 weeks", "09:00")`."""
    count, unit = every.split()
    return Rotation(
        every=int(count),
        unit=Unit(unit),
        starting=date.fromisoformat(starting),
        at=clock(at),
        weekday=weekday,
        month_day=day,
    )


def window(text: str) -> Window:
    """`mon-fri 22:00-06:00`, `22:00-06:00`."""
    *days, span = text.split()
    first, _, last = days[0].partition("-") if days else ("mon", "", "sun")
    begin = DAYS.index(first)
    end = DAYS.index(last or first)
    start, _, until = span.partition("-")
    return Window(
        days=frozenset((begin + one) % 7 for one in range((end - begin) % 7 + 1)),
        start=clock(start),
        end=clock(until),
    )


def layer(rotation: Rotation, *items: str, only: tuple[str, ...] = ()) -> Layer:
    """Items are on call by turns; `ana+ben` are on call together."""
    return Layer(
        rotation=rotation,
        people=tuple(tuple(item.split("+")) for item in items),
        only=tuple(window(one) for one in only),
    )


def override(
    person: str, start: str, end: str, *, made: str = "", reason: str = "", zone: str = BERLIN
) -> Override:
    """`made` is when a live one was created; none for one of the file."""
    return Override(
        schedule="primary",
        person=person,
        start=local(start, zone),
        end=local(end, zone),
        reason=reason,
        id="live" if made else "",
        created_at=utc(made) if made else None,
    )


def event(start: str, end: str, *people: str, title: str = "") -> CalendarEvent:
    return CalendarEvent(start=utc(start), end=utc(end), people=people, title=title)


def schedule(
    *layers: Layer,
    zone: str = BERLIN,
    overrides: tuple[Override, ...] = (),
    events: tuple[CalendarEvent, ...] | None = None,
) -> Schedule:
    return Schedule(
        name="primary", zone=ZoneInfo(zone), layers=layers, overrides=overrides, events=events
    )
