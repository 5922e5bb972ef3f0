"""A carrier's API on a bare socket, which does to a connection whatever a test tells it to, and a
client of ours to ask it."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from escalator.phone.carrier import NewCall
from escalator.phone.twilio import Login, Patience, TwilioCarrier

ACCOUNT = "ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
SECRET = "not-a-real-auth-token"
SID = "CA" + "0" * 31 + "1"
TOKEN = "token-of-this-call"
URL = f"https://pager.example.net/t/{TOKEN}"
CALL = NewCall(
    to="+447700900123",
    from_="+15005550006",
    url=f"{URL}/answer",
    fallback_url=f"{URL}/answer",
    status_callback=f"{URL}/status",
    ring_seconds=25,
    limit_seconds=300,
)
OK = {"sid": SID, "status": "queued", "queue_time": "1500"}
SHORT = Patience(connect_seconds=0.2, total_seconds=0.3)


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self):
        return urlsplit(self.target).path

    @property
    def query(self):
        return parse_qsl(urlsplit(self.target).query)

    @property
    def form(self):
        return parse_qsl(self.body.decode(), keep_blank_values=True)


@dataclass
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    released: asyncio.Event

    async def send(self, raw: bytes):
        self.writer.write(raw)
        await self.writer.drain()

    async def answer(self, status: int, body: bytes | dict | str, **headers: str):
        await self.send(answer(status, body, **headers))

    async def hold(self):
        """Stay silent until the test is over."""
        await self.released.wait()

    def reset(self):
        """End with RST instead of FIN, as a crashed peer or a firewall does."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Behaviour = Callable[[Request, Connection], Awaitable[None]]


@dataclass
class Loopback:
    port: int = 0
    connections: int = 0
    requests: list[Request] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


def answer(status: int, body: bytes | dict | str, **headers: str) -> bytes:
    """An HTTP answer. In header names `_` stands for `-`."""
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    raw = body.encode() if isinstance(body, str) else body
    named = {"Content-Length": str(len(raw))} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = [f"HTTP/1.1 {status} x", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + raw


@asynccontextmanager
async def loopback(behaviour: Behaviour, *, at_once=None, tls=None):
    """Serve on a free port; `at_once` sees each connection before anything is read from it."""
    server_state = Loopback()

    async def serve(reader, writer):
        server_state.connections += 1
        connection = Connection(reader, writer, server_state.released)
        try:
            if at_once is not None:
                await at_once(connection)
                return
            while True:
                request = await _read(reader)
                server_state.requests.append(request)
                await behaviour(request, connection)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    server_state.port = server.sockets[0].getsockname()[1]
    try:
        yield server_state
    finally:
        server_state.released.set()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.01)


async def _read(reader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = {
        name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


def carrier(url, patience=None, account=ACCOUNT, login=None):
    return TwilioCarrier(url, account, login or Login(ACCOUNT, SECRET), patience=patience)


async def placed(url, call=CALL, **options):
    client = carrier(url, **options)
    try:
        return await client.place(call)
    finally:
        await client.aclose()


def answering(status, body, **headers):
    async def behave(_request, connection):
        await connection.answer(status, body, **headers)

    return behave


def sending(raw):
    async def behave(_request, connection):
        await connection.send(raw)
        connection.writer.close()

    return behave


async def outcome_of(behaviour, **options):
    """What one POST came to, after checking that exactly one was sent."""
    async with loopback(behaviour) as server:
        outcome = await placed(server.url, **options)

    assert len(server.requests) == 1
    assert server.requests[0].method == "POST"
    return outcome


async def reset_after_reading(_request, connection):
    connection.reset()


async def close_after_reading(_request, connection):
    connection.writer.close()


async def never_answer(_request, connection):
    await connection.hold()


async def dribble(_request, connection):
    await connection.send(b"HTTP/1.1 201 x\r\nContent-Length: 1000\r\n\r\n")
    while not connection.released.is_set():
        await connection.send(b" ")
        await asyncio.sleep(0.02)
