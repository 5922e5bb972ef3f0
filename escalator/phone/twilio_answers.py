"""Decides what an answer of Twilio's API means.

The rule for a new call: only a 2xx with a call in it is a yes, only an error in the carrier's own
words is a no, only "too many" is a not-yet; everything else is unclear, because a call may have
been made. A gateway in between may answer 4xx too, and proves nothing about what went through it.

Codes decide, never the wording. Pure: bytes in, values out.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from escalator.phone.carrier import (
    Accepted,
    AlreadyOver,
    CarrierCall,
    Gone,
    NotSent,
    PlaceOutcome,
    ReadOutcome,
    Refused,
    Scope,
    Unclear,
    Unreadable,
)

RETRY_AFTER_MAX_SECONDS = 60.0

_TOO_MANY = frozenset({20429, 10004, 21611})
_WRONG_STATE = 21220
_FAILED = "failed"

_NUMBER = frozenset(
    {
        *(21211, 21214, 21216, 21217, 21202, 21203, 13223, 13224, 13225, 13226, 32203),
        *(21610, 21612, 21614),
    }
)
_CONFIGURATION = frozenset(
    {
        *(20001, 20004, 20007, 20008, 20404, 20422, 20423, 10002, 11100, 13227, 32205),
        *(21201, 21205, 21206, 21208, 21209, 21210, 21212, 21213, 21215, 21218, 21219),
        *(21221, 21222, 21223, 21224, 21225, 21234, 21262, 21263, 21609, 21626),
        *(21408, 21602, 21603, 21604, 21606, 21608, 21617),
    }
)
_ACCOUNT = frozenset({20003, 20005, 20006, 20010, 20403, 10001, 70051})

# What to change at Twilio, for the person who reads the timeline at night.
_HINTS = {
    20003: "check twilio.account_sid and twilio.auth_token, and that the account is active",
    21210: "twilio.from must be a number of this account, or one verified in it",
    21212: "twilio.from must be a number of this account that may call out",
    21215: "allow the country in Twilio's console: Voice, Settings, Geo permissions",
    13227: "allow the country in Twilio's console: Voice, Settings, Geo permissions",
    32205: "allow the country in Twilio's console: Voice, Settings, Geo permissions",
    21216: "Twilio blocks this number; ask its support",
    21219: "a trial account calls verified numbers only: verify it, or upgrade the account",
    21205: "check public_url: Twilio must be able to reach it",
}

_SID = re.compile(r"[A-Za-z0-9_-]{2,64}", re.ASCII)
_LONG_NUMBER = re.compile(r"\+?\d{4,}(?=\d{3}\b)")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as far as it was read; `body` is None when it was cut, too big or packed."""

    status: int
    body: bytes | None
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `next_page` is the query of the page after it, empty at the end."""

    calls: Sequence[CarrierCall]
    next_page: tuple[tuple[str, str], ...]


def placed(answer: Answer, thing: str = "call") -> PlaceOutcome:
    """What the answer to a request for a call, or another thing of that kind, proves."""
    fields = json_object(answer.body)
    if answer.status == 429:
        return _too_many(answer, fields)
    if 200 <= answer.status < 300:
        return _taken(answer, fields, thing)
    if 400 <= answer.status < 500:
        return _declined(answer, fields, thing)
    return Unclear(_unclear(answer, fields, thing))


def call(answer: Answer) -> ReadOutcome:
    """What the answer to a read of one call says."""
    fields = json_object(answer.body)
    if answer.status == 404:
        return Gone()
    found = _call(fields) if answer.status == 200 else None
    return found or Unreadable(heard(answer, fields))


def page(answer: Answer) -> Page | Unreadable:
    """What the answer to a list says. An element that is no call is left out."""
    fields = json_object(answer.body)
    rows = fields.get("calls")
    if answer.status != 200 or not isinstance(rows, list):
        return Unreadable(heard(answer, fields))
    calls = [found for row in rows if isinstance(row, dict) and (found := _call(row))]
    return Page(calls, query_of(fields.get("next_page_uri")))


def changed(answer: Answer) -> AlreadyOver | Unreadable | None:
    """What the answer to a change of a call says; None when the change was made.

    404 is not "over": reads lag, and a call must not ring on because it was looked for too early.
    """
    if 200 <= answer.status < 300:
        return None
    fields = json_object(answer.body)
    if code_of(fields) == _WRONG_STATE:
        return AlreadyOver()
    return Unreadable(heard(answer, fields))


def scope_of(code: int) -> Scope:
    """Whom a refusal with this code concerns.

    Of codes that we do not know, those of the API itself (20xxx) are taken for a wrong setting, the
    rest for this number's trouble, so that the next person is rung at once.
    """
    if code in _ACCOUNT:
        return Scope.ACCOUNT
    if code in _CONFIGURATION:
        return Scope.CONFIGURATION
    if code in _NUMBER:
        return Scope.NUMBER
    return Scope.CONFIGURATION if 20000 <= code < 21000 else Scope.NUMBER


def _taken(answer: Answer, fields: Mapping[str, Any], thing: str) -> PlaceOutcome:
    found = _call(fields)
    if found is None:
        return Unclear(_unclear(answer, fields, thing))
    code = code_of(fields, "error_code")
    if code or found.status == _FAILED:
        said = tidy(text_of(fields.get("error_message")), 200) or "it gave no reason"
        message = f"the carrier took the {thing} and failed it at once: {said}"
        return Refused(code or 0, message, scope_of(code or 0), found.sid)
    waiting = _number(fields.get("queue_time"))
    return Accepted(found.sid, found.status, None if waiting is None else waiting / 1000)


def _declined(answer: Answer, fields: Mapping[str, Any], thing: str) -> PlaceOutcome:
    code = code_of(fields)
    if code in _TOO_MANY:
        return _too_many(answer, fields)
    if code is not None and _is_of_carrier(code):
        said = _said(fields) or f"code {code}"
        hint = _HINTS.get(code)
        return Refused(code, f"{said}; {hint}" if hint else said, scope_of(code))
    if answer.status in (401, 403):
        message = _said(fields) or f"HTTP {answer.status} without an explanation"
        return Refused(answer.status, message, Scope.ACCOUNT)
    return Unclear(_unclear(answer, fields, thing))


def _is_of_carrier(code: int) -> bool:
    """Twilio's codes have five digits, gateways' fewer. After a 205xx a call may have been made."""
    return code >= 10000 and not 20500 <= code < 20600


def _too_many(answer: Answer, fields: Mapping[str, Any]) -> NotSent:
    said = _said(fields) or f"HTTP {answer.status}"
    reason = f"the carrier has too much to do ({said})"
    return NotSent(reason, _retry_after(answer.retry_after), too_many=True)


def _retry_after(text: str) -> float | None:
    """Seconds to wait, at most a minute: a pager does not fall silent because it was told to."""
    seconds = _number(text)
    return None if seconds is None else min(max(seconds, 0.0), RETRY_AFTER_MAX_SECONDS)


def _unclear(answer: Answer, fields: Mapping[str, Any], thing: str) -> str:
    return f"{heard(answer, fields)}; a {thing} may have been made"


def heard(answer: Answer, fields: Mapping[str, Any]) -> str:
    """What an answer said that is of no use, for a log line."""
    said = _said(fields)
    if answer.body is None:
        said = "its body was cut off, packed or too long"
    return f"the carrier answered HTTP {answer.status} ({said or 'with nothing we can read'})"


def _said(fields: Mapping[str, Any]) -> str:
    """The carrier's code and words."""
    code = code_of(fields)
    words = tidy(text_of(fields.get("message") or fields.get("detail") or fields.get("title")), 200)
    return " ".join(part for part in (str(code) if code else "", words) if part)


