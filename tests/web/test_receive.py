"""Alerts coming in over HTTP: 202 after the commit, and every way of not being let in or understood."""

import asyncio
import base64
import hashlib
import hmac
import json

import pytest
from loopback_listener import GENERATED_TOKEN, PAYLOADS

FIRING = (PAYLOADS / "alertmanager_single_firing.json").read_bytes()
BEARER = {"Authorization": "Bearer sender-secret"}
JSON = {"Content-Type": "application/json"}
PROD = "receivers: { prod: { type: alertmanager, auth: { bearer: { env: SENDER } } } }"
SIGNED = (
    "receivers: { ci: { type: webhook, auth: { hmac_sha256: "
    "{ secret: { env: SENDER }, header: X-Signature } } } }"
)


async def test_an_alert_is_on_file_when_the_sender_hears_202(listen):
    listener = await listen(PROD)

    answer = await listener.post("/receive/prod", FIRING, headers={**BEARER, **JSON})

    assert answer.status == 202
    (incident,) = answer.json["incidents"]
    assert answer.json["accepted"] == 1
    assert incident["new"] is True
    assert incident["phase"] == "triggered"
    assert listener.engine.reader.incident(incident["id"]).firing == 1


async def test_a_repeated_message_names_the_same_incident_as_not_new(listen):
    listener = await listen(PROD)
    first = await listener.post("/receive/prod", FIRING, headers=BEARER)

    again = await listener.post("/receive/prod", FIRING, headers=BEARER)

    assert again.json["incidents"] == [{**first.json["incidents"][0], "new": False}]


async def test_incidents_are_named_once_and_in_order(listener):
    alerts = [{"key": key, "summary": key} for key in ("b", "a", "b")]

    answer = await listener.post("/receive/hook", alerts)

    titles = [
        listener.engine.reader.incident(one["id"]).summary for one in answer.json["incidents"]
    ]
    assert answer.json["accepted"] == 3
    assert titles == ["b", "a"]


async def test_the_phase_is_the_one_after_the_whole_message(listener):
    alerts = [{"key": "a", "status": "firing"}, {"key": "a", "status": "resolved"}]

    answer = await listener.post("/receive/hook", alerts)

    (incident,) = answer.json["incidents"]
    assert (incident["phase"], incident["new"]) == ("resolved", True)


async def test_policy_none_stores_the_alert_and_names_no_incident(listen):
    listener = await listen("receivers: { hook: { type: webhook } }\nroutes: [{ policy: none }]")

    answer = await listener.post("/receive/hook", {"key": "quiet"})

    assert answer.json == {"accepted": 1, "incidents": []}


async def test_ten_thousand_alerts_in_one_message_are_taken(listen):
    listener = await listen(PROD)
    alert = json.loads(FIRING)["alerts"][0]
    alerts = [{**alert, "fingerprint": f"{n:016x}"} for n in range(10_000)]
    message = {**json.loads(FIRING), "alerts": alerts}

    answer = await listener.post("/receive/prod", message, headers=BEARER)

    assert answer.status == 202
    assert answer.json["accepted"] == 10_000
    (incident,) = answer.json["incidents"]
    assert listener.engine.reader.incident(incident["id"]).firing == 10_000


async def test_get_is_405_so_that_a_redirect_that_turned_post_into_get_is_no_delivery(listen):
    listener = await listen(PROD)

    answer = await listener.get("/receive/prod")

    assert answer.error == (405, "method_not_allowed", None)
    assert answer.headers["Allow"] == "POST"


async def test_a_slash_at_the_end_loses_no_alert(listener):
    answer = await listener.post("/receive/hook/", {"key": "a"})

    assert answer.status == 202


async def test_a_receiver_that_nobody_configured_is_404(listener):
    answer = await listener.post("/receive/nobody", {"key": "a"})

    assert answer.error == (404, "not_found", None)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Basic sender-secret"}, 401),
        (BEARER, 202),
    ],
)
async def test_a_bearer_receiver_takes_its_token_only(listen, headers, status):
    listener = await listen(PROD)

    answer = await listener.post("/receive/prod", FIRING, headers=headers)

    assert answer.status == status
    if status == 401:
        assert answer.error == (401, "unauthorized", None)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("password", "status"), [("sender-secret", 202), ("wrong", 401)])
