"""How the internal listener answers: JSON, errors in one shape, headers that keep answers private.

Whatever goes wrong inside becomes 503 with `Retry-After`, for senders try again after a 5xx and drop what got a 4xx.
Nothing an exception says reaches the answer: it may hold a secret or a stranger's text.
"""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from escalator.engine import Undecided
from escalator.intake import PayloadError
from escalator.store.errors import StoreBusy, StoreError
from escalator.telemetry import get_logger
from escalator.web.patience import HEADERS

log = get_logger("web")

RETRY_AFTER_SECONDS = 5
CODES: Mapping[int, str] = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "unavailable",
}
_LATER = {"Retry-After": str(RETRY_AFTER_SECONDS)}


class Refusal(Exception):
    """An answer other than the one that was hoped for. The message is for the person who made the request."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        path: str = "",
        headers: Mapping[str, str] | None = None,
    ):
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or CODES[status]
        self.path = path
        self.headers = headers or {}


def invalid(path: str, message: str) -> Refusal:
    """400 for a field or parameter that cannot be used; `path` names it."""
    return Refusal(400, message, code="invalid_field", path=path)


def not_found(what: str) -> Refusal:
    """404: there is no such thing."""
    return Refusal(404, f"there is no {what}")


def unavailable(message: str) -> Refusal:
    """503: not now; the same request may well succeed a little later."""
    return Refusal(503, message, headers=_LATER)


def refuse(status: int) -> web.Response:
    """The answer to what never reached a handler: no HTTP that we take, or too much at once."""
    if status == 503:
        return error(unavailable("too many requests are being answered; try again"))
    return error(Refusal(status, "this is no request that can be answered here"))


def as_json(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A JSON answer."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return web.Response(
        status=status,
        body=body.encode(errors="replace"),
        content_type="application/json",
        headers=headers,
    )


def error(refusal: Refusal, **more: Any) -> web.Response:
    """The one shape of all errors; `more` goes beside code, message and path."""
    told = {
        "code": refusal.code,
        "message": refusal.message,
        "path": refusal.path or None,
        **more,
    }
    return as_json({"error": told}, refusal.status, refusal.headers)


@web.middleware
async def answer_safely(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into an answer, and put the common headers on every one."""
    try:
        response = await handler(request)
    except Exception as failure:  # noqa: BLE001 - whatever it is, the caller gets an answer in our shape
        response = error(_refusal_for(request, failure))
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _refusal_for(request: web.Request, failure: Exception) -> Refusal:
    match failure:
        case Refusal():
            return failure
        case PayloadError():
            return Refusal(400, failure.message, code=failure.code, path=failure.path)
        case web.HTTPException():
            return _of_the_router(failure)
        case StoreBusy():
            return unavailable("too much waits to be stored; nothing of this was, try again")
        case StoreError():
            log.error("store_failed", handler=_template(request), error=str(failure))
            return unavailable("the database could not be written; nothing was done, try again")
        case Undecided():
            return unavailable("not all of this could be decided; the log says more, try again")
        case _:
            log.error("request_failed", handler=_template(request), exc_info=failure)
            return unavailable("escalator failed to answer this; the log says more, try again")


def _of_the_router(failure: web.HTTPException) -> Refusal:
    allow = failure.headers.get("Allow")
    match failure.status:
        case 404:
            return Refusal(404, "there is nothing at this path; see /openapi.json")
        case 405:
            message = f"this path takes {allow}"
            return Refusal(405, message, headers={"Allow": allow} if allow else None)
        case status if status in CODES:
            return Refusal(status, failure.reason)
        case _:
            return Refusal(400, failure.reason)


def _template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "" if resource is None else resource.canonical
