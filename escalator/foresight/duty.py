"""Who is on call at a moment, until when and why, who comes next, and the shifts of the days after.

Everything is read from the spans of `escalation.oncall`; a schedule's answers hold its own zone.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from escalator.escalation.oncall import Shift, handoff, on_call, shifts
from escalator.escalation.rules import Rules
from escalator.escalation.schedules import CalendarEvent, Schedule

DAYS_MAX = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """Who is on call from `at` on; nobody: ()."""

    people: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the days asked for: who is on call in it, and why. Nobody: ()."""

    start: datetime
    end: datetime
    people: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One schedule at one moment.

    `next` is who is on call after these people, and when; None within 400 days. `shifts` are those
    of the days asked for, cut to them. `events` are those of a calendar that touch these days;
    None for layers.
    """

    schedule: str
    zone: ZoneInfo
    people: tuple[str, ...]
    reason: str
    next: Following | None
    shifts: tuple[Part, ...] = ()
    events: tuple[CalendarEvent, ...] | None = None

    @property
    def until(self) -> datetime | None:
        """When other people are on call; None: not within 400 days."""
        return None if self.next is None else self.next.at


def on_call_report(rules: Rules, at: datetime, days: int = 0) -> tuple[Duty, ...]:
    """Each schedule at this moment (wall time, aware), in the order of the config; with `days` its
    shifts from then on.
    """
    moment = at.astimezone(UTC)
    return tuple(_duty(rules, name, moment, days) for name in rules.schedules)


def _duty(rules: Rules, name: str, at: datetime, days: int) -> Duty:
    schedule, people = rules.schedules[name], rules.people
    now = on_call(schedule, people, at)
    following = handoff(schedule, people, at)
    end = at + timedelta(days=days)
    return Duty(
        schedule=name,
        zone=schedule.zone,
        people=now.people,
        reason=_reason(rules, schedule, now),
        next=None if following is None else Following(people=following.people, at=following.start),
        shifts=tuple(_part(rules, schedule, one) for one in shifts(schedule, people, at, end)),
        events=None
        if schedule.events is None
        else tuple(one for one in schedule.events if one.start <= end and one.end > at),
    )


def _part(rules: Rules, schedule: Schedule, shift: Shift) -> Part:
    return Part(
        start=shift.start,
        end=shift.end,
        people=shift.people,
        reason=_reason(rules, schedule, shift),
    )


def _reason(rules: Rules, schedule: Schedule, shift: Shift) -> str:
    """A calendar that nobody has read yet is not taken for one that is empty."""
    if schedule.events == () and not shift.people:
        return "no event of this calendar is known here"
    return shift.reason.text(rules.people, schedule.zone)
