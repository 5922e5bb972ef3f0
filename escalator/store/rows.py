"""Between values and rows. Times are whole microseconds since 1970 UTC: exact, sortable, in no zone."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from escalator.escalation.alerts import AlertStatus, Known
from escalator.escalation.calls import (
    AnswerRequest,
    Call,
    CallKind,
    CallOutcome,
    CallPage,
    CallState,
    Ending,
    Post,
    Speech,
)
from escalator.escalation.incidents import Incident, Page, PageState, Phase, Text

Row = Sequence[Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

INCIDENT_COLUMNS = (
    "id receiver policy route group_key title summary severity phase firing resolved step round until due_at baseline "
    "before last_placed_at acknowledged_at acknowledged_by resolved_at resolved_by held stale_at created_at updated_at"
).split()
PAGE_COLUMNS = (
    "person step state since tries busy refused call_id placed_at next_at planned unreachable"
).split()
CALL_COLUMNS = (
    "id kind to from_ person state outcome sid lasts created_at posted_at unclear_at heard_at answered_at ended_at "
    "timer_at due_at duration error_code error_message not_sent acted machine prompts ambiguous"
).split()
CALL_PAGE_COLUMNS = "n incident_id person is_open told joined also".split()


def to_stored(at: datetime | None) -> int | None:
    """A time as it is stored."""
    return None if at is None else (at - _EPOCH) // _MICROSECOND


def from_stored(at: int | None) -> datetime | None:
    """A stored time as a value."""
    return None if at is None else _EPOCH + timedelta(microseconds=at)


_TIMES = dict.fromkeys(
    "until due_at last_placed_at acknowledged_at resolved_at created_at updated_at since placed_at next_at "
    "posted_at unclear_at heard_at answered_at ended_at timer_at stale_at".split(),
    from_stored,
)
_INCIDENT_TYPES: Mapping[str, Callable[[Any], Any]] = {**_TIMES, "phase": Phase, "before": Phase}
_PAGE_TYPES: Mapping[str, Callable[[Any], Any]] = {
    **_TIMES,
    "state": PageState,
    "planned": lambda text: tuple(from_stored(at) for at in json.loads(text)) if text else (),
    "unreachable": bool,
}
_CALL_TYPES: Mapping[str, Callable[[Any], Any]] = {
    **_TIMES,
    "kind": CallKind,
    "state": CallState,
    "outcome": lambda text: None if text is None else CallOutcome(text),
    "acted": bool,
    "machine": bool,
}
_CALL_PAGE_TYPES: Mapping[str, Callable[[Any], Any]] = {
    "is_open": bool,
    "told": bool,
    "joined": bool,
    "also": bool,
}


def incident_row(incident: Incident) -> tuple[Any, ...]:
    """An incident as a row of `INCIDENT_COLUMNS` and its code; its pages and texts are rows of their own."""
    return (*_row(incident, INCIDENT_COLUMNS), incident.code)


def incident_value(row: Row, pages: tuple[Page, ...], texts: tuple[Text, ...] = ()) -> Incident:
    """A row of `INCIDENT_COLUMNS` with its pages and texts as a value."""
    return Incident(**_values(row, INCIDENT_COLUMNS, _INCIDENT_TYPES), pages=pages, texts=texts)


def page_row(page: Page) -> tuple[Any, ...]:
    """A page as a row of `PAGE_COLUMNS`."""
    return _row(page, PAGE_COLUMNS)


def page_value(row: Row) -> Page:
    """A row of `PAGE_COLUMNS` as a value."""
    return Page(**_values(row, PAGE_COLUMNS, _PAGE_TYPES))


def text_row(text: Text) -> tuple[Any, ...]:
    """A text as a row of person, due_at, is_sent."""
    return text.person, to_stored(text.due_at), text.is_sent


def text_value(row: Row) -> Text:
    """A row of person, due_at, is_sent as a value."""
    return Text(person=row[0], due_at=_EPOCH + timedelta(microseconds=row[1]), is_sent=bool(row[2]))


def call_row(call: Call) -> tuple[Any, ...]:
    """A call as a row of `CALL_COLUMNS` and endings, speech, answer_request as JSON."""
    return (*_row(call, CALL_COLUMNS), *_call_json(call))


def call_value(row: Row, posts: tuple[Post, ...], pages: tuple[CallPage, ...]) -> Call:
    """The row that `call_row` makes, with its posts and pages, as a value."""
    values = _values(row, CALL_COLUMNS, _CALL_TYPES)
    del values["due_at"]
    endings, speech, request = row[len(CALL_COLUMNS) :]
    return Call(
        **values,
        posts=posts,
        pages=pages,
        endings=tuple(
            Ending(sid=sid, cut=cut, due_at=_EPOCH + timedelta(microseconds=at), tries=tries)
            for sid, cut, at, tries in json.loads(endings)
        ),
        speech=None if speech is None else Speech(**json.loads(speech)),
        answer_request=None if request is None else _request_value(json.loads(request)),
    )


def call_page_row(page: CallPage) -> tuple[Any, ...]:
    """A page of a call as a row of `CALL_PAGE_COLUMNS`."""
    return _row(page, CALL_PAGE_COLUMNS)


def call_page_value(row: Row) -> CallPage:
    """A row of `CALL_PAGE_COLUMNS` as a value."""
    return CallPage(**_values(row, CALL_PAGE_COLUMNS, _CALL_PAGE_TYPES))


def post_value(row: Row) -> Post:
    """A row of token_hash, at, sid as a value."""
    return Post(token_hash=row[0], at=_EPOCH + timedelta(microseconds=row[1]), sid=row[2])


def known_value(row: Row) -> Known:
    """A row of incident_id, status, severity as a value."""
    return Known(incident_id=row[0], status=AlertStatus(row[1]), severity=row[2])


def _row(value: object, columns: Sequence[str]) -> tuple[Any, ...]:
    return tuple([_stored(getattr(value, name)) for name in columns])


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return json.dumps([_stored(one) for one in value]) if value else ""
    return value


def _values(
    row: Row, columns: Sequence[str], types: Mapping[str, Callable[[Any], Any]]
) -> dict[str, Any]:
    return {
        name: types[name](value) if name in types else value
        for name, value in zip(columns, row, strict=False)
    }


def _call_json(call: Call) -> tuple[str, str | None, str | None]:
    endings = [(one.sid, one.cut, to_stored(one.due_at), one.tries) for one in call.endings]
    speech, request = call.speech, call.answer_request
    return (
        json.dumps(endings),
        None
        if speech is None
        else json.dumps(
            {
                "say": speech.say,
                "voice": speech.voice,
                "language": speech.language,
                "loop": speech.loop,
            }
        ),
        None
        if request is None
        else json.dumps([to_stored(request.at), request.content_type, request.body]),
    )


def _request_value(stored: list[Any]) -> AnswerRequest:
    at, content_type, body = stored
    return AnswerRequest(
        at=_EPOCH + timedelta(microseconds=at), content_type=content_type, body=body
    )
