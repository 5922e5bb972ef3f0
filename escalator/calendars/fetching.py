"""Asks for a calendar, and takes no more than a calendar: little, soon, unpacked, from where the link says.

The link is a secret: neither it nor an exception that may repeat it nor where a redirect leads is ever told.
"""

from dataclasses import dataclass

import aiohttp

TIMEOUT_SECONDS = 15.0
BYTES_MAX = 5 * 1024 * 1024
_CHUNK = 64 * 1024
_STAMP_CHARS_MAX = 300
_WANTED = {
    "Accept": "text/calendar, text/plain;q=0.5, */*;q=0.1",
    "Accept-Encoding": "identity",
    "User-Agent": "escalator",
}


class NotFetched(Exception):
    """No calendar was to be had, and why. `is_refused`: something came, and was not taken."""

    def __init__(self, why: str, *, is_refused: bool = False):
        super().__init__(why)
        self.is_refused = is_refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the server said to know this version of a calendar by; "" for nothing."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A calendar as it came."""

    body: bytes
    stamp: Stamp


async def fetch(link: str, known: Stamp, *, seconds: float = TIMEOUT_SECONDS) -> Fetched | None:
    """The calendar behind a link; None when it is still the known one. Raises `NotFetched`."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    headers = {**_WANTED, **_conditions(known)}
    try:
        async with (
            aiohttp.ClientSession(
                timeout=timeout,
                trust_env=False,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as session,
            session.get(link, headers=headers, allow_redirects=False) as response,
        ):
            return await _taken(response, known)
    except TimeoutError:
        raise NotFetched(f"it did not come within {seconds:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NotFetched(f"it could not be reached: {type(error).__name__}") from None


async def _taken(response: aiohttp.ClientResponse, known: Stamp) -> Fetched | None:
    status = response.status
    if status == 304 and known != Stamp():
        return None
    if 300 <= status < 400:
        raise NotFetched(
            f"it answered {status}, and redirects are not followed: write the link it leads to"
        )
    if status != 200:
        raise NotFetched(f"it answered {status}")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NotFetched("it came packed, which was not asked for", is_refused=True)
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > BYTES_MAX:
            raise NotFetched(f"it is larger than {BYTES_MAX >> 20} MiB", is_refused=True)
    stamp = Stamp(etag=_stamp(response, "ETag"), modified=_stamp(response, "Last-Modified"))
    return Fetched(body=bytes(body), stamp=stamp)


def _conditions(known: Stamp) -> dict[str, str]:
    conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {name: value for name, value in conditions.items() if value}


def _stamp(response: aiohttp.ClientResponse, name: str) -> str:
    value = response.headers.get(name, "")
    return value if len(value) <= _STAMP_CHARS_MAX and value.isprintable() else ""
