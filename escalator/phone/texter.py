"""Send the messages that incidents owe, one a number at a time, and follow them until they have arrived or not.

As with calls the intent is committed before the first byte leaves, a POST that stood still for two seconds is looked
for instead of sent, and what is unclear is settled before anything is sent again. All is in the table: a start needs
no recovery, save that a POST which was under way when the last process ended is unclear at once.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from secrets import SystemRandom

from escalator.engine import Engine, Undecided, new_id
from escalator.escalation.bundling import REST, Bundle, PassedOver, bundle
from escalator.escalation.decide_message import VALIDITY
from escalator.escalation.events import Event, TextPassed
from escalator.escalation.incidents import Incident, Phase
from escalator.escalation.message_events import (
    MessageAccepted,
    MessageDropped,
    MessageIntended,
    MessageNotSent,
    MessageRefused,
    MessageUnclear,
)
from escalator.escalation.messages import Message, MessageState
from escalator.escalation.texting import TOPICS_MAX, Topic, compose
from escalator.phone import counting
from escalator.phone.carrier import (
    Accepted,
    Messenger,
    NewMessage,
    NotSent,
    PlaceOutcome,
    Refused,
    Scope,
    Unclear,
)
from escalator.phone.gate import Gate, Trouble
from escalator.phone.message_follower import MessageFollower
from escalator.phone.settings import PhoneSettings, texting_number
from escalator.phone.tokens import new_token, token_hash
from escalator.store import messages as on_file
from escalator.store.errors import StoreBroken, StoreError
from escalator.telemetry import get_logger

log = get_logger("texter")

STORE_RETRY_SECONDS = 1.0
ACCOUNT_WAIT_SECONDS = 30.0
# In a storm each commit rings, and each look would go through thousands of rows that wait for the same numbers.
STORM = 100
STORM_LOOKS_EVERY = timedelta(seconds=0.25)
INTENT_LASTS = timedelta(seconds=2)
_CALLBACK_REFUSED = frozenset({11100, 21609})
_chance = SystemRandom().random
_RINGING = frozenset({Phase.TRIGGERED, Phase.EXHAUSTED})


class Texter:
    """One worker, woken by a bell. `settings` is the config in force."""

    def __init__(
        self,
        engine: Engine,
        messenger: Callable[[], Messenger],
        settings: PhoneSettings,
        tasks: asyncio.TaskGroup,
        *,
        chance: Callable[[], float] = _chance,
    ):
        self.settings = settings
        self._engine = engine
        self._reader = engine.reader
        self._clock = engine.clock
        self._messenger = messenger
        self._tasks = tasks
        self._bell = engine.new_bell()
        # Of its own: too many messages are no reason to hold back calls.
        self._gate = Gate(engine.clock, chance)
        self._next_slot: datetime | None = None
        self._look_again_at: datetime | None = None
        self._posts: set[asyncio.Task[None]] = set()
        self._follower = MessageFollower(engine, messenger, tasks, self._bell)
        self._stopping = False

    async def run(self) -> None:
        """Send what is due until canceled."""
        await self._follower.begin()
        while True:
            try:
                pause = await self.drain()
            except StoreBroken:
                raise
            except StoreError as error:
                log.error("store_failed", error=str(error), retry_in="1s")  # noqa: TRY400 - no defect of ours
                pause = STORE_RETRY_SECONDS
            await self._bell.wait(self._clock, pause)

    async def stop(self, patience_seconds: float) -> None:
        """Send nothing more, and give the POSTs under way time to be answered."""
        self._stopping = True
        self._follower.stop()
        if self._posts:
            _, unanswered = await asyncio.wait(self._posts, timeout=patience_seconds)
            for post in unanswered:
                post.cancel()

    async def drain(self) -> float | None:
        """Do all that can be done now. Returns the seconds until more can be, None for: when the bell rings."""
        if self._stopping:
            return None
        now = self._clock.now()
        due = on_file.due_messages(self._reader, now)
        planned = [message for message in due if message.state is MessageState.PLANNED]
        self._follower.look_after(message for message in due if message not in planned)
        waits = [await self._send_again(message) for message in planned]
        for one in await self._bundles(now):
            wait = max((one.not_before - now).total_seconds(), self._held_for())
            if wait > 0 or self._is_full():
                waits.append(wait)
            else:
                await self._send(one)
        return self._pause(now, [wait for wait in waits if wait > 0])

    def _pause(self, now: datetime, waits: Sequence[float]) -> float | None:
        """Until the next thing to do. What is due and could not be done waits for a bell, or for `waits`."""
        next_due = on_file.next_due(self._reader)
        if next_due is not None and next_due > now:
            waits = [*waits, (next_due - now).total_seconds()]
        elif next_due is not None:
            waits = [*waits, STORE_RETRY_SECONDS]
        return min(waits, default=None)

    # ---- sending

    async def _bundles(self, now: datetime) -> list[Bundle]:
        """What to send next. Who cannot be written to is told to the incidents."""
        if self._look_again_at is not None and now < self._look_again_at:
            return []
        due = on_file.due_texts(self._reader, now)
        if not due:
            return []
        is_storm = len(due) >= STORM
        self._look_again_at = now + STORM_LOOKS_EVERY if is_storm else None
        rules = self._engine.rules
        numbers = {
            key: number
            for key, person in rules.people.items()
            if (number := texting_number(person.phones))
        }
        last = on_file.last_written(self._reader, now - REST)
        steps = bundle(rules, due, numbers, last)
        passed = [step for step in steps if isinstance(step, PassedOver)]
        for step in passed:
            log.warning("text_passed", incident=step.told.incident_id, why=step.reason)
        await self._engine.submit_each(*(_passed(step) for step in passed))
        return [step for step in steps if isinstance(step, Bundle)]

    def _held_for(self) -> float:
        """Seconds for which nothing may be sent at all."""
        slot = self._next_slot
        slot_in = 0.0 if slot is None else (slot - self._clock.now()).total_seconds()
        return max(0.0, slot_in, self._gate.opens_in())

    def _is_full(self) -> bool:
        return len(self._posts) >= self.settings.concurrent_messages

    async def _send(self, one: Bundle) -> None:
        rules, tells = self._engine.rules, one.tells
        told = tuple(dict.fromkeys(told.incident_id for told in tells))
        topics = [
            self._topic(incident)
            for incident in on_file.incidents_of(self._reader, told[:TOPICS_MAX])
        ]
        if not topics:
            return
        await self._post(
            Message(
                id=new_id(self._clock.now()),
                person=tells[0].person,
                to=one.to,
                body=compose(rules, rules.people.get(tells[0].person), topics, len(told)),
                created_at=self._clock.now(),
                tells=tells,
            )
        )

    async def _send_again(self, message: Message) -> float:
        """Send a planned message, if it still serves. Returns the seconds that it has to wait."""
        if why := self._why_not(message):
            await self._engine.submit_each(MessageDropped(message_id=message.id, reason=why))
            return 0.0
        wait = self._held_for()
        if not wait and not self._is_full():
            await self._post(message)
        return wait

    def _why_not(self, message: Message) -> str:
        """Why a planned message serves nobody any more; "" when it does."""
        incidents = on_file.incidents_of(self._reader, message.incidents)
        if not any(_is_wanted(incident) for incident in incidents):
            return "nobody waits for it any more"
        return "" if self._reaches(message) else "the number is no longer in the config"

    def _reaches(self, message: Message) -> bool:
        people = self._engine.rules.people
        return any(
            told.person in people and message.to in people[told.person].phones
            for told in message.tells
        )

    def _topic(self, incident: Incident) -> Topic:
        silent = incident.stale_at if incident.phase is Phase.ACKNOWLEDGED else None
        if silent is not None:
            silent = on_file.last_heard(self._reader, incident.id) or silent
        return Topic(
            code=incident.code,
            title=incident.title,
            severity=incident.severity,
            summary=incident.summary,
            silent_since=None if silent is None else self._engine.rules.wall(silent),
        )

    async def _post(self, message: Message) -> None:
        """Commit the intent and send the POST."""
        token, now = new_token(), self._clock.now()
        intent = MessageIntended(
            message_id=message.id,
            person=message.person,
            to=message.to,
            from_=self.settings.from_number(message.to),
            body=message.body,
            token_hash=token_hash(token),
            tells=message.tells,
        )
        outcomes = await self._engine.submit_each(intent)
        [result] = outcomes
        if isinstance(result, Exception) or result.refused or result.message is None:
            return
        self._next_slot = now + timedelta(seconds=1 / self.settings.messages_per_second)
        work = self._request(result.message, token, outcomes.committed_at)
        task = self._tasks.create_task(work, name="post-message")
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)

    async def _request(self, message: Message, token: str, committed_at: datetime) -> None:
        late = self._clock.now() - committed_at
        if late >= INTENT_LASTS:
            seconds = round(late / timedelta(seconds=1), 1)
            log.warning("message_held_back", message=message.id, late_seconds=seconds)
            reason = f"escalator stood still for {seconds} s before it could ask"
            event: Event = MessageUnclear(message_id=message.id, reason=reason)
        else:
            outcome = await self._messenger().send(
                NewMessage(
                    to=message.to,
                    from_=message.from_,
                    body=message.body,
                    status_callback=self.settings.callback_url(token, "sms"),
                    validity_seconds=int(VALIDITY / timedelta(seconds=1)),
                )
            )
            counting.message_requested(self._engine.metrics, outcome)
            log.info(
                "message_requested",
                message=message.id,
                to=message.to,
                outcome=type(outcome).__name__.lower(),
                reason=getattr(outcome, "reason", None) or getattr(outcome, "message", None),
            )
            event = self._event_after(message, token, outcome)
        await self._submit(message, event)
        self._bell.ring()

    def _event_after(self, message: Message, token: str, outcome: PlaceOutcome) -> Event:
        match outcome:
            case Accepted(sid):
                self._gate.open()
                return MessageAccepted(message_id=message.id, token_hash=token_hash(token), sid=sid)
            case NotSent(reason, retry_after, too_many):
                trouble = Trouble.TOO_MANY if too_many else Trouble.AWAY
                retry_at = self._gate.close(retry_after, trouble)
                return MessageNotSent(message_id=message.id, reason=reason, retry_at=retry_at)
            case Refused(code, said) if outcome.scope is Scope.ACCOUNT or code in _CALLBACK_REFUSED:
                retry_at = self._gate.close(ACCOUNT_WAIT_SECONDS)
                log.error(
                    "carrier_refuses_all",
                    code=code,
                    reason=said,
                    retry_in="30s",
                    hint="check the account, its balance and the credentials",
                )
                reason = f"{said} ({code})"
                return MessageNotSent(message_id=message.id, reason=reason, retry_at=retry_at)
            case Refused(code, said):
                self._gate.open()
                return MessageRefused(message_id=message.id, code=code or None, message=said)
            case Unclear(reason):
                return MessageUnclear(message_id=message.id, reason=reason)

    async def _submit(self, message: Message, event: Event) -> None:
        while True:
            try:
                await self._engine.submit(event)
            except StoreError as error:
                log.error("store_failed", message=message.id, error=str(error), retry_in="1s")  # noqa: TRY400 - no defect of ours
                await self._clock.sleep(STORE_RETRY_SECONDS)
            except Undecided:
                return  # logged at the door; the message's own timer has it looked at
            else:
                return


def _is_wanted(incident: Incident) -> bool:
    """Whether it still waits for somebody, or somebody was to be asked about it."""
    is_asked_about = incident.phase is Phase.ACKNOWLEDGED and incident.stale_at is not None
    return incident.phase in _RINGING or is_asked_about


def _passed(step: PassedOver) -> Event:
    told = step.told
    return TextPassed(incident_id=told.incident_id, person=told.person, reason=step.reason)
