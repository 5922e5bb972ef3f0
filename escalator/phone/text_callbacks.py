"""What the carrier tells of messages, and what people answer: the two routes of messages on the public listener.

An answer counts when it comes from a number of the config *and* names the code of an open incident. Strangers change
nothing and get a few sentences a day, so that no other machine is ever talked to without end. What is said was
committed before; a message told twice is done once.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from aiohttp import web

from escalator.engine import Engine
from escalator.escalation.events import Asked, ReplyReceived
from escalator.escalation.message_events import MessageReported
from escalator.escalation.replying import (
    Command,
    command_of,
    is_carriers_word,
    standing,
    unknown_code,
    usage,
)
from escalator.escalation.rules import Person
from escalator.escalation.texting import shortened
from escalator.phone import counting
from escalator.phone.doorway import HEADERS, read_form, refusal
from escalator.phone.guard import Guard
from escalator.phone.tokens import looks_like_token, token_hash
from escalator.phone.twiml import text_reply
from escalator.store.messages import incident_of_code, message_of_token
from escalator.telemetry import get_logger

log = get_logger("callbacks")

STATUS_WAIT_SECONDS = 5.0
REPLY_WAIT_SECONDS = 10.0
TOKEN_LIFE = timedelta(minutes=15)
STRANGER_REPLIES = 5
KNOWN_REPLIES = 20
"""How often a day a number is told how to write a command: somebody in trouble, or another machine."""
DAY_SECONDS = 86_400.0
_NUMBERS_MAX = 4096
_SID_MAX = 64


class Patience:
    """How many sentences each number has been given within a day. `seconds` is a clock that never jumps."""

    def __init__(self, seconds: Callable[[], float]):
        self._seconds = seconds
        self._given: dict[str, tuple[float, int]] = {}

    def __len__(self) -> int:
        """How many numbers are remembered."""
        return len(self._given)

    def one_more(self, number: str, limit: int) -> bool:
        """Count one. False: these were enough for a day."""
        now = self._seconds()
        since, count = self._given.pop(number, (now, 0))
        if now - since >= DAY_SECONDS:
            since, count = now, 0
        if len(self._given) >= _NUMBERS_MAX:  # whoever has not written for longest
            self._given.pop(next(iter(self._given)))
        self._given[number] = (since, count + 1)
        return count < limit


class TextCallbacks:
    """The handlers. `guard` says which requests are the carrier's."""

    def __init__(self, engine: Engine, guard: Guard):
        self._engine = engine
        self._clock = engine.clock
        self._guard = guard
        self._patience = Patience(engine.clock.boottime)

    async def status(self, request: web.Request) -> web.Response:
        """`POST /t/{token}/sms`: how a message stands. Token, signature, age, then what is told."""
        token = request.match_info["token"]
        hashed = token_hash(token) if looks_like_token(token) else ""
        message = message_of_token(self._engine.reader, hashed) if hashed else None
        if message is None:
            self._guard.count("sms", "unknown_token")
            return refusal(self._guard.miss(request))
        _, pairs = await read_form(request)
        if not self._guard.is_genuine(request, pairs):
            self._guard.count("sms", "bad_signature")
            self._warn("callback_forged", kind="sms", message=message.id, remote=request.remote)
            return refusal(403)
        if message.ended_at is not None and self._clock.now() > message.ended_at + TOKEN_LIFE:
            self._guard.count("sms", "late")
            return refusal(410)
        self._guard.count("sms", "ok")
        params = dict(pairs)
        sid, status = _sid(params), params.get("MessageStatus", "")
        if not sid:
            return refusal(400)
        event = MessageReported(
            message_id=message.id,
            token_hash=hashed,
            sid=sid,
            status=status,
            code=_number(params.get("ErrorCode")),
        )
        if await self._guard.submit(event, STATUS_WAIT_SECONDS) is None:
            return refusal(503)
        log.info("message_reported", message=message.id, status=status, code=event.code)
        return web.Response(status=204, headers=HEADERS)

    async def reply(self, request: web.Request) -> web.Response:
        """`POST /sms`: somebody has written to one of our numbers."""
        _, pairs = await read_form(request)
        if not self._guard.is_genuine(request, pairs):
            self._guard.count("sms", "bad_signature")
            self._warn("callback_forged", kind="sms", remote=request.remote)
            return refusal(403)
        self._guard.count("sms", "ok")
        params = dict(pairs)
        sid, number, body = _sid(params), params.get("From", ""), params.get("Body", "")
        if not sid or not number:
            return refusal(400)
        people = [one for one in self._engine.rules.people.values() if number in one.phones]
        if is_carriers_word(body):
            return self._answer("carriers_word", "")
        if not people:
            text = usage(self._engine.rules, None)
            return self._answer("unknown_number", self._if_patient(number, text, STRANGER_REPLIES))
        command = command_of(self._engine.rules.keys, body)
        if command is None:
            text = usage(self._engine.rules, people[0])
            return self._answer("no_command", self._if_patient(number, text, KNOWN_REPLIES))
        return await self._obey(command, people, number, sid)

    async def _obey(
        self, command: Command, people: Sequence[Person], number: str, sid: str
    ) -> web.Response:
        rules, now = self._engine.rules, self._clock.now()
        until = None if command.span is None else now + command.span
        asks: list[tuple[Person, Asked]] = []
        said: list[str] = []
        for code in command.codes:
            found = incident_of_code(self._engine.reader, code, number)
            if found is None:
                said.append(unknown_code(rules, people[0], code))
                continue
            incident, told = found
            person = next((one for one in people if one.key in told), people[0])
            if not incident.is_open:
                said.append(standing(rules, person, command.action, incident))
                continue
            asked = Asked(
                incident_id=incident.id, action=command.action, by=person.key, until=until
            )
            asks.append((person, asked))
        if not asks:
            text = shortened("\n".join(said))
            return self._answer("unknown_code", self._if_patient(number, text, KNOWN_REPLIES))
        event = ReplyReceived(sid=sid, asks=tuple(asked for _, asked in asks))
        result = await self._guard.submit(event, REPLY_WAIT_SECONDS)
        if result is None:
            counting.reply_came(self._engine.metrics, "not_stored")
            return refusal(503)
        incidents = {incident.id: incident for incident in result.incidents}
        done = [
            standing(rules, person, command.action, incidents[asked.incident_id])
            for person, asked in asks
            if asked.incident_id in incidents
        ]
        return self._answer("done", shortened("\n".join([*done, *said])))

    def _warn(self, event: str, **more: Any) -> None:
        """Log what strangers can bring about at will: at most once a second."""
        if (suppressed := self._guard.sampled(event)) is not None:
            log.warning(event, suppressed=suppressed, **more)

    def _if_patient(self, number: str, text: str, limit: int) -> str:
        return text if self._patience.one_more(number, limit) else ""

    def _answer(self, result: str, text: str) -> web.Response:
        counting.reply_came(self._engine.metrics, result)
        if result != "done":
            self._warn("reply_ignored", result=result)
        body = text_reply(text)
        return web.Response(body=body, content_type="text/xml", charset="utf-8", headers=HEADERS)


def _sid(params: dict[str, str]) -> str:
    sid = params.get("MessageSid", "")
    return sid if sid.isascii() and len(sid) <= _SID_MAX else ""


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
