"""The box of who is on call: by schedule who, until when, why, and who is next; and how many silences hold.

A look at who it is costs little and tells open boards of a handoff. The rest is worked out once for all boards, and
stays good until somebody else is on call or the rules change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from escalator.engine import Engine
from escalator.escalation.oncall import FARTHEST, handoff, on_call, on_call_now
from escalator.escalation.rules import Rules
from escalator.escalation.schedules import Schedule
from escalator.foresight.wording import listed
from escalator.web.board.rows import name_of
from escalator.web.board.viewer import Viewer

NAMED_MAX = 4  # so many schedules are named before the box is opened, and all with nobody
_LOOK_EVERY = timedelta(seconds=1)

Mark = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDuty:
    """A schedule now. `people` is "" for nobody; `until` when others are on call, None: not within 400 days.

    `next` are those others, "" for nobody. Moments are wall time.
    """

    schedule: str
    people: str
    until: datetime | None
    next: str
    reason: str


class OnCall:
    """Who is on call now."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._looked: tuple[Rules, datetime, Mark] | None = None
        self._duties: dict[str, tuple[Rules, Mark, datetime, tuple[OnDuty, ...]]] = {}

    def mark(self) -> Mark:
        """What changes with a handoff, and with each silence that begins or ends; looked at once a second at most."""
        rules, wall = self._engine.rules, self._engine.clock.wall()
        if self._looked is not None:
            known, at, mark = self._looked
            if known is rules and timedelta(0) <= wall - at < _LOOK_EVERY:
                return mark
        people = [on_call_now(one, rules.people, wall) for one in rules.schedules.values()]
        mark = (*people, tuple(one.id for one in rules.silences if one.start <= wall < one.end))
        self._looked = (rules, wall, mark)
        return mark

    def duties(self, viewer: Viewer) -> tuple[OnDuty, ...]:
        """All schedules, those first with nobody on call. May take a while: reasons say times in the viewer's zone."""
        rules, mark, wall = self._engine.rules, self.mark(), self._engine.clock.wall()
        known = self._duties.get(viewer.zone_name)
        if known is not None and known[0] is rules and known[1] == mark and wall < known[2]:
            return known[3]
        found = [_duty(rules, one, wall, viewer) for one in rules.schedules.values()]
        good_until = min((end for _, end in found), default=wall + FARTHEST)
        duties = tuple(sorted((duty for duty, _ in found), key=lambda one: one.people != ""))
        self._duties[viewer.zone_name] = (rules, mark, good_until, duties)
        return duties

    def shown(self, viewer: Viewer) -> Mapping[str, object]:
        """What the template needs."""
        duties = self.duties(viewer)
        gaps = sum(not one.people for one in duties)
        return {
            "duties": duties,
            "named": max(NAMED_MAX, gaps),
            "silences": len(self.mark()[-1]),
            "wall": self._engine.clock.wall(),
        }


def _duty(
    rules: Rules, schedule: Schedule, wall: datetime, viewer: Viewer
) -> tuple[OnDuty, datetime]:
    """A schedule, and until when this may be said of it."""
    shift = on_call(schedule, rules.people, wall)
    following = handoff(schedule, rules.people, wall)
    names = tuple(name_of(rules, one) for one in shift.people)
    later = following.people if following is not None else ()
    is_unread = schedule.events == () and not names
    duty = OnDuty(
        schedule=schedule.name,
        people=listed(names) if names else "",
        until=None if following is None else following.start,
        next=listed(name_of(rules, one) for one in later) if later else "",
        reason="no event of this calendar is known here"
        if is_unread
        else shift.reason.text(rules.people, viewer.zone),
    )
    return duty, shift.end
