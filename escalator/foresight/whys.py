"""Why somebody is rung, or is not, in words: which target, layer or override leads to whom.

All is read from the same arithmetic that the daemon rings by; nothing is worked out a second way.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from escalator.escalation.matchers import Matcher, Operator
from escalator.escalation.oncall import FARTHEST, Shift, next_after, on_call
from escalator.escalation.reasons import away_text
from escalator.escalation.responders import NEXT
from escalator.escalation.rules import EVERYONE, Channel, Person, Policy, Route, Rules
from escalator.escalation.schedules import Schedule
from escalator.escalation.standing_in import absence, is_there
from escalator.foresight.wording import listed, span, stretch


def why_missed(route: Route, labels: Mapping[str, str]) -> str:
    """Why a route did not take an alert: the first of its matchers that fails. "" if none does."""
    failed = next((one for one in route.matchers if not one.matches(labels)), None)
    if failed is None:
        return ""
    if not labels.get(failed.name):
        return f"{failed}: the alert has no {failed.name}"
    has = Matcher(failed.name, Operator.EQUAL, labels[failed.name])
    return f"{failed}: the alert has {has}"


class Whys:
    """Reasons by these rules, moments in this zone. Shifts that were looked up once are kept."""

    def __init__(self, rules: Rules, zone: ZoneInfo):
        self._rules = rules
        self._zone = zone
        self._shifts: dict[str, list[Shift]] = {}

    def rung(self, person: str, targets: Iterable[str], at: datetime) -> str:
        """Why these targets of a step lead to this person at this time."""
        found = [why for target in targets for why in self._by(target, person, at)]
        gone = "" if is_there(person, self._rules.people, at) else self._although(person, at)
        return "; ".join(dict.fromkeys(found)) + gone if found else "nobody else is there" + gone

    def by_rules(self, person: str) -> str:
        """How the person wants to be reached; "" without rules of their own."""
        known = self._rules.people.get(person)
        contacts = sorted(known.contacts, key=lambda one: one.after) if known else []
        words = {Channel.CALL: "call", Channel.SMS: "message"}
        wanted = [
            f"{words[one.channel]} {'after ' + span(one.after) if one.after else 'at once'}"
            for one in contacts
        ]
        return ", ".join(wanted)

    def with_gaps(self, text: str, targets: Iterable[str], at: datetime) -> str:
        """A sentence of the core's on nobody being on call in these targets, with how long that is so."""
        for target in targets:
            schedule = self._rules.schedules.get(target)
            plain = rf"nobody is on call in {re.escape(target)}(?![\w.-])"
            if schedule is not None and re.search(plain, text):
                text = re.sub(plain, self._gap(schedule, at), text)
        return text

    def _gap(self, schedule: Schedule, at: datetime) -> str:
        if schedule.events == ():
            return f"no event of the calendar {schedule.name} is known here"
        shift = self._shift(schedule, at)
        if shift.end - at >= FARTHEST:
            return f"nobody is on call in {schedule.name}, and no end of that is in sight"
        gap = stretch(shift.start, shift.end, self._zone)
        return f"nobody is on call in {schedule.name} ({gap})"

    def _by(self, target: str, person: str, at: datetime) -> Iterator[str]:
        schedule = self._rules.schedules.get(target.removesuffix(NEXT))
        if target == EVERYONE:
            yield EVERYONE
        elif target == person:
            yield "by name"
        elif schedule is not None and target.endswith(NEXT):
            if person in next_after(schedule, self._rules.people, at):
                yield self._next(schedule, target, at)
        elif schedule is not None:
            shift = self._shift(schedule, at)
            if person in shift.people:
                yield f"{target}: {shift.reason.text(self._rules.people, self._zone)}"

    def _next(self, schedule: Schedule, target: str, at: datetime) -> str:
        before = self._shift(schedule, at).people
        after = f"{target}: after {listed(before)}" if before else target
        passed = self._passed(schedule, at)
        return f"{after}; {', '.join(passed)}" if passed else after

    def _passed(self, schedule: Schedule, at: datetime) -> list[str]:
        """Who would come next and is away: said of those whom the present shift does not mention."""
        people = self._rules.people
        shift = self._shift(schedule, at)
        told = {one.person for one in shift.reason.absent}
        there = {key: one if key in told else replace(one, away=()) for key, one in people.items()}
        would = next_after(schedule, there, at)
        return [self._away(key, people, at) for key in would if not is_there(key, people, at)]

    def _although(self, person: str, at: datetime) -> str:
        return f", although {self._away(person, self._rules.people, at)}"

    @staticmethod
    def _away(person: str, people: Mapping[str, Person], at: datetime) -> str:
        return away_text(absence(person, people, at), people)

    def _shift(self, schedule: Schedule, at: datetime) -> Shift:
        known = self._shifts.setdefault(schedule.name, [])
        shift = next((one for one in known if one.start <= at < one.end), None)
        if shift is None:
            shift = on_call(schedule, self._rules.people, at)
            known.append(shift)
        return shift


def targets_of(policy: Policy, step: int | None) -> Sequence[str]:
    """Whom a step of a policy calls; its fallback for None, and for a step that it does not have."""
    if step is not None and step < len(policy.steps):
        return policy.steps[step].targets
    return policy.fallback or tuple(one for step in policy.steps for one in step.targets)
