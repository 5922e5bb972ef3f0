"""How callbacks are fetched: timeouts, retries by fragment, redirects, cookies, content types, the fallback."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator

from escalator.simulator import AUTH_TOKEN, Script
from escalator.simulator.conversation import APPLICATION_ERROR
from escalator.simulator.overrides import Overrides, split

ANA = "+447700900123"
HELLO = "<Response><Say>Hello.</Say></Response>"
Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def ana_answers(simulator):
    simulator.people[ANA] = Script.answers()


@pytest.fixture
async def raw() -> AsyncIterator[Callable[[bytes], Awaitable[str]]]:
    """Starts a server that answers every request with these bytes and closes; its URL."""
    servers: list[asyncio.Server] = []

    async def start(answer: bytes) -> str:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
            await reader.readexactly(length)
            writer.write(answer)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


def responds(**options) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def page(_: web.Request) -> web.Response:
        return web.Response(**options)

    return page


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("", Overrides()),
        ("#rc=3&rp=all", Overrides(retries=3, policy=frozenset({"4xx", "5xx", "ct", "rt"}))),
        ("#rc=0", Overrides(retries=0)),
        ("#rp=5xx,rt", Overrides(policy=frozenset({"5xx", "rt"}))),
        ("#ct=500&rt=700&tt=900", Overrides(connect=0.5, read=0.7, total=0.9)),
        ("#sni=n&e=ashburn,dublin", Overrides()),
    ],
)
def test_the_fragment_sets_timeouts_and_retries(fragment, expected):
    assert split(f"https://h/cb{fragment}") == ("https://h/cb", expected, [])


@pytest.mark.parametrize("fragment", ["rc=6", "rp=3xx", "ct=99", "tt=15001", "rt=soon", "x=1"])
def test_what_does_not_fit_in_the_fragment_is_told_and_ignored(fragment):
    url, overrides, wrong = split(f"https://h/cb#{fragment}")

    assert (url, overrides) == ("https://h/cb", Overrides())
    assert fragment in wrong[0]


def fails_at_first(
    times: int, status: int = 500
) -> Callable[[web.Request], Awaitable[web.Response]]:
    seen: list[str] = []

    async def page(request: web.Request) -> web.Response:
        seen.append(request.headers["I-Twilio-Idempotency-Token"])
        if len(seen) <= times:
            return web.Response(status=status)
        assert len(set(seen)) == 1, "retries of one request share the token"
        return web.Response(text=HELLO, content_type="text/xml")

    return page


@pytest.mark.parametrize(
    ("fragment", "status", "tries"),
    [
        ("", 500, 1),
        ("#rc=2&rp=5xx", 500, 3),
        ("#rc=2&rp=all", 404, 3),
        ("#rc=2&rp=5xx", 404, 1),
        ("#rc=5&rp=ct", 503, 1),
    ],
)
async def test_an_error_is_repeated_only_if_the_url_says_so(
    customer, application, fragment, status, tries
):
    application.pages["/answer"] = fails_at_first(2, status)

    call = await customer.call_through(Url=f"{application.url}/answer{fragment}")

    answers = [path for path in application.paths() if path == "/answer"]
    assert len(answers) == tries
    assert call.heard == (["Hello."] if tries == 3 else [APPLICATION_ERROR])
    assert next(c.attempts for c in call.callbacks if c.kind == "answer") == tries


async def test_the_fragment_of_an_action_is_honoured_and_never_sent(
    customer, application, simulator
):
    simulator.people[ANA] = Script.answers("4")
    application.pages |= {
        "/answer": "<Response><Gather action='/key?n=1#rc=3&amp;rp=5xx' numDigits='1'/></Response>",
        "/key": fails_at_first(3),
    }

    call = await customer.call_through()

    assert [p for p in application.paths() if p.startswith("/key")] == ["/key?n=1"] * 4
    assert call.heard == ["Hello."]


async def test_an_invalid_fragment_is_a_warning(customer, application):
    application.pages["/answer"] = HELLO

    call = await customer.call_through(Url=f"{application.url}/answer#rp=3xx")

    assert (call.heard, call.problems()) == (["Hello."], [11243])


async def test_a_read_timeout_is_repeated_when_asked_for(customer, application):
    tries = []

    async def slow_at_first(_: web.Request) -> web.Response:
        tries.append(1)
        if len(tries) == 1:
            await asyncio.sleep(0.4)
        return web.Response(text=HELLO, content_type="text/xml")

    application.pages["/answer"] = slow_at_first

    call = await customer.call_through(Url=f"{application.url}/answer#rt=100&rc=1&rp=rt")

    assert (len(tries), call.heard) == (2, ["Hello."])


async def test_the_total_timeout_ends_the_request(customer, application):
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(1)
        return web.Response()

    application.pages["/answer"] = slow
    began = time.perf_counter()

    call = await customer.call_through(Url=f"{application.url}/answer#tt=150&rp=ct")

    assert time.perf_counter() - began < 0.8
    assert (call.heard, call.problems()) == ([APPLICATION_ERROR], [11200])


async def test_a_refused_connection_is_tried_twice(customer):
    call = await customer.call_through(Url="http://127.0.0.1:9/answer")

    assert call.problems() == [11205]
    assert next(c.attempts for c in call.callbacks if c.kind == "answer") == 2


async def test_an_unknown_host_has_a_code_of_its_own(customer):
    call = await customer.call_through(Url="http://nowhere.invalid/answer")

    assert call.problems() == [11210]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", 11206),
        (b"what?\r\n\r\n", 11206),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: text/xml\r\n\r\n<Resp", 11206),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n<Response/>", 12300),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            11770,
        ),
    ],
    ids=["nothing", "not HTTP", "broken off", "no content type", "chunked and empty"],
)
async def test_answers_that_are_not_whole_have_codes(customer, raw, answer, code):
    call = await customer.call_through(Url=f"{await raw(answer)}/answer#rc=0")

    assert (call.heard, call.problems()) == ([APPLICATION_ERROR], [code])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"status": 404, "text": HELLO, "content_type": "text/xml"}, 11200),
        ({"status": 204}, 12300),
        ({"text": HELLO, "content_type": "application/json"}, 12300),
        ({"text": "", "content_type": "text/xml"}, 12100),
        ({"text": "<html>", "content_type": "text/html"}, 12100),
        ({"text": f"<Response><!--{'x' * 65536}--></Response>", "content_type": "text/xml"}, 11750),
    ],
    ids=["404", "204", "JSON", "empty", "HTML", "too long"],
)
async def test_answers_that_are_not_twiml_end_the_call(customer, application, options, code):
    application.pages["/answer"] = responds(**options)

    call = await customer.call_through()

    assert (call.heard, call.status) == ([APPLICATION_ERROR], "completed")
    assert call.problems() == [code]


@pytest.mark.parametrize(
    ("options", "heard"),
    [
        ({"text": HELLO, "content_type": "application/xml"}, "Hello."),
        ({"text": HELLO, "content_type": "text/html"}, "Hello."),
        ({"text": HELLO, "content_type": "text/plain"}, "Hello."),
        ({"text": "Just read this.", "content_type": "text/plain"}, "Just read this."),
        ({"body": "<Response><Say>é</Say></Response>".encode("latin-1"),
          "headers": {"Content-Type": "text/xml; charset=iso-8859-1"}}, "é"),
    ],
)  # fmt: skip
async def test_content_types_that_are_spoken(customer, application, options, heard):
    application.pages["/answer"] = responds(**options)

    call = await customer.call_through()

    assert (call.heard, call.problems()) == ([heard], [])


async def test_audio_is_played(customer, application):
    application.pages["/answer"] = responds(body=b"RIFF", content_type="audio/wav")

    call = await customer.call_through()

    assert call.heard == [f"[{application.url}/answer]"]


async def test_the_fallback_is_asked_with_the_fault_and_its_url(customer, application):
    application.pages |= {"/answer": responds(status=500), "/fallback": HELLO}

    call = await customer.call_through(FallbackUrl=f"{application.url}/fallback")

    fallback = next(got for got in application.got if got.raw_path == "/fallback")
    assert (fallback["ErrorCode"], fallback["ErrorUrl"]) == ("11200", f"{application.url}/answer")
    assert fallback["CallStatus"] == "in-progress"
    assert (call.heard, call.problems()) == (["Hello."], [11200])


async def test_a_fallback_that_fails_too_ends_the_call(customer, application):
    application.pages |= {"/answer": "<Response><Say>a & b</Say></Response>", "/fallback": "<x/>"}

    call = await customer.call_through(FallbackUrl=f"{application.url}/fallback")

    assert (call.heard, call.problems()) == ([APPLICATION_ERROR], [12100, 12102])
    assert call.status == "completed"


async def test_a_redirected_post_loses_its_form(customer, application, simulator):
    simulator.people[ANA] = Script.answers("4")
    application.pages |= {
        "/answer": "<Response><Gather action='/key' numDigits='1'/></Response>",
        "/key": responds(status=307, headers={"Location": "/key/"}),
        "/key/": HELLO,
    }

    call = await customer.call_through()

    redirected = next(got for got in application.got if got.raw_path == "/key/")
    assert (redirected.method, redirected.form) == ("GET", [])
    signature = redirected.headers["X-Twilio-Signature"]
    assert RequestValidator(AUTH_TOKEN).validate(f"{application.url}/key/", {}, signature)
    assert call.heard == ["Hello."]


@pytest.mark.parametrize(("redirects", "problems"), [(10, []), (11, [11215])])
async def test_ten_redirects_are_followed_and_no_more(customer, application, redirects, problems):
    for n in range(redirects):
        headers = {"Location": f"/r{n + 1}"}
        application.pages[f"/r{n}"] = responds(status=302, headers=headers)
    application.pages[f"/r{redirects}"] = HELLO

    call = await customer.call_through(Url=f"{application.url}/r0")

    assert call.problems() == problems


async def test_cookies_are_kept_within_a_call_and_not_beyond(customer, application):
    async def sets_a_cookie(_: web.Request) -> web.Response:
        twiml = "<Response><Redirect>/next</Redirect></Response>"
        answer = web.Response(text=twiml, content_type="text/xml")
        answer.set_cookie("call", "1")
        return answer

    application.pages |= {"/answer": sets_a_cookie, "/next": HELLO}

    await customer.call_through()
    await customer.call_through()

    cookies = {path: [] for path in ("/answer", "/next")}
    for got in application.got:
        cookies.get(got.raw_path, []).append(got.headers.get("Cookie"))
    assert cookies == {"/answer": [None, None], "/next": ["call=1", "call=1"]}


async def test_status_callbacks_that_fail_are_warnings_of_the_call(customer, application, raw):
    application.pages |= {"/answer": HELLO, "/status": responds(status=500)}
    empty = await raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    failing = await customer.call_through(StatusCallbackEvent=["completed"])
    nobody = await customer.call_through(
        StatusCallback="http://127.0.0.1:9/", StatusCallbackEvent=["completed"]
    )
    silent = await customer.call_through(
        StatusCallback=f"{empty}/", StatusCallbackEvent=["completed"]
    )

    assert [(n.code, n.log) for n in failing.notifications] == [(11200, 1)]
    assert [(n.code, n.log) for n in nobody.notifications] == [(11205, 1)]
    assert [(n.code, n.log) for n in silent.notifications] == [(11200, 1)]
    assert application.paths().count("/status") == 1


async def test_a_slow_status_callback_does_not_hold_up_the_call(customer, application):
    async def waits_for_the_end(_: web.Request) -> web.Response:
        await customer.simulator.wait_for(lambda: customer.simulator.calls[0].is_over)
        return web.Response(status=204)

    application.pages |= {"/answer": HELLO, "/status": waits_for_the_end}

    call = await customer.call_through()

    assert call.heard == ["Hello."]
    assert {callback.status for callback in call.status_callbacks()} == {204}


async def test_a_status_callback_waits_a_moment_for_the_one_before(customer, application):
    arrived_meanwhile = []

    async def takes_its_time(_: web.Request) -> web.Response:
        before = application.paths().count("/status")
        await asyncio.sleep(0.05)
        arrived_meanwhile.append(application.paths().count("/status") - before)
        return web.Response(status=204)

    application.pages |= {"/answer": HELLO, "/status": takes_its_time}

    await customer.call_through()

    assert arrived_meanwhile == [0, 0, 0, 0]
