"""Why somebody was called about an incident, or was not: from its timeline, its calls and its policy.

Each person of the config gets an answer. What happened comes from what is on file; why nothing happened is worked out
from the policy as it is now.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from escalator.escalation.assign import policy_for
from escalator.escalation.calls import Call, CallState
from escalator.escalation.incidents import Incident, PageState, Phase
from escalator.escalation.reaching import fallback_people
from escalator.escalation.responders import responders
from escalator.escalation.rules import Policy, Rules
from escalator.store.reading import TimelineRecord
from escalator.web.board.rows import name_of

PEOPLE_MAX = 100
_OVER = {
    Phase.ACKNOWLEDGED: "it was acknowledged",
    Phase.SNOOZED: "it was snoozed",
    Phase.RESOLVED: "it was resolved",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One person: whether they were called, and the reasons in order."""

    person: str
    name: str
    was_called: bool
    reasons: tuple[str, ...]


def whys(
    rules: Rules, incident: Incident, calls: Sequence[Call], lines: Sequence[TimelineRecord]
) -> list[Why]:
    """An answer for each person, those first who were called."""
    policy = policy_for(rules, incident.policy)
    people = dict.fromkeys(
        page.person for call in calls for page in call.pages if page.incident_id == incident.id
    )
    people.update(dict.fromkeys(rules.people))
    found = [
        _why(rules, policy, incident, person, (calls, lines))
        for person in list(people)[:PEOPLE_MAX]
    ]
    return sorted(found, key=lambda one: not one.was_called)


def _why(
    rules: Rules,
    policy: Policy,
    incident: Incident,
    person: str,
    happened: tuple[Sequence[Call], Sequence[TimelineRecord]],
) -> Why:
    calls, lines = happened
    name = name_of(rules, person)
    own = [call for call in calls if _carries(call, incident, person)]
    reasons = [_of_call(call) for call in own]
    reasons += [line.text for line in lines if line.event == "passed_over" and name in line.text]
    if not reasons:
        reasons = [_of_nothing(rules, policy, incident, person)]
    return Why(person=person, name=name, was_called=bool(own), reasons=tuple(reasons))


def _carries(call: Call, incident: Incident, person: str) -> bool:
    return any(page.incident_id == incident.id and page.person == person for page in call.pages)


def _of_call(call: Call) -> str:
    if call.state is not CallState.ENDED or call.outcome is None:
        return f"a call is under way ({call.state.value})"
    detail = f": {call.error_message}" if call.error_message else ""
    return f"the call ended as {call.outcome.value}{detail}"


def _of_nothing(rules: Rules, policy: Policy, incident: Incident, person: str) -> str:
    """Why a person has had no call at all."""
    page = incident.page_of(person)
    if page is not None and page.state is not PageState.DONE:
        return "a call is due and will be placed as soon as the carrier and the limits allow"
    wall = rules.wall(incident.updated_at)
    steps = [
        n
        for n, step in enumerate(policy.steps)
        if person in responders(rules, step.targets, wall).people
    ]
    is_fallback = person in fallback_people(rules, policy, wall)
    if not steps:
        return _outside(incident, policy, is_fallback=is_fallback)
    if incident.round > 1 or incident.step >= steps[0] or incident.phase is Phase.EXHAUSTED:
        over = _OVER.get(incident.phase, "it went on")
        return f"step {steps[0] + 1} rings them, but {over} before a call could be placed"
    if incident.phase not in _OVER:
        return f"step {steps[0] + 1} rings them; it has not begun yet"
    return f"step {steps[0] + 1} rings them; {_OVER[incident.phase]} before it began"


def _outside(incident: Incident, policy: Policy, *, is_fallback: bool) -> str:
    if is_fallback and incident.phase is not Phase.EXHAUSTED:
        return f"only the fallback of policy {policy.name} rings them, once every round is over"
    return f"no step of policy {policy.name} rings them"
