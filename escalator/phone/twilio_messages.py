"""Twilio's Messages resource, over the same client as calls, and what its answers mean.

The outcomes of asking are those of calls: only a 2xx with a message in it is a yes, only Twilio's own
words are a no, and whatever may have been heard is unclear.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

from escalator.phone import twilio_answers as answers
from escalator.phone.carrier import (
    CarrierMessage,
    Gone,
    ListedMessages,
    NewMessage,
    NotSent,
    PlaceOutcome,
    Unclear,
    Unreadable,
)

PAGE_SIZE = 100
PAGES_MAX = 5


class Silence(Protocol):
    """No answer, and whether that proves that nothing was sent."""

    @property
    def reason(self) -> str: ...
    @property
    def is_proof(self) -> bool: ...


class Ask(Protocol):
    """One request, one answer; never raises for what happens on the way."""

    def __call__(
        self,
        method: str,
        url: str,
        *,
        form: dict[str, str | list[str]] | None = None,
        query: tuple[tuple[str, str], ...] | None = None,
    ) -> Awaitable[answers.Answer | Silence]: ...


@dataclass(frozen=True, slots=True)
class _Page:
    messages: Sequence[CarrierMessage]
    next_page: tuple[tuple[str, str], ...]


class TwilioMessages:
    """A `Messenger` over Twilio's API. `url` makes the address of a resource of the account."""

    def __init__(self, ask: Ask, url: Callable[[str], str], callback_retries: str):
        self._ask = ask
        self._url = url
        self._callback_retries = callback_retries

    async def send(self, message: NewMessage) -> PlaceOutcome:
        """Ask for one message, once."""
        form: dict[str, str | list[str]] = {
            "To": message.to,
            "From": message.from_,
            "Body": message.body,
            "StatusCallback": message.status_callback + self._callback_retries,
            "ValidityPeriod": str(message.validity_seconds),
        }
        reply = await self._ask("POST", self._url("Messages.json"), form=form)
        if isinstance(reply, answers.Answer):
            return answers.placed(reply, "message")
        if reply.is_proof:
            return NotSent(f"{reply.reason}; nothing was sent")
        return Unclear(f"{reply.reason}; a message may have been sent")

    async def list_messages(self, to: str, since: datetime) -> ListedMessages | Unreadable:
        """The messages to a number, newest first as far as is known: page by page until one ends before `since`,
        five at most. No filter by time: a message that is not sent yet has none.
        """
        found: list[CarrierMessage] = []
        query: tuple[tuple[str, str], ...] = (("To", to), ("PageSize", str(PAGE_SIZE)))
        for _ in range(PAGES_MAX):
            reply = await self._ask("GET", self._url("Messages.json"), query=query)
            page = _page(reply) if isinstance(reply, answers.Answer) else Unreadable(reply.reason)
            if isinstance(page, Unreadable):
                return ListedMessages(found, complete=False) if found else page
            found.extend(page.messages)
            query = page.next_page
            if not query or _ends_before(page, since):
                return ListedMessages(found)
        return ListedMessages(found, complete=False)

    async def read(self, sid: str) -> CarrierMessage | Gone | Unreadable:
        """One message as Twilio has it on file."""
        reply = await self._ask("GET", self._url(f"Messages/{quote(sid, safe='')}.json"))
        if not isinstance(reply, answers.Answer):
            return Unreadable(reply.reason)
        if reply.status == 404:
            return Gone()
        fields = answers.json_object(reply.body)
        found = _message(fields) if reply.status == 200 else None
        return found or Unreadable(answers.heard(reply, fields))


def _ends_before(page: _Page, since: datetime) -> bool:
    at = page.messages[-1].created_at if page.messages else None
    return at is not None and at < since


def _page(answer: answers.Answer) -> _Page | Unreadable:
    fields = answers.json_object(answer.body)
    rows = fields.get("messages")
    if answer.status != 200 or not isinstance(rows, list):
        return Unreadable(answers.heard(answer, fields))
    messages = [found for row in rows if isinstance(row, dict) and (found := _message(row))]
    return _Page(messages, answers.query_of(fields.get("next_page_uri")))


def _message(fields: Mapping[str, Any]) -> CarrierMessage | None:
    sid = answers.sid_of(fields)
    if not sid:
        return None
    return CarrierMessage(
        sid=sid,
        to=answers.text_of(fields.get("to")),
        from_=answers.text_of(fields.get("from")),
        body=answers.text_of(fields.get("body")),
        status=answers.text_of(fields.get("status")),
        direction=answers.text_of(fields.get("direction")),
        created_at=answers.time_of(fields.get("date_created")),
        error_code=answers.code_of(fields, "error_code"),
    )
