"""What the simulator sends to the other side: the fields of each request, and the faults on its
way.

Every request is signed, carries an idempotency token, empty geographic fields, the undocumented
twins of From and To, and a field nobody has heard of, so that the receiver is tested on them. Every
request is written to the ledger of its call or message, with the answer.
"""

import asyncio
import secrets
from dataclasses import dataclass, field

import aiohttp

from escalator.simulator.calls import SimCall
from escalator.simulator.faults import CallbackFault, Faults, SendFault
from escalator.simulator.journal import Callback, Fields, Journal, Ledger
from escalator.simulator.overrides import split
from escalator.simulator.pace import Pace
from escalator.simulator.webhook import Answer, FetchError, Outgoing, Webhooks

_PLACES = ("City", "State", "Zip", "Country")
_SIDES = ("From", "To", "Caller", "Called")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One callback to make. `keep_port`: whether the port is signed over https. `token` stays
    over repetitions.
    """

    kind: str
    url: str
    fields: Fields
    method: str = "POST"
    event: str = ""
    keep_port: bool = False
    fault: SendFault | None = None
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    def has(self, kind: CallbackFault) -> bool:
        """Whether this is what goes wrong with it."""
        return self.fault is not None and self.fault.kind is kind


class Callbacks:
    """Sends callbacks and writes them down. The session gives and keeps the cookies."""

    def __init__(self, webhooks: Webhooks, faults: Faults, journal: Journal, pace: Pace) -> None:
        self._webhooks = webhooks
        self._faults = faults
        self._journal = journal
        self._pace = pace

    def fault_for(self, kind: str, event: str = "") -> SendFault | None:
        """The fault that hits the next callback of this kind."""
        return self._faults.take_callback(kind, event)

    async def send(self, session: aiohttp.ClientSession, ledger: Ledger, letter: Letter) -> Answer:
        """Send it, with its fault; the first answer. Raises `FetchError`; a dropped one is
        11200.
        """
        if letter.fault is not None:
            await asyncio.sleep(letter.fault.seconds)
        answer = await self._once(session, ledger, letter)
        if letter.has(CallbackFault.DUPLICATE):
            await self._once(session, ledger, letter)
        return answer

    async def _once(self, session: aiohttp.ClientSession, ledger: Ledger, letter: Letter) -> Answer:
        url, overrides, wrong = split(letter.url)
        for text in wrong:
            ledger.note(11243, text, url=url, warning=True)
        outgoing = Outgoing(
            method=letter.method,
            url=url,
            fields=letter.fields,
            headers=_headers(letter.token),
            overrides=overrides,
            keep_port=letter.keep_port,
            forged=letter.has(CallbackFault.FORGE),
        )
        entry = Callback(
            at=self._pace.now(),
            kind=letter.kind,
            event=letter.event,
            method=letter.method,
            url=url,
            fields=letter.fields,
            headers=self._webhooks.headers(outgoing),
            fault=letter.fault.kind if letter.fault else None,
        )
        ledger.callbacks.append(entry)
        try:
            if letter.has(CallbackFault.DROP):
                raise _dropped()
            return await self._sent(session, outgoing, entry)
        except FetchError as failure:
            entry.error, entry.attempts = failure.code, failure.attempts
            raise
        finally:
            self._journal.changed()

    async def _sent(
        self, session: aiohttp.ClientSession, outgoing: Outgoing, entry: Callback
    ) -> Answer:
        answer = await self._webhooks.send(session, outgoing)
        entry.status, entry.content_type = answer.status, answer.content_type
        entry.body, entry.attempts = answer.body, answer.attempts
        return answer


def _dropped() -> FetchError:
    failure = FetchError(11200, "the simulator was told to drop this request")
    failure.attempts = 0
    return failure


def _headers(token: str) -> dict[str, str]:
    return {
        "User-Agent": "TwilioProxy/1.1",
        "Accept": "*/*",
        "I-Twilio-Idempotency-Token": token,
        "X-Home-Region": "us1",
    }


def call_fields(call: SimCall, status: str) -> list[tuple[str, str]]:
    """The fields of every request about a call, in the status that it reports."""
    return [
        ("AccountSid", call.account_sid),
        ("ApiVersion", "2010-04-01"),
        ("CallSid", call.sid),
        ("CallStatus", status),
        ("Direction", "outbound-api"),
        ("From", call.from_),
        ("To", call.to),
        ("Caller", call.from_),
        ("Called", call.to),
        *((side + place, "") for side in _SIDES for place in _PLACES),
        unheard_of(),
    ]


def unheard_of() -> tuple[str, str]:
    """A field that no receiver can know: new ones appear without notice."""
    return f"Novel{secrets.token_hex(3).capitalize()}", "1"
