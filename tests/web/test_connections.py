"""Who has to go when there are too many connections, and who is answered all the same (L6)."""

import asyncio
import resource
from dataclasses import dataclass

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from escalator.web.connections import Connections, Limits, is_this_machine, open_files
from escalator.web.patience import HEADERS, PatientRunner, Terms

FAR, FARTHER, HERE = "192.0.2.1", "192.0.2.2", "127.0.0.1"
ASK = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@dataclass(eq=False)
class Guest:
    address: str = FAR
    is_hung_up: bool = False

    def hang_up(self) -> None:
        self.is_hung_up = True


def filled(limits: Limits, *guests: Guest) -> Connections:
    connections = Connections(limits)
    for guest in guests:
        assert connections.admit(guest)
    return connections


def test_the_one_that_has_waited_longest_makes_room():
    guests = [Guest(), Guest(), Guest()]
    connections = filled(Limits(total=3, reserve=1), *guests)
    connections.begins(guests[0])
    connections.rests(guests[0])

    assert connections.admit(Guest())
    assert [one.is_hung_up for one in guests] == [False, True, False]
    assert connections.count == 3


def test_one_that_is_being_answered_is_never_hung_up():
    guests = [Guest(), Guest()]
    connections = filled(Limits(total=2, reserve=1), *guests)
    for guest in guests:
        connections.begins(guest)

    assert not connections.admit(Guest(HERE))
    assert not any(one.is_hung_up for one in guests)
    assert connections.count == 2


def test_an_address_takes_the_places_of_its_own_connections_only():
    limits = Limits(total=10, per_address=2, reserve=1)
    other, *own = Guest(FARTHER), Guest(), Guest()
    connections = filled(limits, other, *own)

    assert connections.admit(Guest())
    assert own[0].is_hung_up
    assert not other.is_hung_up

    connections = filled(limits, *(busy := [Guest(), Guest()]))
    for guest in busy:
        connections.begins(guest)
    assert not connections.admit(Guest())
    assert connections.admit(Guest(FARTHER))


@pytest.mark.parametrize("address", [HERE, "127.9.9.9", "::1", ""])
def test_a_proxy_on_this_machine_is_everybody(address):
    assert is_this_machine(address)
    filled(Limits(total=10, per_address=1, reserve=1), *(Guest(address) for _ in range(9)))


def test_the_last_places_are_a_reserve():
    guests = [Guest(HERE) for _ in range(4)]
    connections = filled(Limits(total=4, reserve=2), *guests)
    connections.begins(guests[0])
    assert not connections.is_busy

    connections.begins(guests[1])

    assert connections.is_busy


def test_open_files_are_shared_out():
    """(K22) What calls and the database need is kept back."""
    assert Limits.within(8192).total == 2000
    assert Limits.within(1024).total == 384
    assert Limits.within(20).total == 32
    assert open_files() >= min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


@given(
    st.lists(
        st.tuples(st.sampled_from(["admit", "begins", "rests", "gone"]), st.integers(0, 7)),
        max_size=60,
    )
)
def test_whatever_happens_the_count_is_right_and_within_bounds(steps):
    limits = Limits(total=4, per_address=3, reserve=1)
    guests = [Guest(FAR if n % 2 else FARTHER) for n in range(8)]
    connections, inside, busy = Connections(limits), set(), set()
    for step, n in steps:
        guest = guests[n]
        if step == "admit":
            if n in inside:
                continue
            guest.is_hung_up = False
            if connections.admit(guest):
                inside.add(n)
        else:
            getattr(connections, step)(guest)
            if step == "gone":
                inside.discard(n)
            if step == "begins" and n in inside:
                busy.add(n)
            elif step in ("rests", "gone"):
                busy.discard(n)
        gone = {one for one in inside if guests[one].is_hung_up}
        assert not gone & busy
        inside -= gone
        assert connections.count == len(inside) <= limits.total
        assert all(
            sum(guests[one].address == address for one in inside) <= limits.per_address
            for address in (FAR, FARTHER)
        )


# ---- over sockets


@pytest.fixture
async def served():
    """A listener for four at once, whose `/slow` answers when the test says so."""
    go = asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        await go.wait()
        return web.Response(text="done")

    async def health(_: web.Request) -> web.Response:
        return web.Response(text="done")

    application = web.Application()
    application.router.add_get("/slow", slow)
    application.router.add_get("/health", health)
    application.router.add_get("/other", health)
    terms = Terms(limits=Limits(total=4, reserve=1), vital=frozenset({"/health"}))
    runner = PatientRunner(application, terms)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][:2], go
    go.set()
    await runner.cleanup()


async def ask(address, path: bytes):
    reader, writer = await asyncio.open_connection(*address)
    writer.write(ASK % path)
    return reader, writer


async def line_of(reader) -> bytes:
    return await asyncio.wait_for(reader.readline(), 2)


async def rest_of(reader) -> bytes:
    """All that comes until the other side hangs up; it may do so with a reset."""
    got = b""
    try:
        async with asyncio.timeout(2):
            while more := await reader.read(1000):
                got += more
    except ConnectionResetError:
        pass
    return got


async def test_a_hoard_of_idle_connections_keeps_nobody_out(served):
    address, _ = served
    hoard = [await ask(address, b"/other") for _ in range(4)]
    for reader, _ in hoard:
        assert b" 200 " in await line_of(reader)

    for n in range(3):
        hoard.append(await ask(address, b"/other"))
        assert b" 200 " in await line_of(hoard[-1][0])
        assert (await rest_of(hoard[n][0])).endswith(b"done")
    for _, writer in hoard:
        writer.close()


async def test_while_all_are_busy_health_is_answered_and_the_rest_is_told_to_come_back(served):
    address, go = served
    busy = [await ask(address, b"/slow") for _ in range(3)]
    await asyncio.sleep(0.05)

    for path, code in ((b"/health", b" 200 "), (b"/other", b" 503 "), (b"/health", b" 200 ")):
        reader, writer = await ask(address, path)
        assert code in await line_of(reader), path
        writer.close()

    go.set()
    for reader, writer in busy:
        assert b" 200 " in await line_of(reader)
        writer.close()


async def test_every_answer_bears_the_headers_also_those_that_no_handler_made(served):
    """(X13)"""
    address, _ = served
    for raw in (
        ASK % b"/other",
        ASK % b"/nothing",
        b"\x16\x03\x01\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(raw)
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)).decode()
        for name, value in HEADERS.items():
            assert f"{name}: {value}\r\n" in head, raw
        writer.close()
