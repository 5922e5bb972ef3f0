"""The REST API: who may ask, what is asked, and what goes wrong on request.

Every request is written down; faults and switches come first, then authentication, then the
resource. The resources themselves are in `resources`.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from aiohttp import hdrs, web
from multidict import MultiDict

from escalator.simulator.errors import ApiError
from escalator.simulator.faults import Faults
from escalator.simulator.journal import Journal, SimRequest
from escalator.simulator.pace import Pace
from escalator.simulator.wire import close, with_fault

FORM = web.RequestKey("form", MultiDict[str])
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class Account:
    """The one account. `secondary_token` opens the API as well but signs nothing until it is
    promoted.

    `numbers`: those that calls may come from, None for any. `is_test`: test credentials, with magic
    numbers.
    """

    sid: str
    auth_token: str
    secondary_token: str | None
    api_keys: Mapping[str, str]
    numbers: Collection[str] | None
    is_test: bool

    def opens(self, name: str, secret: str) -> bool:
        """Whether these credentials are ours."""
        if name == self.sid:
            return secret in (self.auth_token, self.secondary_token) and bool(secret)
        return name in self.api_keys and self.api_keys[name] == secret


class Gate:
    """What every request to the API passes through."""

    def __init__(self, account: Account, faults: Faults, journal: Journal, pace: Pace) -> None:
        self._account = account
        self._faults = faults
        self._journal = journal
        self._pace = pace

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Log the request, let go wrong what is to go wrong, check the credentials, answer
        errors as JSON.
        """
        form = await _form(request)
        request[FORM] = form
        entry = SimRequest(
            at=self._pace.now(),
            method=request.method,
            path=request.path,
            query=tuple(request.query.items()),
            form=tuple(form.items()),
        )
        self._journal.requests.append(entry)
        self._journal.changed()
        try:
            response = await self._answer(request, handler, entry)
        except ApiError as error:
            response = web.json_response(error.body(), status=error.status, headers=error.headers)
        if response is None:
            return web.Response()
        entry.status = response.status
        self._journal.changed()
        return response

    async def _answer(
        self, request: web.Request, handler: Handler, entry: SimRequest
    ) -> web.StreamResponse | None:
        if self._faults.down:
            entry.fault = "down"
            close(request)
            return None
        if self._faults.suspended:
            entry.fault = "suspended"
            raise ApiError(20003)
        self._authenticate(request)
        fault = self._faults.take_request(request.match_info.route.name or "")
        if fault is None:
            return await self._handle(request, handler)
        entry.fault = fault.kind
        return await with_fault(request, fault, lambda: self._handle(request, handler))

    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.get("account", self._account.sid) != self._account.sid:
            raise ApiError(20404, "There is no such account.")
        if self._account.is_test and request.match_info.route.name not in ("create", "message"):
            raise ApiError(20008)
        try:
            return await handler(request)
        except web.HTTPNotFound:
            raise ApiError(
                20404, f"{request.path} was not found; addresses end in .json."
            ) from None
        except web.HTTPMethodNotAllowed:
            raise ApiError(20004) from None

    def _authenticate(self, request: web.Request) -> None:
        name, secret = _credentials(request.headers.get(hdrs.AUTHORIZATION, ""))
        if not self._account.opens(name, secret):
            raise ApiError(20003, headers={"WWW-Authenticate": 'Basic realm="Twilio API"'})


async def _form(request: web.Request) -> MultiDict[str]:
    """The form's fields; a body that is not a form has none, as in the real service."""
    fields: MultiDict[str] = MultiDict()
    if request.content_type == "application/x-www-form-urlencoded":
        for name, value in (await request.post()).items():
            fields.add(name, str(value))
    return fields


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret
