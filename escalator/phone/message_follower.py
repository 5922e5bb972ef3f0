"""Follow the messages that were asked for: settle the unclear ones, read those that nothing is heard of.

Works from the table alone, as the follower of calls does.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from escalator.engine import Bell, Engine, Undecided
from escalator.escalation.events import Event
from escalator.escalation.message_events import (
    MessageDue,
    MessageListed,
    MessageReported,
    MessageUnclear,
)
from escalator.escalation.messages import Message, MessageState
from escalator.escalation.wrong_clock import is_absurd
from escalator.phone.carrier import CarrierMessage, Gone, ListedMessages, Messenger, Unreadable
from escalator.store.errors import StoreError
from escalator.store.messages import posting_messages
from escalator.telemetry import get_logger

log = get_logger("texter")

STORE_RETRY_SECONDS = 1.0
UNDECIDED_RETRY_SECONDS = 60.0
AT_ONCE_MAX = 5
LIST_BEFORE = timedelta(seconds=5)
LIST_AFTER = timedelta(seconds=25)


class MessageFollower:
    """A few look-ups at once, each of which rings the texter's bell when it is done."""

    def __init__(
        self,
        engine: Engine,
        messenger: Callable[[], Messenger],
        tasks: asyncio.TaskGroup,
        bell: Bell,
    ):
        self._engine = engine
        self._clock = engine.clock
        self._messenger = messenger
        self._tasks = tasks
        self._bell = bell
        self._at_work: dict[str, asyncio.Task[None]] = {}

    async def begin(self) -> None:
        """At start: whatever was being posted when the last process ended may have been heard."""
        orphans = posting_messages(self._engine.reader)
        events = [
            MessageUnclear(message_id=one.id, reason="escalator restarted") for one in orphans
        ]
        await self._engine.submit_each(*events)

    def stop(self) -> None:
        """Leave what is under way: it is all in the table."""
        for task in tuple(self._at_work.values()):
            task.cancel()

    def look_after(self, due: Iterable[Message]) -> None:
        """Start a look-up for each of these that has none under way."""
        for message in due:
            if message.id not in self._at_work and len(self._at_work) < AT_ONCE_MAX:
                task = self._tasks.create_task(self._look(message), name="follow-message")
                self._at_work[message.id] = task

    async def _look(self, message: Message) -> None:
        try:
            await self._engine.submit(await self._chore(message))
        except StoreError as error:
            log.error("store_failed", message=message.id, error=str(error), retry_in="1s")  # noqa: TRY400 - no defect of ours
            await self._clock.sleep(STORE_RETRY_SECONDS)
        except Undecided:
            await self._clock.sleep(UNDECIDED_RETRY_SECONDS)  # logged at the door
        finally:
            del self._at_work[message.id]
            self._bell.ring()

    async def _chore(self, message: Message) -> Event:
        if is_absurd(message.timer_at, self._clock.now()) or message.state is MessageState.POSTING:
            return MessageDue(message_id=message.id)
        if message.state is MessageState.UNCLEAR:
            return await self._list(message)
        return await self._read(message)

    async def _list(self, message: Message) -> Event:
        ahead = self._clock.wall() - self._clock.now()
        since = message.posts[0].at + ahead - LIST_BEFORE
        listed = await self._messenger().list_messages(message.to, since)
        if isinstance(listed, Unreadable):
            log.warning("list_unreadable", message=message.id, reason=listed.reason)
            return MessageListed(message_id=message.id, sids=None)
        sids = candidates(message, listed, ahead)
        if not sids and not listed.complete:
            return MessageListed(message_id=message.id, sids=None)
        log.info("message_looked_for", message=message.id, found=len(sids))
        return MessageListed(message_id=message.id, sids=sids)

    async def _read(self, message: Message) -> Event:
        found = await self._messenger().read(message.sid)
        if isinstance(found, CarrierMessage):
            return MessageReported(
                message_id=message.id,
                token_hash="",
                sid=message.sid,
                status=found.status,
                code=found.error_code,
            )
        reason = "the carrier knows no such message" if isinstance(found, Gone) else found.reason
        log.warning("message_unreadable", message=message.id, reason=reason)
        return MessageDue(message_id=message.id)


def candidates(message: Message, listed: ListedMessages, ahead: timedelta) -> tuple[str, ...]:
    """The listed messages that our POSTs may have made, the closest to the last one first.

    The very words, the direction and the time decide. `ahead` is how far the wall clock is ahead of engine time.
    """
    first, last = message.posts[0].at + ahead, message.posts[-1].at + ahead
    fitting = [
        (abs(created - last), found.sid)
        for found in listed.messages
        if found.direction == "outbound-api" and found.to == message.to
        if found.body == message.body
        if (created := _created(found, last))
        and first - LIST_BEFORE <= created <= last + LIST_AFTER
    ]
    return tuple(sid for _, sid in sorted(fitting))


def _created(found: CarrierMessage, posted: datetime) -> datetime:
    """One without a date counts as of the right time, if only just."""
    return posted + LIST_AFTER if found.created_at is None else found.created_at
