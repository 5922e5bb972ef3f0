"""Silences over HTTP: held from the next alert on, and what is open goes on."""

import pytest

NEW = {"matchers": ['alertname="DiskFull"'], "for": "2h", "comment": "new disks", "by": "ana"}


async def test_the_next_alert_that_fits_is_held(listener):
    made = await listener.post("/api/v1/silences", NEW)
    await listener.fire("DiskFull")
    await listener.fire("CpuHot")

    listed = (await listener.get("/api/v1/incidents")).json["incidents"]

    assert made.status == 201
    assert {one["title"]: one["phase"] for one in listed} == {
        "DiskFull": "snoozed",
        "CpuHot": "triggered",
    }


async def test_it_says_which_open_incidents_it_would_have_held(listener):
    open_one = await listener.fire("DiskFull", env="prod")
    await listener.fire("CpuHot")

    made = (await listener.post("/api/v1/silences", NEW)).json
    other = (await listener.post("/api/v1/silences", {**NEW, "matchers": ['env="test"']})).json

    assert made["open_incidents"] == [open_one]
    assert other["open_incidents"] == []
    assert (await listener.get(f"/api/v1/incidents/{open_one}")).json["phase"] == "triggered"


async def test_it_is_listed_until_it_is_over(listener):
    later = {**NEW, "from": "2026-11-03T09:00:00Z"}
    made = (await listener.post("/api/v1/silences", NEW)).json
    coming = (await listener.post("/api/v1/silences", later)).json

    listed = (await listener.get("/api/v1/silences")).json["silences"]

    assert [(one["id"], one["state"]) for one in listed] == [
        (made["id"], "active"),
        (coming["id"], "pending"),
    ]
    assert (listed[0]["to"], listed[0]["by"], listed[0]["comment"]) == (
        "2026-11-02T11:00:00.000Z",
        "ana",
        "new disks",
    )
    assert (await listener.ask("DELETE", f"/api/v1/silences/{made['id']}")).status == 204
    assert (await listener.ask("DELETE", f"/api/v1/silences/{coming['id']}")).status == 204
    assert (await listener.get("/api/v1/silences")).json == {"silences": []}
    assert (await listener.ask("DELETE", "/api/v1/silences/nothing")).status == 404


async def test_matchers_may_be_one_text_in_braces(listener):
    answer = await listener.post(
        "/api/v1/silences", {**NEW, "matchers": '{alertname="DiskFull", env=~"p.*"}'}
    )

    assert answer.json["matchers"] == ['alertname="DiskFull"', 'env=~"p.*"']


@pytest.mark.parametrize(
    ("changed", "path", "says"),
    [
        ({"matchers": []}, "matchers", "list of matchers"),
        ({"matchers": ["alertname"]}, "matchers", ""),
        ({"matchers": ['a=~".*"']}, "matchers", "everything"),
        ({"matchers": ['a=~"("']}, "matchers", ""),
        ({"matchers": ['a="b"'] * 51}, "matchers", "more than 50"),
        ({"for": None}, "to", "when it ends"),
        ({"to": "2026-11-03"}, "to", "when it ends"),
        ({"for": None, "to": "2026-11-01"}, "to", "before it begins"),
        ({"for": None, "to": "2028-11-01"}, "to", "at most a year"),
        ({"for": "forever"}, "for", ""),
        ({"from": "yesterday"}, "from", "not a moment"),
    ],
)
async def test_what_cannot_be_is_400_at_its_field(listener, changed, path, says):
    answer = await listener.post("/api/v1/silences", {**NEW, **changed})

    assert answer.status == 400, answer.body
    assert answer.json["error"]["path"] == path
    assert says in answer.json["error"]["message"]
    assert listener.engine.rules.silences == ()
