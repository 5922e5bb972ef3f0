"""Beats over HTTP: by URL and by alerts that are beats, 200 after the commit, and who may send one."""

import hashlib
import hmac
from datetime import timedelta

import pytest
from loopback_listener import PAYLOADS
from test_openapi import misfits

from escalator.clock import VirtualClock
from escalator.web.schemas import SCHEMAS

HOOK = "receivers: { hook: { type: webhook } }\n"
BACKUP = HOOK + "heartbeats: { backup: { every: 1d, grace: 1h } }"
GUARDED = HOOK + "heartbeats: { backup: { every: 1d, auth: { bearer: { env: SENDER } } } }"
SIGNED = (
    HOOK + "heartbeats: { backup: { every: 1d, auth: { hmac_sha256: "
    "{ secret: { env: SENDER }, header: X-Signature } } } }"
)
WATCHDOG = (
    HOOK + "heartbeats: { eu: { every: 1m, matchers: ['alertname=\"Watchdog\"'] }, "
    "late: { every: 1d, expect_at_start: true } }"
)
ANY = "heartbeats: { any: { every: 1m, matchers: 'alertname!=\"\"' } }"
BEARER = {"Authorization": "Bearer sender-secret"}


async def states(listener):
    found = (await listener.get("/api/v1/heartbeats")).json
    assert misfits(SCHEMAS["HeartbeatList"], found) == []
    return {one["name"]: one for one in found["heartbeats"]}


async def incidents(listener):
    return (await listener.get("/api/v1/incidents?phase=all")).json["incidents"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/heartbeat/backup", None),
        ("POST", "/heartbeat/backup", None),
        ("HEAD", "/heartbeat/backup", None),
        ("GET", "/heartbeat/backup/", None),
        ("POST", "/heartbeat/backup", b"{ no JSON at all \xff"),
        ("POST", "/heartbeat/backup", b"x" * 65536),
    ],
    ids=["get", "post", "head", "slash", "any body", "64 KiB"],
)
async def test_a_beat_is_on_file_when_its_sender_hears_200(listen, method, path, body):
    """(G2)"""
    listener = await listen(BACKUP)

    answer = await listener.ask(method, path, data=body)

    assert answer.status == 200
    if method != "HEAD":
        assert answer.json == {"heartbeat": "backup", "next_by": "2026-11-03T10:00:00.000Z"}
        assert misfits(SCHEMAS["Beat"], answer.json) == []
    assert await states(listener) == {
        "backup": {
            "name": "backup",
            "state": "armed",
            "last_at": "2026-11-02T09:00:00.000Z",
            "next_by": "2026-11-03T10:00:00.000Z",
            "beats": 1,
        }
    }


async def test_a_heartbeat_that_nobody_configured_is_404(listen):
    listener = await listen(BACKUP)

    answer = await listener.get("/heartbeat/nobody")

    assert answer.error == (404, "not_found", None)


async def test_another_method_is_405(listen):
    listener = await listen(BACKUP)

    answer = await listener.ask("DELETE", "/heartbeat/backup")

    assert answer.error == (405, "method_not_allowed", None)
    assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD", "POST"}


async def test_a_body_over_64_kib_is_413_and_no_beat(listen):
    listener = await listen(BACKUP)

    answer = await listener.post("/heartbeat/backup", b"x" * 65537)

    assert answer.error == (413, "too_large", None)
    assert (await states(listener))["backup"]["state"] == "waiting"


@pytest.mark.parametrize(
    ("headers", "status"), [(BEARER, 200), ({}, 401), ({"Authorization": "Bearer wrong"}, 401)]
)
async def test_a_heartbeat_with_auth_takes_its_sender_only(listen, headers, status):
    listener = await listen(GUARDED)

    answer = await listener.get("/heartbeat/backup", headers=headers)

    assert answer.status == status
    assert (await states(listener))["backup"]["beats"] == (status == 200)
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_signature_is_of_the_body_empty_or_not(listen):
    listener = await listen(SIGNED)

    def signed(body):
        return {"X-Signature": hmac.new(b"sender-secret", body, hashlib.sha256).hexdigest()}

    answers = [
        await listener.get("/heartbeat/backup", headers=signed(b"")),
        await listener.post("/heartbeat/backup", b"done", headers=signed(b"done")),
        await listener.post("/heartbeat/backup", b"else", headers=signed(b"done")),
        await listener.get("/heartbeat/backup"),
    ]

    assert [answer.status for answer in answers] == [200, 200, 401, 401]
    assert (await states(listener))["backup"]["beats"] == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://elsewhere.example.net"},
        {"Host": "elsewhere.example.net"},
        {"X-Forwarded-For": "192.0.2.1"},
    ],
    ids=["a picture in a page", "a script of a page", "a name that points here", "a proxy"],
)
async def test_an_open_heartbeat_is_beaten_by_this_machine_and_no_page_of_another(listen, headers):
    """(X11)"""
    listener = await listen(BACKUP)

    answer = await listener.get("/heartbeat/backup", headers=headers)

    assert answer.error == (403, "forbidden", None)
    assert (await states(listener))["backup"]["beats"] == 0


