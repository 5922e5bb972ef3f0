"""Anything at all, sent to either listener: no status above 499 but 503, no crash, nothing leaked (X6, L7, X15).

The listeners run in a thread of their own for the length of this module, since Hypothesis is no coroutine. Raw bytes go
over sockets; requests that fit the API are made from its own description by schemathesis.
"""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loopback_listener import ENVIRON, GENERATED_TOKEN, Listener, opened
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from escalator.clock import SystemClock
from escalator.phone.callbacks import Callbacks
from escalator.phone.doorway import refusal
from escalator.phone.settings import PhoneSettings
from escalator.web.openapi import document
from escalator.web.patience import PatientRunner, Terms
from escalator.web.routes import ROUTES

CONFIG = "receivers: { hook: { type: webhook }, am: { type: alertmanager } }"
SECRETS = (*ENVIRON.values(), GENERATED_TOKEN)
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
QUICK = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Served:
    """Both listeners and the loop they live in."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.faults: list[str] = []
        self.loop.set_exception_handler(lambda _, context: self.faults.append(str(context)))
        self._started = threading.Event()
        self._stop = asyncio.Event()
        self._thread: threading.Thread | None = None
        self.internal: tuple[str, int] = ("", 0)
        self.public: tuple[str, int] = ("", 0)

    @contextlib.contextmanager
    def running(self, folder: Path) -> Iterator["Served"]:
        self._thread = threading.Thread(
            target=self.loop.run_until_complete, args=(self._live(folder),)
        )
        self._thread.start()
        assert self._started.wait(20)
        try:
            yield self
        finally:
            self.loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(20)
            self.loop.close()

    async def _live(self, folder: Path) -> None:
        async with opened(folder, CONFIG, SystemClock(), GENERATED_TOKEN) as listener:
            runner = await _public(listener)
            self.internal, self.public = listener.address, runner.addresses[0][:2]
            self._started.set()
            await self._stop.wait()
            await runner.cleanup()


async def _public(listener: Listener) -> PatientRunner:
    phone = PhoneSettings(
        public_url="https://pager.example.net",
        from_numbers=("+15005550006",),
        auth_tokens=(ENVIRON["TOKEN"],),
    )
    application = Callbacks(listener.engine, phone).application()
    runner = PatientRunner(application, Terms(refuse=refusal))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served().running(tmp_path_factory.mktemp("fuzz")) as one:
        yield one
        assert one.faults == []


@pytest.fixture(params=["internal", "public"])
def address(served: Served, request: pytest.FixtureRequest) -> tuple[str, int]:
    found: tuple[str, int] = getattr(served, request.param)
    return found


def say(address: tuple[str, int], raw: bytes, *, is_all: bool) -> bytes:
    """Send these bytes; all that comes back. `is_all`: say that no more will come."""
    got = b""
    with socket.create_connection(address, timeout=5) as connection, contextlib.suppress(OSError):
        connection.sendall(raw)
        if is_all:
            connection.shutdown(socket.SHUT_WR)
        while more := connection.recv(65_536):
            got += more
    return got


def check_harmless(got: bytes) -> None:
    for status in STATUS.findall(got):
        assert int(status) < 500 or status == b"503", got[:1000]
    for secret in SECRETS:
        assert secret.encode() not in got
    assert b"Traceback" not in got
    assert b"aiohttp" not in got


# ---- bytes

TOKENS = (
    "GET POST HEAD PUT OPTIONS / /receive/hook /receive/am /t/x/answer /metrics /api/v1/calls * ? %00 %ff .. HTTP/1.1 "
    "HTTP/1.0 HTTP/9.9 Host: 127.0.0.1 Content-Length: 5 0 -1 99999999999999999999 Transfer-Encoding: chunked "
    "Content-Type: application/json multipart/form-data;boundary=x Expect: 100-continue Connection: upgrade "
    'Authorization: Bearer Basic Og== { } [ ] " \\ a=b& \x00 \x7f \xe9 \ud800 \u202e'
).split(" ")
LINES = st.lists(st.sampled_from(TOKENS), max_size=6).map(" ".join)
ALMOST_HTTP = st.lists(LINES, min_size=1, max_size=8).map(
    lambda lines: "\r\n".join(lines).encode("utf-8", "surrogatepass")
)
RAW = st.one_of(
    st.binary(max_size=300),
    ALMOST_HTTP,
    st.builds(lambda head, end: head + end, ALMOST_HTTP, st.sampled_from([b"\r\n\r\n", b"\n\n"])),
)


@QUICK
@given(raw=RAW)
def test_any_bytes_are_survived(address, raw):
    """(X15)"""
    check_harmless(say(address, raw, is_all=True))


METHODS = st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
PATHS = st.sampled_from(
    "/ /metrics /receive/hook /receive/am /receive/am/api/v2/alerts /receive/none /api/v1/calls "
    "/api/v1/incidents /api/v1/incidents/1 /api/v1/incidents/1/acknowledge /-/healthy /schema.json "
    "/t/x/answer /t/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/key //// /%2e%2e/ /%00 /%ff /?limit=x "
    "/api/v1/incidents?limit=99999999999 /api/v1/incidents?phase=%00 /api/v1/calls/1?wait=x".split()
)
HEADER_TEXT = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=40)
HEADERS = st.dictionaries(
    st.sampled_from(
        "Content-Type Authorization Origin Sec-Fetch-Site X-Forwarded-For Idempotency-Key Accept "
        "X-Twilio-Signature X-Twilio-Webhooks-Signature-Settings Content-Encoding Range Cookie".split()
    ),
    st.one_of(
        HEADER_TEXT,
        st.sampled_from(
            "application/json application/x-www-form-urlencoded text/plain;charset=rot13 "
            "multipart/form-data;boundary=x gzip cross-site Bearer".split()
        ),
    ),
    max_size=5,
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"{}",
            b"[]",
            b"null",
            b'{"alerts": [null, 1, {}, []]}',
            b'{"to": 1e999}',
            b'{"labels": {"\\ud800": "\\u0000"}}',
            b'{"summary": "' + b"\xf0\x9f\x98\x80" * 20 + b'"}',
            b'--x\r\nContent-Disposition: form-data; name="summary"\r\n\r\nx\r\n--x--',
            b"a=b&" * 50,
            b"[" * 2000,
        ]
    ),
)


@QUICK
@given(method=METHODS, path=PATHS, headers=HEADERS, body=BODIES)
def test_any_request_is_answered(address, method, path, headers, body):
    """(X6) Every well-formed request has an answer, and it is one of ours."""
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    raw = "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body

    got = say(address, raw, is_all=False)

    check_harmless(got)
    assert STATUS.match(got), "there is an answer"
    assert b"\r\nServer: escalator\r\n" in got


# ---- requests made from the API's own description

SCHEMA = schemathesis.openapi.from_dict(document())
OPERATIONS = [one.ok() for one in SCHEMA.get_all_operations()]
# The description says "text" where a value has a form of its own, as a time or a phone number.
BEYOND_THE_DESCRIPTION = [positive_data_acceptance]


# Nothing can be wrong about a request that takes nothing, or anything.
DEMANDING = {
    f"{route.method} {route.path}"
    for route in ROUTES
    if route.query or route.takes not in ("", "payload")
}
ASKED = [(one, GenerationMode.POSITIVE) for one in OPERATIONS]
ASKED += [(one, GenerationMode.NEGATIVE) for one in OPERATIONS if one.label in DEMANDING]


@pytest.mark.parametrize(
    ("operation", "mode"), ASKED, ids=[f"{one.label}-{mode.value}" for one, mode in ASKED]
)
def test_the_api_keeps_its_own_description(served, operation, mode):
    """Whatever may be sent according to `/openapi.json`, and what may not, is answered as it says."""
    base_url = "http://{}:{}".format(*served.internal)

    @settings(QUICK, max_examples=12)
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        response = case.call(base_url=base_url, timeout=10)
        case.validate_response(response, excluded_checks=BEYOND_THE_DESCRIPTION)
        check_harmless(b"HTTP/1.1 %d " % response.status_code + response.content)

    ask()
