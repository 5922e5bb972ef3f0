"""Who stands behind the targets of a step at a moment: persons, schedules, the next of one, everyone.

Somebody who is away is not reached by name nor as one of everyone; a schedule has its own stand-ins
and overrides, and whom it says is on call is reached. Whatever reaches nobody leaves a note.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from escalator.escalation.oncall import next_after, on_call_now
from escalator.escalation.reasons import away_text
from escalator.escalation.rules import EVERYONE, Rules
from escalator.escalation.standing_in import absence, is_there

NEXT = ".next"


@dataclass(frozen=True, slots=True)
class Standing:
    """Whom targets reach: each person once, in the order of the targets; and sentences on those
    that one might expect and who are not among them.
    """

    people: tuple[str, ...]
    notes: tuple[str, ...] = ()


def responders(rules: Rules, targets: Iterable[str], at: datetime) -> Standing:
    """Who stands behind these targets at this wall time. Unknown names are noted, never an error."""
    people: dict[str, None] = {}
    notes: dict[str, None] = {}
    for target in targets:
        for person, note in _behind(rules, target, at):
            if person:
                people[person] = None
            if note:
                notes[note] = None
    return Standing(tuple(people), tuple(notes))


def _behind(rules: Rules, target: str, at: datetime) -> Iterator[tuple[str, str]]:
    """(person, "") for each who is reached, ("", note) for each who is not."""
    schedule = rules.schedules.get(target.removesuffix(NEXT))
    if target == EVERYONE:
        for person in rules.people:
            yield _by_name(rules, person, at)
    elif target in rules.people:
        yield _by_name(rules, target, at)
    elif schedule is None:
        yield "", f"{target} is neither a person nor a schedule"
    else:
        is_next = target.endswith(NEXT)
        found = (next_after if is_next else on_call_now)(schedule, rules.people, at)
        yield from ((person, "") for person in found)
        if not found:
            nobody = "nobody comes next in" if is_next else "nobody is on call in"
            yield "", f"{nobody} {schedule.name}"


def _by_name(rules: Rules, person: str, at: datetime) -> tuple[str, str]:
    if is_there(person, rules.people, at):
        return person, ""
    return "", away_text(absence(person, rules.people, at), rules.people)
