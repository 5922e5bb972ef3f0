"""Decide what happens to an incident. Every change of phase is made here and in `steps`, and
nowhere else.

The same rules, incident, event and time give the same outcome. A late or repeated event is normal:
a note, no change. What cannot be decided is decided for the phone.
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from escalator.escalation import steps
from escalator.escalation.alerts import Alert, AlertStatus
from escalator.escalation.calls import CallOutcome
from escalator.escalation.draft import Draft
from escalator.escalation.events import (
    Action,
    AlertCleared,
    AlertFired,
    Asked,
    Due,
    IncidentEvent,
    PageEnded,
    PagePassed,
    PagePlaced,
    Stuck,
)
from escalator.escalation.incidents import Incident, Outcome, PageState, Phase
from escalator.escalation.rules import OnNewAlerts, Rules
from escalator.escalation.wrong_clock import mend_incident


def decide(rules: Rules, incident: Incident | None, event: IncidentEvent, now: datetime) -> Outcome:
    """Decide one event. Without an incident (None) only a firing alert counts: it opens one."""
    if incident is None:
        if isinstance(event, AlertFired):
            return _open(rules, event, now)
        return Outcome(incident=None)
    draft = Draft(rules, incident, now)
    _apply(draft, event)
    return draft.outcome()


def _apply(draft: Draft, event: IncidentEvent) -> None:
    match event:
        case AlertFired():
            _fire(draft, event)
        case AlertCleared():
            _clear(draft, event)
        case Due():
            _due(draft)
        case Asked():
            _ask(draft, event)
        case PagePlaced():
            _placed(draft, event)
        case PageEnded():
            _ended(draft, event)
        case PagePassed():
            _passed(draft, event)
        case Stuck():
            draft.say("stuck", f"the auditor found that {event.what}; it is begun anew")
            steps.restart(draft)
        case _:
            assert_never(event)


def title_of(alert: Alert) -> str:
    """What an alert is called: its alertname, else its summary, else its key."""
    return alert.labels.get("alertname") or summary_of(alert) or alert.key


def summary_of(alert: Alert) -> str:
    """What an alert says: the first of the usual annotations."""
    for name in ("summary", "title", "description", "message"):
        if text := alert.annotations.get(name):
            return text
    return ""


def _open(rules: Rules, event: AlertFired, now: datetime) -> Outcome:
    alert, where = event.alert, event.place
    incident = Incident(
        id=event.fresh_id,
        receiver=alert.receiver,
        policy=where.policy,
        route=where.route,
        group_key=where.group_key,
        title=title_of(alert),
        summary=summary_of(alert),
        severity=where.severity,
        created_at=now,
        updated_at=now,
        firing=1,
    )
    draft = Draft(rules, incident, now, is_new=True)
    route = f"route {where.route}" if where.route else "no route matched"
    draft.say("triggered", f"{title_of(alert)} fires; {route}, policy {where.policy}")
    if where.at_fallback:
        draft.incident = replace(incident, baseline=incident.severity)
        steps.ring_fallback(draft, "escalator itself is in trouble")
    else:
        steps.start(draft)
    return draft.outcome()


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
    if draft.rules.worse(severity, incident.severity):
        draft.incident = replace(draft.incident, severity=severity)
    if incident.phase is Phase.RESOLVED:
        _reopen(draft, event.alert)
    elif known is None:
        draft.say("alert_fired", f"{title_of(event.alert)} fires as well")
    elif not was_firing:
        draft.say("alert_fired", f"{title_of(event.alert)} fires again")
    if _wakes(draft, severity, is_new=known is None):
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


def _reopen(draft: Draft, alert: Alert) -> None:
    """Firing again within the flap window: go on where it left off."""
    incident = replace(draft.incident, resolved_at=None, resolved_by=None)
    draft.incident = incident
    draft.say("reopened", f"{title_of(alert)} fires again within the flap window")
    if incident.before is Phase.ACKNOWLEDGED:
        draft.enter(Phase.ACKNOWLEDGED, draft.policy.ack_timeout)
    elif (
        incident.before is Phase.SNOOZED
        and incident.until is not None
        and incident.until > draft.now
    ):
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
        _resolve(draft, None, None, "nothing fires any more")


def _resolve(draft: Draft, by: str | None, call: str | None, text: str) -> None:
    draft.incident = replace(
        draft.incident, before=draft.incident.phase, resolved_at=draft.now, resolved_by=by
    )
    draft.enter(Phase.RESOLVED, draft.incident.until)
    draft.close_pages()
    draft.say("resolved", text, by=by, call=call)


def _due(draft: Draft) -> None:
    now = draft.now
    incident = draft.incident = mend_incident(draft.incident, now)
    is_over = incident.until is not None and now >= incident.until
    match incident.phase:
        case Phase.TRIGGERED:
            steps.advance(draft) if is_over or incident.until is None else steps.retry_due(draft)
        case Phase.EXHAUSTED:
            steps.ring_fallback(draft) if is_over or incident.until is None else steps.retry_due(
                draft
            )
        case Phase.ACKNOWLEDGED if is_over:
            draft.say("ack_timeout", "acknowledged, but not resolved in time")
            steps.start(draft)
        case Phase.SNOOZED if is_over:
            draft.say("snooze_over", "the snooze is over and it still fires")
            steps.start(draft)
        case _:
            pass


def _ask(draft: Draft, event: Asked) -> None:
    by, call, name = event.by, event.call_id, draft.person_name(event.by)
    incident = draft.incident
    if event.action is Action.NOTE:
        draft.say("note", event.text, by=by, call=call)
    elif event.action is Action.ALSO:
        if incident.phase is Phase.ACKNOWLEDGED and incident.acknowledged_by != by:
            draft.say("also_acknowledged", f"{name} pressed acknowledge too", by=by, call=call)
    elif not incident.is_open:
        draft.say(
            "late", f"{name} asked to {event.action} it; it is resolved already", by=by, call=call
        )
    elif event.action is Action.ACKNOWLEDGE:
        _acknowledge(draft, event)
    elif event.action is Action.RESOLVE:
        _resolve(draft, by or "operator", call, f"resolved by {name}")
    elif event.action is Action.SNOOZE:
        _snooze(draft, event)
    else:
        _escalate(draft, event)


def _acknowledge(draft: Draft, event: Asked) -> None:
    name = draft.person_name(event.by)
    if draft.incident.phase is Phase.ACKNOWLEDGED:
        if draft.incident.acknowledged_by != event.by:
            draft.say(
                "also_acknowledged", f"{name} acknowledged too", by=event.by, call=event.call_id
            )
        return
    draft.incident = replace(
        draft.incident,
        acknowledged_at=draft.now,
        acknowledged_by=event.by,
        baseline=draft.incident.severity,
    )
    draft.enter(Phase.ACKNOWLEDGED, draft.policy.ack_timeout)
    draft.close_pages()
    text = f"acknowledged by {name}" + (f": {event.text}" if event.text else "")
    draft.say("acknowledged", text, by=event.by, call=event.call_id)


def _snooze(draft: Draft, event: Asked) -> None:
    until = event.until if event.until is not None else draft.now + draft.policy.snooze
    draft.incident = replace(draft.incident, baseline=draft.incident.severity)
    draft.enter(Phase.SNOOZED, until)
    draft.close_pages()
    text = f"snoozed by {draft.person_name(event.by)} until {until:%Y-%m-%d %H:%M} UTC"
    draft.say("snoozed", text, by=event.by, call=event.call_id)


def _escalate(draft: Draft, event: Asked) -> None:
    name = draft.person_name(event.by)
    if draft.incident.phase is Phase.EXHAUSTED:
        draft.say(
            "late",
            f"{name} passed it on; the fallback is being rung already",
            by=event.by,
            call=event.call_id,
        )
        return
    draft.say("passed_on", f"passed on by {name}", by=event.by, call=event.call_id)
    steps.advance(draft)


def _placed(draft: Draft, event: PagePlaced) -> None:
    page = draft.incident.page_of(event.person)
    assert page is not None, "only a page that there is can be placed"
    assert page.state is PageState.DUE, "only a due page is placed"
    now = draft.now
    draft.put_page(
        replace(page, state=PageState.CALLING, call_id=event.call_id, placed_at=now, next_at=None)
    )
    draft.incident = replace(draft.incident, last_placed_at=now)
    name = draft.person_name(event.person)
    what = f"{name} is in a call and will be told there" if event.joined else f"ringing {name}"
    draft.say("call_joined" if event.joined else "call_placed", what, by=None, call=event.call_id)


def _ended(draft: Draft, event: PageEnded) -> None:
    page = draft.incident.page_of(event.person)
    if page is None or page.call_id != event.call_id:
        return
    name, detail = draft.person_name(event.person), f" ({event.detail})" if event.detail else ""
    draft.say("call_ended", f"{name}: {event.outcome}{detail}", call=event.call_id)
    steps.page_ended(
        draft,
        page,
        spent=event.spent,
        busy=event.outcome is CallOutcome.BUSY,
        refused=event.outcome is CallOutcome.REFUSED,
    )


def _passed(draft: Draft, event: PagePassed) -> None:
    page = draft.incident.page_of(event.person)
    if page is None or page.state is not PageState.DUE:
        return
    draft.say("passed_over", f"{draft.person_name(event.person)} is passed over: {event.reason}")
    steps.pass_over(draft, page)
