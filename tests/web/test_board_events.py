"""Server-sent events: ids of what changed, soon, seldom enough, never more streams than fifty, and an end."""

import asyncio
import json

import pytest

from escalator.clock import SystemClock
from escalator.web import events as module
from escalator.web.events import LIFE, STREAMS_MAX

STREAM = {"Accept": "text/event-stream"}


class Stream:
    """An open stream, read word by word."""

    def __init__(self, response):
        self.response = response

    async def next(self, seconds=2.0):
        """The next event's id and data; None for a comment."""
        text = await asyncio.wait_for(self.response.content.readuntil(b"\n\n"), seconds)
        lines = dict(line.split(": ", 1) for line in text.decode().strip().split("\n"))
        return (int(lines["id"]), json.loads(lines["data"])) if "id" in lines else None

    async def is_quiet(self, seconds=0.2):
        try:
            await self.next(seconds)
        except TimeoutError:
            return True
        return False


@pytest.fixture
async def listen_to(listener):
    """Open streams of the listener; all are closed with the test."""
    streams = []

    async def start(query="", one=listener, **headers):
        response = await one.session.get(f"{one.url}/events{query}", headers={**STREAM, **headers})
        streams.append(response)
        assert response.status == 200, await response.read()
        return Stream(response)

    yield start
    for response in streams:
        response.close()


async def test_a_change_is_told_by_the_ids_of_its_incidents(listener, listen_to):
    stream = await listen_to()
    assert await stream.next() is None

    incident = await listener.fire("SecretName", severity="critical")

    position, told = await stream.next()
    assert told == {"incidents": [incident], "all": False}
    assert position == 2
    assert stream.response.headers["Content-Type"] == "text/event-stream"
    assert stream.response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_board_that_comes_late_hears_what_it_missed(listener, listen_to):
    incident = await listener.fire()
    stream = await listen_to("?since=0")

    assert (await stream.next())[1]["incidents"] == [incident]


async def test_the_browser_says_where_it_was(listener, listen_to):
    await listener.fire("A")
    second = await listener.fire("B")
    stream = await listen_to("?since=0", **{"Last-Event-ID": "2"})

    assert (await stream.next())[1]["incidents"] == [second]


async def test_a_board_that_knows_all_hears_nothing(listener, listen_to):
    await listener.fire()
    stream = await listen_to("?since=2")

    assert await stream.next() is None
    assert await stream.is_quiet()


async def test_a_board_of_another_database_is_told_to_ask_for_all(listener, listen_to):
    stream = await listen_to("?since=999")

    assert (await stream.next())[1] == {"incidents": [], "all": True}


async def test_at_most_four_events_a_second_whatever_happens(listener, listen_to):
    """The clock stands still: the stream rests after its first event."""
    stream = await listen_to()
    await stream.next()
    await listener.fire("A")
    await stream.next()

    await listener.fire("B")
    await listener.fire("C")
    assert await stream.is_quiet()
    await listener.clock.advance(0.25)

    assert len((await stream.next())[1]["incidents"]) == 2


async def test_a_note_on_the_board_is_told_at_once_though_it_gives_nobody_work(listener, listen_to):
    incident = await listener.fire()
    stream = await listen_to()
    await stream.next()

    await listener.ask("POST", f"/incidents/{incident}/note", data={"text": "on it", "back": "now"})

    assert (await stream.next())[1]["incidents"] == [incident]


async def test_a_note_by_the_api_is_told_within_a_second(listener, listen_to):
    incident = await listener.fire()
    stream = await listen_to()
    await stream.next()

    await listener.post(f"/api/v1/incidents/{incident}/note", {"text": "on it"})
    await asyncio.sleep(0.05)
    await listener.clock.advance(1)

    assert (await stream.next())[1]["incidents"] == [incident]


async def test_a_pager_that_falls_ill_is_told_to_everybody(listener, listen_to):
    stream = await listen_to()
    await stream.next()

    listener.not_ready.append("the store cannot be written")
    await asyncio.sleep(0.05)
    await listener.clock.advance(1)

    assert (await stream.next())[1] == {"incidents": [], "all": True}


async def test_a_quiet_stream_shows_that_it_lives(listener, listen_to):
    stream = await listen_to()
    assert await stream.next() is None

    await listener.clock.advance(module.PING_SECONDS + 1)

    assert await stream.next() is None


async def test_a_stream_ends_after_an_hour(listener, listen_to):
    stream = await listen_to()

    await stream.next()
    await listener.clock.advance(LIFE)

    assert (await stream.response.content.read()).replace(b": here\n\n", b"") == b""


async def test_there_are_fifty_at_most_and_room_again_when_one_goes(listener, listen_to):
    streams = [await listen_to() for _ in range(STREAMS_MAX)]

    refused = await listener.get("/events", headers=STREAM)
    assert refused.error[:2] == (503, "unavailable")
    streams[0].response.close()
    await asyncio.sleep(0.05)
    await listener.clock.advance(1)
    await asyncio.sleep(0.05)

    await listen_to()


async def test_streams_end_when_the_listener_stops(listen):
    listener = await listen(clock=SystemClock())
    response = await listener.session.get(f"{listener.url}/events", headers=STREAM)
    await Stream(response).next()

    stopping = asyncio.ensure_future(listener.runner.cleanup())

    assert await asyncio.wait_for(response.content.read(), 2) is not None
    await asyncio.wait_for(stopping, 3)


async def test_who_does_not_want_a_stream_gets_none(listener):
    assert (await listener.get("/events")).error[0] == 400
