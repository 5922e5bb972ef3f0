"""Text messages: what was sent, how each fares, and the answers of people who text back.

A message is queued, sent and delivered, or undelivered when the script of its number says so; each
status is reported to its StatusCallback. Whoever texts STOP is not written to again until they text
START. What the webhook of an answer says in <Message> is texted back.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp

from escalator.simulator.callbacks import Letter, unheard_of
from escalator.simulator.calls import dated, new_sid
from escalator.simulator.carrier import Carrier
from escalator.simulator.errors import ApiError
from escalator.simulator.journal import Callback, Journal, Notification, Texted
from escalator.simulator.pace import Pace
from escalator.simulator.parameters import Form, callback_url, is_number, method
from escalator.simulator.people import Outcome
from escalator.simulator.twiml import TwimlError, replies
from escalator.simulator.webhook import Answer, FetchError

_NAMES = (
    "To From MessagingServiceSid Body MediaUrl ContentSid ContentVariables StatusCallback "
    "ApplicationSid MaxPrice ProvideFeedback Attempt ValidityPeriod ForceDelivery "
    "ContentRetention AddressRetention SmartEncoded PersistentAction TrafficType ShortenUrls "
    "ScheduleType SendAt SendAsMms RiskCheck"
)
NAMES = frozenset(_NAMES.split())
BODY_MAX = 1600
_STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
_START = frozenset(["START", "YES", "UNSTOP"])
_TRANSIT = 0.5
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)


@dataclass(eq=False, slots=True, kw_only=True)
class SimMessage:
    """A message and its story. `status`: queued, sending, sent, delivered, undelivered."""

    account_sid: str
    to: str
    from_: str
    body: str
    status_callback: str
    pace: Pace
    journal: Journal
    direction: str = "outbound-api"
    sid: str = field(default_factory=lambda: new_sid("SM"))
    status: str = "queued"
    error_code: int | None = None
    callbacks: list[Callback] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    created_at: datetime = field(init=False)
    updated_at: datetime = field(init=False)
    sent_at: datetime | None = None
    deleted: bool = False
    is_settled: bool = False

    def __post_init__(self) -> None:
        self.created_at = self.updated_at = self.pace.now()

    def note(self, code: int, text: str, *, url: str = "", warning: bool = False) -> None:
        """Record a problem."""
        entry = Notification(
            sid=new_sid("NO"), at=self.pace.now(), code=code, log=int(warning), text=text, url=url
        )
        self.notifications.append(entry)
        self.journal.changed()

    def resource(self) -> dict[str, Any]:
        """The Message object of the REST API."""
        uri = f"/2010-04-01/Accounts/{self.account_sid}/Messages/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "messaging_service_sid": None,
            "to": self.to,
            "from": self.from_,
            "body": self.body,
            "status": self.status,
            "direction": self.direction,
            "num_segments": str(segments(self.body)),
            "num_media": "0",
            "error_code": self.error_code,
            "error_message": None,
            "price": None,
            "price_unit": "USD",
            "api_version": "2010-04-01",
            "date_created": dated(self.created_at),
            "date_updated": dated(self.updated_at),
            "date_sent": dated(self.sent_at),
            "uri": f"{uri}.json",
            "subresource_uris": {"media": f"{uri}/Media.json", "feedback": f"{uri}/Feedback.json"},
        }


def segments(body: str) -> int:
    """How many messages the carrier sends for this text."""
    plain = all(letter in _GSM for letter in body)
    single, part = (160, 153) if plain else (70, 67)
    return 1 if len(body) <= single else -(-len(body) // part)


class Messages:
    """All messages of the account, in the order in which they were accepted."""

    def __init__(self, carrier: Carrier) -> None:
        self.sent: list[SimMessage] = []
        self._carrier = carrier
        self._stopped: set[tuple[str, str]] = set()

    def accept(
        self, form: Form, numbers: Collection[str] | None, *, deliver: bool = True
    ) -> SimMessage:
        """Accept a message. Raises `ApiError`."""
        to, sender = _checked(form, numbers)
        script = self._carrier.people[to]
        if script.outcome is Outcome.REFUSED:
            raise ApiError(script.code)
        if (sender, to) in self._stopped:
            raise ApiError(21610)
        message = SimMessage(
            account_sid=self._carrier.account_sid,
            to=to,
            from_=sender,
            body=form.get("Body", ""),
            status_callback=callback_url(form),
            pace=self._carrier.pace,
            journal=self._carrier.journal,
        )
        self.sent.append(message)
        self._carrier.journal.tell(Texted(message))
        if deliver:
            self._carrier.tasks.start(self._deliver(message, script.sms_error))
        return message

    def find(self, sid: str) -> SimMessage | None:
        """The message with this SID, unless it was deleted."""
        return next((m for m in self.sent if m.sid == sid and not m.deleted), None)

    async def receive(self, sender: str, to: str, body: str, url: str) -> Answer:
        """Somebody texts one of the account's numbers; the answer of the webhook. Raises
        `FetchError`.
        """
        word = body.strip().upper()
        if word in _STOP:
            self._stopped.add((to, sender))
        elif word in _START:
            self._stopped.discard((to, sender))
        message = SimMessage(
            account_sid=self._carrier.account_sid,
            to=to,
            from_=sender,
            body=body,
            status_callback="",
            pace=self._carrier.pace,
            journal=self._carrier.journal,
            direction="inbound",
            status="received",
        )
        self.sent.append(message)
        self._carrier.journal.tell(Texted(message))
        fields = (
            *_fields(message),
            ("Body", body),
            ("NumMedia", "0"),
            ("NumSegments", str(segments(body))),
            *(
                (f"{side}{place}", "")
                for side in ("From", "To")
                for place in ("City", "State", "Zip", "Country")
            ),
        )
        letter = Letter(
            kind="inbound",
            url=url,
            fields=fields,
            keep_port=True,
            fault=self._carrier.callbacks.fault_for("inbound"),
        )
        async with self._carrier.sessions() as session:
            answer = await self._carrier.callbacks.send(session, message, letter)
        if answer.status < 300 and answer.body:
            self._reply(message, answer)
        return answer

    def _reply(self, message: SimMessage, answer: Answer) -> None:
        """Text back what the webhook said, unless its words are wrong or nobody wants them."""
        try:
            texts = replies(answer.body, answer.charset)
        except TwimlError as error:
            message.note(error.code, error.text, url=answer.url)
            return
        if (message.to, message.from_) in self._stopped:
            return
        for text in filter(None, texts):
            reply = SimMessage(
                account_sid=self._carrier.account_sid,
                to=message.from_,
                from_=message.to,
                body=text[:BODY_MAX],
                status_callback="",
                pace=self._carrier.pace,
                journal=self._carrier.journal,
                direction="outbound-reply",
            )
            self.sent.append(reply)
            self._carrier.journal.tell(Texted(reply))
            self._carrier.tasks.start(
                self._deliver(reply, self._carrier.people[reply.to].sms_error)
            )

    async def _deliver(self, message: SimMessage, error: int | None) -> None:
        last = "delivered" if error is None else "undelivered"
        async with self._carrier.sessions() as session:
            for status in ("sent", last):
                await self._carrier.pace.sleep(_TRANSIT)
                message.error_code = error if status == "undelivered" else None
                self._move(message, status)
                await self._report(session, message)
        message.is_settled = True
        self._carrier.journal.changed()

    def _move(self, message: SimMessage, status: str) -> None:
        message.status = status
        message.updated_at = self._carrier.pace.now()
        message.sent_at = message.sent_at or message.updated_at
        self._carrier.journal.changed()

    async def _report(self, session: aiohttp.ClientSession, message: SimMessage) -> None:
        if not message.status_callback:
            return
        fields = [
            *_fields(message),
            ("MessageStatus", message.status),
            ("SmsStatus", message.status),
        ]
        if message.error_code is not None:
            fields.append(("ErrorCode", str(message.error_code)))
        if message.status in ("delivered", "undelivered"):
            fields.append(("RawDlrDoneDate", f"{message.updated_at:%y%m%d%H%M}"))
        letter = Letter(
            kind="message",
            url=message.status_callback,
            fields=tuple(fields),
            event=message.status,
            keep_port=True,
            fault=self._carrier.callbacks.fault_for("message", message.status),
        )
        try:
            answer = await self._carrier.callbacks.send(session, message, letter)
        except FetchError as failure:
            message.note(failure.code, failure.text, url=letter.url, warning=True)
        else:
            if not 200 <= answer.status < 300:
                text = f"the {message.status} callback was answered {answer.status}"
                message.note(11200, text, url=letter.url, warning=True)


def _fields(message: SimMessage) -> list[tuple[str, str]]:
    return [
        ("AccountSid", message.account_sid),
        ("ApiVersion", "2010-04-01"),
        ("MessageSid", message.sid),
        ("SmsSid", message.sid),
        ("From", message.from_),
        ("To", message.to),
        unheard_of(),
    ]


def _checked(form: Form, numbers: Collection[str] | None) -> tuple[str, str]:
    to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
    if not to:
        raise ApiError(21604)
    if not sender and not form.get("MessagingServiceSid"):
        raise ApiError(21603)
    if not (body or form.get("MediaUrl") or form.get("ContentSid")):
        raise ApiError(21602)
    if len(body) > BODY_MAX:
        raise ApiError(21617)
    if not is_number(to) or to == sender:
        raise ApiError(21211, f"'To' {to} is not a valid phone number.")
    if sender and not is_number(sender):
        raise ApiError(21212, f"'From' {sender} is not a valid phone number.")
    if sender and numbers is not None and sender not in numbers:
        raise ApiError(21606, f"'From' {sender} is not a number of this account.")
    method(form, "StatusCallbackMethod")
    return to, sender
