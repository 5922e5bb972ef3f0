"""Say what happens to an incident next if nobody acts and nothing changes: when, and who is rung.

This follows `decide` and `steps`: what is foretold here is what the next `Due` decides. It decides nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from escalator.escalation.assign import policy_for
from escalator.escalation.incidents import Incident, PageState, Phase
from escalator.escalation.reaching import fallback_people, reach
from escalator.escalation.rules import Policy, Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What comes, in words, and when (engine time)."""

    at: datetime
    what: str


def what_next(rules: Rules, incident: Incident) -> Next | None:
    """What the incident's timer will bring; None when it has none (resolved, or acknowledged for good).

    Without its pages (as in a list) a further try is foretold without names.
    """
    at = incident.due_at
    if at is None or not incident.is_open:
        return None
    policy = policy_for(rules, incident.policy)
    wall = rules.wall(at)
    is_over = incident.until is None or at >= incident.until
    match incident.phase:
        case Phase.ACKNOWLEDGED:
            asked = _asked_first(rules, incident, wall)
            what = f"the acknowledgement runs out; {asked}{_from(rules, policy, (0, 1), wall)}"
        case Phase.SNOOZED:
            held = f"asked again whether it is still held ({incident.held})"
            ends = held if incident.held else "the snooze ends"
            what = f"{ends}; {_from(rules, policy, (0, 1), wall)}"
        case Phase.EXHAUSTED if is_over:
            what = _fallback(rules, policy, wall)
        case Phase.TRIGGERED if is_over:
            what = _from(rules, policy, (incident.step + 1, incident.round), wall)
        case _:
            what = _another_try(rules, incident, at)
    return Next(at=at, what=what)


def _from(rules: Rules, policy: Policy, at: tuple[int, int], wall: datetime) -> str:
    """The first step, from that step and round on, that reaches somebody, else the fallback."""
    step, round_ = at
    found = [reach(rules, policy, one, wall) for one in policy.steps]
    if all(one.why_nobody for one in found):
        return _fallback(rules, policy, wall)
    while True:
        if step >= len(found):
            step, round_ = 0, round_ + 1
        if round_ > policy.repeat:
            return _fallback(rules, policy, wall)
        if not found[step].why_nobody:
            people = dict.fromkeys((*found[step].called.people, *found[step].texted.people))
            return f"step {step + 1} of round {round_}: {_names(rules, people)}"
        step += 1


def _asked_first(rules: Rules, incident: Incident, wall: datetime) -> str:
    person = rules.people.get(incident.acknowledged_by or "")
    if person is None or person.is_away(wall):
        return ""
    return f"{person.name} is asked first; "


def _fallback(rules: Rules, policy: Policy, wall: datetime) -> str:
    names = _names(rules, fallback_people(rules, policy, wall))
    return f"ringing the fallback: {names or 'nobody'}"


def _another_try(rules: Rules, incident: Incident, at: datetime) -> str:
    people = [
        page.person
        for page in incident.pages
        if page.state is PageState.WAITING and page.next_at is not None and page.next_at <= at
    ]
    return f"another try: {_names(rules, people)}" if people else "another try"


def _names(rules: Rules, people: Iterable[str]) -> str:
    return ", ".join(rules.people[key].name if key in rules.people else key for key in people)