async def test_a_basic_receiver_takes_its_password_only(listen, password, status):
    listener = await listen(
        "receivers: { g: { type: webhook, auth: { basic: { user: gr, password: { env: SENDER } } } } }"
    )
    login = base64.b64encode(f"gr:{password}".encode()).decode()

    answer = await listener.post(
        "/receive/g", {"key": "a"}, headers={"Authorization": f"Basic {login}"}
    )

    assert answer.status == status


async def test_a_signature_is_of_this_body(listen):
    listener = await listen(SIGNED)
    body = b'{"key": "a"}'
    signature = hmac.new(b"sender-secret", body, hashlib.sha256).hexdigest()

    right = await listener.post("/receive/ci", body, headers={"X-Signature": f"sha256={signature}"})
    wrong = await listener.post("/receive/ci", b'{"key": "b"}', headers={"X-Signature": signature})
    none = await listener.post("/receive/ci", body)

    assert (right.status, wrong.status, none.status) == (202, 401, 401)


async def test_a_stranger_is_told_so_before_the_body_is_read(listen):
    """(L4)"""
    listener = await listen(PROD)
    reader, writer = await asyncio.open_connection(*listener.address)
    writer.write(
        b"POST /receive/prod HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 30000000\r\n\r\n"
    )

    status_line = await asyncio.wait_for(reader.readline(), 2)

    assert b" 401 " in status_line
    writer.close()
    await writer.wait_closed()


async def test_the_receiver_that_nobody_wrote_takes_the_generated_token(listen):
    listener = await listen("")

    right = await listener.post(
        "/receive/alertmanager", FIRING, headers={"Authorization": f"Bearer {GENERATED_TOKEN}"}
    )
    wrong = await listener.post("/receive/alertmanager", FIRING)

    assert (right.status, wrong.status) == (202, 401)


async def test_while_no_token_is_generated_nobody_gets_in(listen):
    listener = await listen("", generated_token="")

    answer = await listener.post(
        "/receive/alertmanager", FIRING, headers={"Authorization": "Bearer "}
    )

    assert answer.status == 401


async def test_a_body_beyond_the_limit_is_413_and_pages_about_the_sender_once(listen):
    """(L3)"""
    listener = await listen(PROD)

    answers = [
        await _announce(listener, b"Authorization: Bearer sender-secret\r\n", 40_000_000)
        for _ in range(2)
    ]

    assert [answer.split()[1] for answer in answers] == [b"413", b"413"]
    found = (await listener.get("/api/v1/incidents")).json["incidents"]
    assert [incident["title"] for incident in found] == ["OversizedPayload"]


async def test_a_large_body_of_a_stranger_pages_nobody(listen):
    """(L4)"""
    listener = await listen(SIGNED)
    signature = b"X-Signature: " + b"0" * 64 + b"\r\n"

    answer = await _announce(listener, signature, 40_000_000)

    assert answer.split()[1] == b"413"
    assert (await listener.get("/api/v1/incidents")).json["incidents"] == []


async def test_the_third_unreadable_body_pages_and_a_readable_one_resolves(listen):
    """(G4)"""
    listener = await listen(PROD)

    answers = [await listener.post("/receive/prod", b"{", headers=BEARER) for _ in range(3)]

    assert {answer.error for answer in answers} == {(400, "invalid_json", None)}
    (incident,) = (await listener.get("/api/v1/incidents")).json["incidents"]
    assert incident["title"] == "UnreadablePayload"

    answer = await listener.post("/receive/prod", FIRING, headers=BEARER)

    assert answer.json["accepted"] == 1
    assert len(answer.json["incidents"]) == 1
    shown = (await listener.get(f"/api/v1/incidents/{incident['id']}")).json
    assert shown["phase"] == "resolved"


