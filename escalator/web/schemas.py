"""The shapes of the API's JSON, as JSON Schema: what the OpenAPI document refers to."""

from typing import Any

from escalator.calendars.links import SubjectKind
from escalator.escalation.calls import CallKind, CallOutcome, CallState
from escalator.escalation.heartbeats import Standing
from escalator.escalation.incidents import Phase
from escalator.escalation.messages import MessageState

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
_NUMBER: Schema = {"type": "integer"}
_MAYBE_NUMBER: Schema = {"type": ["integer", "null"]}
_TIME: Schema = {"type": "string", "format": "date-time"}
_MAYBE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}


def ref(name: str) -> Schema:
    """A reference to one of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**properties: Schema) -> Schema:
    """An object that always holds these; a body, which need not, is given a `required` of its own."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _one_of(words: Any) -> Schema:
    return {"enum": [word.value for word in words]}


_OVERRIDE = _object(
    **{
        "id": MAYBE_TEXT,
        "source": {"enum": ["live", "file"]},
        "schedule": TEXT,
        "person": TEXT,
        "from": _TIME,
        "to": _TIME,
        "reason": MAYBE_TEXT,
        "created_at": _MAYBE_TIME,
    }
)
_SILENCE = _object(
    **{
        "id": TEXT,
        "state": {"enum": ["active", "pending"]},
        "matchers": _list(TEXT),
        "from": _TIME,
        "to": _TIME,
        "comment": MAYBE_TEXT,
        "by": MAYBE_TEXT,
        "created_at": _MAYBE_TIME,
    }
)
_SUMMARY = {
    "id": TEXT,
    "phase": _one_of(Phase),
    "title": TEXT,
    "severity": MAYBE_TEXT,
    "code": TEXT,
    "held": MAYBE_TEXT,
    "policy": TEXT,
    "route": MAYBE_TEXT,
    "receiver": TEXT,
    "group_key": TEXT,
    "created_at": _TIME,
    "updated_at": _TIME,
    "acknowledged_at": _MAYBE_TIME,
    "acknowledged_by": MAYBE_TEXT,
    "resolved_at": _MAYBE_TIME,
    "resolved_by": MAYBE_TEXT,
    "stale_at": _MAYBE_TIME,
    "step": _NUMBER,
    "round": _NUMBER,
    "next": _maybe(_object(at=_TIME, what=TEXT)),
    "alert_counts": _object(firing=_NUMBER, resolved=_NUMBER),
}
TEXTS: Schema = {"type": "object", "additionalProperties": TEXT}
_PART = _object(**{"from": _TIME, "to": _TIME, "people": _list(TEXT)})
_PLACE = {"step": _MAYBE_NUMBER, "round": _MAYBE_NUMBER}

