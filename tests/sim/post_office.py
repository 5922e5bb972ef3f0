"""A carrier's messages in memory: it takes what it is asked for, tells how it goes, and lets people answer.

It lives on when whoever asked it has ended, as `exchange` does for calls, and keeps a record of all that it took.
"""

import itertools
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from exchange import ATTEMPT_SECONDS, ATTEMPTS, Fields
from fate import Fate, accepted

from escalator.clock import VirtualClock
from escalator.phone.carrier import (
    CarrierMessage,
    Gone,
    ListedMessages,
    NewMessage,
    PlaceOutcome,
    Unreadable,
)
from escalator.phone.tokens import token_hash

REPLY_TO = "+15005550006"
ANSWERS_AFTER = 20.0
_CODE = re.compile(r"\b\d{6}\b")

CallBack = Callable[[str, Fields], Awaitable[tuple[int, str] | None]]


@dataclass(eq=False)
class Letter:
    """One message as the carrier has it."""

    sid: str
    new: NewMessage
    made_at: datetime
    status: str = "queued"

    @property
    def hashed(self) -> str:
        """What the store knows this message's POST by."""
        return token_hash(urlsplit(self.new.status_callback).path.split("/")[2])


class PostOffice:
    """See above. `on_asked` hears of each request before it counts, `on_made` of each message that was taken."""

    def __init__(
        self,
        clock: VirtualClock,
        fate: Fate,
        call_back: CallBack,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ):
        self.letters: list[Letter] = []
        self.blind: set[str] = set()
        self.answers: list[str] = []
        self.on_asked: Callable[[NewMessage], None] = lambda new: None
        self.on_made: Callable[[Letter], None] = lambda letter: None
        self._clock = clock
        self._fate = fate
        self._call_back = call_back
        self._spawn = spawn
        self._sids = itertools.count(1)

    # ---- the API

    async def send(self, new: NewMessage) -> PlaceOutcome:
        """Ask for one message. What fate lets arrive is sent, whatever becomes of who asked."""
        self.on_asked(new)
        posting = self._fate.letter_posting(new.to)
        sids = [f"SM{next(self._sids):032x}" for _ in range(posting.makes)]
        for sid in sids:
            self._spawn(self._arrives(new, sid, posting.arrives))
        await self._clock.sleep(posting.answers)
        return accepted(sids[0]) if posting.outcome is None else posting.outcome

    async def list_messages(self, to: str, since: datetime) -> ListedMessages | Unreadable:
        await self._clock.sleep(0.1)
        if not self._fate.is_readable("list"):
            self.blind.add(to)
            return Unreadable("HTTP 500")
        found = [one for one in reversed(self.letters) if one.new.to == to]
        return ListedMessages([_shown(one) for one in found])

    async def read(self, sid: str) -> CarrierMessage | Gone | Unreadable:
        await self._clock.sleep(0.1)
        if not self._fate.is_readable("read"):
            return Unreadable("HTTP 500")
        return next((_shown(one) for one in self.letters if one.sid == sid), Gone())

    # ---- a message's life

    async def _arrives(self, new: NewMessage, sid: str, after: float) -> None:
        await self._clock.sleep(after)
        letter = Letter(sid, new, self._clock.now())
        self.letters.append(letter)
        self.on_made(letter)
        for status in ("sent", "delivered"):
            await self._clock.sleep(0.5)
            letter.status = status
            fields = [("MessageSid", sid), ("MessageStatus", status), ("To", new.to)]
            for seconds in self._fate.deliveries(status):
                self._spawn(self._deliver(new.status_callback, fields, seconds))
        if key := self._fate.writes_back(new.to):
            await self._clock.sleep(ANSWERS_AFTER)
            await self._answer(letter, key)

    async def _answer(self, letter: Letter, key: str) -> None:
        """Whoever got it writes back: a key, and the codes that it told."""
        codes = " ".join(_CODE.findall(letter.new.body))
        form = [
            ("MessageSid", f"SM{'a' * 30}{len(self.answers):02x}"),
            ("From", letter.new.to),
            ("To", REPLY_TO),
            ("Body", f"{key} {codes}"),
        ]
        await self._deliver("/sms", form, 0.0)

    async def _deliver(self, url: str, fields: Fields, after: float) -> None:
        await self._clock.sleep(after)
        for _ in range(ATTEMPTS):
            answer = await self._call_back(url, fields)
            if answer is not None and answer[0] < 500:
                self.answers += [answer[1]] if url == "/sms" else []
                return
            await self._clock.sleep(ATTEMPT_SECONDS)


def _shown(letter: Letter) -> CarrierMessage:
    return CarrierMessage(
        sid=letter.sid,
        to=letter.new.to,
        from_=letter.new.from_,
        body=letter.new.body,
        status=letter.status,
        direction="outbound-api",
        created_at=letter.made_at.replace(microsecond=0),
    )
