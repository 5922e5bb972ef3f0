"""What is added to the config while the daemon runs: overrides, silences, the events of calendars."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from escalator.escalation.rules import Rules
from escalator.escalation.schedules import CalendarEvent, Override, Schedule
from escalator.escalation.silences import Silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Overrides in the order of their making, silences, and each calendar's last good events."""

    overrides: tuple[Override, ...] = ()
    silences: tuple[Silence, ...] = ()
    calendars: Mapping[str, tuple[CalendarEvent, ...]] = field(default_factory=dict)


def with_live(rules: Rules, live: Live) -> Rules:
    """The config's rules with all of that. What names a schedule or a person that the config does
    not have (any more) is left out.
    """
    schedules = {name: _with(rules, one, live) for name, one in rules.schedules.items()}
    return replace(rules, schedules=schedules, silences=live.silences)


def _with(rules: Rules, schedule: Schedule, live: Live) -> Schedule:
    added = tuple(
        one
        for one in live.overrides
        if one.schedule == schedule.name and one.person in rules.people
    )
    events = schedule.events
    if events is not None:
        events = live.calendars.get(schedule.name, events)
    return replace(schedule, overrides=(*schedule.overrides, *added), events=events)
