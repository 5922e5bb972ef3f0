import asyncio
import base64
import logging
import socket
import ssl
import subprocess
import time

import pytest
from loopback_carrier import (
    ACCOUNT,
    CALL,
    OK,
    SECRET,
    SHORT,
    SID,
    TOKEN,
    URL,
    answer,
    answering,
    carrier,
    close_after_reading,
    dribble,
    loopback,
    never_answer,
    outcome_of,
    placed,
    reset_after_reading,
    sending,
)
from tools import require_tool

from escalator.phone.carrier import Accepted, NewCall, NotSent, Unclear
from escalator.phone.twilio import Login, Patience

# What is sent


async def test_a_call_goes_out_with_every_field_the_manual_asks_for():
    async with loopback(answering(201, OK)) as server:
        assert await placed(server.url) == Accepted(SID, "queued", 1.5)

    (request,) = server.requests
    overrides = "#rc=3&rp=ct,rt,5xx"
    assert request.path == f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.form == [
        ("To", "+447700900123"),
        ("From", "+15005550006"),
        ("Url", f"{URL}/answer{overrides}"),
        ("Method", "POST"),
        ("FallbackUrl", f"{URL}/answer{overrides}"),
        ("FallbackMethod", "POST"),
        ("StatusCallback", f"{URL}/status{overrides}"),
        ("StatusCallbackMethod", "POST"),
        ("StatusCallbackEvent", "initiated"),
        ("StatusCallbackEvent", "ringing"),
        ("StatusCallbackEvent", "answered"),
        ("StatusCallbackEvent", "completed"),
        ("Timeout", "25"),
        ("TimeLimit", "300"),
    ]


async def test_machine_detection_never_holds_the_call_back():
    call = NewCall(
        to="+447700900123",
        from_="+15005550006",
        url=URL,
        fallback_url=URL,
        status_callback=URL,
        ring_seconds=25,
        limit_seconds=300,
        machine_detection=True,
        machine_callback=f"{URL}/machine",
    )
    async with loopback(answering(201, OK)) as server:
        await placed(server.url, call)

    form = dict(server.requests[0].form)
    assert form["MachineDetection"] == "Enable"
    assert form["AsyncAmd"] == "true"
    assert form["AsyncAmdStatusCallback"] == f"{URL}/machine#rc=3&rp=ct,rt,5xx"
    assert form["AsyncAmdStatusCallbackMethod"] == "POST"


async def test_an_api_key_logs_in_and_the_account_stays_in_the_path():
    async with loopback(answering(201, OK)) as server:
        await placed(f"{server.url}/a%20prefix/", account="AC/x?y", login=Login("SKx", SECRET))

    (request,) = server.requests
    assert request.path == "/a%20prefix/2010-04-01/Accounts/AC%2Fx%3Fy/Calls.json"
    assert base64.b64decode(request.headers["authorization"].split()[1]).decode() == f"SKx:{SECRET}"


async def test_proxies_of_the_environment_are_not_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert isinstance(await outcome_of(answering(201, OK)), Accepted)


async def test_a_connection_is_used_again():
    async with loopback(answering(201, OK)) as server:
        client = carrier(server.url)
        await client.place(CALL)
        await client.place(CALL)
        await client.aclose()

    assert (server.connections, len(server.requests)) == (1, 2)


async def test_connections_are_set_to_forget_what_they_could_not_send():
    seen = []

    async def behave(_request, connection):
        await connection.answer(201, OK)

    async with loopback(behave) as server:
        client = carrier(server.url)
        await client.place(CALL)
        pool = client._client._transport._pool
        stream = pool.connections[0]._connection._network_stream
        seen.append(stream.get_extra_info("socket"))
        linger = seen[0].getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        user_timeout = seen[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        await client.aclose()

    assert linger == b"\x01\x00\x00\x00\x00\x00\x00\x00"
    assert user_timeout == 10_000


# Nothing was sent (W6, W11)


async def test_a_refused_connection_is_proof_that_nothing_was_sent():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

        outcome = await placed(f"http://127.0.0.1:{port}")

    assert isinstance(outcome, NotSent)
    assert "127.0.0.1" in outcome.reason
    assert "nothing was sent" in outcome.reason
    assert outcome.retry_after is None


@pytest.mark.parametrize(
    "patience",
    [
        Patience(connect_seconds=0.1, total_seconds=5),
        Patience(connect_seconds=5, total_seconds=0.1),
    ],
    ids=["time to connect", "our own limit before the first byte"],
)
async def test_a_connection_that_nobody_takes_is_proof_that_nothing_was_sent(patience):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)

        outcome = await placed(f"http://127.0.0.1:{address[1]}", patience=patience)

        for one in waiting:
            one.close()
    assert isinstance(outcome, NotSent)


async def test_a_host_that_does_not_exist_is_proof_that_nothing_was_sent():
    outcome = await placed(f"http://{'a' * 64}.invalid")

    assert isinstance(outcome, NotSent)


async def test_tls_to_a_plain_port_is_proof_that_nothing_was_sent():
    async def plain(connection):
        await connection.answer(400, "this is plain HTTP")

    async with loopback(answering(201, OK), at_once=plain) as server:
        outcome = await placed(server.url.replace("http", "https"))

    assert isinstance(outcome, NotSent)
    assert (server.connections, server.requests) == (1, [])