async def test_a_beat_that_cannot_be_stored_is_503(listen):
    listener = await listen(BACKUP)
    await listener.engine.stop()

    answer = await listener.get("/heartbeat/backup")

    assert answer.error == (503, "unavailable", None)
    assert int(answer.headers["Retry-After"]) > 0


async def test_the_list_is_for_people(listen):
    listener = await listen(BACKUP + "\nweb: { tokens: { ops: { env: OPS } } }")

    assert (await listener.get("/api/v1/heartbeats")).status == 401
    assert (await listener.get("/heartbeat/backup")).status == 200


# ---- by alert


async def test_an_alert_that_fits_is_accepted_as_a_beat_and_is_in_no_incident(listen):
    """(G2)"""
    listener = await listen(WATCHDOG)
    alerts = [
        {"key": "w", "labels": {"alertname": "Watchdog"}},
        {"key": "d", "labels": {"alertname": "DiskFull"}},
    ]

    answer = await listener.post("/receive/hook", alerts)

    assert answer.json["accepted"] == 2
    (named,) = answer.json["incidents"]
    (incident,) = await incidents(listener)
    assert (incident["id"], incident["title"]) == (named["id"], "DiskFull")
    found = await states(listener)
    assert [found[name]["state"] for name in ("eu", "late")] == ["armed", "armed"]
    assert [found[name]["beats"] for name in ("eu", "late")] == [1, 0]


async def test_a_resolved_watchdog_opens_an_incident_at_once_and_a_firing_one_ends_it(listen):
    """(G2)"""
    listener = await listen(WATCHDOG)
    watchdog = {"key": "w", "labels": {"alertname": "Watchdog"}}
    await listener.post("/receive/hook", watchdog)

    answer = await listener.post("/receive/hook", {**watchdog, "status": "resolved"})

    assert answer.json == {"accepted": 1, "incidents": []}
    (incident,) = await incidents(listener)
    assert (incident["title"], incident["receiver"]) == ("HeartbeatMissed", "heartbeat")
    assert (await states(listener))["eu"] == {
        "name": "eu",
        "state": "missed",
        "last_at": "2026-11-02T09:00:00.000Z",
        "next_by": None,
        "beats": 1,
    }

    await listener.post("/receive/hook", watchdog)

    (incident,) = await incidents(listener)
    assert incident["phase"] == "resolved"


async def test_alertmanagers_watchdog_beats_each_time_it_is_repeated(listen):
    """(G2)"""
    clock = VirtualClock()
    config = "receivers: { am: { type: alertmanager } }\n" + ANY
    listener = await listen(config, clock=clock)
    message = (PAYLOADS / "alertmanager_single_firing.json").read_bytes()

    for _ in range(3):
        assert (await listener.post("/receive/am", message)).status == 202
        await clock.advance(timedelta(minutes=1))

    found = (await states(listener))["any"]
    assert (found["beats"], found["last_at"]) == (3, "2026-11-02T09:02:00.000Z")
    assert await incidents(listener) == []


async def test_a_message_whose_beat_cannot_be_stored_is_503(listen):
    listener = await listen(WATCHDOG)
    await listener.engine.stop()

    answer = await listener.post("/receive/hook", {"labels": {"alertname": "Watchdog"}})

    assert answer.error == (503, "unavailable", None)


async def test_what_a_readable_message_resolves_besides_is_not_named_in_place_of_a_beat(listen):
    listener = await listen(WATCHDOG)
    for _ in range(3):
        await listener.post("/receive/hook", b"{", headers={"Content-Type": "application/json"})

    answer = await listener.post("/receive/hook", {"labels": {"alertname": "Watchdog"}})

    assert answer.json == {"accepted": 1, "incidents": []}
    (incident,) = await incidents(listener)
    assert (incident["title"], incident["phase"]) == ("UnreadablePayload", "resolved")
