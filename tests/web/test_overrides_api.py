"""Overrides over HTTP: what is answered 201 holds for the next decision, and survives."""

import pytest

MORE = """
timezone: Europe/Berlin
receivers: { hook: { type: webhook } }
schedules:
  primary:
    layers: [{ rotate: { every: 1 week, at: mon 00:00, starting: 2026-01-05 }, people: [ana] }]
    overrides: [{ person: ben, from: 2026-12-01, to: 2026-12-02, reason: written }]
"""
NEW = {
    "schedule": "primary",
    "person": "ben",
    "from": "2026-11-02 10:00",
    "to": "2026-11-02 18:00",
    "reason": "swap",
    "by": "ana",
}


@pytest.fixture
async def scheduled(listen):
    return await listen(MORE)


async def test_a_new_override_is_in_force_when_it_is_answered(scheduled):
    """Local times are the schedule's: Berlin is an hour ahead of UTC."""
    answer = await scheduled.post("/api/v1/overrides", NEW)

    assert answer.status == 201
    made = answer.json
    assert (made["from"], made["to"]) == ("2026-11-02T09:00:00.000Z", "2026-11-02T17:00:00.000Z")
    assert (made["person"], made["source"], made["reason"]) == ("ben", "live", "swap")
    [_, live] = scheduled.engine.rules.schedules["primary"].overrides
    assert (live.id, live.person) == (made["id"], "ben")


async def test_it_survives_a_reload_and_is_listed_after_those_of_the_file(scheduled):
    made = (await scheduled.post("/api/v1/overrides", NEW)).json
    assert (await scheduled.post("/-/reload")).status == 200

    listed = (await scheduled.get("/api/v1/overrides")).json["overrides"]

    assert [(one["id"], one["source"]) for one in listed] == [
        (None, "file"),
        (made["id"], "live"),
    ]
    assert (await scheduled.get("/api/v1/overrides?schedule=other")).json == {"overrides": []}


async def test_one_that_lies_upon_another_says_so(scheduled):
    first = (await scheduled.post("/api/v1/overrides", NEW)).json
    second = (await scheduled.post("/api/v1/overrides", {**NEW, "person": "ana"})).json

    assert first["covers"] == []
    assert [one["id"] for one in second["covers"]] == [first["id"]]


async def test_it_can_be_taken_away_once(scheduled):
    made = (await scheduled.post("/api/v1/overrides", NEW)).json
    path = f"/api/v1/overrides/{made['id']}"

    assert (await scheduled.ask("DELETE", path)).status == 204
    assert len(scheduled.engine.rules.schedules["primary"].overrides) == 1
    assert (await scheduled.ask("DELETE", path)).status == 404


@pytest.mark.parametrize(
    ("changed", "path", "says"),
    [
        ({"person": "zoe"}, "person", "there are: ana, ben"),
        ({"person": "anna"}, "person", "ana"),
        ({"schedule": "primry"}, "schedule", "primary"),
        ({"from": None}, "from", "missing"),
        ({"from": "soon"}, "from", "not a moment"),
        ({"to": "2026-11-02 09:00"}, "to", "is not after"),
        ({"from": "2026-10-01", "to": "2026-10-02"}, "to", "over already"),
        ({"reason": "x" * 501}, "reason", "500"),
        ({"who": "ana"}, "who", "no such field"),
    ],
)
async def test_what_cannot_be_is_400_at_its_field(scheduled, changed, path, says):
    answer = await scheduled.post("/api/v1/overrides", {**NEW, **changed})

    assert answer.status == 400
    assert answer.json["error"]["path"] == path
    assert says in answer.json["error"]["message"]
    assert len(scheduled.engine.rules.schedules["primary"].overrides) == 1


async def test_a_page_of_another_origin_may_not_delete(scheduled):
    """(X11)"""
    made = (await scheduled.post("/api/v1/overrides", NEW)).json

    answer = await scheduled.ask(
        "DELETE", f"/api/v1/overrides/{made['id']}", headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert answer.status == 403
