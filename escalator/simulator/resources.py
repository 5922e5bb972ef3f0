"""The resources of the REST API: calls with their notifications and events, messages, the account
itself.

Creates answer 201, reads and updates 200, deletes 204. An update that ends a call is answered when
the call has ended, so that a read after it agrees.
"""

from typing import Any

from aiohttp import web

from escalator.simulator import magic
from escalator.simulator.calls import SimCall, dated
from escalator.simulator.errors import ApiError
from escalator.simulator.exchange import Exchange
from escalator.simulator.faults import Faults
from escalator.simulator.journal import Callback, Journal, Notification
from escalator.simulator.listing import Days, fits, page
from escalator.simulator.messages import NAMES, Messages, SimMessage
from escalator.simulator.pace import Pace
from escalator.simulator.parameters import (
    CREATE_NAMES,
    UPDATE_NAMES,
    call_request,
    unknown_names,
    update_source,
)
from escalator.simulator.rest import FORM, Account

EVENTS_OPEN_AFTER = 900.0
_CALLS = "/Accounts/{account}/Calls"
_MESSAGES = "/Accounts/{account}/Messages"


class Calls:
    """The Calls resource."""

    def __init__(
        self,
        account: Account,
        exchange: Exchange,
        faults: Faults,
        *,
        journal: Journal,
        pace: Pace,
    ) -> None:
        self._account = account
        self._exchange = exchange
        self._faults = faults
        self._journal = journal
        self._pace = pace

    def routes(self) -> list[web.RouteDef]:
        """The addresses, each named for the operation that faults can pick."""
        one = f"{_CALLS}/{{sid}}"
        return [
            web.post(f"{_CALLS}.json", self.create, name="create"),
            web.get(f"{_CALLS}.json", self.list, name="list"),
            web.get(f"{one}/Notifications.json", self.notifications, name="read-notifications"),
            web.get(f"{one}/Events.json", self.events, name="read-events"),
            web.get(f"{one}.json", self.read, name="read"),
            web.post(f"{one}.json", self.update, name="update"),
            web.delete(f"{one}.json", self.delete, name="delete"),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """Accept a call."""
        form = request[FORM]
        if self._account.is_test:
            magic.check_call(form)
        call = self._exchange.place(call_request(form, self._account.numbers))
        _warn_of(call, form, CREATE_NAMES)
        return web.json_response(call.resource(), status=201)

    async def list(self, request: web.Request) -> web.Response:
        """One page of calls, newest first, those too young for the list left out."""
        query = request.query
        started, ended = Days(query, "StartTime"), Days(query, "EndTime")
        calls = [
            call
            for call in reversed(self._exchange.calls)
            if self._is_listed(call)
            and fits(query, "To", call.to)
            and fits(query, "From", call.from_)
            and fits(query, "Status", call.status)
            and fits(query, "ParentCallSid", "")
            and started.matches(call.started_at)
            and ended.matches(call.ended_at)
        ]
        return web.json_response(page(query, request.path, "calls", calls))

    def _is_listed(self, call: SimCall) -> bool:
        lag = self._faults.list_lag
        return not call.deleted and (not lag or self._pace.seconds() - call.created_clock >= lag)

    async def read(self, request: web.Request) -> web.Response:
        """The call as it is now."""
        return web.json_response(self._call(request).resource())

    async def update(self, request: web.Request) -> web.Response:
        """Cancel, complete or divert a call."""
        call, form = self._call(request), request[FORM]
        _warn_of(call, form, UPDATE_NAMES)
        source = update_source(form)
        match form.get("Status", ""):
            case "canceled":
                self._exchange.cancel(call)
                await self._over(call)
            case "completed":
                self._exchange.complete(call)
                await self._over(call)
            case "" if source is not None:
                self._exchange.divert(call, source)
            case "":
                raise ApiError(20422, "An update needs a Status, a Url or a Twiml.")
            case other:
                raise ApiError(20422, f"Status must be canceled or completed, it is {other!r}.")
        return web.json_response(call.resource())

    async def _over(self, call: SimCall) -> None:
        await self._journal.wait_for(lambda: call.is_over, 5.0, call.story)

    async def delete(self, request: web.Request) -> web.Response:
        """Forget a call that is over."""
        call = self._call(request)
        if not call.is_over:
            raise ApiError(20009)
        call.deleted = True
        return web.Response(status=204)

    async def notifications(self, request: web.Request) -> web.Response:
        """The problems of a call, newest first."""
        call = self._call(request)
        records = [_Noted(call, entry) for entry in reversed(call.notifications)]
        return web.json_response(page(request.query, request.path, "notifications", records))

    async def events(self, request: web.Request) -> web.Response:
        """The requests made for a call; open from 15 simulated minutes after its end, empty
        before.
        """
        call = self._call(request)
        ended = call.ended_clock
        is_open = ended is not None and self._pace.seconds() - ended >= EVENTS_OPEN_AFTER
        records = [_Requested(entry) for entry in call.callbacks] if is_open else []
        return web.json_response(page(request.query, request.path, "events", records))

    def _call(self, request: web.Request) -> SimCall:
        call = self._exchange.find(request.match_info["sid"])
        if call is None:
            raise ApiError(20404, "There is no such call.")
        return call


class MessageResource:
    """The Messages resource."""

    def __init__(self, account: Account, messages: Messages) -> None:
        self._account = account
        self._messages = messages

    def routes(self) -> list[web.RouteDef]:
        """The addresses."""
        one = f"{_MESSAGES}/{{sid}}.json"
        return [
            web.post(f"{_MESSAGES}.json", self.create, name="message"),
            web.get(f"{_MESSAGES}.json", self.list, name="message-list"),
            web.get(one, self.read, name="message-read"),
            web.post(one, self.update, name="message-update"),
            web.delete(one, self.delete, name="message-delete"),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """Accept a message."""
        form = request[FORM]
        if self._account.is_test:
            magic.check_message(form)
        numbers, deliver = self._account.numbers, not self._account.is_test
        message = self._messages.accept(form, numbers, deliver=deliver)
        _warn_of(message, form, NAMES)
        return web.json_response(message.resource(), status=201)

    async def list(self, request: web.Request) -> web.Response:
        """One page of messages, newest first."""
        query = request.query
        sent = Days(query, "DateSent")
        messages = [
            message
            for message in reversed(self._messages.sent)
            if not message.deleted
            and fits(query, "To", message.to)
            and fits(query, "From", message.from_)
            and sent.matches(message.sent_at)
        ]
        return web.json_response(page(query, request.path, "messages", messages))

    async def read(self, request: web.Request) -> web.Response:
        """The message as it is now."""
        return web.json_response(self._message(request).resource())

    async def update(self, request: web.Request) -> web.Response:
        """Redact a message: an empty Body is all that can be changed of one that is not
        scheduled.
        """
        message, form = self._message(request), request[FORM]
        if form.get("Body") != "" or "Status" in form:
            raise ApiError(20422, "Only an empty Body can be set on a message that was sent.")
        message.body = ""
        return web.json_response(message.resource())

    async def delete(self, request: web.Request) -> web.Response:
        """Forget a message."""
        self._message(request).deleted = True
        return web.Response(status=204)

    def _message(self, request: web.Request) -> SimMessage:
        message = self._messages.find(request.match_info["sid"])
        if message is None:
            raise ApiError(20404, "There is no such message.")
        return message


class AccountResource:
    """The account and its balance, for clients that check both."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        """The addresses."""
        return [
            web.get("/Accounts/{account}.json", self.read, name="account"),
            web.get("/Accounts/{account}/Balance.json", self.balance, name="account-balance"),
        ]

    async def read(self, _: web.Request) -> web.Response:
        """An active full account."""
        sid = self._account.sid
        body = {
            "sid": sid,
            "friendly_name": "escalator simulator",
            "status": "active",
            "type": "Full",
            "owner_account_sid": sid,
            "uri": f"/2010-04-01/Accounts/{sid}.json",
        }
        return web.json_response(body)

    async def balance(self, _: web.Request) -> web.Response:
        """Play money."""
        body = {"account_sid": self._account.sid, "balance": "100.00", "currency": "USD"}
        return web.json_response(body)


class _Noted:
    """A problem of a call as a resource."""

    def __init__(self, call: SimCall, entry: Notification) -> None:
        self.sid = entry.sid
        self._call = call
        self._entry = entry

    def resource(self) -> dict[str, Any]:
        call, entry = self._call, self._entry
        path = f"/2010-04-01/Accounts/{call.account_sid}/Calls/{call.sid}/Notifications"
        return {
            "sid": entry.sid,
            "account_sid": call.account_sid,
            "call_sid": call.sid,
            "api_version": "2010-04-01",
            "error_code": str(entry.code),
            "log": str(entry.log),
            "message_text": entry.text,
            "message_date": dated(entry.at),
            "more_info": f"https://www.twilio.com/docs/errors/{entry.code}",
            "request_method": "POST",
            "request_url": entry.url,
            "date_created": dated(entry.at),
            "date_updated": dated(entry.at),
            "uri": f"{path}/{entry.sid}.json",
        }


class _Requested:
    """A request that was made for a call, as a resource."""

    def __init__(self, entry: Callback) -> None:
        self.sid = ""
        self._entry = entry

    def resource(self) -> dict[str, Any]:
        entry = self._entry
        return {
            "request": {
                "method": entry.method,
                "url": entry.url,
                "parameters": dict(entry.fields),
            },
            "response": {
                "response_code": entry.status,
                "content_type": entry.content_type,
                "response_body": entry.body.decode("utf-8", "replace"),
                "date_created": dated(entry.at),
            },
        }


def _warn_of(record: SimCall | SimMessage, form: Any, known: frozenset[str]) -> None:
    for name in unknown_names(form, known):
        record.note(20001, f"{name} is not a parameter of this resource; ignored", warning=True)
