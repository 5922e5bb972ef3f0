"""Nothing secret shows anywhere (X6): marked secrets go in wherever they can, and all that comes out is searched.

What is searched: the log at its most talkative, every answer of both listeners, `config show` and `check-config`,
metrics, the API's description, the process's arguments and environment, the database with all that lies beside it.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from real_daemon import Daemon, daemon_with_carrier, until

from escalator.simulator import AUTH_TOKEN, Script

pytestmark = [pytest.mark.acceptance, pytest.mark.asyncio(loop_scope="module")]

ANA = "+491713920012"
# Long enough to be no accident, and no two alike.
BEARER, PASSWORD, SIGNING = "marked-bearer-9b1", "marked-password-4c7", "marked-signing-7e2"
OPS, SPARE = "marked-operator-2d8", "marked-shared-key-8aa"
USER_PASSWORD = "marked-user-5f3"  # whose hash is below
WRONG = "marked-wrong-0e6"
HASH = "$2b$04$EwxFB2tYytyoHaSPBCzUDu1ztbN6f16iZKttO2OJhtVPhsIsOHPPi"
FILES = {"bearer": BEARER, "password": PASSWORD, "signing": SIGNING, "ops": OPS, "user": HASH}
CONFIG = f"""
people:
  ana: {{ name: Ana Ortega, phone: "{ANA}" }}
policies:
  default: {{ steps: [{{ call: ana, wait: 5m }}] }}
receivers:
  hook: {{ type: webhook }}
  bearer: {{ type: webhook, auth: {{ bearer: {{ file: bearer }} }} }}
  basic: {{ type: webhook, auth: {{ basic: {{ user: grafana, password: {{ file: password }} }} }} }}
  signed: {{ type: webhook, auth: {{ hmac_sha256: {{ secret: {{ file: signing }}, header: X-Signed }} }} }}
  alertmanager: {{ type: alertmanager, auth: {{ bearer: {{ file: bearer }} }} }}
web: {{ tokens: {{ ops: {{ file: ops }}, spare: {{ env: SPARE }} }}, users: {{ ben: {{ file: user }} }} }}
"""
SECRETS = (AUTH_TOKEN, BEARER, PASSWORD, SIGNING, OPS, USER_PASSWORD, HASH, SPARE, WRONG)


def shapes_of(secret: str) -> list[bytes]:
    """A secret as it is, and as it travels: alone or behind a user's name in Basic, and quoted."""
    plain = secret.encode()
    packed = [base64.b64encode(name + plain).rstrip(b"=") for name in (b"", b"grafana:", b"ben:")]
    # The last character of base64 depends on what comes after.
    return [plain, plain.hex().encode(), *(one[:-1] for one in packed)]


def found_in(text: bytes, secrets: list[str]) -> list[str]:
    return [secret for secret in secrets if any(shape in text for shape in shapes_of(secret))]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def searched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Daemon, Any]]:
    """A daemon after everything that secrets go into, and what it answered meanwhile."""
    folder = tmp_path_factory.mktemp("secrets")
    environ = {"ESCALATOR_LOG_LEVEL": "debug", "SPARE": SPARE}
    async with daemon_with_carrier(folder, CONFIG, environ=environ) as daemon:
        for name, secret in FILES.items():
            (folder / name).write_text(secret, encoding="ascii")
        daemon.simulator.people[ANA] = Script.manual()
        daemon.write_config()
        await daemon.start()
        answers = await everything_asked(daemon)
        yield daemon, answers


async def everything_asked(daemon: Daemon) -> list[bytes]:
    """Requests with every secret, right and wrong, to every door; a call; a reload; broken requests."""
    ops = {"Authorization": f"Bearer {OPS}"}
    ben = {"Authorization": aiohttp.encode_basic_auth("ben", USER_PASSWORD)}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/receive/bearer", {"headers": {"Authorization": f"Bearer {BEARER}"}}),
        ("POST", "/receive/bearer", {"headers": {"Authorization": f"Bearer {WRONG}"}}),
        (
            "POST",
            "/receive/basic",
            {"headers": {"Authorization": aiohttp.encode_basic_auth("grafana", PASSWORD)}},
        ),
        (
            "POST",
            "/receive/basic",
            {"headers": {"Authorization": aiohttp.encode_basic_auth("grafana", WRONG)}},
        ),
        ("POST", "/receive/signed", {"headers": {"X-Signed": WRONG}}),
        ("GET", f"/receive/{WRONG}", {}),
        ("GET", f"/t/{WRONG}", {}),
        ("GET", f"/api/v1/incidents?token={WRONG}", {"headers": ops}),
        ("GET", f"/api/v1/calls/{WRONG}", {"headers": ops}),
        ("GET", "/metrics", {"headers": {"Authorization": f"Bearer {WRONG}"}}),
        ("GET", "/metrics", {"headers": ops}),
        ("GET", "/metrics", {"headers": ben}),
        ("GET", "/", {"headers": ops}),
        ("GET", "/openapi.json", {"headers": ops}),
        ("GET", "/schema.json", {"headers": ops}),
        ("GET", "/-/ready", {"headers": ops}),
        ("POST", "/-/reload", {"headers": ops}),
    ]
    answers = []
    for method, path, options in asked:
        if path.startswith("/receive") and method == "POST":
            options["json"] = {"key": "disk", "summary": "disk full"}
        answers.append(await ask(daemon, method, path, options))
    body = json.dumps({"key": "signed", "summary": "signed"}).encode()
    signature = hmac.new(SIGNING.encode(), body, hashlib.sha256).hexdigest()
    signed = {"data": body, "headers": {"X-Signed": signature}}
    answers.append(await ask(daemon, "POST", "/receive/signed", signed))
    for port in (daemon.internal, daemon.public):
        answers += [await say(port, raw) for raw in BROKEN]
    answers.append(await a_call(daemon))
    answers.append(await ask(daemon, "GET", "/api/v1/incidents?phase=all", {"headers": ops}))
    answers.append(await ask(daemon, "GET", "/metrics", {"headers": ops}))
    return answers


