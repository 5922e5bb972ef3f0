"""What the carrier asks and tells, on the public listener: the answer to a call, keys, status, machines.

A request must know the call's token *and* bear a good signature. Nothing is said that is not on disk: an answer waits
up to two seconds for its commit and then speaks from what is committed; a key waits five, then asks the caller to
hold. The token itself is never logged.
"""

from datetime import timedelta
from typing import Any

from aiohttp import web

from escalator.engine import Engine
from escalator.escalation.call_events import CallPrompted, CallReported, KeyPressed
from escalator.escalation.calls import AnswerRequest, Call, CallKind, CallPage, CallState
from escalator.escalation.decide_call import action_of
from escalator.escalation.events import Action
from escalator.escalation.incidents import Phase
from escalator.phone import prompts
from escalator.phone.callback import Callback
from escalator.phone.doorway import (
    BODY_MAX_BYTES,
    HEADERS,
    answer_constantly,
    read_form,
    refusal,
)
from escalator.phone.follower import is_machine
from escalator.phone.guard import Guard
from escalator.phone.settings import PhoneSettings
from escalator.phone.speech import Speaker, speaker_for
from escalator.phone.text_callbacks import TextCallbacks
from escalator.phone.tokens import looks_like_token, token_hash
from escalator.phone.twilio import CALLBACK_RETRIES
from escalator.phone.twiml import Say
from escalator.telemetry import get_logger

log = get_logger("callbacks")

ANSWER_WAIT_SECONDS = 2.0
KEY_WAIT_SECONDS = 5.0
TOKEN_LIFE = timedelta(minutes=15)
HOLDS_MAX = 3
WRONG_KEYS_MAX = 3
_TAKEN = frozenset({Phase.ACKNOWLEDGED, Phase.SNOOZED, Phase.RESOLVED})


