"""Whether an alert is held back: by a silence, by its route's intervals, or outside its policy's hours.

A held alert is stored and shown, and nobody is rung for it. Silences and intervals follow the wall
clock; a hold's end is engine time, as every timer is. A hold ends at the first moment at which one
of its reasons may be over: then it is asked for anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from escalator.escalation.intervals import TimeInterval, holds, until
from escalator.escalation.rules import Policy, Route, Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why nobody is rung, in words, and until when at least (None: no end is in sight)."""

    why: str
    until: datetime | None


def hold_of(
    rules: Rules, labels: Mapping[str, str], route: Route | None, policy: Policy, now: datetime
) -> Hold | None:
    """What holds back an alert of these labels, now; None when nothing does."""
    wall = rules.wall(now)
    for silence in rules.silences:
        if silence.holds(labels, wall):
            comment = f" ({silence.comment})" if silence.comment else ""
            return Hold(why=f"silence {silence.id}{comment}", until=silence.end - rules.wall_ahead)
    if route is not None:
        muted = _intervals(rules, route.muted)
        if holds(muted, wall):
            return _hold(rules, f"route {route.name} is muted", muted, wall)
        active = _intervals(rules, route.active)
        if route.active and not holds(active, wall):
            return _hold(rules, f"route {route.name} is not active", active, wall)
    if is_outside(rules, policy, now):
        during = _intervals(rules, policy.during)
        return _hold(rules, f"policy {policy.name} waits for its hours", during, wall)
    return None


def is_outside(rules: Rules, policy: Policy, now: datetime) -> bool:
    """Whether the policy has hours, and this is outside of them."""
    return bool(policy.during) and not holds(_intervals(rules, policy.during), rules.wall(now))


def common_hold(holds_found: Iterable[Hold | None]) -> Hold | None:
    """The hold of an incident: that of its alerts which may end first; None when one is held by nothing."""
    first: Hold | None = None
    for hold in holds_found:
        if hold is None:
            return None
        if first is None or _ends_before(hold, first):
            first = hold
    return first


def _ends_before(hold: Hold, other: Hold) -> bool:
    return hold.until is not None and (other.until is None or hold.until < other.until)


def _hold(rules: Rules, why: str, intervals: Sequence[TimeInterval], wall: datetime) -> Hold:
    end = until(intervals, wall)
    return Hold(why=why, until=None if end is None else end - rules.wall_ahead)


def _intervals(rules: Rules, names: Sequence[str]) -> tuple[TimeInterval, ...]:
    return tuple(one for name in names for one in rules.time_intervals.get(name, ()))
