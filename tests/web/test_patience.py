"""Connections that do not come to the point are closed, and nobody else's (L5)."""

import asyncio

import pytest
from aiohttp import web

from escalator.web.patience import PatientRunner, Terms

REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
async def address():
    """A listener that waits a twentieth of a second for a head, and takes twice as long to answer."""

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.1)
        return web.Response(text="done")

    application = web.Application()
    application.router.add_get("/", slow)
    runner = PatientRunner(application, Terms(head_seconds=0.05))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][:2]
    await runner.cleanup()


async def send(address, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send parts with pauses; return all that comes back until the other side closes or says its piece."""
    reader, writer = await asyncio.open_connection(*address)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(pause)
    try:
        return await asyncio.wait_for(reader.read(1000), 2)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    "parts", [(), (b"GET / HT",), (REQUEST[:-2],), (b"\r\n\r\n\r\n",), (b"\r\n\r\n", b"GET / HT")]
)
async def test_a_head_that_does_not_come_is_not_waited_for(address, parts):
    assert await send(address, *parts, pause=0.01) == b""


async def test_a_head_in_parts_is_a_head(address):
    parts = (REQUEST[:10], REQUEST[10:-3], REQUEST[-3:-1], REQUEST[-1:])

    assert b" 200 OK" in await send(address, *parts, pause=0.005)


async def test_an_answer_may_take_longer(address):
    assert b" 200 OK" in await send(address, REQUEST)


async def test_an_idle_connection_is_left_to_keep_alive(address):
    reader, writer = await asyncio.open_connection(*address)
    for _ in range(2):
        writer.write(REQUEST)
        assert b" 200 OK" in await asyncio.wait_for(reader.readuntil(b"done"), 2)
        await asyncio.sleep(0.1)
    writer.close()
    await writer.wait_closed()


async def test_the_head_of_a_later_request_is_not_waited_for_either(address):
    reader, writer = await asyncio.open_connection(*address)
    writer.write(REQUEST)
    await asyncio.wait_for(reader.readuntil(b"done"), 2)

    writer.write(b"GET / HT")

    assert await until_closed(reader) == b""
    writer.close()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """What still comes until the other side hangs up, which may be a reset or an end."""
    try:
        return await asyncio.wait_for(reader.read(), 2)
    except ConnectionResetError:
        return b""


async def test_an_answer_that_nobody_takes_is_not_offered_for_ever():
    """A reader that never reads would hold its connection, and what it asked for, until the end of days."""

    async def large(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 20_000_000)

    application = web.Application()
    application.router.add_get("/", large)
    runner = PatientRunner(application, Terms(keepalive_seconds=0.1, politeness_seconds=0.1))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, writer = await asyncio.open_connection(*runner.addresses[0][:2], limit=1000)
    writer.write(REQUEST)

    for count in (1, 0):
        async with asyncio.timeout(5):
            while runner.count != count:  # noqa: ASYNC110 - the listener sets no event for this
                await asyncio.sleep(0.01)

    writer.close()
    await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])
    await runner.cleanup()
