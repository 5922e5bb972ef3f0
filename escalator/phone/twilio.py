"""Twilio's API over HTTP: the one module that knows httpx.

Guards the line between "nothing was sent" and "it may have been heard". Twilio has no idempotency
key, so that line alone decides whether a phone rings once, twice or never. Rules:

- One request for one question. Nothing retries, follows a redirect or reads proxies from the
  environment; certificates are always verified.
- A request ends within its total time whatever happens, and a dead connection takes its unsent
  bytes with it (`SO_LINGER`, `TCP_USER_TIMEOUT`): what we called unclear does not arrive later.
- `NotSent` needs proof: the connection never came about. In doubt it is `Unclear`.
- Secrets are in no repr, log line or exception text.

What an answer means is for `twilio_answers`.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import quote, urlsplit

import httpx

from escalator.phone import twilio_answers as answers
from escalator.phone.carrier import (
    CarrierCall,
    Ended,
    EndOutcome,
    EndStatus,
    Listed,
    ListOutcome,
    NewCall,
    NotSent,
    PlaceOutcome,
    ReadOutcome,
    SpeakOutcome,
    Spoken,
    Unclear,
    Unreadable,
)
from escalator.phone.twilio_messages import TwilioMessages

CALLBACK_RETRIES = "#rc=3&rp=ct,rt,5xx"
"""Asks Twilio to try our URL again when we are slow, away or in trouble: it covers a restart."""

STATUS_EVENTS = ("initiated", "ringing", "answered", "completed")
ANSWER_MAX_BYTES = 1024 * 1024
PAGE_SIZE = 100
PAGES_MAX = 5

Form: TypeAlias = dict[str, str | list[str]]
Query: TypeAlias = tuple[tuple[str, str], ...]

_UNSENT_MAX_MILLISECONDS = 10_000
_LINGER_ON_ZERO_SECONDS = struct.pack("ii", 1, 0)
# Well below what firewalls allow an idle connection: a request into a dead one is unclear for long.
_LIMITS = httpx.Limits(max_connections=20, max_keepalive_connections=5, keepalive_expiry=15)

_NEVER_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
# OSError includes TimeoutError and ssl.SSLError; ValueError is a host name that cannot be encoded.
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, EOFError, ValueError)

# At INFO httpx names each URL in full, and ours hold phone numbers.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are to the API: account SID and auth token, or an API key's SID and its secret."""

    user: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long one request may take, in seconds.

    The total is more than the wait for a free connection, TCP's and TLS's time to connect together:
    a limit of ours that strikes in a handshake leaves its socket to the garbage collector.
    """

    pool_seconds: float = 2.0
    connect_seconds: float = 5.0
    total_seconds: float = 15.0


@dataclass(slots=True)
class _Exchange:
    """How far one request has come, as proof for afterwards."""

    may_have_left: bool = False
    status: int | None = None
    retry_after: str = ""

    async def trace(self, event: str, _info: Mapping[str, object]) -> None:
        """httpcore's report of its steps. Headers are the first bytes that we write ourselves."""
        if event.endswith("send_request_headers.started"):
            self.may_have_left = True


@dataclass(frozen=True, slots=True)
class _Failure:
    """No answer, and whether that proves that nothing was sent."""

    reason: str
    is_proof: bool

    def as_unreadable(self) -> Unreadable:
        return Unreadable(self.reason)


