"""Read what a request brings, and no more of it than may be: bounded in size and time, never unpacked.

JSON for the API is strict where a sender's payload is not: an unknown field is a mistake, and it is better said than
done without.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from aiohttp import web

from escalator.config.problems import did_you_mean
from escalator.config.values import read_duration
from escalator.intake import PayloadError
from escalator.intake.body import content_type_of, json_of, text_of
from escalator.web.answers import Refusal, invalid, unavailable

SENDER_BYTES_MAX = 32 * 1024 * 1024
BODY_BYTES_MAX = 64 * 1024
BODY_SECONDS = 15.0

# All bodies of senders together, while they are in memory as they came. Of the largest there are three.
ROOM_BYTES_MAX = 3 * SENDER_BYTES_MAX

Fields = dict[str, object]


class Room:
    """How many bytes of bodies may be in memory at once, whoever sends them (K20)."""

    def __init__(self, bytes_max: int = ROOM_BYTES_MAX) -> None:
        self._left = bytes_max

    @contextmanager
    def place(self) -> Iterator[Callable[[int], None]]:
        """A function that takes so many bytes more, or raises `Refusal` 503; all are given back at the end."""
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self._left:
                raise unavailable(
                    "too many large bodies are being read; nothing was stored, try again"
                )
            self._left -= size
            taken += size

        try:
            yield take
        finally:
            self._left += taken


def _take_nothing(_: int) -> None:
    """For small bodies, which need no room."""


async def read_body(
    request: web.Request,
    bytes_max: int = BODY_BYTES_MAX,
    seconds: float = BODY_SECONDS,
    take: Callable[[int], None] = _take_nothing,
) -> bytes:
    """The body as it came. `take` is told of each part, for the room it needs.

    Raises `Refusal`: 413 beyond `bytes_max`, 408 when it dribbles, 415 when it is packed.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        raise Refusal(415, "send the body as it is, without a Content-Encoding")
    if (request.content_length or 0) > bytes_max:
        raise _too_large(bytes_max)
    try:
        async with asyncio.timeout(seconds):
            return await _read_at_most(request, bytes_max, take)
    except TimeoutError:
        raise Refusal(
            408, f"the body did not arrive within {seconds:g} s; nothing was stored"
        ) from None
    except (web.RequestPayloadError, ConnectionError):
        raise Refusal(400, "the body broke off; nothing was stored") from None


async def json_fields(request: web.Request, known: Collection[str]) -> Fields:
    """The fields of a JSON object; none for an empty body.

    Raises `Refusal`: 415 unless it is declared as JSON, 400 for anything but an object of known fields.
    """
    body = await read_body(request)
    if not body.strip():
        return {}
    if content_type_of(request.headers.get("Content-Type", "")).media != "application/json":
        raise Refusal(415, "send JSON with Content-Type: application/json")
    try:
        value = json_of(text_of(body))
    except RecursionError:
        raise PayloadError("invalid_json", "the body is nested too deeply") from None
    if not isinstance(value, dict):
        raise PayloadError("invalid_json", "the body must be a JSON object, as {}")
    for name in value:
        if name not in known:
            raise invalid(
                name[:100],
                f"there is no such field; known: {', '.join(sorted(known))}{_hint(name, known)}",
            )
    return value


def text(fields: Fields, name: str, chars_max: int = 1000) -> str:
    """A field's text, stripped; "" when it is absent or null."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(name, "must be text")
    if len(value) > chars_max:
        raise invalid(name, f"is longer than {chars_max} characters")
    return value.strip()


def number(value: object, name: str, least: int, most: int) -> int:
    """A whole number, in JSON or in a query."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise invalid(name, f"must be a whole number from {least} to {most}")
    return value


def duration(value: str, name: str, most: timedelta) -> timedelta:
    """A span of time, as 30s or 2h."""
    try:
        return read_duration(most=most)(value)
    except ValueError as problem:
        raise invalid(name, str(problem)) from None


def moment(value: str, name: str) -> datetime:
    """An aware time in RFC 3339."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise invalid(name, "must be a time with its zone, as 2026-12-24T18:00:00Z")
    return at


async def _read_at_most(request: web.Request, bytes_max: int, take: Callable[[int], None]) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        take(len(chunk))
        body += chunk
        if len(body) > bytes_max:
            raise _too_large(bytes_max)
    return bytes(body)


def _hint(name: str, known: Collection[str]) -> str:
    return did_you_mean(name, known) if len(name) < 40 else ""


def _too_large(bytes_max: int) -> Refusal:
    return Refusal(413, f"the body is larger than {bytes_max // 1024} KiB")
