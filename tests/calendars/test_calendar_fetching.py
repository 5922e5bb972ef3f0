"""A calendar is taken as it should come, or not at all; the link is told to nobody."""

import gzip
import socket

import pytest
from calendar_server import calendar_server, dripping, endless, silent
from calendar_texts import feed

from escalator.calendars.fetching import NotFetched, Stamp, fetch

GOOGLE = feed("google")
UNKNOWN = Stamp()


@pytest.fixture
async def server():
    async with calendar_server() as one:
        yield one


async def test_a_calendar_comes_with_what_its_server_knows_it_by(server):
    server.says(GOOGLE, etag='"v1"', last_modified="Sun, 22 Nov 2026 10:00:00 GMT")

    fetched = await fetch(server.link, UNKNOWN)

    assert fetched.body == GOOGLE
    assert fetched.stamp == Stamp(etag='"v1"', modified="Sun, 22 Nov 2026 10:00:00 GMT")


async def test_one_that_is_known_need_not_come_again(server):
    server.says(GOOGLE, etag='"v1"')

    assert await fetch(server.link, Stamp(etag='"v1"', modified="long ago")) is None
    assert server.asked[0].headers["If-Modified-Since"] == "long ago"
    assert "Cookie" not in server.asked[0].headers


async def test_nothing_new_is_no_answer_to_who_has_nothing(server):
    server.says(status=304)

    with pytest.raises(NotFetched, match="it answered 304"):
        await fetch(server.link, UNKNOWN)


async def test_a_stamp_that_is_no_line_of_text_is_not_kept(server):
    server.says(GOOGLE, etag="x" * 400, last_modified="\u00e4\u0085")

    assert (await fetch(server.link, UNKNOWN)).stamp == UNKNOWN


@pytest.mark.parametrize("status", [201, 401, 404, 500])
async def test_any_other_status_is_no_calendar(server, status):
    server.says(GOOGLE, status=status)

    with pytest.raises(NotFetched, match=f"it answered {status}") as caught:
        await fetch(server.link, UNKNOWN)

    assert not caught.value.is_refused


async def test_a_redirect_is_not_followed_nor_told(server):
    server.says(status=302, location="/other-s3cret.ics")

    with pytest.raises(NotFetched, match="302, and redirects are not followed") as caught:
        await fetch(server.link, UNKNOWN)

    assert "s3cret" not in str(caught.value)
    assert len(server.asked) == 1


async def test_what_is_packed_is_refused_unopened(server):
    server.says(gzip.compress(GOOGLE), content_encoding="gzip")

    with pytest.raises(NotFetched, match="packed") as caught:
        await fetch(server.link, UNKNOWN)

    assert caught.value.is_refused
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


async def test_five_mebibytes_come_and_a_byte_more_does_not(server):
    server.says(b"X" * (5 * 1024 * 1024))
    assert len((await fetch(server.link, UNKNOWN)).body) == 5 * 1024 * 1024

    server.says(b"X" * (5 * 1024 * 1024 + 1))
    with pytest.raises(NotFetched, match="larger than 5 MiB") as caught:
        await fetch(server.link, UNKNOWN)
    assert caught.value.is_refused


async def test_a_body_without_an_end_is_cut(server):
    server.answer = endless

    with pytest.raises(NotFetched, match="larger than 5 MiB"):
        await fetch(server.link, UNKNOWN)


@pytest.mark.parametrize("answer", [silent, dripping], ids=["silent", "dripping"])
async def test_one_that_takes_its_time_is_not_waited_for(server, answer):
    server.answer = answer

    with pytest.raises(NotFetched, match=r"did not come within 0\.3 s"):
        await fetch(server.link, UNKNOWN, seconds=0.3)


async def test_nobody_there_is_told_without_the_link():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    with pytest.raises(NotFetched) as caught:
        await fetch(f"http://127.0.0.1:{port}/s3cret", UNKNOWN)

    assert str(caught.value) == "it could not be reached: ClientConnectorError"


async def test_what_is_no_http_is_told_without_the_link(server):
    async def torn(request):
        request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nBEGIN:")
        request.transport.close()
        raise ConnectionResetError

    server.answer = torn

    with pytest.raises(NotFetched, match=r"could not be reached: \w+$"):
        await fetch(server.link, UNKNOWN)


async def test_a_proxy_of_the_environment_never_sees_the_link(server, monkeypatch):
    async with calendar_server() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        server.says(GOOGLE)

        assert (await fetch(server.link, UNKNOWN)).body == GOOGLE
        assert proxy.asked == []
