"""Who may use what the simulator offers beside the carrier's API: this machine, and no page of another
site.

The caller and the `Host` must be loopback, so that no name can be made to point here. Whatever
changes something needs a JSON body, which no foreign page can send unasked; what a foreign page
tells a browser to fetch is refused as well, but a link from anywhere may be followed.
"""

import ipaddress
from typing import Any

from aiohttp import web

from escalator.simulator.rest import Handler

_FOREIGN_SITES = frozenset({"cross-site", "same-site"})
_SAFE_METHODS = frozenset({"GET", "HEAD"})


def is_loopback(host: str) -> bool:
    """Whether a host, without port, names this machine's loopback."""
    name = host.strip("[]")
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@web.middleware
async def this_machine_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let through what may come, and answer what a handler raises: `LookupError` is 404,
    `RuntimeError` 409, `ValueError` 400.
    """
    host = (request.url.host or "") if request.headers.get("Host") else ""
    if not is_loopback(request.remote or "") or not is_loopback(host):
        return problem(403, "forbidden", "the simulator's control is for this machine only")
    if _comes_from_another_site(request):
        return problem(403, "forbidden", "a page of another site asked for this")
    if request.method in ("POST", "PUT") and request.content_type != "application/json":
        return problem(415, "unsupported_media_type", "send JSON (Content-Type: application/json)")
    try:
        return await handler(request)
    except LookupError as error:
        return problem(404, "not_found", str(error.args[0]))
    except RuntimeError as error:
        return problem(409, "conflict", str(error))
    except ValueError as error:
        return problem(400, "invalid_field", str(error))


def _comes_from_another_site(request: web.Request) -> bool:
    site = request.headers.get("Sec-Fetch-Site", "").lower()
    is_link = request.method in _SAFE_METHODS and (
        request.headers.get("Sec-Fetch-Mode", "").lower() == "navigate"
    )
    if site in _FOREIGN_SITES and not is_link:
        return True
    origin = request.headers.get("Origin")
    ours = request.headers.get("Host", "").lower()
    return origin is not None and origin.lower().partition("://")[2] != ours


def problem(status: int, code: str, message: str) -> web.Response:
    """An error as all of them are answered."""
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


async def json_body(request: web.Request) -> dict[str, Any]:
    """The body, {} for none. Raises `ValueError` for what is not a JSON object."""
    text = await request.text()
    body = await request.json() if text else {}
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - it is the caller's value
    return body
