"""Requests that no honest client sends: refused at the cost of a moment, with nothing of them repeated."""

import asyncio
import gzip
import io
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from escalator.phone.doorway import answer_constantly, refusal
from escalator.web.patience import HEADERS, PatientRunner, Terms

HOST = b"Host: 127.0.0.1\r\n"
POST = b"POST /receive/hook HTTP/1.1\r\n" + HOST
SECRET = b"MARKED-5ecret"
SMUGGLED = b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"\r\n"

SMUGGLING = {
    "length and chunks": POST
    + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "two lengths": POST + b"Content-Length: 6\r\nContent-Length: 5\r\n\r\nabcdef" + SMUGGLED,
    "a negative length": POST + b"Content-Length: -1\r\n\r\n" + SMUGGLED,
    "a signed length": POST + b"Content-Length: +3\r\n\r\nabc" + SMUGGLED,
    "another coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + SMUGGLED,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk without size": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "a folded header": b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n",
    "a NUL": b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
    "no host": b"GET /-/healthy HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n",
    "an absolute target": b"GET http://evil.example/-/healthy HTTP/1.1\r\n" + HOST + b"\r\n",
    "a proxy's target": b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "all of the server": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "bare line ends": b"GET /-/healthy HTTP/1.1\nHost: 127.0.0.1\n\n",
    "an endless line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "an endless header": b"GET /-/healthy HTTP/1.1\r\n"
    + HOST
    + b"X: "
    + b"a" * 20_000
    + b"\r\n\r\n",
    "headers without end": b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 500 + b"\r\n",
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a secret cut short": b"GET /metrics HTTP/1.1\r\n"
    + HOST
    + b"Authorization: Bearer "
    + SECRET
    + b"\x01\r\n\r\n",
    "a token in a broken line": b"GET /t/" + SECRET + b"\x01 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a strange wish": POST + b"Expect: " + SECRET + b"\r\nContent-Length: 0\r\n\r\n",
}


async def conversation(address, raw: bytes) -> bytes:
    """All that comes back until the other side closes, as it must."""
    reader, writer = await asyncio.open_connection(*address)
    got = b""
    try:
        writer.write(raw)
        async with asyncio.timeout(5):
            while more := await reader.read(65_536):
                got += more
    except ConnectionResetError:
        pass
    finally:
        writer.close()
    return got


@asynccontextmanager
async def public():
    """A listener such as the public one, with an echo where the callbacks are."""

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    application = web.Application(middlewares=[answer_constantly])
    application.router.add_route("*", "/{rest:.*}", echo)
    runner = PatientRunner(application, Terms(refuse=refusal))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][:2]
    await runner.cleanup()


def check_refused(got: bytes) -> None:
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.split()[1] == b"400", got
    assert b"HTTP/1." not in body, "one answer and no more"
    assert SECRET not in got
    for name, value in HEADERS.items():
        assert f"\r\n{name}: {value}".encode() in head


@pytest.mark.parametrize("name", SMUGGLING)
async def test_what_could_be_read_in_two_ways_is_refused_and_the_connection_closed(
    listener, capfd, caplog, name
):
    """(X15, X2, X6) Nor does the log repeat what may be somebody's secret, mistyped."""
    caplog.set_level(0)

    check_refused(await conversation(listener.address, SMUGGLING[name]))

    logged = caplog.text + "".join(capfd.readouterr())
    assert SECRET.decode() not in logged
    assert "Traceback" not in logged


@pytest.mark.parametrize("name", sorted(SMUGGLING.keys() - {"a chunk without size"}))
async def test_the_public_listener_refuses_it_too(name):
    """(X15)"""
    async with public() as address:
        check_refused(await conversation(address, SMUGGLING[name]))


# ---- bodies that cost more than they weigh (L7)

