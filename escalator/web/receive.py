"""Alerts come in: who sends is known before much is read, and 202 is said after the commit and never before.

A sender's payload that cannot be read is refused with 400, for sending it again would not help; any trouble of our own
is 503, for then it would. Nothing here redirects.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import cast

from aiohttp import web

from escalator.config.access import Receiver
from escalator.engine import new_id
from escalator.escalation.alerts import Alert
from escalator.escalation.events import AlertReceived
from escalator.escalation.incidents import Incident
from escalator.intake import Intake, Kind, PayloadError, read
from escalator.intake.auth import Auth, BearerAuth, HmacAuth, check
from escalator.store.changes import Result
from escalator.store.errors import StoreError
from escalator.store.writer import Lane
from escalator.telemetry import Sampled, get_logger
from escalator.web import counting
from escalator.web.access import guard_open_door
from escalator.web.answers import Refusal, as_json, not_found
from escalator.web.bodies import SENDER_BYTES_MAX, Room, read_body
from escalator.web.context import WebContext
from escalator.web.senders import auth_of, may_be_read, stranger
from escalator.web.unreadable import Unreadable

log = get_logger("receive")

# Reading a body of this size takes a few milliseconds; a larger one must not hold up key presses.
THREAD_FROM_BYTES = 128 * 1024


class Receivers:
    """The receivers of the config in force."""

    def __init__(self, context: WebContext):
        self._context = context
        self._engine = context.engine
        self._metrics = context.engine.metrics
        self._unreadable = Unreadable()
        self._sampled = Sampled(context.engine.clock.boottime)
        self._room = Room()
        self._large = asyncio.Lock()

    async def receive(self, request: web.Request) -> web.Response:
        """`POST /receive/{receiver}`."""
        name, receiver = self._receiver(request)
        intake, results = await self._take(request, name, receiver)
        return as_json({"accepted": len(intake.alerts), "incidents": _incidents(results)}, 202)

    async def receive_posted(self, request: web.Request) -> web.Response:
        """`POST /receive/{receiver}/api/v2/alerts`: Prometheus takes us for an Alertmanager."""
        name, receiver = self._receiver(request)
        if receiver.type != "alertmanager":
            raise not_found("Alertmanager API at a receiver of another type than alertmanager")
        await self._take(request, name, receiver)
        return web.Response(status=200)

    def _receiver(self, request: web.Request) -> tuple[str, Receiver]:
        name = request.match_info["receiver"]
        receiver = self._context.config().receivers.get(name)
        if receiver is None:
            raise not_found("receiver of this name in the config")
        return name, receiver

    async def _take(
        self, request: web.Request, name: str, receiver: Receiver
    ) -> tuple[Intake, list[Result]]:
        with self._room.place() as take:
            body = await self._admit(request, name, receiver, take)
            return await self._understand(request, name, receiver, body)

    async def _understand(
        self, request: web.Request, name: str, receiver: Receiver, body: bytes
    ) -> tuple[Intake, list[Result]]:
        clock = self._engine.clock
        came_at = clock.boottime()
        try:
            intake = await self._read(
                name, receiver, body, request.headers.get("Content-Type", ""), clock.wall()
            )
        except PayloadError as error:
            await self._refused(name, error.code, error.message)
            raise
        self._note(name, intake)
        over = self._unreadable.readable(name, clock.now())
        alerts, signs = self._context.heartbeats.sort_out(intake.alerts)
        results = await self._submit((*alerts, *([over] if over else [])))
        await self._context.heartbeats.hear(signs)
        counting.alerts_taken(
            self._metrics, name, intake.alerts, intake.notes, clock.boottime() - came_at
        )
        return intake, results[: len(alerts)]

    # ---- who sends

    async def _admit(
        self, request: web.Request, name: str, receiver: Receiver, take: Callable[[int], None]
    ) -> bytes:
        """The body of a sender who may send it."""
        auth = self._auth(name, receiver)
        if auth is None:
            guard_open_door(request, self._context.config().web.hosts)
        elif not may_be_read(auth, request.headers):
            raise self._stranger(name, auth)
        try:
            body = await read_body(request, SENDER_BYTES_MAX, take=take)
        except Refusal as refusal:
            if refusal.status == 413 and not isinstance(auth, HmacAuth):
                await self._too_large(name, request.content_length)
            raise
        if auth is not None and auth.needs_body and not check(auth, request.headers, body):
            raise self._stranger(name, auth)
        return body

    def _auth(self, name: str, receiver: Receiver) -> Auth | None:
        if receiver.generated_token:
            token = self._context.generated_token()
            if not token:
                counting.body_refused(self._metrics, name, "unauthorized")
                raise Refusal(
                    401, "this receiver's token is not made yet: restart escalator, or give it auth"
                )
            return BearerAuth(token)
        return None if receiver.auth is None else auth_of(receiver.auth)

    def _stranger(self, name: str, auth: Auth) -> Refusal:
        counting.body_refused(self._metrics, name, "unauthorized")
        return stranger(auth, "receiver")

    # ---- what was sent

    async def _read(
        self, name: str, receiver: Receiver, body: bytes, content_type: str, at: datetime
    ) -> Intake:
        kind = cast(Kind, receiver.type)
        if len(body) < THREAD_FROM_BYTES:
            return read(name, kind, body, content_type, at)
        # One at a time: two would take as long and twice the memory, of which parsing takes many times the body.
        async with self._large:
            return await asyncio.to_thread(read, name, kind, body, content_type, at)

    async def _submit(self, alerts: Sequence[Alert]) -> list[Result]:
        now = self._engine.clock.now()
        events = [AlertReceived(alert=alert, fresh_id=new_id(now)) for alert in alerts]
        return await self._engine.submit(*events, lane=Lane.INTAKE)

    async def _too_large(self, name: str, size: int | None) -> None:
        counting.body_refused(self._metrics, name, "too_large")
        await self._raise(self._unreadable.too_large(name, size, self._engine.clock.now()))

    async def _refused(self, name: str, code: str, why: str) -> None:
        counting.body_refused(self._metrics, name, code)
        if (suppressed := self._sampled(f"refused {name} {code}")) is not None:
            log.warning("body_refused", receiver=name, code=code, why=why, suppressed=suppressed)
        await self._raise(self._unreadable.rejected(name, why, self._engine.clock.now()))

    async def _raise(self, alert: Alert | None) -> None:
        """Page about the sender. Should that fail, the sender still hears what was wrong with its request."""
        if alert is None:
            return
        try:
            await self._submit([alert])
        except StoreError as error:
            log.error("unreadable_not_paged", receiver=alert.receiver, error=str(error))  # noqa: TRY400 - no defect of ours

    def _note(self, name: str, intake: Intake) -> None:
        for note in intake.notes:
            if (suppressed := self._sampled(f"odd {name} {note.remark}")) is not None:
                log.warning("body_odd", receiver=name, what=str(note), suppressed=suppressed)


def _incidents(results: Sequence[Result]) -> list[dict[str, object]]:
    """Each incident once, in the order in which it was first met, as it was after its last event."""
    last: dict[str, Incident] = {}
    new: set[str] = set()
    for result in results:
        if result.incident is None:
            continue
        last[result.incident.id] = result.incident
        if result.is_new:
            new.add(result.incident.id)
    return [{"id": one.id, "new": one.id in new, "phase": one.phase.value} for one in last.values()]
