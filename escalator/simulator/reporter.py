"""Tells one call's status callback what happens to the call: only the events asked for, numbered
from 0.

Reports go out in order but do not hold up the call; one that is not answered within a moment is
overtaken by the next. An answer other than 2xx, and an empty one without Content-Type, is recorded
as a warning of the call.
"""

import asyncio
from email.utils import format_datetime

import aiohttp

from escalator.simulator.callbacks import Callbacks, Letter, call_fields
from escalator.simulator.calls import SimCall
from escalator.simulator.faults import CallbackFault
from escalator.simulator.tasks import Tasks
from escalator.simulator.webhook import Answer, FetchError

_PATIENCE = 0.25


class Reporter:
    """The status callbacks of one call."""

    def __init__(
        self, call: SimCall, callbacks: Callbacks, session: aiohttp.ClientSession, tasks: Tasks
    ) -> None:
        self._call = call
        self._callbacks = callbacks
        self._session = session
        self._tasks = tasks
        self._sent = 0
        self._last: asyncio.Task[None] | None = None
        self._all: list[asyncio.Task[None]] = []
        self._held: list[Letter] = []

    def report(self, event: str, status: str) -> None:
        """Report an event if it was asked for."""
        request = self._call.request
        if not request.status_callback or event not in request.events:
            return
        letter = Letter(
            kind="status",
            url=request.status_callback,
            fields=tuple(self._fields(event, status)),
            method=request.status_callback_method,
            event=event,
            keep_port=True,
            fault=self._callbacks.fault_for("status", event),
        )
        self._sent += 1
        if letter.has(CallbackFault.REORDER):
            self._held.append(letter)
            return
        self._post(letter)
        self._release()

    def machine(self, answered_by: str, milliseconds: int) -> None:
        """Report what answered to the callback of asynchronous machine detection, if there is
        one.
        """
        request = self._call.request
        if not request.machine_callback:
            return
        letter = Letter(
            kind="machine",
            url=request.machine_callback,
            fields=(
                ("CallSid", self._call.sid),
                ("AccountSid", self._call.account_sid),
                ("AnsweredBy", answered_by),
                ("MachineDetectionDuration", str(milliseconds)),
            ),
            method=request.machine_callback_method,
            fault=self._callbacks.fault_for("machine"),
        )
        self._all.append(self._tasks.start(self._deliver(letter, None)))

    async def delivered(self) -> None:
        """Wait until everything was sent and answered, held letters too."""
        self._release()
        if self._all:
            await asyncio.wait(self._all)

    def _release(self) -> None:
        held, self._held = self._held, []
        for letter in held:
            self._post(letter)

    def _post(self, letter: Letter) -> None:
        task = self._tasks.start(self._deliver(letter, self._last))
        self._all.append(task)
        if not letter.has(CallbackFault.DELAY):
            self._last = task

    async def _deliver(self, letter: Letter, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before}, timeout=_PATIENCE)
        try:
            answer = await self._callbacks.send(self._session, self._call, letter)
        except FetchError as failure:
            if not letter.has(CallbackFault.DROP):
                self._call.note(failure.code, failure.text, url=letter.url, warning=True)
        else:
            self._judge(letter, answer)

    def _judge(self, letter: Letter, answer: Answer) -> None:
        if not 200 <= answer.status < 300:
            text = f"the {letter.event or letter.kind} callback was answered {answer.status}"
            self._call.note(11200, text, url=letter.url, warning=True)
        elif answer.status == 200 and not answer.body and answer.content_type is None:
            text = "an empty 200 without Content-Type counts as a bad gateway; answer 204"
            self._call.note(11200, text, url=letter.url, warning=True)

    def _fields(self, event: str, status: str) -> list[tuple[str, str]]:
        call = self._call
        fields = [
            *call_fields(call, status),
            ("Timestamp", format_datetime(call.pace.now())),
            ("CallbackSource", "call-progress-events"),
            ("SequenceNumber", str(self._sent)),
        ]
        if event == "completed":
            fields += [("CallDuration", str(call.duration)), ("Duration", str(call.minutes))]
            fields += [("SipResponseCode", str(call.sip))] if call.sip is not None else []
            fields += [("AnsweredBy", call.answered_by)] if call.answered_by else []
        return fields
