"""The simulator's own small API, JSON under /simulator/: what happens, who is there, what shall go
wrong.

It is for this machine only; `guard` sees to that.
"""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from escalator.simulator.calls import SimCall
from escalator.simulator.guard import json_body, problem, this_machine_only
from escalator.simulator.journal import Callback
from escalator.simulator.messages import SimMessage
from escalator.simulator.people import Script
from escalator.simulator.webhook import FetchError

if TYPE_CHECKING:
    from escalator.simulator.server import Simulator

_SWITCHES = ("down", "suspended", "list_lag")


class Control:
    """The handlers. Errors are answered `{"error": {"code", "message"}}`."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator

    def app(self) -> web.Application:
        """The application to hang under /simulator/."""
        app = web.Application(middlewares=[this_machine_only])
        app.add_routes(
            [
                web.get("/calls", self.calls),
                web.get("/calls/{sid}", self.call),
                web.post("/calls/{sid}/{action:answer|decline|hang-up|press}", self.act),
                web.get("/messages", self.messages),
                web.post("/messages", self.receive),
                web.get("/people", self.people),
                web.put("/people/{number}", self.set_person),
                web.delete("/people/{number}", self.forget_person),
                web.get("/faults", self.faults),
                web.post("/faults", self.add_fault),
                web.delete("/faults", self.clear_faults),
                web.get("/requests", self.requests),
            ]
        )
        return app

    async def calls(self, _: web.Request) -> web.Response:
        """All calls, oldest first."""
        return web.json_response({"calls": [_call(call) for call in self._simulator.calls]})

    async def call(self, request: web.Request) -> web.Response:
        """One call with everything that happened in it."""
        return web.json_response(_call(self._find(request)))

    async def act(self, request: web.Request) -> web.Response:
        """Be the callee: answer, decline, hang-up, press `{"keys": "4"}`."""
        call, body = self._find(request), await json_body(request)
        match request.match_info["action"]:
            case "answer":
                call.answer()
            case "decline":
                call.decline()
            case "hang-up":
                call.hang_up()
            case _:
                call.press(str(body.get("keys", "")))
        return web.json_response(_call(call))

    async def messages(self, _: web.Request) -> web.Response:
        """All messages, oldest first."""
        messages = [_message(message) for message in self._simulator.messages]
        return web.json_response({"messages": messages})

    async def receive(self, request: web.Request) -> web.Response:
        """Text one of the account's numbers: `{"from", "to", "body", "url"}`; what the webhook
        answered.
        """
        body = await json_body(request)
        missing = [name for name in ("from", "to", "body", "url") if name not in body]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)}")
        try:
            answer = await self._simulator.text(
                body["from"], body["to"], body["body"], url=body["url"]
            )
        except FetchError as failure:
            return problem(502, str(failure.code), failure.text)
        text = answer.body.decode("utf-8", "replace")
        return web.json_response({"status": answer.status, "body": text})

    async def people(self, _: web.Request) -> web.Response:
        """Who is behind which number."""
        people = self._simulator.people
        return web.json_response({number: people[number].outcome for number in people})

    async def set_person(self, request: web.Request) -> web.Response:
        """Give a number a script: `{"outcome": "answers", "presses": ["4"], "rings": 3}`."""
        script = Script.from_json(await json_body(request))
        self._simulator.people[request.match_info["number"]] = script
        return web.json_response({request.match_info["number"]: script.outcome})

    async def forget_person(self, request: web.Request) -> web.Response:
        """The number has the default script again."""
        number = request.match_info["number"]
        if number not in self._simulator.people:
            raise LookupError("there is no script for this number")
        del self._simulator.people[number]
        return web.Response(status=204)

    async def faults(self, _: web.Request) -> web.Response:
        """The faults that wait, and the switches."""
        faults = self._simulator.faults
        body: dict[str, Any] = {name: getattr(faults, name) for name in _SWITCHES}
        body["requests"] = [{"kind": f.kind, "on": f.on, "times": f.times} for f in faults.requests]
        body["callbacks"] = [
            {"kind": f.kind, "on": f.on, "event": f.event, "times": f.times}
            for f in faults.callbacks
        ]
        return web.json_response(body)

    async def add_fault(self, request: web.Request) -> web.Response:
        """`{"request": "too-many", "times": 3}`, `{"callback": "drop", "event": "ringing"}` or
        `{"down": true}`.
        """
        body = dict(await json_body(request))
        faults = self._simulator.faults
        try:
            if "request" in body:
                faults.request(body.pop("request"), **body)
            elif "callback" in body:
                faults.callback(body.pop("callback"), **body)
            else:
                self._switch(body)
        except TypeError as error:
            raise ValueError(f"the fault does not fit: {error}") from None
        return await self.faults(request)

    def _switch(self, body: dict[str, Any]) -> None:
        unknown = set(body) - set(_SWITCHES)
        if unknown or not body:
            raise ValueError(f"a fault has one of: request, callback, {', '.join(_SWITCHES)}")
        for name, value in body.items():
            wanted = float if name == "list_lag" else bool
            setattr(self._simulator.faults, name, wanted(value))

    async def clear_faults(self, _: web.Request) -> web.Response:
        """Nothing goes wrong any more."""
        self._simulator.faults.clear()
        return web.Response(status=204)

    async def requests(self, _: web.Request) -> web.Response:
        """The requests that the REST API got, oldest first."""
        entries = [
            {
                "at": entry.at.isoformat(),
                "method": entry.method,
                "path": entry.path,
                "form": [list(pair) for pair in entry.form],
                "status": entry.status,
                "fault": entry.fault,
            }
            for entry in self._simulator.requests
        ]
        return web.json_response({"requests": entries})

    def _find(self, request: web.Request) -> SimCall:
        sid = request.match_info["sid"]
        call = next((call for call in self._simulator.calls if call.sid == sid), None)
        if call is None:
            raise LookupError("there is no such call")
        return call


def _call(call: SimCall) -> dict[str, Any]:
    return {
        "sid": call.sid,
        "to": call.to,
        "from": call.from_,
        "status": call.status,
        "history": call.history,
        "is_listening": call.is_listening,
        "heard": call.heard,
        "pressed": call.pressed,
        "answered_by": call.answered_by,
        "duration": call.duration,
        "documents": call.documents,
        "callbacks": [_callback(entry) for entry in call.callbacks],
        "notifications": [
            {"code": n.code, "log": n.log, "text": n.text, "url": n.url} for n in call.notifications
        ],
    }


def _callback(entry: Callback) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "event": entry.event,
        "method": entry.method,
        "url": entry.url,
        "fields": [list(pair) for pair in entry.fields],
        "status": entry.status,
        "error": entry.error,
        "fault": entry.fault,
        "attempts": entry.attempts,
    }


def _message(message: SimMessage) -> dict[str, Any]:
    return {
        "sid": message.sid,
        "to": message.to,
        "from": message.from_,
        "body": message.body,
        "status": message.status,
        "direction": message.direction,
    }
