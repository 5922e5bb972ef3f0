"""Who gets in: logins, the open door on loopback, and what a foreign web page may make a browser send."""

import base64

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from escalator.web.access import guard_open_door
from escalator.web.answers import answer_safely

LOGINS = """
receivers: { hook: { type: webhook } }
web:
  tokens: { ops: { env: OPS }, ana: { env: SENDER } }
  users: { ben: { env: HASH } }
"""
PROXIED = """
receivers: { hook: { type: webhook } }
web: { tokens: { ops: { env: OPS } }, proxy_user: { header: X-Forwarded-User, from: %s } }
"""
OPS = {"Authorization": "Bearer ops-secret"}


def basic(user: str, password: str) -> dict[str, str]:
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {login}"}


async def acknowledged_by(listener, headers) -> str:
    """Acknowledge a new incident with these headers, and say by whom it was."""
    incident = await listener.fire()
    path = f"/api/v1/incidents/{incident}/acknowledge"
    answer = await listener.post(path, headers=headers)
    assert answer.status == 200, answer.body
    return answer.json["acknowledged_by"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer ops-secret-and-more"},
        {"Authorization": "Digest ops-secret"},
        {"Authorization": "Basic !"},
        {"Authorization": "Basic /w=="},
        basic("ben", "wrong"),
        basic("nobody", "correct horse"),
        basic("ben", "correct horse" + "x" * 100),
        {"X-Forwarded-User": "ana"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/incidents", "/openapi.json", "/none"])
async def test_with_logins_nobody_gets_in_without_one(listen, path, headers):
    listener = await listen(LOGINS)

    answer = await listener.get(path, headers=headers)

    assert answer.error == (401, "unauthorized", None)
    assert "Basic" in answer.headers["WWW-Authenticate"]
    assert "Bearer" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
async def test_probes_need_no_login(listen, path):
    listener = await listen(LOGINS)

    assert (await listener.get(path)).status == 200
    assert (await listener.ask("HEAD", path)).status == 200


async def test_the_reload_needs_a_login(listen):
    listener = await listen(LOGINS)

    assert (await listener.post("/-/reload")).status == 401
    assert (await listener.post("/-/reload", headers=OPS)).status == 200


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (OPS, "ops"),
        ({"Authorization": "bearer sender-secret"}, "ana"),
        (basic("ben", "correct horse"), "ben"),
    ],
)
async def test_the_login_is_the_actor(listen, headers, name):
    listener = await listen(LOGINS)

    assert await acknowledged_by(listener, headers) == name


async def test_a_password_that_was_right_is_known_again_and_a_changed_one_is_not(listen, tmp_path):
    listener = await listen(LOGINS)
    right = basic("ben", "correct horse")
    for _ in range(2):
        assert (await listener.get("/metrics", headers=right)).status == 200

    file = tmp_path / "escalator.yml"
    file.write_text(file.read_text().replace("ben: { env: HASH }", "dee: { env: HASH }"))
    await listener.post("/-/reload", headers=OPS)

    assert (await listener.get("/metrics", headers=right)).status == 401
    assert (await listener.get("/metrics", headers=basic("dee", "correct horse"))).status == 200


@pytest.mark.parametrize(
    ("name", "actor"),
    [("ben", "ben"), ("ben@example.net", "ben"), ("kim@example.net", "kim@example.net")],
)
async def test_a_listed_proxy_names_its_user(listen, name, actor):
    listener = await listen(PROXIED % "127.0.0.0/8")

    assert await acknowledged_by(listener, {"X-Forwarded-User": name}) == actor


async def test_a_proxy_that_names_nobody_lets_nobody_in(listen):
    listener = await listen(PROXIED % "127.0.0.1")

    assert (await listener.get("/metrics", headers={"X-Forwarded-User": ""})).status == 401
    assert (await listener.get("/metrics")).status == 401


async def test_a_user_named_twice_is_nobody(listen):
    listener = await listen(PROXIED % "127.0.0.1")

    answer = await listener.get(
        "/metrics", headers=[("X-Forwarded-User", "ana"), ("X-Forwarded-User", "ben")]
    )

    assert answer.status == 401


async def test_a_stranger_that_plays_proxy_is_nobody(listen):
    listener = await listen(PROXIED % "192.0.2.0/24")

    assert (await listener.get("/metrics", headers={"X-Forwarded-User": "ana"})).status == 401
    assert (await listener.get("/metrics", headers=OPS)).status == 200


async def test_a_login_may_come_through_any_proxy_under_any_host(listen):
    listener = await listen(LOGINS)

    answer = await listener.get(
        "/metrics", headers={**OPS, "Host": "pager.example.net", "X-Forwarded-For": "192.0.2.7"}
    )

    assert answer.status == 200


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8911", "localhost:8911", "[::1]:8911", "LOCALHOST", "pager.lan"],
)
async def test_the_open_door_knows_its_own_names(listen, host):
    listener = await listen("web: { hosts: [pager.lan] }")

    assert (await listener.get("/metrics", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8911"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost@evil.example"},
        {"Host": "192.0.2.1"},
        {"Host": "["},
        {"Forwarded": "for=192.0.2.1"},
        {"X-Forwarded-For": "192.0.2.1"},
        {"x-forwarded-proto": "https"},
    ],
)
async def test_the_open_door_is_shut_to_rebound_names_and_to_proxies(listener, headers):
    answer = await listener.get("/metrics", headers=headers)

    assert answer.error == (403, "forbidden", None)
    assert (await listener.get("/-/healthy", headers=headers)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    ],
)
@pytest.mark.parametrize("logins", ["", LOGINS])
async def test_a_foreign_page_changes_nothing(listen, headers, logins):
    """(X11)"""
    listener = await listen(logins or "receivers: { hook: { type: webhook } }")
    incident = await listener.fire()
    path = f"/api/v1/incidents/{incident}"

    answer = await listener.post(f"{path}/acknowledge", headers={**OPS, **headers})

    assert answer.error == (403, "forbidden", None)
    assert (await listener.get(path, headers=OPS)).json["phase"] == "triggered"


async def test_our_own_page_and_programs_may_change_things(listener):
    own = {"Sec-Fetch-Site": "same-origin", "Origin": listener.url}

    assert await acknowledged_by(listener, own) == "api"
    assert await acknowledged_by(listener, {"Sec-Fetch-Site": "none"}) == "api"


async def test_a_page_under_a_listed_name_is_ours(listen):
    listener = await listen(
        "receivers: { hook: { type: webhook } }\nweb: { hosts: [pager.lan], tokens: { ops: { env: OPS } } }"
    )

    assert await acknowledged_by(listener, {**OPS, "Origin": "https://pager.lan"}) == "ops"


async def test_looking_never_changes_anything(listener):
    incident = await listener.fire()

    answer = await listener.get(f"/api/v1/incidents/{incident}/acknowledge")

    assert answer.error == (405, "method_not_allowed", None)
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("remote", "status"),
    [
        ("127.0.0.1", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("", 200),  # a socket of this machine
        ("192.0.2.1", 403),
        ("::ffff:192.0.2.1", 403),
        ("fe80::1%eth0", 403),
        ("nonsense", 403),
    ],
)
async def test_the_open_door_is_open_to_this_machine_alone(remote, status):
    async def handle(request: web.Request) -> web.Response:
        guard_open_door(request.clone(remote=remote), ())
        return web.Response()

    application = web.Application(middlewares=[answer_safely])
    application.router.add_get("/", handle)
    async with (
        TestServer(application) as server,
        aiohttp.ClientSession() as session,
        session.get(server.make_url("/")) as response,
    ):
        assert response.status == status