DEEP = b"[" * 100_000 + b"]" * 100_000
COSTLY = {
    "a packed bomb": (gzip.compress(b"\0" * 20_000_000), {"Content-Encoding": "gzip"}, 415),
    "JSON without a bottom": (DEEP, {"Content-Type": "application/json"}, 400),
    "an object without a bottom": (b'{"a":' * 100_000, {"Content-Type": "application/json"}, 400),
    "fifty thousand fields": (
        b"&".join(b"f%d=1" % n for n in range(50_000)),
        {"Content-Type": "application/x-www-form-urlencoded"},
        400,
    ),
    "a million labels": (
        b'{"labels": {' + b",".join(b'"l%d":"1"' % n for n in range(1_000_000)) + b"}}",
        {"Content-Type": "application/json"},
        400,
    ),
    "millions of nothings": (
        b"[" + b"{}," * 3_000_000 + b"{}]",
        {"Content-Type": "application/json"},
        400,
    ),
}


@pytest.mark.parametrize("name", COSTLY)
async def test_a_costly_body_is_refused_before_it_costs(listener, name):
    """(L7) Less than 200 ms of processor and 64 MiB beyond the body itself, whose share is a copy or two."""
    body, headers, status = COSTLY[name]
    await listener.post("/receive/hook", {"summary": "warm"})
    before_memory, before = peak_kib(), time.process_time()

    answer = await listener.post("/receive/hook", data=io.BytesIO(body), headers=headers)

    assert answer.status == status, answer.body
    # The client of this test sends and copies on the same processor.
    assert time.process_time() - before < 0.2 + len(body) / 50_000_000
    assert peak_kib() - before_memory < (64 * 2**20 + 4 * len(body)) / 1024


def peak_kib() -> int:
    """The most memory that this process ever had."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


# ---- what a request says of itself (X3, X10), and what a flood leaves in the log (L9)


async def test_no_answer_believes_where_a_request_says_it_came_to(listen):
    """(X10) No redirect, no address made of `Host` or of what a proxy would say."""
    listener = await listen("web: { tokens: { ops: { env: OPS } } }")
    headers = {
        "Authorization": "Bearer ops-secret",
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "192.0.2.66",
        "Forwarded": "host=evil.example",
        "X-Original-URL": "/metrics",
    }

    for path in (
        "/",
        "/metrics",
        "/openapi.json",
        "/api/v1/incidents",
        "//evil.example/",
        "/-/healthy/",
    ):
        answer = await listener.get(path, headers=headers)

        assert not 300 <= answer.status < 400, path
        assert "evil.example" not in f"{answer.body!r} {answer.headers}"
        assert b"192.0.2.66" not in answer.body
    answer = await listener.post("/api/v1/calls", {"to": "ana", "say": "hello"}, headers=headers)
    assert answer.headers["Location"].startswith("/api/v1/calls/")


async def test_no_address_that_a_payload_holds_is_ever_asked(listener):
    """(X3)"""
    visits = []
    canary = await asyncio.start_server(
        lambda _, writer: visits.append(writer.close()), "127.0.0.1", 0
    )
    url = f"http://127.0.0.1:{canary.sockets[0].getsockname()[1]}/"
    everywhere = {
        "externalURL": url,
        "groupKey": "k",
        "alerts": [
            {
                "labels": {"alertname": "Url", "runbook_url": url},
                "annotations": {"runbook_url": url, "summary": url, "image": url},
                "generatorURL": url,
                "silenceURL": url,
            }
        ],
    }

    answer = await listener.post("/receive/hook", everywhere)
    await listener.get(f"/api/v1/incidents/{answer.json['incidents'][0]['id']}")
    board = await listener.get("/")
    await asyncio.sleep(0.1)

    assert visits == []
    assert f'href="{url}'.encode() not in board.body
    canary.close()
    await canary.wait_closed()


async def test_a_flood_of_bad_bodies_is_a_line_and_a_number(listener, capsys, caplog):
    """(L9) One a second for each reason; the metric counts them all."""
    caplog.set_level(0)

    for _ in range(30):
        answer = await listener.post(
            "/receive/hook", b"{", headers={"Content-Type": "application/json"}
        )
        assert answer.status == 400

    lines = capsys.readouterr().out.splitlines()
    assert sum("body_refused" in line for line in lines) == 1
    assert sum("status=400" in line for line in lines) == 1
    counted = "escalator_alerts_invalid_total"
    labels = {"receiver": "hook", "reason": "invalid_json"}
    assert listener.engine.metrics.registry.get_sample_value(counted, labels) == 30
