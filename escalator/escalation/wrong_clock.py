"""What a clock that was years ahead has left behind is made due now.

Nothing here is ever planned for more than 30 days ahead, so a time further off was written by a
clock that was wrong, and nobody may wait for it.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from escalator.escalation.calls import Call
from escalator.escalation.incidents import Incident

ABSURD = timedelta(days=31)


def is_absurd(at: datetime | None, now: datetime) -> bool:
    """Whether this time is further ahead than anything that we plan."""
    return at is not None and at > now + ABSURD


def mend_incident(incident: Incident, now: datetime) -> Incident:
    """The incident with its timers mended."""
    return replace(
        incident,
        until=_mended(incident.until, now),
        pages=tuple(
            replace(page, next_at=_mended(page.next_at, now)) if page.next_at else page
            for page in incident.pages
        ),
        texts=tuple(
            replace(text, due_at=now) if is_absurd(text.due_at, now) else text
            for text in incident.texts
        ),
    )


def mend_call(call: Call, now: datetime) -> Call:
    """The call with its timers mended, and the times that its next ones are counted from."""
    return replace(
        call,
        timer_at=_mended(call.timer_at, now),
        posted_at=_mended(call.posted_at, now),
        unclear_at=_mended(call.unclear_at, now),
        heard_at=_mended(call.heard_at, now),
        endings=tuple(
            replace(ending, due_at=now) if is_absurd(ending.due_at, now) else ending
            for ending in call.endings
        ),
    )


def _mended(at: datetime | None, now: datetime) -> datetime | None:
    return now if is_absurd(at, now) else at
