"""Makes one request to the other side the way the real service does, and says what went wrong by
its code.

The URL's fragment sets timeouts and retries and is never sent or signed. A try fails on connecting,
on reading, or with a 4xx or 5xx; by default only the first is repeated, once. Redirects are
followed, at most ten, as GET and without the form: what was in it is lost. Whatever the fragment
says, everything is over after 15 s. Timeouts are real seconds.
"""

import asyncio
import base64
import ssl
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlencode, urljoin, urlsplit, urlunsplit

import aiohttp
from yarl import URL

from escalator.simulator.journal import Fields
from escalator.simulator.overrides import HARD_LIMIT, Overrides
from escalator.simulator.signature import Signer
from escalator.simulator.twiml import BODY_MAX

_REDIRECTS = (301, 302, 303, 307, 308)
_REDIRECTS_MAX = 10


class FetchError(Exception):
    """No usable answer came back. `kind`: ct for connecting, rt for reading, else empty; decides
    about a retry.
    """

    def __init__(self, code: int, text: str, kind: str = "") -> None:
        self.code = code
        self.text = text
        self.kind = kind
        self.attempts = 1
        super().__init__(f"{code}: {text}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `url`: where it came from in the end. `content_type`: None if the header
    was missing.
    """

    status: int
    content_type: str | None
    charset: str | None
    is_chunked: bool
    body: bytes
    url: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One request to make. `url` has no fragment; `headers` stay the same over retries and
    redirects.
    """

    method: str
    url: str
    fields: Fields
    headers: dict[str, str]
    overrides: Overrides
    keep_port: bool
    forged: bool = False


class Webhooks:
    """Sends signed requests. `trust` is the TLS context, None for the system's certificates."""

    def __init__(self, signer: Signer, trust: ssl.SSLContext | None = None) -> None:
        self._signer = signer
        self._trust = trust

    def headers(self, outgoing: Outgoing) -> dict[str, str]:
        """The headers of the first request, signature and all."""
        return self._hop(outgoing).headers

    async def send(self, session: aiohttp.ClientSession, outgoing: Outgoing) -> Answer:
        """The answer, after retries and redirects. Raises `FetchError`."""
        attempts = 0
        answer = None
        try:
            async with asyncio.timeout(HARD_LIMIT):
                while answer is None:
                    attempts += 1
                    answer = await self._try(session, outgoing, attempts)
        except TimeoutError:
            failure = FetchError(11200, f"no answer within {HARD_LIMIT:g} s")
            failure.attempts = attempts
            raise failure from None
        return answer

    async def _try(
        self, session: aiohttp.ClientSession, outgoing: Outgoing, number: int
    ) -> Answer | None:
        """One try; None when it failed in a way that is to be repeated."""
        rules = outgoing.overrides
        retried = rules.policy if number <= rules.retries else frozenset[str]()
        try:
            async with asyncio.timeout(rules.total):
                answer = await self._follow(session, outgoing, number)
        except TimeoutError:
            failure = FetchError(11200, f"no answer within {rules.total:g} s", "rt")
        except FetchError as error:
            failure = error
        else:
            kind = {4: "4xx", 5: "5xx"}.get(answer.status // 100, "")
            return None if kind in retried else answer
        if failure.kind in retried:
            return None
        failure.attempts = number
        raise failure

    async def _follow(
        self, session: aiohttp.ClientSession, outgoing: Outgoing, number: int
    ) -> Answer:
        hop = self._hop(outgoing)
        for _ in range(_REDIRECTS_MAX + 1):
            reply = await self._ask(session, hop, outgoing.overrides)
            if reply.location is None:
                return Answer(
                    status=reply.status,
                    content_type=reply.content_type,
                    charset=reply.charset,
                    is_chunked=reply.is_chunked,
                    body=reply.body,
                    url=hop.url,
                    attempts=number,
                )
            onward = urljoin(hop.url, reply.location).partition("#")[0]
            hop = self._signed(outgoing, "GET", onward, ())
        raise FetchError(11215, f"more than {_REDIRECTS_MAX} redirects")

    def _hop(self, outgoing: Outgoing) -> "_Hop":
        if outgoing.method == "POST":
            return self._signed(outgoing, "POST", outgoing.url, outgoing.fields)
        separator = "&" if "?" in outgoing.url else "?"
        return self._signed(
            outgoing, "GET", outgoing.url + separator + urlencode(outgoing.fields), ()
        )

    def _signed(self, outgoing: Outgoing, method: str, url: str, form: Fields) -> "_Hop":
        signature = self._signer.headers(
            url, form, keep_port=outgoing.keep_port, forged=outgoing.forged
        )
        return _Hop(method, url, form, {**outgoing.headers, **signature})

    async def _ask(self, session: aiohttp.ClientSession, hop: "_Hop", rules: Overrides) -> "_Reply":
        """One request. User and password of the URL are sent only when the other side asks for
        them.
        """
        reply = await self._request(session, hop, rules)
        credentials = _credentials(hop.url)
        if reply.status == 401 and reply.asks_for_password and credentials:
            hop = replace(hop, headers={**hop.headers, "Authorization": credentials})
            reply = await self._request(session, hop, rules)
        return reply

    async def _request(
        self, session: aiohttp.ClientSession, hop: "_Hop", rules: Overrides
    ) -> "_Reply":
        headers, body = dict(hop.headers), None
        if hop.method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
            body = urlencode(hop.form).encode()
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=rules.connect, sock_read=rules.read
        )
        try:
            async with session.request(
                hop.method,
                URL(_without_credentials(hop.url), encoded=True),
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=timeout,
                ssl=self._trust or True,
            ) as response:
                return await _read(response)
        except (aiohttp.ClientError, ValueError) as error:
            raise _named(error) from error


@dataclass(frozen=True, slots=True)
class _Hop:
    """One request on the wire. `url` may hold user and password, which are not sent as part of
    it.
    """

    method: str
    url: str
    form: Fields
    headers: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    status: int
    content_type: str | None
    charset: str | None
    is_chunked: bool
    body: bytes
    location: str | None
    asks_for_password: bool


async def _read(response: aiohttp.ClientResponse) -> _Reply:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > BODY_MAX:
            raise FetchError(11750, f"the body is longer than {BODY_MAX} bytes")
    content_type = response.headers.get("Content-Type")
    is_redirect = response.status in _REDIRECTS
    return _Reply(
        status=response.status,
        content_type=response.content_type.lower() if content_type else None,
        charset=response.charset if content_type else None,
        is_chunked="chunked" in response.headers.get("Transfer-Encoding", ""),
        body=bytes(body),
        location=response.headers.get("Location") if is_redirect else None,
        asks_for_password="WWW-Authenticate" in response.headers,
    )


def _named(error: Exception) -> FetchError:
    """The code for what went wrong on the wire. The order matters: timeouts are connection
    errors too.
    """
    match error:
        case aiohttp.ClientConnectorDNSError():
            return FetchError(11210, f"the host name is not known: {error}", "ct")
        case aiohttp.ClientSSLError():
            return FetchError(11220, f"TLS failed: {error}", "ct")
        case aiohttp.ConnectionTimeoutError() | aiohttp.ClientConnectorError():
            return FetchError(11205, f"no connection: {error}", "ct")
        case aiohttp.ServerTimeoutError():
            return FetchError(11200, f"no answer in time: {error}", "rt")
        case ValueError():
            return FetchError(11100, f"the URL cannot be used: {error}")
        case _:
            return FetchError(11206, f"the answer is not HTTP or broke off: {error}", "rt")


def _credentials(url: str) -> str:
    userinfo, at, _ = urlsplit(url).netloc.rpartition("@")
    return "Basic " + base64.b64encode(unquote(userinfo).encode()).decode() if at else ""


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
