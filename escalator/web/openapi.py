"""The API described for programs: OpenAPI 3.1, made from the table of routes and the shapes below."""

import re

from escalator.web.answers import CODES
from escalator.web.routes import ROUTES, Door, Route
from escalator.web.schemas import SCHEMAS, TEXT, Schema, ref

_FORM: Schema = {"type": "object", "additionalProperties": TEXT}
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
        "security": []
        if route.door in (Door.ANYBODY, Door.LINK)
        else [{"token": []}, {"user": []}, {}],
        "responses": {str(code): _response(route, code) for code in sorted(route.codes)},
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": TEXT}
        for name in _PARAMETER.findall(route.path)
    ]
    parameters += [
        {"name": name, "in": "query", "description": text, "schema": TEXT}
        for name, text in route.query.items()
    ]
    if route.name == "place_call":
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": TEXT})
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
            "required": route.takes.startswith("New"),
            "content": {"application/json": {"schema": ref(route.takes)}},
        }
    return operation


def _response(route: Route, code: int) -> Schema:
    if code in route.answers:
        schema = route.answers[code]
        response: Schema = {"description": "done"}
        if schema:
            response["content"] = {"application/json": {"schema": ref(schema)}}
        return response
    response = {
        "description": CODES[code],
        "content": {"application/json": {"schema": ref("Error")}},
    }
    if route.is_page:
        response["content"]["text/html"] = {}
    if code == 503:
        response["headers"] = {"Retry-After": {"schema": TEXT}}
    return response