BROKEN = [
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
    + WRONG.encode()
    + b"\x01\r\n\r\n",
    b"GET /t/" + WRONG.encode() + b"\x01/answer HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"POST /t/"
    + WRONG.encode()
    + b"/answer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: " + WRONG.encode() + b"\r\n\r\n",
]


async def ask(daemon: Daemon, method: str, path: str, options: dict[str, Any]) -> bytes:
    async with daemon.http.request(method, daemon.url + path, **options) as answer:
        assert answer.status < 500
        return str(answer.headers).encode() + await answer.read()


async def say(port: int, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    got = b""
    with contextlib.suppress(ConnectionResetError, TimeoutError):
        async with asyncio.timeout(0.5):
            while more := await reader.read(65_536):
                got += more
    writer.close()
    return got


async def a_call(daemon: Daemon) -> bytes:
    """Ana is rung, with a token in each of the carrier's requests; a stranger tries it without a signature."""
    call = await daemon.simulator.wait_call(ANA, status="ringing", within=10)
    call.answer()
    await until(lambda: call.heard, why=call.story)
    url = call.request.source.url
    async with daemon.http.post(url, data={"CallSid": call.sid}) as answer:
        assert answer.status == 403
        forged = await answer.read()
    async with daemon.http.post(url.replace("/answer", "/nonsense"), data={}) as answer:
        return forged + str(answer.headers).encode() + await answer.read()


def secrets_of(daemon: Daemon) -> list[str]:
    """All marked secrets, and the tokens of the calls that were made."""
    tokens = [
        call.request.source.url.rpartition("/t/")[2].partition("/")[0]
        for call in daemon.simulator.calls
    ]
    assert tokens
    return [*SECRETS, *tokens]


async def test_no_answer_holds_a_secret(searched):
    daemon, answers = searched

    assert len(answers) > 25
    assert found_in(b"\n".join(answers), secrets_of(daemon)) == []


async def test_no_line_of_the_log_holds_a_secret(searched):
    daemon, _ = searched

    assert "level=debug" in daemon.log
    assert "callback_forged" in daemon.log
    assert found_in(daemon.log.encode(), secrets_of(daemon)) == []


async def test_the_database_and_what_lies_beside_it_hold_no_secret(searched):
    daemon, _ = searched
    kept = {path.name: path.read_bytes() for path in daemon.folder.glob("*.db*")}

    assert daemon.simulator.calls[0].sid.encode() in b"".join(kept.values())
    assert found_in(b"".join(kept.values()), secrets_of(daemon)) == []


async def test_the_process_shows_none_to_its_neighbours(searched):
    daemon, _ = searched
    assert daemon.process is not None
    folder = Path("/proc") / str(daemon.process.pid)
    arguments = (folder / "cmdline").read_bytes()
    environ = (folder / "environ").read_bytes()

    assert b"serve" in arguments
    assert found_in(arguments, secrets_of(daemon)) == []
    # A person may hand over secrets by the environment; we add none to it.
    assert found_in(environ, [one for one in secrets_of(daemon) if one != SPARE]) == []


@pytest.mark.parametrize(
    "words", ["config show", "check-config", "config schema", "receiver snippet bearer"]
)
async def test_no_verb_prints_a_secret(searched, words):
    daemon, _ = searched
    file = () if words == "config schema" else ("-c", str(daemon.file))

    status, said = await daemon.run(*words.split(), *file)

    assert status == 0, said
    assert len(said) > 50
    assert found_in(said.encode(), secrets_of(daemon)) == []


async def test_a_secret_is_found_in_every_shape():
    """The search of the tests above can fail."""
    for text in (
        f"x {PASSWORD} y".encode(),
        base64.b64encode(f"grafana:{PASSWORD}".encode()),
        PASSWORD.encode().hex().encode(),
    ):
        assert found_in(text, list(SECRETS)) == [PASSWORD]
