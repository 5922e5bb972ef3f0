"""Who is on call and who would be rung, over HTTP: the shapes, live overrides and silences, bad moments."""

import pytest
from test_openapi import misfits

from escalator.web.openapi import SCHEMAS

SCHEDULES = """
timezone: Europe/Berlin
receivers: { hook: { type: webhook } }
schedules:
  primary:
    layers: [{ rotate: { every: 1 day, at: "09:00", starting: 2026-01-01 }, people: [ana] }]
  nights:
    timezone: Asia/Kolkata
    layers: [{ rotate: { every: 1 day, starting: 2026-01-01 }, people: [ben], only: ["22:00-06:00"] }]
routes: [{ name: quiet, matchers: ['severity="info"'], policy: none }, { name: rest }]
"""
AT = "2026-10-25 03:00"
LABELS = {"alertname": "DiskFull"}


@pytest.fixture
async def listener(listen):
    return await listen(SCHEDULES)


async def test_each_schedule_says_who_until_when_and_who_then(listener):
    answer = await listener.get(f"/api/v1/oncall?at={AT}")

    assert answer.status == 200
    assert misfits(SCHEMAS["OnCall"], answer.json) == []
    assert answer.json["at"] == "2026-10-25T02:00:00.000Z"
    assert answer.json["schedules"]["primary"] == {
        "timezone": "Europe/Berlin",
        "people": ["ana"],
        "until": None,
        "reason": "layer 1",
        "next": None,
        "shifts": [],
        "events": None,
    }
    assert answer.json["schedules"]["nights"]["people"] == []
    assert answer.json["schedules"]["nights"]["next"] == {
        "people": ["ben"],
        "at": "2026-10-25T16:30:00.000Z",
    }


async def test_days_add_the_shifts(listener):
    answer = await listener.get(f"/api/v1/oncall?at={AT} UTC&days=1")

    assert misfits(SCHEMAS["OnCall"], answer.json) == []
    assert [one["people"] for one in answer.json["schedules"]["nights"]["shifts"]] == [
        [],
        ["ben"],
        [],
    ]
    assert answer.json["schedules"]["primary"]["shifts"][0]["to"] == "2026-10-26T03:00:00.000Z"


async def test_without_a_moment_it_is_now(listener):
    answer = await listener.get("/api/v1/oncall")

    now = listener.clock.wall().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert answer.json["at"] == now


async def test_a_live_override_is_in_both_answers(listener):
    span = {"from": "2026-12-24 18:00", "to": "2026-12-26 09:00", "reason": "swap with Ana"}
    await listener.post("/api/v1/overrides", {"schedule": "primary", "person": "ben", **span})

    oncall = await listener.get("/api/v1/oncall?at=2026-12-24 23:30")

    primary = oncall.json["schedules"]["primary"]
    assert (primary["people"], primary["until"]) == (["ben"], "2026-12-26T08:00:00.000Z")
    assert primary["reason"] == "override: swap with Ana until 26 Dec 09:00"


async def test_an_explanation_has_its_shape_and_the_ring_time_of_the_config(listen):
    listener = await listen(SCHEDULES)

    answer = await listener.post("/api/v1/explain", {"labels": LABELS, "at": AT})

    told = answer.json
    assert answer.status == 200
    assert misfits(SCHEMAS["Explanation"], told) == []
    assert (told["route"], told["policy"], told["timezone"]) == ("rest", "default", "Europe/Berlin")
    assert told["missed"] == [
        {"route": "quiet", "why": 'severity="info": the alert has no severity'}
    ]
    assert told["rings"][0] == {
        "at": "2026-10-25T02:00:00.000Z",
        "call": 1,
        "person": "ana",
        "name": "Ana Ortega",
        "to": "…012",
        "step": 0,
        "round": 1,
        "attempt": 1,
        "reason": "by name",
    }
    assert told["worst_case_calls"] == len({one["call"] for one in told["rings"]})
    assert told["fallback_every"] == "10m"
    assert b"+4917139" not in answer.body


async def test_a_live_silence_holds_what_is_explained_and_explaining_stores_nothing(listener):
    await listener.post("/api/v1/silences", {"matchers": ["alertname=DiskFull"], "for": "2h"})

    answer = await listener.post("/api/v1/explain", {"labels": LABELS})
    other = await listener.post("/api/v1/explain", {"labels": {"alertname": "Other"}})

    [held] = answer.json["held"]
    assert held["why"].startswith("silence ")
    assert answer.json["rings"][0]["at"] == held["until"]
    assert other.json["held"] == []
    assert (await listener.get("/api/v1/incidents?phase=all")).json["incidents"] == []


async def test_annotations_name_an_alert_without_a_name(listener):
    body = {"labels": {}, "annotations": {"summary": "The disk is full"}}

    assert (await listener.post("/api/v1/explain", body)).json["title"] == "The disk is full"


@pytest.mark.parametrize(
    "at", ["now", "2026-02-30", "2026-10-25 03:00 Mars/Olympus", "x" * 500, ""]
)
async def test_a_bad_moment_is_said_to_be_one(listener, at):
    asked = await listener.get("/api/v1/oncall", params={"at": at})

    assert asked.error == (400, "invalid_field", "at")
    if at:
        told = await listener.post("/api/v1/explain", {"labels": LABELS, "at": at})
        assert told.error == (400, "invalid_field", "at")


@pytest.mark.parametrize("days", ["-1", "367", "many", ""])
async def test_days_have_their_bounds(listener, days):
    answer = await listener.get("/api/v1/oncall", params={"days": days})

    assert answer.error == (400, "invalid_field", "days")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "labels"),
        ({"labels": ["a"]}, "labels"),
        ({"labels": {"a": 1}}, "labels"),
        ({"labels": {str(n): "" for n in range(65)}}, "labels"),
        ({"labels": {}, "annotations": "x"}, "annotations"),
        ({"labels": {}, "at": 5}, "at"),
        ({"labels": {}, "when": AT}, "when"),
    ],
)
async def test_a_bad_body_says_which_field(listener, body, path):
    answer = await listener.post("/api/v1/explain", body)

    assert answer.error == (400, "invalid_field", path)


async def test_a_plus_that_was_not_encoded_is_understood(listen):
    listener = await listen()

    answer = await listener.get("/api/v1/oncall?at=2026-12-24T23:30:00+01:00")

    assert answer.status == 200
    assert answer.json["at"] == "2026-12-24T22:30:00.000Z"
