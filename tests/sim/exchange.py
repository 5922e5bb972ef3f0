"""A carrier in memory: it makes the calls it is asked for, rings people, and calls back, all in imagined time.

It has its own life: what has been sent to it arrives whether or not the sender still lives, and its calls go on while
nobody answers its callbacks. It keeps a record of every call that it made, which is what the invariants are held to.
"""

import asyncio
import contextvars
import itertools
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fate import Fate, Person, accepted

from escalator.clock import VirtualClock
from escalator.phone.carrier import (
    AlreadyOver,
    CarrierCall,
    Ended,
    EndOutcome,
    EndStatus,
    Gone,
    Listed,
    ListOutcome,
    NewCall,
    PlaceOutcome,
    ReadOutcome,
    Unreadable,
)
from escalator.phone.tokens import token_hash

OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
ATTEMPTS = 4  # one and three more, as our URLs ask for
ATTEMPT_SECONDS = 3.0
PATIENCE_SECONDS = 15.0
PROMPTS_MAX = 40

Fields = list[tuple[str, str]]
CallBack = Callable[[str, Fields], Awaitable[tuple[int, str] | None]]


@dataclass(eq=False)
class Line:
    """One call as the carrier has it. `is_double`: the carrier made it on its own account."""

    sid: str
    new: NewCall
    made_at: datetime
    listed_at: datetime
    is_double: bool = False
    status: str = "queued"
    answered_at: datetime | None = None
    answered_by: str = ""
    said: list[str] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    @property
    def hashed(self) -> str:
        """What the store knows this call's POST by."""
        return token_hash(urlsplit(self.new.url).path.split("/")[2])


@dataclass(frozen=True)
class Spoken:
    """What the carrier makes of a document: words, where a key goes to, and what follows silence."""

    words: str
    gather: str = ""
    redirect: str = ""