async def test_a_reset_during_the_tls_handshake_is_proof_that_nothing_was_sent():
    async def reset(connection):
        connection.reset()

    async with loopback(answering(201, OK), at_once=reset) as server:
        outcome = await placed(server.url.replace("http", "https"))

    assert isinstance(outcome, NotSent)


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory):
    openssl = require_tool("openssl")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_refused(self_signed):
    async with loopback(answering(201, OK), tls=self_signed) as server:
        outcome = await placed(server.url.replace("http", "https"))

    assert isinstance(outcome, NotSent)
    assert "certificate" in outcome.reason
    assert server.requests == []


async def test_a_request_that_waits_for_others_is_proof_that_nothing_was_sent():
    patience = Patience(pool_seconds=0.1, total_seconds=0.4)
    async with loopback(never_answer) as server:
        client = carrier(server.url, patience)
        outcomes = await asyncio.gather(*(client.place(CALL) for _ in range(22)))
        await client.aclose()

    kinds = [type(outcome) for outcome in outcomes]
    assert (kinds.count(Unclear), kinds.count(NotSent)) == (20, 2)
    assert len(server.requests) == 20


# It may have been heard (W7, W10)


UNCLEAR = {
    "reset after the request": reset_after_reading,
    "closed after the request": close_after_reading,
    "never answered": never_answer,
    "dribbled without end": dribble,
    "201 cut off": sending(answer(201, OK)[:-10]),
    "201 head cut off": sending(b"HTTP/1.1 20"),
    "201 without a SID": answering(201, {"status": "queued"}),
    "201 with an odd SID": answering(201, {"sid": "../x", "status": "queued"}),
    "201 with a SID that is no text": answering(201, {"sid": 5}),
    "201 with HTML": answering(201, "<html>ok</html>"),
    "201 with a list": answering(201, "[1]"),
    "201 with nothing": answering(201, ""),
    "201 that is too long": answering(201, OK | {"x": "y" * 2_000_000}),
    "201 nested too deep": answering(201, "[" * 200_000),
    "201 packed": answering(201, b"\x1f\x8b", Content_Encoding="gzip"),
    "204": answering(204, ""),
    "301": answering(301, "", Location="/elsewhere"),
    "307 with a call": answering(307, OK, Location="/elsewhere"),
    "500": answering(500, {"code": 20500, "message": "internal"}),
    "500 with a number's code": answering(500, {"code": 21211}),
    "502 HTML": answering(502, "<html>Bad Gateway</html>"),
    "503": answering(503, {"code": 20503}, Retry_After="1"),
    "504": answering(504, ""),
    "no HTTP": sending(b"SSH-2.0-OpenSSH\r\n"),
    "400 HTML": answering(400, "<html>Bad Request</html>"),
    "400 with the status as code": answering(400, {"code": 400, "message": "by a gateway"}),
    "400 cut off": sending(answer(400, {"code": 21211})[:-3]),
    "400 with a server error's code": answering(400, {"code": 20500}),
    "404 HTML": answering(404, "<html>no such host here</html>"),
    "407": answering(407, ""),
    "408": answering(408, ""),
}


@pytest.mark.parametrize("behaviour", list(UNCLEAR.values()), ids=list(UNCLEAR))
async def test_a_call_may_have_been_made(behaviour):
    outcome = await outcome_of(behaviour, patience=SHORT)

    assert isinstance(outcome, Unclear)
    assert "a call may have been made" in outcome.reason


async def test_a_reset_before_the_request_was_read_proves_nothing():
    async def reset(connection):
        connection.reset()

    async with loopback(answering(201, OK), at_once=reset) as server:
        outcome = await placed(server.url)

    assert isinstance(outcome, Unclear)
    assert (server.connections, server.requests) == (1, [])


async def test_a_kept_connection_that_dies_under_the_next_request_is_not_replaced():
    async def first_only(_request, connection):
        if len(server.requests) == 1:
            await connection.answer(201, OK)
        else:
            connection.reset()

    async with loopback(first_only) as server:
        client = carrier(server.url)
        outcomes = [await client.place(CALL), await client.place(CALL)]
        await client.aclose()

    assert [type(outcome) for outcome in outcomes] == [Accepted, Unclear]
    assert len(server.requests) == 2


async def test_every_answer_comes_within_the_time_limit():
    start = time.monotonic()

    await outcome_of(dribble, patience=SHORT)

    assert 0.25 < time.monotonic() - start < 1


async def test_a_task_that_is_cancelled_stays_cancelled():
    async with loopback(never_answer) as server:
        client = carrier(server.url)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.place(CALL)
        await client.aclose()

    assert len(server.requests) == 1


# What must stay secret (X6)


@pytest.mark.parametrize("behaviour", [answering(201, OK), never_answer, answering(400, "x")])
async def test_secrets_and_numbers_are_in_no_log_line_and_no_repr(behaviour, caplog):
    caplog.set_level(logging.DEBUG)
    login = Login(ACCOUNT, SECRET)
    async with loopback(behaviour) as server:
        client = carrier(server.url, SHORT, login=login)
        outcome = await client.place(CALL)
        await client.list_calls(CALL.to, CALL.from_)
        texts = [repr(client), repr(login), repr(CALL), repr(outcome), caplog.text]
        await client.aclose()

    for text in texts:
        assert SECRET not in text
        assert TOKEN not in text
        assert base64.b64encode(f"{ACCOUNT}:{SECRET}".encode()).decode() not in text
    assert "447700900123" not in caplog.text