async def test_two_unreadable_bodies_page_nobody(listen):
    listener = await listen(PROD)

    for _ in range(2):
        await listener.post("/receive/prod", b"{", headers=BEARER)

    assert (await listener.get("/api/v1/incidents")).json["incidents"] == []


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        (b"{", "invalid_json", None),
        (b"[" * 100_000, "invalid_json", None),
        (b'{"hello": 1}', "unrecognised_payload", None),
        (b'{"alerts": 1}', "invalid_field", "alerts"),
    ],
)
async def test_what_can_never_be_valid_is_400_with_its_code(listen, body, code, path):
    listener = await listen(PROD)

    answer = await listener.post("/receive/prod", body, headers=BEARER)

    assert answer.error == (400, code, path)


async def test_a_packed_body_is_415_and_is_not_unpacked(listen, caplog):
    """(L7)"""
    listener = await listen(PROD)

    answer = await listener.post(
        "/receive/prod", b"\x1f\x8b not even gzip", headers={**BEARER, "Content-Encoding": "gzip"}
    )

    assert answer.error == (415, "unsupported_media_type", None)
    assert caplog.records == []  # whoever unpacks complains about the body


async def test_nothing_is_said_to_be_stored_that_is_not(listen):
    listener = await listen(PROD)
    await listener.engine.stop()

    answer = await listener.post("/receive/prod", FIRING, headers=BEARER)

    assert answer.error == (503, "unavailable", None)
    assert int(answer.headers["Retry-After"]) > 0


async def test_prometheus_posts_its_list_as_to_an_alertmanager(listen):
    listener = await listen(PROD)
    alerts = [{"labels": {"alertname": "Up"}, "startsAt": "2026-11-22T10:00:00Z"}]

    answer = await listener.post("/receive/prod/api/v2/alerts", alerts, headers=BEARER)

    assert (answer.status, answer.body) == (200, b"")
    (incident,) = (await listener.get("/api/v1/incidents")).json["incidents"]
    assert incident["title"] == "Up"


async def test_only_an_alertmanager_receiver_pretends_to_be_one(listener):
    answer = await listener.post("/receive/hook/api/v2/alerts", [])

    assert answer.error == (404, "not_found", None)


async def test_what_came_in_and_what_was_refused_is_counted(listen):
    listener = await listen(PROD)
    await listener.post("/receive/prod", FIRING, headers=BEARER)
    await listener.post("/receive/prod", b"{", headers=BEARER)
    await listener.post("/receive/prod", FIRING)

    registry = listener.engine.metrics.registry

    def count(name, **labels):
        return registry.get_sample_value(name, {"receiver": "prod", **labels})

    assert count("escalator_alerts_received_total", status="firing") == 1
    assert count("escalator_alerts_invalid_total", reason="invalid_json") == 1
    assert count("escalator_alerts_invalid_total", reason="unauthorized") == 1
    assert count("escalator_alert_commit_duration_seconds_count") == 1


async def test_a_receiver_without_auth_is_closed_to_web_pages_and_proxies(listener):
    alert = {"key": "a"}

    foreign_host = await listener.post("/receive/hook", alert, headers={"Host": "evil.example"})
    foreign_page = await listener.post(
        "/receive/hook", alert, headers={"Origin": "https://evil.example"}
    )
    proxied = await listener.post("/receive/hook", alert, headers={"X-Forwarded-For": "192.0.2.1"})

    assert {foreign_host.status, foreign_page.status, proxied.status} == {403}


async def test_a_receiver_with_auth_may_stand_behind_a_proxy(listen):
    listener = await listen(PROD)

    answer = await listener.post(
        "/receive/prod",
        FIRING,
        headers={**BEARER, "Host": "pager.example.net", "X-Forwarded-For": "192.0.2.1"},
    )

    assert answer.status == 202


async def _announce(listener, header: bytes, length: int) -> bytes:
    """Send the head of a request for a long body, and return the status line that comes back."""
    reader, writer = await asyncio.open_connection(*listener.address)
    writer.write(
        b"POST /receive/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n%sContent-Length: %d\r\n\r\n"
        % (b"ci" if b"Signature" in header else b"prod", header, length)
    )
    line = await asyncio.wait_for(reader.readline(), 2)
    writer.close()
    await writer.wait_closed()
    return line
