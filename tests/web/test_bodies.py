"""What is read of a request: bounded in size and time; JSON of the API is strict."""

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from escalator.web.answers import answer_safely
from escalator.web.bodies import Room, json_fields, read_body


@pytest.fixture
async def reading():
    """A server that reads at most 1000 bytes within a twentieth of a second."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=await read_body(request, 1000, 0.05))

    application = web.Application(middlewares=[answer_safely])
    application.router.add_post("/", handle)
    async with TestServer(application) as server:
        yield server


async def send(server: TestServer, head: bytes, *parts: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\n\r\n")
    for part in parts:
        writer.write(part)
    line = await asyncio.wait_for(reader.readline(), 2)
    writer.close()
    await writer.wait_closed()
    return line.split()[1]


async def test_a_body_that_dribbles_is_given_up(reading):
    """(L5)"""
    assert await send(reading, b"Content-Length: 10", b"half") == b"408"


async def test_a_body_that_announces_too_much_is_refused_unread(reading):
    assert await send(reading, b"Content-Length: 1001") == b"413"


async def test_a_body_that_announces_nothing_is_counted(reading):
    chunk = b"2bc\r\n" + b"x" * 700 + b"\r\n"

    assert await send(reading, b"Transfer-Encoding: chunked", chunk, chunk) == b"413"


async def test_a_body_of_the_very_limit_is_read(reading):
    async with (
        aiohttp.ClientSession() as session,
        session.post(reading.make_url("/"), data=b"x" * 1000) as response,
    ):
        assert await response.read() == b"x" * 1000


@pytest.fixture
async def fields():
    """A server of the API's kind that knows the fields `by` and `text`."""

    async def handle(request: web.Request) -> web.Response:
        return web.json_response(await json_fields(request, {"by", "text"}))

    application = web.Application(middlewares=[answer_safely])
    application.router.add_post("/", handle)
    async with (
        TestServer(application) as server,
        aiohttp.ClientSession(server.make_url("/")) as session,
    ):
        yield session


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"", "", 200, None),
        (b'{"by": "ana"}', "application/json", 200, None),
        (b'{"by": "ana"}', "application/json; charset=utf-8", 200, None),
        (b'{"by": "ana"}', "text/plain", 415, "unsupported_media_type"),
        (b'{"by": "ana"}', "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"by=ana", "application/json", 400, "invalid_json"),
        (b"[1]", "application/json", 400, "invalid_json"),
        (b"[" * 60_000, "application/json", 400, "invalid_json"),
        (b'{"bye": "ana"}', "application/json", 400, "invalid_field"),
        (b'{"by": "' + b"a" * 70_000 + b'"}', "application/json", 413, "too_large"),
    ],
)
async def test_a_body_of_the_api_is_a_json_object_of_known_fields(
    fields, body, content_type, status, code
):
    async with fields.post("/", data=body, headers={"Content-Type": content_type}) as response:
        answer = await response.json()

    assert (response.status, answer.get("error", {}).get("code")) == (status, code)


async def test_an_unknown_field_is_named_with_a_guess(fields):
    async with fields.post("/", json={"tekst": "hello"}) as response:
        error = (await response.json())["error"]

    assert error["path"] == "tekst"
    assert "did you mean 'text'" in error["message"]


async def test_all_bodies_together_have_so_much_room_and_give_it_back():
    """(K20) Whoever finds none is told to come again; nothing of it stays taken."""
    room = Room(2500)
    go = asyncio.Event()

    async def handle(request: web.Request) -> web.Response:
        with room.place() as take:
            body = await read_body(request, 1000, take=take)
            await go.wait()
            return web.Response(body=body)

    application = web.Application(middlewares=[answer_safely])
    application.router.add_post("/", handle)
    async with TestServer(application) as server, aiohttp.ClientSession() as session:

        async def post() -> int:
            async with session.post(server.make_url("/"), data=b"x" * 1000) as response:
                return response.status

        posts = [asyncio.ensure_future(post()) for _ in range(3)]
        done, _ = await asyncio.wait(posts, timeout=2, return_when=asyncio.FIRST_COMPLETED)
        assert [one.result() for one in done] == [503]
        go.set()
        assert sorted(await asyncio.gather(*posts)) == [200, 200, 503]
        assert await asyncio.gather(post(), post()) == [200, 200]
