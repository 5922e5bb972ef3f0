"""Say what happens to an incident next if nobody acts and nothing changes: when, and who is rung.

This follows `decide` and `steps`: what is foretold here is what the next `Due` decides. It decides nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from escalator.escalation.assign import policy_for
from escalator.escalation.incidents import Incident, PageState, Phase
from escalator.escalation.rules import Policy, Rules
from escalator.escalation.steps import fallback_people, responders


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
    is_over = incident.until is None or at >= incident.until
    match incident.phase:
        case Phase.ACKNOWLEDGED:
            what = f"the acknowledgement runs out; {_from(rules, policy, 0, 1)}"
        case Phase.SNOOZED:
            what = f"the snooze ends; {_from(rules, policy, 0, 1)}"
        case Phase.EXHAUSTED if is_over:
            what = _fallback(rules, policy)
        case Phase.TRIGGERED if is_over:
            what = _from(rules, policy, incident.step + 1, incident.round)
        case _:
            what = _another_try(rules, incident, at)
    return Next(at=at, what=what)


def _from(rules: Rules, policy: Policy, step: int, round_: int) -> str:
    """The first step from here that reaches somebody, else the fallback."""
    people = [responders(rules, one.targets) for one in policy.steps]
    if not any(people):
        return _fallback(rules, policy)
    while True:
        if step >= len(people):
            step, round_ = 0, round_ + 1
        if round_ > policy.repeat:
            return _fallback(rules, policy)
        if people[step]:
            return f"step {step + 1} of round {round_}: {_names(rules, people[step])}"
        step += 1


def _fallback(rules: Rules, policy: Policy) -> str:
    names = _names(rules, fallback_people(rules, policy))
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
