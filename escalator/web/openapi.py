"""The API described for programs: OpenAPI 3.1, made from the table of routes and the shapes below."""

import re
from typing import Any

from escalator.escalation.calls import CallKind, CallOutcome, CallState
from escalator.escalation.incidents import Phase
from escalator.web.answers import CODES
from escalator.web.routes import ROUTES, Door, Route

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}
_NUMBER: Schema = {"type": "integer"}
_MAYBE_NUMBER: Schema = {"type": ["integer", "null"]}
_TIME: Schema = {"type": "string", "format": "date-time"}
_MAYBE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
_FORM: Schema = {"type": "object", "additionalProperties": _TEXT}
_PARAMETER = re.compile(r"{(\w+)}")


def document() -> Schema:
    """The whole document, ready for `json.dumps`."""
    paths: Schema = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "escalator",
            "version": "1",
            "description": (
                "Errors have one shape. A method that a path does not take is answered 405 with Allow, an unknown path "
                "404; HEAD goes where GET does. 503 carries Retry-After."
            ),
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "user": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _operation(route: Route) -> Schema:
    operation: Schema = {
        "operationId": route.operation,
        "summary": route.summary,
        "security": [] if route.door is Door.ANYBODY else [{"token": []}, {"user": []}, {}],
        "responses": {str(code): _response(route, code) for code in sorted(route.codes)},
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _TEXT}
        for name in _PARAMETER.findall(route.path)
    ]
    parameters += [
        {"name": name, "in": "query", "description": text, "schema": _TEXT}
        for name, text in route.query.items()
    ]
    if route.name == "place_call":
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": _TEXT})
    if parameters:
        operation["parameters"] = parameters
    if route.takes == "payload":
        operation["requestBody"] = {"required": True, "content": {"*/*": {}}}
    elif route.takes == "form":
        operation["requestBody"] = {
            "required": False,
            "content": {"application/x-www-form-urlencoded": {"schema": _FORM}},
        }
    elif route.takes:
        operation["requestBody"] = {
            "required": route.takes == "NewCall",
            "content": {"application/json": {"schema": _ref(route.takes)}},
        }
    return operation


def _response(route: Route, code: int) -> Schema:
    if code in route.answers:
        schema = route.answers[code]
        response: Schema = {"description": "done"}
        if schema:
            response["content"] = {"application/json": {"schema": _ref(schema)}}
        return response
    response = {
        "description": CODES[code],
        "content": {"application/json": {"schema": _ref("Error")}},
    }
    if route.is_page:
        response["content"]["text/html"] = {}
    if code == 503:
        response["headers"] = {"Retry-After": {"schema": _TEXT}}
    return response


def _ref(name: str) -> Schema:
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


_SUMMARY = {
    "id": _TEXT,
    "phase": _one_of(Phase),
    "title": _TEXT,
    "severity": _MAYBE_TEXT,
    "policy": _TEXT,
    "route": _MAYBE_TEXT,
    "receiver": _TEXT,
    "group_key": _TEXT,
    "created_at": _TIME,
    "updated_at": _TIME,
    "acknowledged_at": _MAYBE_TIME,
    "acknowledged_by": _MAYBE_TEXT,
    "resolved_at": _MAYBE_TIME,
    "resolved_by": _MAYBE_TEXT,
    "step": _NUMBER,
    "round": _NUMBER,
    "next": _maybe(_object(at=_TIME, what=_TEXT)),
    "alert_counts": _object(firing=_NUMBER, resolved=_NUMBER),
}
_TEXTS: Schema = {"type": "object", "additionalProperties": _TEXT}

SCHEMAS: dict[str, Schema] = {
    "Error": _object(error=_object(code=_TEXT, message=_TEXT, path=_MAYBE_TEXT)),
    "Document": {"type": "object"},
    "Reloaded": _object(reloaded={"const": True}),
    "Accepted": _object(
        accepted=_NUMBER,
        incidents=_list(_object(id=_TEXT, new={"type": "boolean"}, phase=_one_of(Phase))),
    ),
    "IncidentSummary": _object(**_SUMMARY),
    "IncidentList": _object(incidents=_list(_ref("IncidentSummary")), next=_MAYBE_TEXT),
    "Incident": _object(
        **_SUMMARY,
        alerts=_list(_ref("Alert")),
        calls=_list(_ref("Call")),
        timeline=_list(
            _object(at=_TIME, event=_TEXT, by=_MAYBE_TEXT, call=_MAYBE_TEXT, text=_TEXT)
        ),
        timeline_cut=_NUMBER,
    ),
    "Alert": _object(
        key=_TEXT,
        status={"enum": ["firing", "resolved"]},
        labels=_TEXTS,
        annotations=_TEXTS,
        starts_at=_MAYBE_TIME,
        ends_at=_MAYBE_TIME,
        url=_MAYBE_TEXT,
        last_seen=_TIME,
    ),
    "Call": _object(
        **{
            "id": _TEXT,
            "kind": _one_of(CallKind),
            "person": _MAYBE_TEXT,
            "to": _TEXT,
            "from": _MAYBE_TEXT,
            "sid": _MAYBE_TEXT,
            "state": _one_of(CallState),
            "outcome": {"enum": [*(outcome.value for outcome in CallOutcome), None]},
            "incidents": _list(_TEXT),
            "created_at": _TIME,
            "answered_at": _MAYBE_TIME,
            "ended_at": _MAYBE_TIME,
            "duration": _MAYBE_NUMBER,
            "error": _maybe(_object(code=_MAYBE_NUMBER, message=_MAYBE_TEXT)),
            "answer_request": _maybe(_object(at=_TIME, content_type=_TEXT, body=_TEXT)),
        }
    ),
    "NewCall": {
        **_object(
            to={"type": "string", "description": "E.164, as +491713920012, or a person's key"},
            say=_TEXT,
            voice=_MAYBE_TEXT,
            language=_MAYBE_TEXT,
            loop={"type": ["integer", "null"], "minimum": 1, "maximum": 10},
        ),
        "required": ["to", "say"],
        "additionalProperties": False,
    },
    "Action": {
        **_object(
            **{
                "by": _MAYBE_TEXT,
                "for": {"type": ["string", "null"], "description": "a snooze's span, as 1h"},
                "until": {**_MAYBE_TIME, "description": "a snooze's end, at most 30 days ahead"},
                "text": _MAYBE_TEXT,
            },
        ),
        "required": [],
        "additionalProperties": False,
    },
}
