"""The public listener as strangers meet it: constant words, a brake on guessing, bounds on what is read."""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from cast import ANA
from rig import FOR_HANDS, Rig

from escalator.phone import doorway
from escalator.phone.doorway import Misses, answer_constantly, read_form, refusal
from escalator.phone.tokens import new_token
from escalator.simulator import Script

KINDS = ["answer", "key", "status", "machine"]


async def ringing(rig):
    """A call that rings at Ana's."""
    rig.sim.people[ANA] = Script.manual()
    await rig.fire()
    return await rig.sim.wait_call(ANA, status="ringing")


async def guess(rig, kind="answer", session=None):
    url = f"{rig.settings.public_url}/t/{new_token()}/{kind}"
    async with (session or rig.http).post(url, data={"CallSid": "CA1"}) as answer:
        return answer.status, await answer.read(), answer.headers


# ---- guessing


async def test_who_guesses_tokens_is_told_to_stop_and_genuine_tokens_are_served(tmp_path):
    """(X4) Twenty misses a minute and address; a valid token from that very address is served all the while."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await ringing(rig)

        answers = [await guess(rig, KINDS[n % 4]) for n in range(30)]

        assert [status for status, _, _ in answers] == [404] * 20 + [429] * 10
        assert {body for status, body, _ in answers if status == 429} == {b"too many requests\n"}
        assert answers[-1][2]["Retry-After"] == "60"
        assert await rig.report(call, "in-progress") == 204
        assert rig.count("callbacks_total", kind="gather", result="unknown_token") == 8

        elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
        async with aiohttp.ClientSession(connector=elsewhere) as session:
            assert (await guess(rig, session=session))[0] == 404

        await rig.leap(61)
        assert (await guess(rig))[0] == 404


def test_misses_are_counted_by_address_and_minute():
    seconds = [0.0]
    misses = Misses(lambda: seconds[0])

    assert [misses.one_more("192.0.2.1") for _ in range(21)] == [False] * 20 + [True]
    assert not misses.one_more("192.0.2.2")
    seconds[0] = 59.0
    assert misses.one_more("192.0.2.1")
    seconds[0] = 61.0
    assert not misses.one_more("192.0.2.1")


def test_a_customer_with_many_addresses_is_one():
    misses = Misses(lambda: 0.0)

    for n in range(20):
        assert not misses.one_more(f"2001:db8:0:1::{n:x}")

    assert misses.one_more("2001:db8:0:1:ffff::1")
    assert not misses.one_more("2001:db8:0:2::1")
    assert not misses.one_more("not an address")


def test_the_count_of_addresses_is_bounded_and_who_keeps_guessing_is_kept():
    misses = Misses(lambda: 0.0)

    for n in range(20_000):
        misses.one_more("192.0.2.1")
        misses.one_more(f"10.0.{n // 250}.{n % 250}")

    assert len(misses) <= 4096
    assert misses.one_more("192.0.2.1")


async def test_forgeries_do_not_flood_the_log(tmp_path, capsys):
    """(L9)"""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await ringing(rig)
        for _ in range(10):
            status, _, _ = await rig.post(rig.url(call, "status"), ("CallSid", call.sid), key="x")
            assert status == 403

    assert capsys.readouterr().out.count("callback_forged") == 1


# ---- what is read


async def test_what_breaks_inside_is_503_in_constant_words(tmp_path):
    """The carrier asks again after a 5xx, and hears nothing of what broke."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await ringing(rig)
        url, reader = rig.url(call, "answer"), rig.engine.reader
        rig.engine.reader = None
        status, body, headers = await rig.post(url, ("CallSid", call.sid))
        rig.engine.reader = reader

        assert (status, body, headers["Retry-After"]) == (503, "try again\n", "1")
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("status", [400, 403, 404, 408, 410, 413, 429, 503])
def test_each_refusal_has_its_one_body_and_all_headers(status):
    first, second = refusal(status), refusal(status)

    assert first.status == status
    assert first.body == second.body
    assert first.headers.items() >= doorway.HEADERS.items()


def test_any_other_refusal_is_400():
    assert refusal(417).status == 400


@asynccontextmanager
async def reading():
    """The doorway before a handler that reads a form within a twentieth of a second."""

    async def handle(request: web.Request) -> web.Response:
        body, pairs = await read_form(request, 0.05)
        return web.Response(text=f"{len(body)} {len(pairs)}")

    app = web.Application(client_max_size=doorway.BODY_MAX_BYTES, middlewares=[answer_constantly])
    app.router.add_post("/", handle)
    runner = web.AppRunner(app, lingering_time=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][:2]
    await runner.cleanup()


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (b"Content-Length: 4", b"a=b&", 200),
        (b"Content-Length: 4", b"\xff\x00\xfe&", 200),
        (b"Content-Length: 9", b"a=b", 408),  # (L5)
        (b"Content-Length: 70000", b"a" * 70_000, 413),  # (L4)
        (b"Transfer-Encoding: chunked", b"11170\r\n" + b"a" * 70_000 + b"\r\n0\r\n\r\n", 413),
        (b"Content-Length: 2000", b"a&" * 1000, 400),  # (L7)
        (b"Transfer-Encoding: chunked", b"no chunk\r\n", 400),  # (X15)
    ],
)
async def test_a_form_is_read_within_bounds(head, body, status):
    async with reading() as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\n\r\n" + body)
        line = await asyncio.wait_for(reader.readline(), 2)
        writer.close()

    assert line.split()[1] == str(status).encode()
