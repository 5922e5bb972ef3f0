"""An incident for which nobody is rung yet: a silence, its route's intervals or its policy's hours
hold all that fires in it. It is snoozed, with the reason, until something is held by nothing.
"""

from dataclasses import replace
from datetime import timedelta

from escalator.escalation import steps
from escalator.escalation.draft import Draft
from escalator.escalation.events import AlertFired, HoldFound
from escalator.escalation.holding import Hold
from escalator.escalation.incidents import Phase

# Nothing is planned for longer ahead than a clock that is years wrong could be told from.
HOLD_ASKED_EVERY = timedelta(days=30)


def hold_back(draft: Draft, hold: Hold) -> None:
    """Nobody is rung yet: snoozed until nothing holds it any more, and asked about then."""
    latest = draft.now + HOLD_ASKED_EVERY
    until = latest if hold.until is None else min(hold.until, latest)
    is_new = draft.incident.held != hold.why
    draft.enter(Phase.SNOOZED, until)
    draft.incident = replace(draft.incident, held=hold.why, baseline=draft.incident.severity)
    draft.close_pages()
    if is_new:
        end = "" if hold.until is None else f" until {hold.until:%Y-%m-%d %H:%M} UTC"
        draft.say("held", f"nobody is rung{end}: {hold.why}")


def hold_found(draft: Draft, event: HoldFound) -> None:
    """A held incident was asked about; anything that nothing holds starts its policy at once."""
    if not draft.incident.held or not draft.incident.is_open:
        return
    if event.hold is not None:
        hold_back(draft, event.hold)
        return
    draft.say("hold_over", f"no longer held ({draft.incident.held}) and it still fires")
    steps.start(draft)


def alert_came(draft: Draft, event: AlertFired) -> None:
    """An alert has come to a held incident: one that nothing holds starts it, and of two holds the one that ends
    first counts.
    """
    hold, until = event.place.hold, draft.incident.until
    if hold is not None and not (hold.until and until and hold.until < until):
        return
    hold_found(draft, HoldFound(incident_id=draft.incident.id, hold=hold))