def tidy(text: str, limit: int) -> str:
    """Foreign text made fit for a log line: one line, no control characters, numbers masked."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return _LONG_NUMBER.sub("…", " ".join(printable.split()))[:limit]


def json_object(body: bytes | None) -> Mapping[str, Any]:
    """The body as a JSON object; empty when it is none."""
    try:
        parsed = json.loads(body or b"")
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _call(fields: Mapping[str, Any]) -> CarrierCall | None:
    sid = sid_of(fields)
    if not sid:
        return None
    duration = _number(fields.get("duration"))
    return CarrierCall(
        sid=sid,
        to=text_of(fields.get("to")),
        from_=text_of(fields.get("from")),
        status=text_of(fields.get("status")),
        direction=text_of(fields.get("direction")),
        created_at=time_of(fields.get("date_created")),
        duration=None if duration is None else int(duration),
        answered_by=text_of(fields.get("answered_by")),
    )


def sid_of(fields: Mapping[str, Any]) -> str:
    """The carrier's id of a thing; "" for what is none."""
    sid = text_of(fields.get("sid"))
    return sid if _SID.fullmatch(sid) else ""


def code_of(fields: Mapping[str, Any], name: str = "code") -> int | None:
    """The carrier's code in this field."""
    number = _number(fields.get(name))
    return None if number is None else int(number)


def _number(value: object) -> float | None:
    """A number given as such or as text. Compatible carriers use either for the same field."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def text_of(value: object) -> str:
    """A text; what is none is empty."""
    return value if isinstance(value, str) else ""


def time_of(value: object) -> datetime | None:
    """An RFC 2822 date, as UTC."""
    try:
        moment = parsedate_to_datetime(text_of(value))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def query_of(value: object) -> tuple[tuple[str, str], ...]:
    """The query of the next page's address. Its host and path are not ours to follow."""
    try:
        return tuple(parse_qsl(urlsplit(text_of(value)).query, max_num_fields=20))
    except ValueError:
        return ()
