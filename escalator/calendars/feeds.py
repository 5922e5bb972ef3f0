"""What is in our own calendars: the shifts of a person or a schedule, a month back and three ahead.

They are read from the same arithmetic that rings people, with overrides, absences and fetched calendars as they are
now. A shift has its true start and end, also where the window cuts it, so that it stays one event while days go by.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from escalator.calendars.links import Subject, SubjectKind, subject_of, token_of
from escalator.calendars.writing import WrittenShift, uid_of, written
from escalator.engine import Engine
from escalator.escalation.oncall import FARTHEST, Shift, on_call, shifts
from escalator.escalation.rules import Rules
from escalator.escalation.schedules import Schedule

BEFORE = timedelta(days=31)
AFTER = timedelta(days=90)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Seen:
    """How an event was when it was last written, and since when it was so."""

    shift: WrittenShift
    at: datetime


class Feeds:
    """Our calendars, under links made with `key`; without a key there are none."""

    def __init__(self, engine: Engine, key: bytes):
        self._engine = engine
        self._key = key
        self._seen: dict[Subject, dict[str, _Seen]] = {}

    def subjects(self) -> list[Subject]:
        """Everybody and every schedule of the rules in force."""
        if not self._key:
            return []
        rules = self._engine.rules
        return [
            *(Subject(SubjectKind.PERSON, one) for one in rules.people),
            *(Subject(SubjectKind.SCHEDULE, one) for one in rules.schedules),
        ]

    def path(self, subject: Subject) -> str:
        """Where the calendar of a subject is asked for."""
        return f"/calendar/{token_of(self._key, subject)}.ics"

    def subject(self, token: str) -> Subject | None:
        """Whose calendar stands under this token."""
        return subject_of(self._key, token, self.subjects())

    def title(self, subject: Subject) -> str:
        """What the calendar is called where people see it."""
        return f"On call: {_called(self._engine.rules, subject)}"

    async def calendar(self, subject: Subject) -> bytes:
        """The calendar as iCalendar text."""
        rules, wall = self._engine.rules, self._engine.clock.wall()
        found = await asyncio.to_thread(lambda: list(_written(rules, subject, wall)))
        return written(self.title(subject), self._with_change(subject, found), wall)

    def _with_change(
        self, subject: Subject, found: Iterable[WrittenShift]
    ) -> Iterator[WrittenShift]:
        before, after = self._seen.get(subject, {}), dict[str, _Seen]()
        for shift in found:
            known = before.get(shift.uid)
            is_same = (
                known is not None and replace(known.shift, changed_at=shift.changed_at) == shift
            )
            after[shift.uid] = known if known and is_same else _Seen(shift, shift.changed_at)
        self._seen[subject] = after
        return (replace(one.shift, changed_at=one.at) for one in after.values())


def _written(rules: Rules, subject: Subject, wall: datetime) -> Iterator[WrittenShift]:
    """The shifts of a subject around this wall time, as events that changed just now."""
    is_person = subject.kind is SubjectKind.PERSON
    for schedule in rules.schedules.values():
        if not is_person and schedule.name != subject.name:
            continue
        for shift in _whole_shifts(rules, schedule, wall - BEFORE, wall + AFTER):
            if not is_person or subject.name in shift.people:
                yield _event(rules, subject, schedule, shift, wall)


def _whole_shifts(
    rules: Rules, schedule: Schedule, start: datetime, end: datetime
) -> Iterator[Shift]:
    """The shifts of a span in which somebody is on call, with the ends that they have beyond it."""
    found = shifts(schedule, rules.people, start, end)
    found[0] = replace(found[0], start=on_call(schedule, rules.people, start).start)
    found[-1] = replace(found[-1], end=on_call(schedule, rules.people, end - _INSTANT).end)
    return (shift for shift in found if shift.people)


def _event(
    rules: Rules, subject: Subject, schedule: Schedule, shift: Shift, wall: datetime
) -> WrittenShift:
    names = [_name(rules, one) for one in shift.people]
    title = ", ".join(names)
    if subject.kind is SubjectKind.PERSON:
        others = [_name(rules, one) for one in shift.people if one != subject.name]
        title = f"On call: {schedule.name}" + (f" (with {', '.join(others)})" if others else "")
    # One that has no beginning in sight is the same event tomorrow, with another one.
    is_endless = wall - BEFORE - shift.start >= FARTHEST
    begun = "" if is_endless else shift.start.isoformat()
    return WrittenShift(
        uid=uid_of(subject.kind, subject.name, schedule.name, " ".join(shift.people), begun),
        start=shift.start,
        end=shift.end,
        title=title,
        text=shift.reason.text(rules.people, schedule.zone),
        changed_at=wall,
    )


def _called(rules: Rules, subject: Subject) -> str:
    return _name(rules, subject.name) if subject.kind is SubjectKind.PERSON else subject.name


def _name(rules: Rules, person: str) -> str:
    known = rules.people.get(person)
    return (known.name or person) if known else person