class TwilioCarrier:
    """A `Carrier` over Twilio's 2010 API, or over one that speaks the same.

    `api_url` may have a path prefix. The account SID goes into each path also when an API key logs
    in. `messages` sends texts over the same connections. Call `aclose` when done.
    """

    def __init__(
        self, api_url: str, account_sid: str, auth: Login, *, patience: Patience | None = None
    ) -> None:
        patience = patience or Patience()
        self._patience = patience
        self._host = urlsplit(api_url).hostname or api_url
        self._account_url = (
            f"{api_url.rstrip('/')}/2010-04-01/Accounts/{quote(account_sid, safe='')}"
        )
        self._client = httpx.AsyncClient(
            auth=httpx.BasicAuth(auth.user, auth.secret),
            transport=httpx.AsyncHTTPTransport(
                verify=True,
                trust_env=False,
                retries=0,
                limits=_LIMITS,
                socket_options=_socket_options(),
            ),
            timeout=httpx.Timeout(
                patience.total_seconds,
                connect=patience.connect_seconds,
                pool=patience.pool_seconds,
            ),
            follow_redirects=False,
            trust_env=False,
            # Packed answers could unfold to any size.
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "escalator",
            },
        )
        self.messages = TwilioMessages(self._ask, self._url, CALLBACK_RETRIES)

    def __repr__(self) -> str:
        """Says where, not who."""
        return f"<TwilioCarrier at {self._host}>"

    async def place(self, call: NewCall) -> PlaceOutcome:
        """Ask for one call, once. `NotSent` and `Unclear` as promised in `carrier`."""
        reply = await self._ask("POST", self._url("Calls.json"), form=_form(call))
        if isinstance(reply, answers.Answer):
            return answers.placed(reply)
        if reply.is_proof:
            return NotSent(f"{reply.reason}; nothing was sent")
        return Unclear(f"{reply.reason}; a call may have been made")

    async def list_calls(self, to: str, from_: str) -> ListOutcome:
        """The calls from one number to another: 500 at most, newest first as far as is known.

        No filter by time: a call that still waits in Twilio's queue has no start time.
        """
        calls: list[CarrierCall] = []
        try:
            async with asyncio.timeout(self._patience.total_seconds):
                trouble = await self._collect(calls, to, from_)
        except TimeoutError:
            trouble = Unreadable(f"{self._host} took too long to list the calls")
        if trouble is not None and not calls:
            return trouble
        return Listed(tuple(calls), complete=trouble is None)

    async def read(self, sid: str) -> ReadOutcome:
        """One call as Twilio has it on file."""
        reply = await self._ask("GET", self._url_of(sid))
        return answers.call(reply) if isinstance(reply, answers.Answer) else reply.as_unreadable()

    async def end(self, sid: str, status: EndStatus) -> EndOutcome:
        """End a call. Repeating it is harmless."""
        reply = await self._ask("POST", self._url_of(sid), form={"Status": status})
        if isinstance(reply, answers.Answer):
            return answers.changed(reply) or Ended()
        return reply.as_unreadable()

    async def speak(self, sid: str, twiml: str) -> SpeakOutcome:
        """Let a call in conversation go on with this document instead of its own."""
        reply = await self._ask("POST", self._url_of(sid), form={"Twiml": twiml})
        if isinstance(reply, answers.Answer):
            return answers.changed(reply) or Spoken()
        return reply.as_unreadable()

    async def aclose(self) -> None:
        """Close all connections; requests in flight end as unclear."""
        await self._client.aclose()

    async def _collect(self, calls: list[CarrierCall], to: str, from_: str) -> Unreadable | None:
        """Add page after page to `calls`; what kept us from the end of the list, if anything."""
        query: Query = (("To", to), ("From", from_), ("PageSize", str(PAGE_SIZE)))
        for _ in range(PAGES_MAX):
            reply = await self._ask("GET", self._url("Calls.json"), query=query)
            if not isinstance(reply, answers.Answer):
                return reply.as_unreadable()
            page = answers.page(reply)
            if isinstance(page, Unreadable):
                return page
            calls.extend(page.calls)
            query = page.next_page
            if not query:
                return None
        return Unreadable(f"the list is longer than {PAGES_MAX} pages")

    async def _ask(
        self, method: str, url: str, *, form: Form | None = None, query: Query | None = None
    ) -> answers.Answer | _Failure:
        """One request, one answer; never raises for what happens on the way."""
        exchange = _Exchange()
        try:
            async with (
                asyncio.timeout(self._patience.total_seconds),
                self._client.stream(
                    method, url, data=form, params=query, extensions={"trace": exchange.trace}
                ) as response,
            ):
                exchange.status = response.status_code
                exchange.retry_after = response.headers.get("Retry-After", "")
                body = await _body(response)
        except _FAILURES as error:
            # Once the status is here the answer stands; only its body is lost.
            if exchange.status is not None:
                return answers.Answer(exchange.status, None, exchange.retry_after)
            return _Failure(self._why(error), is_proof=_proves_nothing_sent(error, exchange))
        return answers.Answer(exchange.status, body, exchange.retry_after)

    def _why(self, error: Exception) -> str:
        said = answers.tidy(str(error), 200)
        cause = f"{type(error).__name__}: {said}" if said else type(error).__name__
        return f"no answer from {self._host} ({cause})"

    def _url(self, name: str) -> str:
        return f"{self._account_url}/{name}"

    def _url_of(self, sid: str) -> str:
        return f"{self._account_url}/Calls/{quote(sid, safe='')}.json"


def _proves_nothing_sent(error: Exception, exchange: _Exchange) -> bool:
    """Only a connection that never came about is proof, or our own time limit before we wrote."""
    if isinstance(error, _NEVER_CONNECTED):
        return True
    return isinstance(error, TimeoutError) and not exchange.may_have_left


async def _body(response: httpx.Response) -> bytes | None:
    """The body as sent; None when it is packed or longer than we read."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        return None
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > ANSWER_MAX_BYTES:
            return None
    return bytes(body)


def _form(call: NewCall) -> Form:
    """The request's fields. A list goes out as its key repeated: so Twilio wants its events."""
    form: Form = {
        "To": call.to,
        "From": call.from_,
        "Url": call.url + CALLBACK_RETRIES,
        "Method": "POST",
        "FallbackUrl": call.fallback_url + CALLBACK_RETRIES,
        "FallbackMethod": "POST",
        "StatusCallback": call.status_callback + CALLBACK_RETRIES,
        "StatusCallbackMethod": "POST",
        "StatusCallbackEvent": list(STATUS_EVENTS),
        "Timeout": str(call.ring_seconds),
        "TimeLimit": str(call.limit_seconds),
    }
    if call.machine_detection:
        form["MachineDetection"] = "Enable"
        form["AsyncAmd"] = "true"
        form["AsyncAmdStatusCallback"] = call.machine_callback + CALLBACK_RETRIES
        form["AsyncAmdStatusCallbackMethod"] = "POST"
    return form


def _socket_options() -> list[tuple[int, int, int] | tuple[int, int, bytes]]:
    options: list[tuple[int, int, int] | tuple[int, int, bytes]] = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ON_ZERO_SECONDS),
    ]
    # Linux only; elsewhere the total time limit has to do.
    user_timeout = getattr(socket, "TCP_USER_TIMEOUT", None)
    if user_timeout is not None:
        options.append((socket.IPPROTO_TCP, user_timeout, _UNSENT_MAX_MILLISECONDS))
    return options
