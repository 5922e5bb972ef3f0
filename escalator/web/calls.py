"""Direct calls: one phone, one message, one try.

What is asked for is checked before anything is promised: a number that can exist or a person of the config, a message
that one `<Say>` holds. What is left out comes from the person, else from the config.
"""

import re
from dataclasses import replace
from datetime import timedelta

from aiohttp import web

from escalator.config.model import Config
from escalator.config.values import read_language, read_phone
from escalator.engine import new_id
from escalator.escalation.call_events import CallAsked
from escalator.escalation.call_status import silence
from escalator.escalation.calls import Call, Speech
from escalator.escalation.cleaning import clean
from escalator.escalation.rules import Person, Rules
from escalator.phone.settings import DIRECT_LIMIT_SECONDS
from escalator.phone.speech import speaker_for
from escalator.phone.twiml import ENCODED_MAX, say_fits
from escalator.web import bodies
from escalator.web.answers import Refusal, as_json, invalid, not_found, unavailable
from escalator.web.bodies import Fields
from escalator.web.context import WebContext
from escalator.web.idempotency import call_id_for, digest_of
from escalator.web.shapes import call_shape
from escalator.web.waiting import Waiting, Wish, is_answered, is_ended

LOOP_DEFAULT = 3
LOOP_MAX = 10
WAIT_DEFAULT = timedelta(seconds=60)
WAIT_MAX = timedelta(seconds=300)
_SAY_CHARS_MAX = 10_000
_KNOWN = frozenset({"to", "say", "voice", "language", "loop"})
_VOICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_STAGES = {"answered": is_answered, "ended": is_ended}


class Calls:
    """Direct calls, and the look at any call."""

    def __init__(self, context: WebContext):
        self._context = context
        self._engine = context.engine
        self.waiting = Waiting(context.engine)

    async def place(self, request: web.Request) -> web.Response:
        """`POST /api/v1/calls`: 202 once the call is on file."""
        wish = _wish(request)
        fields = await bodies.json_fields(request, _KNOWN)
        event = self._asked(fields)
        key = request.headers.get("Idempotency-Key")
        if key is not None:
            call_id = await call_id_for(self._engine, key, digest_of(fields), event.call_id)
            known = self._engine.reader.call(call_id)
            if known is not None:
                return await self._answer(known, wish, 202)
            event = replace(event, call_id=call_id)
        self._demand_budget()
        (result,) = await self._engine.submit(event)
        if result.call is None:
            raise unavailable("the call could not be put on file; try again")
        return await self._answer(result.call, wish, 202)

    async def show(self, request: web.Request) -> web.Response:
        """`GET /api/v1/calls/{id}`."""
        wish = _wish(request)
        call = self._engine.reader.call(request.match_info["id"])
        if call is None:
            raise not_found("call of this id")
        return await self._answer(call, wish, 200)

    async def _answer(self, call: Call, wish: Wish | None, status: int) -> web.Response:
        if wish is not None:
            call = await self.waiting.until(call, wish)
        return as_json(call_shape(call), status, {"Location": f"/api/v1/calls/{call.id}"})

    def _demand_budget(self) -> None:
        """A direct call counts for the cap of a day, and is under it."""
        caps, now = self._engine.rules.caps, self._engine.clock.now()
        if caps.per_day is None:
            return
        if self._engine.reader.spent(now, caps.person_span).today >= caps.per_day:
            raise Refusal(
                429,
                f"{caps.per_day} calls were made within a day (twilio.limits.calls_per_day);"
                " only pages to the fallback are called now",
                headers={"Retry-After": "3600"},
            )

    def _asked(self, fields: Fields) -> CallAsked:
        config = self._context.config()
        to, person = _callee(config, self._engine.rules, bodies.text(fields, "to", 100))
        return CallAsked(
            call_id=new_id(self._engine.clock.now()),
            to=to,
            person="" if person is None else person.key,
            speech=_speech(self._engine.rules, person, fields),
            lasts=silence(config.twilio.ring.total_seconds(), DIRECT_LIMIT_SECONDS),
        )


def _callee(config: Config, rules: Rules, to: str) -> tuple[str, Person | None]:
    if not to:
        raise invalid("to", "is missing; write a phone number as +491713920012, or a person")
    person = rules.people.get(to)
    if person is not None:
        return person.phones[0], person
    if not to.startswith("+"):
        raise invalid("to", "is neither a person of the config nor a number as +491713920012")
    try:
        number = read_phone(to)
    except ValueError as problem:
        raise invalid("to", str(problem)) from None
    if number in config.twilio.from_:
        raise invalid("to", "is a number that we call from; it cannot ring itself")
    return number, None


def _speech(rules: Rules, person: Person | None, fields: Fields) -> Speech:
    say = bodies.text(fields, "say", _SAY_CHARS_MAX)
    if not clean(say):
        raise invalid("say", "there is nothing to be said")
    if not say_fits(say):
        raise invalid("say", f"is more than one <Say> holds: {ENCODED_MAX} URL-encoded characters")
    language = bodies.text(fields, "language", 40)
    voice = bodies.text(fields, "voice", 100)
    if language:
        try:
            read_language(language)
        except ValueError as problem:
            raise invalid("language", str(problem)) from None
        person = Person(key="", name="", phones=(), language=language)
    if voice and not _VOICE.fullmatch(voice):
        raise invalid("voice", "is not a voice's name; write one as alice or Polly.Vicki-Neural")
    speaker = speaker_for(rules, person)
    loop = fields.get("loop")
    return Speech(
        say=say,
        voice=voice or speaker.voice,
        language=language or speaker.language,
        loop=LOOP_DEFAULT if loop is None else _loop(loop),
    )


def _loop(value: object) -> int:
    if isinstance(value, str):
        raise invalid("loop", f"must be a whole number from 1 to {LOOP_MAX}, without quotes")
    return bodies.number(value, "loop", 1, LOOP_MAX)


def _wish(request: web.Request) -> Wish | None:
    """What `?wait=` and `timeout=` ask for."""
    stage, timeout = request.query.get("wait"), request.query.get("timeout")
    patience = WAIT_DEFAULT if timeout is None else bodies.duration(timeout, "timeout", WAIT_MAX)
    if stage is None:
        return None
    if stage not in _STAGES:
        raise invalid("wait", "write answered or ended")
    return Wish(_STAGES[stage], patience, lambda: _has_left(request))


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
