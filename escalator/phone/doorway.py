"""What the public listener is to strangers: a wall. Each refusal has one constant body, so that none tells a good
guess from a bad one; whoever guesses tokens is told to stop (X4); a body is read only so far and only for so long.

Nothing here looks at what a request means, and no count of one's misses ever stands in the way of a token that is
genuine: many callers may share an address with a guesser, behind one proxy.
"""

import asyncio
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.typedefs import Handler

from escalator.telemetry import get_logger

log = get_logger("callbacks")

BODY_MAX_BYTES = 64 * 1024
BODY_SECONDS = 15.0
FIELDS_MAX = 1000
MISSES_MAX = 20
MISSES_SECONDS = 60.0
_ADDRESSES_MAX = 4096
_IPV6_NETWORK_BITS = 64

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "escalator",
    "X-Content-Type-Options": "nosniff",
}
_WORDS: Mapping[int, bytes] = {
    400: b"bad request\n",
    403: b"forbidden\n",
    404: b"not found\n",
    408: b"too slow\n",
    410: b"gone\n",
    413: b"too large\n",
    429: b"too many requests\n",
    503: b"try again\n",
}
_RETRY_AFTER_SECONDS: Mapping[int, int] = {429: int(MISSES_SECONDS), 503: 1}

Pairs = list[tuple[str, str]]


def refusal(status: int) -> web.Response:
    """The one answer with this status; a status without words of its own is answered as 400."""
    status = status if status in _WORDS else 400
    headers = dict(HEADERS)
    if status in _RETRY_AFTER_SECONDS:
        headers["Retry-After"] = str(_RETRY_AFTER_SECONDS[status])
    return web.Response(
        status=status, body=_WORDS[status], content_type="text/plain", headers=headers
    )


class Turned(Exception):
    """A request goes no further. It is answered with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@web.middleware
async def answer_constantly(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a refusal. What we failed at is 503: the carrier then asks again."""
    try:
        return await handler(request)
    except Turned as turned:
        return refusal(turned.status)
    except web.HTTPException as failure:
        return refusal(failure.status)
    except Exception:
        log.exception("callback_failed")
        return refusal(503)


async def read_form(request: web.Request, seconds: float = BODY_SECONDS) -> tuple[str, Pairs]:
    """The body of a form, as text and as its fields. Raises `Turned`: 413, 408 when it dribbles, 400 for no form."""
    try:
        async with asyncio.timeout(seconds):
            body = (await request.read()).decode("utf-8", "replace")
        return body, parse_qsl(body, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except TimeoutError:
        raise Turned(408) from None
    except (web.RequestPayloadError, ConnectionError, ValueError):
        raise Turned(400) from None


class Misses:
    """How many tokens that are none each address has tried of late. `seconds` is a clock that never jumps."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._tried: dict[str, tuple[float, int]] = {}

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._tried)

    def one_more(self, address: str) -> bool:
        """Count one. True: these were too many within a minute."""
        now = self._seconds()
        key = _network_of(address)
        since, count = self._tried.pop(key, (now, 0))
        if now - since >= MISSES_SECONDS:
            since, count = now, 0
        if len(self._tried) >= _ADDRESSES_MAX:  # whoever has not tried for longest
            self._tried.pop(next(iter(self._tried)))
        self._tried[key] = (since, count + 1)
        return count >= MISSES_MAX


def _network_of(address: str) -> str:
    """The address; of IPv6 the network, for one customer has all addresses of it."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(int(parsed) >> (128 - _IPV6_NETWORK_BITS))
