"""Whether a heartbeat still beats, what counts as a beat, and the alert that is raised when none came.

Whether one is missed is what we last said of it: its alert, which fires or does not, is the only
record of that. All times are engine time, so a wall clock that jumps neither raises an alarm nor
keeps one back; time in which nobody could be heard does not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from escalator.escalation.alerts import Alert, AlertStatus
from escalator.escalation.rules import Heartbeat

RECEIVER = "heartbeat"


class Standing(StrEnum):
    """How a heartbeat is."""

    WAITING = "waiting"  # has never beaten, and need not yet
    ARMED = "armed"
    MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known of one heartbeat. `armed_at` is when it was first heard of; `is_missed`: its
    alert fires.
    """

    last_at: datetime | None = None
    armed_at: datetime | None = None
    beats: int = 0
    is_missed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How a heartbeat is, and by when the next beat must come (None: it is not waited for)."""

    standing: Standing
    next_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """The heartbeats that a message says something of: those that beat, and those said to be over."""

    beats: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.beats or self.failures)


def beat(state: State, now: datetime) -> State:
    """It was heard: armed from now on, if it was not yet."""
    return replace(
        state,
        last_at=now,
        armed_at=state.armed_at or now,
        beats=state.beats + 1,
        is_missed=False,
    )


def check(heartbeat: Heartbeat, state: State, now: datetime, up_since: datetime) -> Check:
    """How the heartbeat is now. `up_since` is since when it could have been heard without a pause:
    from then on it has a full period.
    """
    if state.is_missed:
        return Check(standing=Standing.MISSED)
    if state.armed_at is None and not heartbeat.expect_at_start:
        return Check(standing=Standing.WAITING)
    next_by = _waited_from(state, now, up_since) + period(heartbeat)
    if now >= next_by:
        return Check(standing=Standing.MISSED)
    return Check(standing=Standing.ARMED, next_by=next_by)


def period(heartbeat: Heartbeat) -> timedelta:
    """How long after a beat the next one must have come."""
    return heartbeat.every + heartbeat.grace


def sort_out(
    heartbeats: Sequence[Heartbeat], alerts: Sequence[Alert]
) -> tuple[Sequence[Alert], Signs]:
    """The alerts that are no beats, and what the others say. Of one message a failure weighs more
    than a beat of the same name.
    """
    asked = [one for one in heartbeats if one.matchers]
    if not asked:
        return alerts, Signs()
    rest: list[Alert] = []
    heard: dict[str, bool] = {}
    for alert in alerts:
        fits = [one.name for one in asked if one.matches(alert.labels)]
        for name in fits:
            heard[name] = heard.get(name, True) and alert.is_firing
        if not fits:
            rest.append(alert)
    return rest, Signs(
        beats=tuple(name for name, beats in heard.items() if beats),
        failures=tuple(name for name, beats in heard.items() if not beats),
    )


def missed_alert(heartbeat: Heartbeat, since: datetime, wall: datetime) -> Alert:
    """No beat has come since then (wall time)."""
    return _alert(
        heartbeat,
        AlertStatus.FIRING,
        f"Nothing was heard of {heartbeat.name} since {_minute(since)}",
        "Its beat is overdue. Does it run, and can it reach escalator?",
        wall,
    )


def failed_alert(heartbeat: Heartbeat, wall: datetime) -> Alert:
    """The alert that is its beat was resolved by its own sender (wall time)."""
    return _alert(
        heartbeat,
        AlertStatus.FIRING,
        f"{heartbeat.name} has stopped: its sender resolved it at {_minute(wall)}",
        "An alert that must always fire does so no more. Is the monitoring itself alive?",
        wall,
    )


def beating_alert(heartbeat: Heartbeat, wall: datetime) -> Alert:
    """It is heard again (wall time)."""
    return _alert(heartbeat, AlertStatus.RESOLVED, f"{heartbeat.name} is heard again", "", wall)


def gone_alert(name: str, wall: datetime) -> Alert:
    """Nobody waits for it any more: it left the config (wall time)."""
    nobody = Heartbeat(name=name, every=timedelta(0), grace=timedelta(0))
    return _alert(nobody, AlertStatus.RESOLVED, f"{name} is not in the config any more", "", wall)


def _waited_from(state: State, now: datetime, up_since: datetime) -> datetime:
    # A beat ahead of us was stamped by a process whose clock was: it tells nothing.
    if state.last_at is None or state.last_at > now:
        return up_since
    return max(state.last_at, up_since)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _alert(
    heartbeat: Heartbeat, status: AlertStatus, summary: str, description: str, wall: datetime
) -> Alert:
    """The one alert of a heartbeat: always the same receiver and key."""
    graded = {"severity": heartbeat.severity} if heartbeat.severity else {}
    return Alert(
        receiver=RECEIVER,
        key=heartbeat.name,
        status=status,
        group=heartbeat.name,
        labels={"alertname": "HeartbeatMissed", "heartbeat": heartbeat.name, **graded},
        annotations={"summary": summary, "description": description},
        starts_at=wall if status is AlertStatus.FIRING else None,
        ends_at=None if status is AlertStatus.FIRING else wall,
    )
