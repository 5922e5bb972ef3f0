"""The table of routes is the listener, and the document says all that the table does."""

import re

from escalator.escalation.calls import CallKind
from escalator.web.openapi import SCHEMAS, document
from escalator.web.routes import ROUTES, Door

REFERENCE = re.compile(r"#/components/schemas/(\w+)")


def test_every_route_is_in_the_document_with_every_status():
    paths = document()["paths"]

    for route in ROUTES:
        operation = paths[route.path][route.method.lower()]
        assert {int(code) for code in operation["responses"]} == route.codes
        assert operation["summary"] == route.summary
    assert sum(len(methods) for methods in paths.values()) == len(ROUTES)


def test_every_documented_code_is_somewhere():
    codes = set().union(*(route.codes for route in ROUTES))

    assert codes >= {200, 202, 400, 401, 403, 404, 409, 413, 415, 503}


def test_operations_have_names_of_their_own():
    names = [route.operation for route in ROUTES]

    assert len(set(names)) == len(names)


def test_nothing_refers_to_a_schema_that_is_not_there():
    referred = set(REFERENCE.findall(str(document())))

    assert referred == set(SCHEMAS)


def test_parameters_of_a_path_are_described():
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            described = {
                one["name"] for one in operation.get("parameters", []) if one["in"] == "path"
            }
            assert described == set(re.findall(r"{(\w+)}", path))


async def test_the_router_holds_the_table_and_nothing_else(listener):
    application = listener.runner.app

    routed = {
        (route.method, route.resource.canonical)
        for route in application.router.routes()
        if route.method != "HEAD"
    }
    wanted = {(route.method, route.path) for route in ROUTES}
    slashed = {(route.method, f"{route.path}/") for route in ROUTES if route.door is Door.SENDER}

    assert routed == wanted | slashed


async def test_every_door_but_those_of_probes_and_senders_asks_who_it_is(listen):
    listener = await listen("web: { tokens: { ops: { env: OPS } } }")

    for route in ROUTES:
        path = route.path.replace("{id}", "0" * 26).replace("{receiver}", "nobody")
        path = path.replace("{token}", "nobodys")
        answer = await listener.ask(route.method, path)
        expected = {Door.PEOPLE: 401, Door.SENDER: 404, Door.ANYBODY: 200, Door.LINK: 404}[
            route.door
        ]
        assert (path, answer.status) == (path, expected)


async def test_answers_fit_their_schemas(listener):
    incident = await listener.fire()
    call = await listener.post("/api/v1/calls", {"to": "ana", "say": "hello"})
    shown = await listener.get(f"/api/v1/incidents/{incident}")
    listed = await listener.get("/api/v1/incidents")
    missing = await listener.get("/api/v1/calls/1")

    for name, value in (
        ("Call", call.json),
        ("Incident", shown.json),
        ("IncidentList", listed.json),
        ("Error", missing.json),
    ):
        assert misfits(SCHEMAS[name], value) == []


def test_a_misfit_is_found():
    """The check of the test above can fail."""
    assert misfits(SCHEMAS["Error"], {"error": {"code": 1, "path": None}}) == [
        ".error.message is missing",
        ".error.code is no ['string']",
    ]
    assert misfits({"enum": [one.value for one in CallKind]}, "prank") == [" is none of the enum"]


TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def misfits(schema: dict, value: object, at: str = "") -> list[str]:
    """What of a value is not as this subset of JSON Schema says."""
    if "$ref" in schema:
        return misfits(SCHEMAS[REFERENCE.search(schema["$ref"])[1]], value, at)
    if "anyOf" in schema:
        tries = [misfits(one, value, at) for one in schema["anyOf"]]
        return [] if [] in tries else tries[0]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{at} is none of the enum"]
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not isinstance(value, tuple(TYPES[one] for one in types)):
        return [f"{at} is no {types}"]
    found = []
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        found += [
            f"{at}.{name} is missing" for name in schema.get("required", []) if name not in value
        ]
        for name, held in value.items():
            one = properties.get(name, schema.get("additionalProperties"))
            found += misfits(one, held, f"{at}.{name}") if one else [f"{at}.{name} is unknown"]
    if isinstance(value, list):
        for n, item in enumerate(value):
            found += misfits(schema["items"], item, f"{at}[{n}]")
    return found
