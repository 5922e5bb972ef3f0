"""Decide what happens to an incident: who is asked is here, what alerts do in `firing`, who is rung
in `steps`, what waits in `held`. Every change of phase is made in these four, and nowhere else.

The same rules, incident, event and time give the same outcome. A late or repeated event is normal:
a note, no change. What cannot be decided is decided for the phone.
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from escalator.escalation import held, steps
from escalator.escalation.calls import CallOutcome
from escalator.escalation.draft import Draft
from escalator.escalation.events import (
    Action,
    AlertCleared,
    AlertFired,
    Asked,
    Due,
    HoldFound,
    IncidentEvent,
    PageEnded,
    PagePassed,
    PagePlaced,
    Stuck,
    TextEnded,
    TextPassed,
    TextPlaced,
    WentStale,
)
from escalator.escalation.firing import resolve, summary_of, title_of, told
from escalator.escalation.incidents import Incident, Outcome, PageState, Phase
from escalator.escalation.rules import Rules
from escalator.escalation.texts import text
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
        case AlertFired() | AlertCleared() | WentStale():
            told(draft, event)
        case Due():
            _due(draft)
        case Asked():
            _ask(draft, event)
        case PagePlaced() | PageEnded() | PagePassed():
            _page(draft, event)
        case TextPlaced() | TextEnded() | TextPassed():
            text(draft, event)
        case HoldFound():
            held.hold_found(draft, event)
        case Stuck():
            draft.say("stuck", f"the auditor found that {event.what}; it is begun anew")
            steps.restart(draft)
        case _:
            assert_never(event)


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
    elif where.hold is not None:
        held.hold_back(draft, where.hold)
    else:
        steps.start(draft)
    return draft.outcome()


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
            steps.start_after_timeout(draft)
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
        resolve(draft, by or "operator", call, f"resolved by {name}")
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


def _page(draft: Draft, event: PagePlaced | PageEnded | PagePassed) -> None:
    match event:
        case PagePlaced():
            _placed(draft, event)
        case PageEnded():
            _ended(draft, event)
        case PagePassed():
            _passed(draft, event)


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
