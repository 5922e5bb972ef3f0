"""Which policy an alert falls under, and which incident it belongs to.

An alert in an open incident stays there while its route picks the same policy. Otherwise it joins
the open incident of its group, else the incident that it (or its group) has just left within the
flap window, else it opens one. Outside the hours of its policy an alert opens its incident under
the policy's `otherwise`; where it is in one already, of either policy, it stays there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from escalator.escalation.alerts import Alert, AlertStatus, Known
from escalator.escalation.holding import Hold, hold_of, is_outside
from escalator.escalation.incidents import Incident
from escalator.escalation.rules import DEFAULT_POLICY, NO_POLICY, Policy, Route, Rules, Step

EMERGENCY_POLICY = Policy(name="emergency", steps=(Step(targets=("everyone",)),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the routes put an alert. `policy` is the one that acts now, `kin` the route's own and
    all that act for it outside its hours, in that order. `hold`: nobody is rung for it yet.
    `at_fallback`: an incident that it opens begins with the fallback.
    """

    policy: str
    route: str
    group_key: str
    severity: str
    kin: tuple[str, ...] = ()
    hold: Hold | None = None
    at_fallback: bool = False

    @property
    def policies(self) -> tuple[str, ...]:
        """The policies whose incidents the alert may stay in."""
        return self.kin or (self.policy,)


class Choice(StrEnum):
    """What becomes of a firing alert."""

    STORE = "store"  # policy `none`: on file, in no incident
    STAY_CLOSED = "stay-closed"  # a person resolved its incident and the sender has not said so yet
    JOIN = "join"  # the incident found
    OPEN = "open"  # a new incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The choice for a firing alert: the incident it joins (if any), and whether it leaves its
    present one.
    """

    choice: Choice
    incident: Incident | None = None
    leaves: bool = False


def place(rules: Rules, alert: Alert, now: datetime, policy: str | None = None) -> Place:
    """Find the alert's policy and group by the first route that matches; without one, the default
    policy. With a `policy` of its own the routes are not asked.
    """
    route = route_of(rules, alert.labels) if policy is None else None
    kin = _kin(rules, policy or (route.policy if route is not None else DEFAULT_POLICY))
    acting = _acting(rules, kin, now)
    hold = None
    if acting != NO_POLICY:
        hold = hold_of(rules, alert.labels, route, policy_for(rules, acting), now)
    return Place(
        policy=acting,
        route=route.name if route is not None else "",
        group_key=_group_key(alert, route.group_by if route is not None else None),
        severity=alert.labels.get("severity", ""),
        kin=kin,
        hold=hold,
    )


def route_of(rules: Rules, labels: Mapping[str, str]) -> Route | None:
    """The first route that matches."""
    return next((route for route in rules.routes if route.matches(labels)), None)


def _kin(rules: Rules, name: str) -> tuple[str, ...]:
    """This policy, and who acts for it outside its hours, and for that one, and so on."""
    found = [name]
    while (policy := rules.policies.get(found[-1])) is not None:
        if not policy.otherwise or policy.otherwise in found:
            break
        found.append(policy.otherwise)
    return tuple(found)


def _acting(rules: Rules, kin: tuple[str, ...], now: datetime) -> str:
    """The first of these that is within its hours; none: the last, which waits for its own."""
    for name in kin:
        policy = rules.policies.get(name)
        if policy is None or not is_outside(rules, policy, now):
            return name
    return kin[-1]


def place_own(rules: Rules, alert: Alert, policy: str) -> Place:
    """The place of an alert that escalator raises about itself: no route has a say in it."""
    return Place(
        policy=policy_for(rules, policy).name,
        route="",
        group_key=alert.group,
        severity="",
        at_fallback=True,
    )


def policy_for(rules: Rules, name: str) -> Policy:
    """The policy of that name; a vanished one becomes the default, and without that everyone is
    rung.
    """
    for candidate in (name, DEFAULT_POLICY):
        policy = rules.policies.get(candidate)
        if policy is not None and policy.steps:
            return policy
    return next((policy for policy in rules.policies.values() if policy.steps), EMERGENCY_POLICY)


def assign(
    rules: Rules,
    where: Place,
    now: datetime,
    *,
    known: Known | None,
    current: Incident | None,
    of_group: Incident | None,
) -> Assignment:
    """Choose for a firing alert.

    `current` is the incident that the alert was last in; `of_group` the open incident of its group,
    else the one of that group that was resolved last.
    """
    if current is not None and current.policy in where.policies:
        if current.is_open:
            return Assignment(choice=Choice.JOIN, incident=current)
        if _stays_closed(rules, current, known, now):
            return Assignment(choice=Choice.STAY_CLOSED, incident=current)
    if where.policy == NO_POLICY:
        return Assignment(choice=Choice.STORE, leaves=_is_firing_in(current, known))
    leaves = _is_firing_in(current, known)
    if of_group is not None and of_group.is_open:
        return Assignment(choice=Choice.JOIN, incident=of_group, leaves=leaves)
    for candidate in (current, of_group):
        if candidate is not None and _reopens(rules, candidate, where, now):
            return Assignment(choice=Choice.JOIN, incident=candidate, leaves=leaves)
    return Assignment(choice=Choice.OPEN, leaves=leaves)


def _group_key(alert: Alert, group_by: tuple[str, ...] | None) -> str:
    if group_by is None:
        return alert.group or alert.key
    if not group_by:
        return alert.key
    pairs = [(name, alert.labels.get(name, "")) for name in group_by]
    return ",".join(f"{name}={value!r}" for name, value in pairs)


def _is_firing_in(current: Incident | None, known: Known | None) -> bool:
    return (
        current is not None
        and current.is_open
        and known is not None
        and known.status is AlertStatus.FIRING
    )


def _stays_closed(rules: Rules, incident: Incident, known: Known | None, now: datetime) -> bool:
    if incident.resolved_by is None or incident.resolved_at is None or known is None:
        return False
    window = policy_for(rules, incident.policy).flap_window
    return known.status is AlertStatus.FIRING and now < incident.resolved_at + window


def _reopens(rules: Rules, incident: Incident, where: Place, now: datetime) -> bool:
    if incident.is_open or incident.resolved_by is not None or incident.resolved_at is None:
        return False
    window = policy_for(rules, incident.policy).flap_window
    return incident.policy in where.policies and now < incident.resolved_at + window
