"""Beats that come by URL, and how all heartbeats are.

A beat is a request and nothing else: what is in its body does not count. 200 is said after the commit.
"""

from aiohttp import web

from escalator.config.heartbeats import Heartbeat
from escalator.intake.auth import check
from escalator.telemetry import Sampled, get_logger
from escalator.web.access import guard_change, guard_open_door
from escalator.web.answers import Refusal, as_json, not_found
from escalator.web.bodies import read_body
from escalator.web.context import WebContext
from escalator.web.senders import auth_of, may_be_read, stranger
from escalator.web.shapes import time

log = get_logger("heartbeats")


class HeartbeatUrls:
    """The heartbeats of the config in force, over HTTP."""

    def __init__(self, context: WebContext):
        self._context = context
        self._heartbeats = context.heartbeats
        self._sampled = Sampled(context.engine.clock.boottime)

    async def beat(self, request: web.Request) -> web.Response:
        """`GET`, `POST` or `HEAD /heartbeat/{name}`."""
        name = request.match_info["name"]
        written = self._context.config().heartbeats.get(name)
        heartbeat = self._heartbeats.named(name)
        if written is None or heartbeat is None:
            raise not_found("heartbeat of this name in the config")
        try:
            await self._admit(request, written)
        except Refusal as refusal:
            if (suppressed := self._sampled(f"{name} {refusal.code}")) is not None:
                log.warning(
                    "beat_refused", heartbeat=name, code=refusal.code, suppressed=suppressed
                )
            raise
        next_by = await self._heartbeats.beat(heartbeat)
        return as_json({"heartbeat": name, "next_by": time(next_by)})

    async def list(self, _: web.Request) -> web.Response:
        """`GET /api/v1/heartbeats`."""
        return as_json(
            {
                "heartbeats": [
                    {
                        "name": heartbeat.name,
                        "state": found.standing.value,
                        "last_at": time(state.last_at),
                        "next_by": time(found.next_by),
                        "beats": state.beats,
                    }
                    for heartbeat, state, found in self._heartbeats.shown()
                ]
            }
        )

    async def _admit(self, request: web.Request, written: Heartbeat) -> None:
        """Let in who may send this beat; a foreign page's picture, which a browser loads, is none."""
        hosts = self._context.config().web.hosts
        guard_change(request, hosts)
        if written.auth is None:
            guard_open_door(request, hosts)
            await read_body(request)
            return
        auth = auth_of(written.auth)
        if not may_be_read(auth, request.headers):
            raise stranger(auth, "heartbeat")
        body = await read_body(request)
        if auth.needs_body and not check(auth, request.headers, body):
            raise stranger(auth, "heartbeat")
