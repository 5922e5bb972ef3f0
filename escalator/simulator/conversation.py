"""Carries out TwiML on an answered call: fetches documents, speaks, collects keys, follows where
they lead.

Runs until the document ends or says to hang up, the callee hangs up, the time limit passes or the
API ends the call. When a document cannot be fetched, read or carried out, the fallback URL is
asked; without one, or when that fails as well, the callee hears the application error and the call
ends as completed.
"""

from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp

from escalator.simulator.callbacks import Callbacks, Letter, call_fields
from escalator.simulator.calls import SimCall
from escalator.simulator.journal import Listening
from escalator.simulator.line import (
    Declined,
    Diverted,
    HungUp,
    Interrupted,
    KeyPressed,
    MachineVerdict,
    PickedUp,
    Signal,
    Source,
    Stopped,
    TimeUp,
)
from escalator.simulator.parameters import is_http_url
from escalator.simulator.people import Press
from escalator.simulator.reporter import Reporter
from escalator.simulator.twiml import (
    Document,
    Gather,
    Hangup,
    Pause,
    Play,
    Redirect,
    Say,
    TwimlError,
    Verb,
    is_markup,
    read,
)
from escalator.simulator.webhook import Answer, FetchError

CHARACTERS_PER_SECOND = 14
APPLICATION_ERROR = "We are sorry, an application error has occurred. Goodbye."
_MARKUP = frozenset({"text/xml", "application/xml", "text/html"})
_AUDIO_SECONDS = 3.0
_FOREVER = 1000
_DOCUMENTS_MAX = 300


@dataclass(frozen=True, slots=True)
class Step:
    """The next document: where from, why, and the fields it is asked with beside the standard
    ones.
    """

    source: Source
    kind: str = "redirect"
    fields: tuple[tuple[str, str], ...] = ()


class _Over(Exception):
    """The conversation has ended."""


class _GoOn(Exception):
    """Another document takes over."""

    def __init__(self, step: Step) -> None:
        self.step = step
        super().__init__(step)


