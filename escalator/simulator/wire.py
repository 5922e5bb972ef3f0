"""The faults of a connection, carried out: closed without an answer, broken off half-way, not JSON,
late.

A fault happens before the request is carried out or after; the difference is what the other side
cannot see.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from escalator.simulator.errors import ApiError
from escalator.simulator.faults import Fault, RequestFault

_GATEWAY_PAGE = (
    "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"
)


async def with_fault(
    request: web.Request,
    fault: RequestFault,
    carry_out: Callable[[], Awaitable[web.StreamResponse]],
) -> web.StreamResponse | None:
    """The answer with this fault; None when the connection was closed instead. Raises
    `ApiError`.
    """
    if not fault.kind.is_after:
        return _instead(request, fault)
    response = await carry_out()
    match fault.kind:
        case Fault.ERROR_AFTER:
            raise ApiError(20500)
        case Fault.BAD_GATEWAY_AFTER:
            return _bad_gateway()
        case Fault.CLOSED_AFTER:
            close(request)
            return None
        case Fault.TRUNCATED:
            return await _half_of(request, response)
        case _:
            await asyncio.sleep(fault.seconds)
            return response


def close(request: web.Request) -> None:
    """Close the connection without a word."""
    if request.transport is not None:
        request.transport.abort()


def _instead(request: web.Request, fault: RequestFault) -> web.StreamResponse | None:
    later = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    match fault.kind:
        case Fault.BAD_GATEWAY:
            return _bad_gateway()
        case Fault.CLOSED_BEFORE:
            close(request)
            return None
        case Fault.REDIRECTED:
            return web.Response(status=307, headers={"Location": str(request.url)})
        case Fault.TOO_MANY:
            raise ApiError(20429, headers=later)
        case Fault.UNAVAILABLE:
            raise ApiError(20503, headers=later)
        case Fault.SUSPENDED:
            raise ApiError(20003)
        case Fault.REFUSED:
            raise ApiError(fault.code)
        case _:
            raise ApiError(20500)


def _bad_gateway() -> web.Response:
    return web.Response(status=502, text=_GATEWAY_PAGE, content_type="text/html")


async def _half_of(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Promise the whole body, send half of it, close."""
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    broken = web.StreamResponse(
        status=response.status, headers={"Content-Type": "application/json"}
    )
    broken.content_length = len(response.body)
    await broken.prepare(request)
    await broken.write(response.body[: len(response.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return broken