SCHEMAS: dict[str, Schema] = {
    "Error": _object(error=_object(code=TEXT, message=TEXT, path=MAYBE_TEXT)),
    "Document": {"type": "object"},
    "Reloaded": _object(reloaded={"const": True}),
    "Accepted": _object(
        accepted=_NUMBER,
        incidents=_list(_object(id=TEXT, new={"type": "boolean"}, phase=_one_of(Phase))),
    ),
    "Beat": _object(heartbeat=TEXT, next_by=_TIME),
    "HeartbeatList": _object(
        heartbeats=_list(
            _object(
                name=TEXT,
                state=_one_of(Standing),
                last_at=_MAYBE_TIME,
                next_by=_MAYBE_TIME,
                beats=_NUMBER,
            )
        )
    ),
    "IncidentSummary": _object(**_SUMMARY),
    "IncidentList": _object(incidents=_list(ref("IncidentSummary")), next=MAYBE_TEXT),
    "Incident": _object(
        **_SUMMARY,
        alerts=_list(ref("Alert")),
        calls=_list(ref("Call")),
        messages=_list(ref("Message")),
        timeline=_list(_object(at=_TIME, event=TEXT, by=MAYBE_TEXT, call=MAYBE_TEXT, text=TEXT)),
        timeline_cut=_NUMBER,
    ),
    "Alert": _object(
        key=TEXT,
        status={"enum": ["firing", "resolved"]},
        labels=TEXTS,
        annotations=TEXTS,
        starts_at=_MAYBE_TIME,
        ends_at=_MAYBE_TIME,
        url=MAYBE_TEXT,
        last_seen=_TIME,
    ),
    "Message": _object(
        id=TEXT,
        person=TEXT,
        to=TEXT,
        state=_one_of(MessageState),
        at=_TIME,
        error=_maybe(_object(code=_MAYBE_NUMBER, message=TEXT)),
    ),
    "Call": _object(
        **{
            "id": TEXT,
            "kind": _one_of(CallKind),
            "person": MAYBE_TEXT,
            "to": TEXT,
            "from": MAYBE_TEXT,
            "sid": MAYBE_TEXT,
            "state": _one_of(CallState),
            "outcome": {"enum": [*(outcome.value for outcome in CallOutcome), None]},
            "incidents": _list(TEXT),
            "created_at": _TIME,
            "answered_at": _MAYBE_TIME,
            "ended_at": _MAYBE_TIME,
            "duration": _MAYBE_NUMBER,
            "error": _maybe(_object(code=_MAYBE_NUMBER, message=MAYBE_TEXT)),
            "answer_request": _maybe(_object(at=_TIME, content_type=TEXT, body=TEXT)),
        }
    ),
    "OnCall": _object(
        at=_TIME,
        schedules={"type": "object", "additionalProperties": ref("Duty")},
    ),
    "Duty": _object(
        timezone=TEXT,
        people=_list(TEXT),
        until=_MAYBE_TIME,
        reason=TEXT,
        next=_maybe(_object(people=_list(TEXT), at=_TIME)),
        shifts=_list(_object(**_PART["properties"], reason=TEXT)),
        events=_maybe(_list(_object(**_PART["properties"], title=MAYBE_TEXT))),
    ),
    "Explanation": _object(
        at=_TIME,
        timezone=TEXT,
        title=TEXT,
        labels=TEXTS,
        heartbeats=_list(TEXT),
        route=MAYBE_TEXT,
        position=_MAYBE_NUMBER,
        routes=_NUMBER,
        missed=_list(_object(route=TEXT, why=TEXT)),
        policy=MAYBE_TEXT,
        steps=_NUMBER,
        rounds=_NUMBER,
        outside=_list(_object(policy=TEXT, until=_MAYBE_TIME)),
        held=_list(_object(why=TEXT, since=_TIME, until=_MAYBE_TIME)),
        rings=_list(ref("Ring")),
        messages=_list(_object(at=_TIME, person=TEXT, name=TEXT, **_PLACE, reason=TEXT)),
        notes=_list(_object(at=_TIME, **_PLACE, text=TEXT)),
        worst_case_calls=_NUMBER,
        is_cut={"type": "boolean"},
        fallback_at=_MAYBE_TIME,
        fallback_every=MAYBE_TEXT,
        warnings=_list(TEXT),
    ),
    "Ring": _object(
        at=_TIME,
        call=_NUMBER,
        person=TEXT,
        name=TEXT,
        to=TEXT,
        **_PLACE,
        attempt=_NUMBER,
        reason=TEXT,
    ),
    "NewExplanation": {
        **_object(
            labels=TEXTS,
            annotations={**TEXTS, "type": ["object", "null"]},
            at={
                "type": ["string", "null"],
                "description": "RFC 3339, or local, as 2026-12-24 23:30 Europe/Berlin; default now",
            },
        ),
        "required": ["labels"],
        "additionalProperties": False,
    },
    "OverrideList": _object(overrides=_list(_OVERRIDE)),
    "Override": {
        **_OVERRIDE,
        "properties": {**_OVERRIDE["properties"], "covers": _list(_OVERRIDE)},
    },
    "NewOverride": {
        **_object(
            **{
                "schedule": TEXT,
                "person": TEXT,
                "from": {
                    "type": "string",
                    "description": "RFC 3339, or local in its schedule's zone",
                },
                "to": {"type": "string", "description": "the same; a day alone is included"},
                "reason": MAYBE_TEXT,
                "by": MAYBE_TEXT,
            }
        ),
        "required": ["schedule", "person", "from", "to"],
        "additionalProperties": False,
    },
    "CalendarList": _object(
        calendars=_list(
            _object(
                kind=_one_of(SubjectKind),
                name=TEXT,
                title=TEXT,
                path=TEXT,
                url=TEXT,
            )
        )
    ),
    "SilenceList": _object(silences=_list(_SILENCE)),
    "Silence": {
        **_SILENCE,
        "properties": {**_SILENCE["properties"], "open_incidents": _list(TEXT)},
    },
    "NewSilence": {
        **_object(
            **{
                "matchers": _list(TEXT),
                "from": MAYBE_TEXT,
                "to": MAYBE_TEXT,
                "for": MAYBE_TEXT,
                "comment": MAYBE_TEXT,
                "by": MAYBE_TEXT,
            }
        ),
        "required": ["matchers"],
        "additionalProperties": False,
    },
    "NewCall": {
        **_object(
            to={"type": "string", "description": "E.164, as +491713920012, or a person's key"},
            say=TEXT,
            voice=MAYBE_TEXT,
            language=MAYBE_TEXT,
            loop={"type": ["integer", "null"], "minimum": 1, "maximum": 10},
        ),
        "required": ["to", "say"],
        "additionalProperties": False,
    },
    "Action": {
        **_object(
            **{
                "by": MAYBE_TEXT,
                "for": {"type": ["string", "null"], "description": "a snooze's span, as 1h"},
                "until": {**_MAYBE_TIME, "description": "a snooze's end, at most 30 days ahead"},
                "text": MAYBE_TEXT,
            },
        ),
        "required": [],
        "additionalProperties": False,
    },
}