class Conversation:
    """One answered call, from the first document to the end."""

    def __init__(
        self,
        call: SimCall,
        callbacks: Callbacks,
        session: aiohttp.ClientSession,
        reporter: Reporter,
    ) -> None:
        self._call = call
        self._callbacks = callbacks
        self._session = session
        self._reporter = reporter
        self._base = ""

    async def hold(self, first: Step, *, silence: float = 0.0) -> None:
        """Have the conversation, after that many seconds of silence; returns when it is over."""
        step: Step | None = first
        try:
            await self._let_pass(silence)
        except _GoOn as onward:
            step = onward.step
        except _Over:
            return
        while step is not None:
            step = await self._next(step)

    async def _next(self, step: Step) -> Step | None:
        """Carry one document out; the step that follows, None at the end of the conversation."""
        try:
            await self._document(step)
        except _GoOn as onward:
            return onward.step
        except _Over:
            return None
        return None

    async def _document(self, step: Step) -> None:
        try:
            document = await self._load(step)
            for verb in document.verbs:
                await self._carry_out(verb)
        except Interrupted:
            await self._let_pass(0.0)
        except TwimlError as error:
            await self._failed(step, error)

    async def _failed(self, step: Step, error: TwimlError) -> None:
        url = self._base or step.source.url.partition("#")[0]
        self._call.note(error.code, error.text, url=url)
        request = self._call.request
        if request.fallback_url and step.kind != "fallback":
            source = Source(request.fallback_url, request.fallback_method)
            fields = (("ErrorCode", str(error.code)), ("ErrorUrl", url))
            raise _GoOn(Step(source, "fallback", fields))
        await self._say(Say(APPLICATION_ERROR))

    async def _load(self, step: Step) -> Document:
        if len(self._call.documents) >= _DOCUMENTS_MAX:
            raise TwimlError(12400, f"the call goes round in circles: {_DOCUMENTS_MAX} documents")
        if step.source.twiml:
            self._base = ""
            return self._read(step.source.twiml.encode(), None)
        self._base = step.source.url.partition("#")[0]
        letter = Letter(
            kind=step.kind,
            url=step.source.url,
            fields=(*call_fields(self._call, "in-progress"), *step.fields),
            method=step.source.method,
            fault=self._callbacks.fault_for(step.kind),
        )
        work = self._callbacks.send(self._session, self._call, letter)
        try:
            answer = await self._call.line.unless_interrupted(work)
        except FetchError as failure:
            raise TwimlError(failure.code, failure.text) from failure
        self._base = answer.url
        return self._accept(answer)

    def _accept(self, answer: Answer) -> Document:
        """The document in an answer, by its content type. Raises `TwimlError`."""
        kind = answer.content_type
        if not 200 <= answer.status < 300:
            raise TwimlError(11200, f"the request for TwiML was answered {answer.status}")
        if answer.is_chunked and not answer.body:
            raise TwimlError(11770, "the answer is chunked and empty")
        if kind in _MARKUP or (kind == "text/plain" and is_markup(answer.body)):
            return self._read(answer.body, answer.charset)
        if kind == "text/plain":
            text = answer.body.decode(answer.charset or "utf-8", "replace")
            self._call.documents.append(text)
            return Document([Say(" ".join(text.split()))])
        if kind is not None and kind.startswith("audio/"):
            return Document([Play(answer.url)])
        raise TwimlError(12300, f"the Content-Type {kind or '(none)'} is not one of TwiML")

    def _read(self, body: bytes, charset: str | None) -> Document:
        self._call.documents.append(body.decode(charset or "utf-8", "replace"))
        document = read(body, charset)
        for code, text in document.warnings:
            self._call.note(code, text, url=self._base, warning=True)
        return document

    async def _carry_out(self, verb: Verb) -> None:
        match verb:
            case Gather():
                await self._gather(verb)
            case Redirect(url, method):
                raise _GoOn(Step(Source(self._resolve(url), method)))
            case Hangup():
                raise _Over
            case prompt:
                await self._prompt(prompt, stops_at_key=False)

    async def _prompt(self, prompt: Say | Play | Pause, *, stops_at_key: bool) -> str | None:
        """Speak, play or be silent; the key that stopped it, if keys may."""
        match prompt:
            case Pause(length):
                return await self._listen(length, stops_at_key=stops_at_key)
            case Play():
                spoken, seconds = Say(f"[{prompt.url}]"), _AUDIO_SECONDS
            case Say():
                spoken, seconds = prompt, len(prompt.text) / CHARACTERS_PER_SECOND
        for _ in range(prompt.loop or _FOREVER):
            if spoken.text not in ("", "[]"):
                self._call.hears(spoken.text, spoken.language, spoken.voice)
            if (key := await self._listen(seconds, stops_at_key=stops_at_key)) is not None:
                return key
        return None

    async def _say(self, say: Say) -> None:
        await self._prompt(say, stops_at_key=False)

    async def _gather(self, verb: Gather) -> None:
        call = self._call
        call.line.forget_keys()
        press = call.script.at_prompt(call.prompts)
        call.prompts += 1
        if call.script.listens is not None and call.prompts > call.script.listens:
            raise _Over
        call.is_listening = verb.takes_keys
        call.journal.tell(Listening(call))
        try:
            digits, finished = await self._collect(verb, press)
        finally:
            call.is_listening = False
        if digits or (verb.action_on_empty and self._may_be_empty(verb)):
            fields = (("Digits", digits), ("msg", "Gather End"), ("FinishedOnKey", finished))
            raise _GoOn(Step(Source(self._resolve(verb.action or ""), verb.method), "key", fields))
        if call.prompts == call.script.listens:
            raise _Over

    def _may_be_empty(self, verb: Gather) -> bool:
        if verb.action is None:
            text = "actionOnEmptyResult needs an action; the next verb follows"
            self._call.note(13338, text, url=self._base, warning=True)
        return verb.action is not None

    async def _collect(self, verb: Gather, press: Press | None) -> tuple[str, str]:
        """The digits and the key that finished them, both may be empty."""
        if press is not None and press.barge_in:
            self._plan(press)
        key = await self._prompts(verb)
        if key is None:
            if press is not None and not press.barge_in:
                self._plan(press)
            key = await self._listen(verb.timeout, stops_at_key=verb.takes_keys)
        digits = ""
        while key is not None:
            if key == verb.finish_on_key:
                return digits, key
            digits += key
            if len(digits) == verb.num_digits:
                break
            key = await self._listen(verb.timeout, stops_at_key=True)
        return digits, ""

    async def _prompts(self, verb: Gather) -> str | None:
        stops = verb.barge_in and verb.takes_keys
        for prompt in verb.prompts:
            if (key := await self._prompt(prompt, stops_at_key=stops)) is not None:
                return key
        return None

    def _plan(self, press: Press) -> None:
        for number, key in enumerate(press.keys):
            self._call.line.plan(press.after + number * press.gap, KeyPressed(key))

    async def _let_pass(self, seconds: float) -> None:
        await self._listen(seconds, stops_at_key=False)

    async def _listen(self, seconds: float, *, stops_at_key: bool) -> str | None:
        """Let seconds pass; the key that ended them early, if keys may. Other keys are lost."""
        line = self._call.line
        until = line.clock + seconds
        while (signal := await line.next(until - line.clock)) is not None:
            key = self._heed(signal)
            if key is not None and stops_at_key:
                return key
        return None

    def _heed(self, signal: Signal) -> str | None:
        match signal:
            case KeyPressed(key):
                self._call.key_went_down(key)
                return key
            case MachineVerdict(answered_by, milliseconds):
                self._call.answered_by = answered_by
                self._reporter.machine(answered_by, milliseconds)
            case Diverted(source):
                raise _GoOn(Step(source, "update"))
            case HungUp() | Stopped() | TimeUp():
                raise _Over
            case PickedUp() | Declined():
                pass
        return None

    def _resolve(self, url: str) -> str:
        """An absolute URL. Raises `TwimlError` where there is nothing it could be relative to."""
        target = urljoin(self._base, url)
        if not is_http_url(target):
            raise TwimlError(
                11100, f"the URL {url!r} is not absolute, nor relative to a document's"
            )
        return target