class Callbacks:
    """The handlers of the public listener. `settings` is the config in force.

    `answer_wait` and `key_wait` are how many seconds a commit may take before something else is said.
    """

    def __init__(
        self,
        engine: Engine,
        settings: PhoneSettings,
        *,
        answer_wait: float = ANSWER_WAIT_SECONDS,
        key_wait: float = KEY_WAIT_SECONDS,
    ):
        self._engine = engine
        self._clock = engine.clock
        self._answer_wait, self._key_wait = answer_wait, key_wait
        self._guard = Guard(engine, settings)
        self._texts = TextCallbacks(engine, self._guard)
        self._settings = settings

    def use(self, settings: PhoneSettings) -> None:
        """Put another config in place of the present one."""
        self._settings = settings
        self._guard.use(settings)

    def application(self) -> web.Application:
        """The public listener: these six routes and nothing else."""
        app = web.Application(client_max_size=BODY_MAX_BYTES, middlewares=[answer_constantly])
        app.router.add_post("/t/{token}/{kind:answer|key|status|machine}", self.handle)
        app.router.add_post("/t/{token}/{kind:sms}", self._texts.status)
        app.router.add_post("/{kind:sms}", self._texts.reply)
        app.router.add_route("*", "/{rest:.*}", self._nothing_here)
        return app

    async def handle(self, request: web.Request) -> web.Response:
        """Token, signature, age, then what is asked."""
        kind = request.match_info["kind"]
        token = request.match_info["token"]
        hashed = token_hash(token) if looks_like_token(token) else ""
        call = self._engine.reader.call_of_token(hashed) if hashed else None
        if call is None:
            self._guard.count(kind, "unknown_token")
            return refusal(self._guard.miss(request))
        body, pairs = await read_form(request)
        if not self._guard.is_genuine(request, pairs):
            self._guard.count(kind, "bad_signature")
            self._warn("callback_forged", kind=kind, call=call.id, remote=request.remote)
            return refusal(403)
        if call.ended_at is not None and self._clock.now() > call.ended_at + TOKEN_LIFE:
            self._guard.count(kind, "late")
            return refusal(410)
        self._guard.count(kind, "ok")
        callback = Callback(call, token, dict(pairs), dict(request.query))
        if not callback.sid:
            return refusal(400)
        return await self._dispatch(kind, callback, request.content_type, body)

    async def _dispatch(
        self, kind: str, callback: Callback, content_type: str, body: str
    ) -> web.Response:
        if kind == "answer":
            request = AnswerRequest(at=self._clock.wall(), content_type=content_type, body=body)
            return _twiml(await self._answer(callback, request))
        if kind == "key":
            return _twiml(await self._key(callback))
        return await self._status(callback, is_verdict=kind == "machine")

    # ---- the answer to a call

    async def _answer(self, callback: Callback, request: AnswerRequest) -> bytes:
        if callback.call.state is CallState.ENDED:
            return prompts.inactive(self._speaker(callback.call))
        if callback.count("r") >= prompts.PROMPTS_MAX:
            if not _has_untold(callback.call):
                return self._prompt(callback, callback.call)
            callback.query["r"] = "0"  # whatever came in meanwhile is told as often as the rest was
        machine = is_machine(callback.params.get("AnsweredBy", ""))
        event = CallPrompted(
            call_id=callback.call.id,
            token_hash=callback.token_hash,
            sid=callback.sid,
            request=request,
            machine=machine,
        )
        call = await self._after(event, callback.call)
        if call.kind is CallKind.DIRECT and call.speech is not None:
            return prompts.direct(call.speech)
        if call.machine:
            return prompts.to_machine(self._speaker(call))
        return self._prompt(callback, call)

    def _prompt(self, callback: Callback, call: Call, *lead: Say) -> bytes:
        """The next prompt: what is open, or how it was taken care of."""
        speaker = self._speaker(call)
        open_pages = call.open_pages
        incidents = [
            incident
            for page in open_pages
            if (incident := self._engine.reader.incident(page.incident_id)) is not None
        ]
        if not incidents:
            return prompts.farewell(speaker, *lead, *self._standings(speaker, call.pages))
        # Only three are told in full: the worst of them, whatever came in first.
        incidents.sort(key=lambda one: self._engine.rules.severity_rank(one.severity))
        turn = callback.count("r") + 1
        if turn > prompts.PROMPTS_MAX:
            return prompts.farewell(speaker, *lead)
        if call.sid and callback.sid != call.sid:
            lead = (speaker.say("already_handled"), *lead)
        told = max(page.n for page in call.pages)
        wrong = callback.count("w")
        return prompts.menu(
            speaker,
            prompts.Prompt(
                incidents=incidents,
                key_url=self._url(callback, f"key?n={told}&r={turn}&w={wrong}"),
                next_url=self._url(callback, f"answer?r={turn}&w={wrong}"),
                lead=lead,
                is_first=not lead,
                now=self._clock.now(),
            ),
        )

    def _standings(self, speaker: Speaker, pages: tuple[CallPage, ...]) -> list[Say]:
        """How each of these pages stands, each thing said once."""
        says: dict[Say, None] = {}
        for page in pages:
            incident = self._engine.reader.incident(page.incident_id)
            by_name = self._name(incident.acknowledged_by) if incident is not None else ""
            says[prompts.standing(speaker, incident, page.person, by_name)] = None
        return list(says) or [speaker.say("nothing_open")]

    # ---- keys

    async def _key(self, callback: Callback) -> bytes:
        call = callback.call
        speaker = self._speaker(call)
        key = callback.query.get("d") or callback.params.get("Digits", "")
        keys = self._engine.rules.keys
        if not key or key == keys.repeat:
            if key:  # asking to hear it again is no silence
                callback.query["r"] = str(max(0, callback.count("r") - 1))
            return await self._again(callback)
        action, heard = action_of(keys, key), callback.count("n")
        if call.state is CallState.ENDED and not self._is_taken(call, action, heard):
            return prompts.inactive(speaker)
        if action is None:
            return await self._wrong_key(callback, speaker)
        event = KeyPressed(
            call_id=call.id,
            token_hash=callback.token_hash,
            sid=callback.sid,
            key=key,
            heard=heard,
        )
        result = await self._guard.submit(event, self._key_wait)
        if result is None or result.call is None:
            return self._hold(callback, speaker, key)
        return await self._after_key(callback, speaker, action, result.call)

    def _is_taken(self, call: Call, action: Action | None, heard: int) -> bool:
        """Whether a key that comes after the call's end only repeats what is so already."""
        if action in (None, Action.ESCALATE):
            return False
        told = (page for page in call.pages if page.n <= heard)
        incidents = (self._engine.reader.incident(page.incident_id) for page in told)
        return all(one is None or one.phase in _TAKEN for one in incidents)

    async def _after_key(
        self, callback: Callback, speaker: Speaker, action: Action, call: Call
    ) -> bytes:
        """Say what the key did; then tell what came in during the call, if anything."""
        heard = callback.count("n")
        told = tuple(page for page in call.pages if page.n <= heard)
        is_passed_on = action is Action.ESCALATE
        done = [speaker.say("passed_on")] if is_passed_on else self._standings(speaker, told)
        fresh = [page for page in call.open_pages if page.n > heard]
        if not fresh or call.state is CallState.ENDED:
            return prompts.farewell(speaker, *done)
        request = AnswerRequest(at=self._clock.wall(), content_type="", body="")
        again = CallPrompted(
            call_id=call.id, token_hash=callback.token_hash, sid=callback.sid, request=request
        )
        call = await self._after(again, call)
        callback.query["r"] = "0"
        return self._prompt(callback, call, *done, speaker.say("new_alerts", count=len(fresh)))

    async def _again(self, callback: Callback) -> bytes:
        """The same once more, and what is new with it."""
        request = AnswerRequest(at=self._clock.wall(), content_type="", body="")
        return await self._answer(callback, request)

    async def _wrong_key(self, callback: Callback, speaker: Speaker) -> bytes:
        wrong = callback.count("w") + 1
        if wrong >= WRONG_KEYS_MAX:
            return prompts.farewell(speaker, speaker.say("not_understood"))
        callback.query["w"] = str(wrong)
        callback.query["r"] = str(max(0, callback.count("r") - 1))
        return self._prompt(callback, callback.call, speaker.say("not_understood"))

    def _hold(self, callback: Callback, speaker: Speaker, key: str) -> bytes:
        """The commit takes long: the caller waits and comes back with the same key."""
        holds = callback.count("h") + 1
        n, turn, wrong = (callback.count(name) for name in ("n", "r", "w"))
        if holds > HOLDS_MAX:
            return prompts.hold(speaker, self._url(callback, f"answer?r={turn}&w={wrong}"))
        url = f"key?n={n}&r={turn}&w={wrong}&d={key}&h={holds}".replace("#", "%23")
        return prompts.hold(speaker, self._url(callback, url))

    # ---- status

    async def _status(self, callback: Callback, *, is_verdict: bool) -> web.Response:
        params = callback.params
        status = "in-progress" if is_verdict else params.get("CallStatus", "")
        event = CallReported(
            call_id=callback.call.id,
            token_hash=callback.token_hash,
            sid=callback.sid,
            status=status,
            duration=_number(params.get("CallDuration")),
            sip_code=_number(params.get("SipResponseCode")),
            machine=is_machine(params.get("AnsweredBy", "")),
        )
        if await self._guard.submit(event, self._key_wait) is None:
            return refusal(503)
        log.info("call_reported", call=callback.call.id, status=status)
        return web.Response(status=204, headers=HEADERS)

    # ---- shared steps

    async def _after(self, event: CallPrompted, before: Call) -> Call:
        """The call once the event is committed, or as it is on disk when that takes too long."""
        result = await self._guard.submit(event, self._answer_wait)
        if result is not None and result.call is not None:
            return result.call
        return self._engine.reader.call(before.id) or before

    def _warn(self, event: str, **more: Any) -> None:
        """Log what strangers can bring about at will: at most once a second."""
        if (suppressed := self._guard.sampled(event)) is not None:
            log.warning(event, suppressed=suppressed, **more)

    def _speaker(self, call: Call) -> Speaker:
        return speaker_for(self._engine.rules, self._engine.rules.people.get(call.person))

    def _name(self, key: str | None) -> str:
        person = self._engine.rules.people.get(key or "")
        return person.name if person is not None else (key or "")

    def _url(self, callback: Callback, name: str) -> str:
        return self._settings.callback_url(callback.token, name) + CALLBACK_RETRIES

    async def _nothing_here(self, _: web.Request) -> web.Response:
        return refusal(404)


def _has_untold(call: Call) -> bool:
    return any(page.is_open and not page.told for page in call.pages)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def _twiml(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="text/xml", charset="utf-8", headers=HEADERS)