class Exchange:
    """See above. `tell` hears of everything, `on_made` of each call, `on_spoken` of each document after a key."""

    def __init__(
        self,
        clock: VirtualClock,
        fate: Fate,
        call_back: CallBack,
        tell: Callable[[str], None],
    ):
        self.lines: list[Line] = []
        self.fate = fate
        self.on_asked: Callable[[NewCall], None] = lambda new: None
        self.on_made: Callable[[Line], None] = lambda line: None
        self.on_spoken: Callable[[Line, str, str], None] = lambda line, url, words: None
        self.errors: list[BaseException] = []
        self.blind: set[str] = set()
        self._clock = clock
        self._call_back = call_back
        self._tell = tell
        self._sids = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    # ---- the API

    async def place(self, new: NewCall) -> PlaceOutcome:
        """Ask for one call. What fate lets arrive is made, whatever becomes of who asked."""
        self.on_asked(new)
        posting = self.fate.posting(new.to)
        sids = [f"CA{next(self._sids):032x}" for _ in range(posting.makes)]
        if sids:
            self._spawn(self._arrives(new, sids, posting.arrives))
        await self._clock.sleep(posting.answers)
        outcome = accepted(sids[0]) if posting.outcome is None else posting.outcome
        self._tell(f"POST {new.to[-3:]} -> {outcome}")
        return outcome

    async def list_calls(self, to: str, from_: str) -> ListOutcome:
        await self._clock.sleep(0.1)
        if not self.fate.is_readable("list"):
            self.blind.add(to)
            return Unreadable("HTTP 500")
        now = self._clock.now()
        found = [one for one in reversed(self.lines) if one.new.to == to and one.listed_at <= now]
        return Listed([self._shown(line) for line in found])

    async def read(self, sid: str) -> ReadOutcome:
        await self._clock.sleep(0.1)
        if not self.fate.is_readable("read"):
            return Unreadable("HTTP 500")
        line = self._line(sid)
        return Gone() if line is None else self._shown(line)

    async def end(self, sid: str, status: EndStatus) -> EndOutcome:
        await self._clock.sleep(0.1)
        is_readable = self.fate.is_readable("end")
        if not is_readable and not self.fate.is_ended_all_the_same():
            return Unreadable("HTTP 500")
        line = self._line(sid)
        able = (
            ("queued", "ringing", "in-progress") if status == "completed" else ("queued", "ringing")
        )
        if line is None or line.status not in able:
            return AlreadyOver() if is_readable else Unreadable("HTTP 500")
        self._tell(f"{sid[-3:]} is ended: {status}")
        self._finish(line, status if line.status == "in-progress" else "canceled")
        return Ended() if is_readable else Unreadable("HTTP 500")

    def live(self, to: str) -> list[Line]:
        """The calls to a number that are not over."""
        return [line for line in self.lines if line.new.to == to and not line.is_over]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- a call's life

    async def _arrives(self, new: NewCall, sids: list[str], after: float) -> None:
        await self._clock.sleep(after)
        for number, sid in enumerate(sids):
            now = self._clock.now()
            listed_at = now + timedelta(seconds=self.fate.list_lag())
            line = Line(sid, new, now, listed_at, is_double=number > 0)
            self.lines.append(line)
            self._tell(f"{sid[-3:]} is made, to {new.to[-3:]}")
            self.on_made(line)
            self._spawn(self._ring(line))

    async def _ring(self, line: Line) -> None:
        person = self.fate.person(line.new.to)
        for status, seconds in (("queued", 0.3), ("ringing", 0.5)):
            await self._clock.sleep(seconds)
            if line.is_over:
                return
            self._become(line, status, "initiated" if status == "queued" else status)
        is_soon = person.after < line.new.ring_seconds and person.how != "no-answer"
        await self._clock.sleep(person.after if is_soon else line.new.ring_seconds)
        if line.is_over:
            return
        if not is_soon or person.how in ("busy", "failed"):
            self._finish(line, person.how if is_soon else "no-answer")
            return
        line.answered_at = self._clock.now()
        line.answered_by = "machine_start" if person.how == "machine" else "human"
        self._become(line, "in-progress")
        self._spawn(self._limit(line))
        await self._talk(line, person)
        if not line.is_over:
            self._finish(line, "completed")

    async def _limit(self, line: Line) -> None:
        await self._clock.sleep(line.new.limit_seconds)
        if not line.is_over:
            self._finish(line, "completed")

    async def _talk(self, line: Line, person: Person) -> None:
        keys = iter(person.keys)
        url, fields = line.new.url, []
        for _ in range(PROMPTS_MAX):
            body = await self._fetch(line, url, fields)
            if body is None or line.is_over:
                return
            spoken = read_document(body)
            line.said.append(spoken.words)
            self.on_spoken(line, url, spoken.words)
            await self._clock.sleep(5.0)
            if line.is_over:
                return
            key = next(keys, None) if spoken.gather and person.how == "answers" else None
            url = spoken.gather if key else spoken.redirect
            fields = [("Digits", key)] if key else []
            if not url:
                return
        raise AssertionError("a call was talked to for ever")

    async def _fetch(self, line: Line, url: str, fields: Fields) -> str | None:
        """Instructions, asked for as often as our URLs ask; the fallback URL then, as the carrier does."""
        for attempt in range(ATTEMPTS + 1):
            target = url if attempt < ATTEMPTS else line.new.fallback_url
            answer = await self._request(line, target, [*fields, ("AnsweredBy", line.answered_by)])
            if answer is not None and answer[0] < 400:
                return answer[1]
            if line.is_over or (answer is not None and answer[0] < 500):
                return None
            await self._clock.sleep(ATTEMPT_SECONDS)
        return None

    async def _request(self, line: Line, url: str, fields: Fields) -> tuple[int, str] | None:
        if not self.fate.is_heard():
            return None
        form = [("CallSid", line.sid), ("CallStatus", line.status), ("To", line.new.to), *fields]
        answer = await self._call_back(url.partition("#")[0], form)
        return answer if self.fate.is_heard() else None

    # ---- status callbacks

    def _become(self, line: Line, status: str, word: str = "") -> None:
        line.status = status
        self._report(line, word or status)

    def _finish(self, line: Line, status: str) -> None:
        line.status = status
        self._tell(f"{line.sid[-3:]} is over: {status}")
        self._report(line, status)

    def _report(self, line: Line, word: str) -> None:
        fields = [("CallSid", line.sid), ("CallStatus", word), ("AnsweredBy", line.answered_by)]
        for seconds in self.fate.deliveries(word):
            self._spawn(self._deliver(line, fields, seconds))

    async def _deliver(self, line: Line, fields: Fields, seconds: float) -> None:
        await self._clock.sleep(seconds)
        for _ in range(ATTEMPTS):
            answer = await self._call_back(line.new.status_callback, fields)
            if answer is not None and answer[0] < 500:
                return
            await self._clock.sleep(ATTEMPT_SECONDS)

    # ---- how it works

    def _shown(self, line: Line) -> CarrierCall:
        return CarrierCall(
            sid=line.sid,
            to=line.new.to,
            from_=line.new.from_,
            status=line.status,
            direction="outbound-api",
            created_at=line.made_at.replace(microsecond=0),
            answered_by=line.answered_by,
        )

    def _line(self, sid: str) -> Line | None:
        return next((line for line in self.lines if line.sid == sid), None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        # In a context of its own: it belongs to no process, and ends with none.
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._guarded(work), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whoever runs the simulation looks at it
            self.errors.append(error)


def read_document(body: str) -> Spoken:
    """The first way on of a document."""
    root = ET.fromstring(body)
    words = " ".join(say.text or "" for say in root.iter("Say"))
    gather = root.find("Gather")
    redirect = root.find("Redirect")
    return Spoken(
        words,
        gather="" if gather is None else gather.get("action", ""),
        redirect="" if redirect is None or not redirect.text else redirect.text,
    )


def heard_of(url: str) -> int:
    """The `n` of a key's URL: the last page that had been told."""
    return int(parse_qs(urlsplit(url.partition("#")[0]).query).get("n", ["0"])[0])
