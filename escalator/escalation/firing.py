"""What an alert does to the incident it belongs to: it fires, fires again, is resolved, or is not heard of any more."""

from dataclasses import replace

from escalator.escalation import held, steps
from escalator.escalation.alerts import Alert, AlertStatus
from escalator.escalation.draft import Draft
from escalator.escalation.events import AlertCleared, AlertFired, WentStale
from escalator.escalation.incidents import Phase
from escalator.escalation.reaching import texts_of
from escalator.escalation.rules import OnNewAlerts


def title_of(alert: Alert) -> str:
    """What an alert is called: its alertname, else its summary, else its key."""
    return alert.labels.get("alertname") or summary_of(alert) or alert.key


def summary_of(alert: Alert) -> str:
    """What an alert says: the first of the usual annotations."""
    for name in ("summary", "title", "description", "message"):
        if text := alert.annotations.get(name):
            return text
    return ""


def told(draft: Draft, event: AlertFired | AlertCleared | WentStale) -> None:
    """Apply what a sender has said of one alert, or that it says nothing any more."""
    match event:
        case AlertFired():
            _fire(draft, event)
        case AlertCleared():
            _clear(draft, event)
        case WentStale():
            _went_stale(draft, event)


def _fire(draft: Draft, event: AlertFired) -> None:
    incident, severity = draft.incident, event.place.severity
    known = event.known
    was_firing = known is not None and known.status is AlertStatus.FIRING and incident.is_open
    if not was_firing:
        draft.incident = replace(
            incident,
            firing=incident.firing + 1,
            resolved=incident.resolved - (1 if known is not None and incident.resolved else 0),
        )
    is_held = event.place.hold is not None
    if draft.rules.worse(severity, incident.severity) and not is_held:
        draft.incident = replace(draft.incident, severity=severity)
    if incident.stale_at is not None:
        draft.incident = replace(draft.incident, stale_at=None)
        draft.say("heard_again", "its sender speaks of it again")
    if incident.phase is Phase.RESOLVED:
        _reopen(draft, event)
    elif known is None:
        draft.say("alert_fired", f"{title_of(event.alert)} fires as well")
    elif not was_firing:
        draft.say("alert_fired", f"{title_of(event.alert)} fires again")
    if incident.held and incident.is_open:
        held.alert_came(draft, event)
    elif not is_held and _wakes(draft, severity, is_new=known is None):
        draft.say("woken", f"{title_of(event.alert)} ({severity or 'no severity'}) starts it anew")
        steps.start(draft)


def _wakes(draft: Draft, severity: str, *, is_new: bool) -> bool:
    incident = draft.incident
    if incident.phase not in (Phase.ACKNOWLEDGED, Phase.SNOOZED, Phase.EXHAUSTED):
        return False
    match draft.policy.on_new_alerts:
        case OnNewAlerts.NOTE:
            return False
        case OnNewAlerts.PAGE:
            return is_new
        case OnNewAlerts.WORSE:
            return draft.rules.worse(severity, incident.baseline)


def _reopen(draft: Draft, event: AlertFired) -> None:
    """Firing again within the flap window: go on where it left off."""
    incident = replace(draft.incident, resolved_at=None, resolved_by=None)
    draft.incident = incident
    draft.say("reopened", f"{title_of(event.alert)} fires again within the flap window")
    was_snoozed = incident.before is Phase.SNOOZED and not incident.held
    if incident.before is Phase.ACKNOWLEDGED:
        draft.enter(Phase.ACKNOWLEDGED, draft.policy.ack_timeout)
    elif event.place.hold is not None:
        held.hold_back(draft, event.place.hold)
    elif was_snoozed and incident.until is not None and incident.until > draft.now:
        draft.enter(Phase.SNOOZED, incident.until)
    elif incident.before is Phase.SNOOZED or incident.policy not in draft.rules.policies:
        steps.start(draft)
    elif incident.before is Phase.EXHAUSTED:
        last = incident.last_placed_at or draft.now
        draft.enter(Phase.EXHAUSTED, max(draft.now, last + draft.policy.fallback_every))
    else:
        steps.resume(draft)


def _clear(draft: Draft, event: AlertCleared) -> None:
    incident = draft.incident
    if not incident.is_open:
        return
    if event.was_firing:
        left = "now falls under another policy" if event.moved else "is resolved"
        draft.incident = replace(
            incident,
            firing=max(0, incident.firing - 1),
            resolved=incident.resolved + (not event.moved),
        )
        draft.say("alert_resolved", f"{title_of(event.alert)} {left}")
    if draft.incident.firing:
        return
    if event.alert.left_out and not event.moved:
        # What was not listed may fire on; a group is never closed by what its sender kept back.
        text = f"nothing listed fires any more, but {event.alert.left_out} alerts were left out"
        draft.say("left_out", f"{text} of the message (max_alerts): it stays open")
    else:
        resolve(draft, None, None, "nothing fires any more")


def resolve(draft: Draft, by: str | None, call: str | None, text: str) -> None:
    """The incident is over, for whatever reason `text` says."""
    before = draft.incident
    draft.enter(Phase.RESOLVED, before.until)
    draft.incident = replace(
        draft.incident, before=before.phase, held=before.held, resolved_at=draft.now, resolved_by=by
    )
    draft.close_pages()
    draft.say("resolved", text, by=by, call=call)


def _went_stale(draft: Draft, event: WentStale) -> None:
    """Its sender has fallen silent. Nothing is closed for that; whoever has it is asked."""
    incident = draft.incident
    if not incident.is_open or incident.stale_at is not None:
        return
    draft.incident = replace(incident, stale_at=draft.now)
    draft.say(
        "stale", f"its sender has said nothing of it since {event.last_seen:%Y-%m-%d %H:%M} UTC"
    )
    by = incident.acknowledged_by or ""
    if incident.phase is Phase.ACKNOWLEDGED and by in draft.rules.people:
        draft.set_texts((*incident.texts, *texts_of(draft.rules, (by,), draft.now, at_once=True)))
