"""What the API's JSON looks like, made from values: times RFC 3339 in UTC, absent is null.

Fields may be added; none changes its meaning or goes.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from escalator.escalation.calls import Call
from escalator.escalation.foretell import what_next
from escalator.escalation.incidents import Incident
from escalator.escalation.message_codes import meaning_of
from escalator.escalation.messages import Message
from escalator.escalation.rules import Rules
from escalator.store.reading import AlertRecord, Timeline

Shape = dict[str, Any]


def time(at: datetime | None) -> str | None:
    """A time as every JSON of ours writes it, to the millisecond."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def incident_shape(rules: Rules, incident: Incident) -> Shape:
    """An incident by itself, as in a list."""
    coming = what_next(rules, incident)
    return {
        "id": incident.id,
        "phase": incident.phase.value,
        "title": incident.title,
        "severity": incident.severity or None,
        "code": incident.code,
        "held": incident.held or None,
        "policy": incident.policy,
        "route": incident.route or None,
        "receiver": incident.receiver,
        "group_key": incident.group_key,
        "created_at": time(incident.created_at),
        "updated_at": time(incident.updated_at),
        "acknowledged_at": time(incident.acknowledged_at),
        "acknowledged_by": incident.acknowledged_by,
        "resolved_at": time(incident.resolved_at),
        "resolved_by": incident.resolved_by,
        "stale_at": time(incident.stale_at),
        "step": incident.step,
        "round": incident.round,
        "next": None if coming is None else {"at": time(coming.at), "what": coming.what},
        "alert_counts": {"firing": incident.firing, "resolved": incident.resolved},
    }


def whole_incident_shape(
    rules: Rules,
    incident: Incident,
    alerts: Sequence[AlertRecord],
    calls: Sequence[Call],
    timeline: Timeline,
    *,
    messages: Sequence[Message] = (),
) -> Shape:
    """An incident with its alerts, its calls, its messages and what happened to it."""
    return {
        **incident_shape(rules, incident),
        "alerts": [alert_shape(alert) for alert in alerts],
        "calls": [call_shape(call) for call in calls],
        "messages": [message_shape(message) for message in messages],
        "timeline": [
            {
                "at": time(line.at),
                "event": line.event,
                "by": line.by,
                "call": line.call,
                "text": line.text,
            }
            for line in timeline.lines
        ],
        "timeline_cut": timeline.cut,
    }


def alert_shape(alert: AlertRecord) -> Shape:
    """An alert of an incident, as it was last seen."""
    return {
        "key": alert.key,
        "status": alert.status,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "starts_at": time(alert.starts_at),
        "ends_at": time(alert.ends_at),
        "url": alert.url or None,
        "last_seen": time(alert.last_seen),
    }


def call_shape(call: Call) -> Shape:
    """A call. Its callback URLs are in no answer."""
    request = call.answer_request
    has_error = call.error_code is not None or bool(call.error_message)
    return {
        "id": call.id,
        "kind": call.kind.value,
        "person": call.person or None,
        "to": call.to,
        "from": call.from_ or None,
        "sid": call.sid or None,
        "state": call.state.value,
        "outcome": None if call.outcome is None else call.outcome.value,
        "incidents": list(dict.fromkeys(page.incident_id for page in call.pages)),
        "created_at": time(call.created_at),
        "answered_at": time(call.answered_at),
        "ended_at": time(call.ended_at),
        "duration": call.duration,
        "error": {"code": call.error_code, "message": call.error_message or None}
        if has_error
        else None,
        "answer_request": None
        if request is None
        else {
            "at": time(request.at),
            "content_type": request.content_type,
            "body": request.body,
        },
    }


def message_shape(message: Message) -> Shape:
    """A message. Its text is not shown: it says what the incident says."""
    has_error = message.error_code is not None or bool(message.error_message)
    words = meaning_of(message.error_code, message.error_message)
    return {
        "id": message.id,
        "person": message.person,
        "to": message.to,
        "state": message.state.value,
        "at": time(message.posted_at or message.created_at),
        "error": {"code": message.error_code, "message": words} if has_error else None,
    }
