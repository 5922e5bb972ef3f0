"""What becomes of a POST that asks for a call: intended, taken, refused, not sent, or unclear.

The intent is committed before the first byte leaves. An unclear POST is looked for in the carrier's
list, and only when it never showed is another one made, with a token of its own.
"""

from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias, assert_never

from escalator.escalation import settling
from escalator.escalation.binding import seen
from escalator.escalation.call_draft import CallDraft
from escalator.escalation.call_events import (
    CallAccepted,
    CallDropped,
    CallDue,
    CallIntended,
    CallListed,
    CallNotSent,
    CallRefused,
    CallUnclear,
    Wanted,
)
from escalator.escalation.calls import CallKind, CallOutcome, CallPage, CallState, Post
from escalator.escalation.events import PagePlaced

DIRECT_PATIENCE = timedelta(minutes=10)

PostingEvent: TypeAlias = (
    CallIntended
    | CallDropped
    | CallAccepted
    | CallNotSent
    | CallRefused
    | CallUnclear
    | CallListed
    | CallDue
)


def post(draft: CallDraft, event: PostingEvent) -> None:
    """Apply what happened to the POST of a call."""
    match event:
        case CallIntended():
            _intend(draft, event)
        case CallDropped():
            _dropped(draft, event)
        case CallAccepted():
            seen(draft, event.token_hash, event.sid)
        case CallNotSent():
            _not_sent(draft, event)
        case CallRefused():
            _refused(draft, event)
        case CallUnclear():
            _unclear(draft, event.reason)
        case CallListed():
            _listed(draft, event)
        case CallDue():
            _due(draft)
        case _:
            assert_never(event)


def carry(draft: CallDraft, wanted: Wanted, *, joined: bool) -> None:
    """Take a page along; its incident hears of it in the same commit."""
    pages = draft.call.pages
    page = CallPage(
        n=len(pages) + 1,
        incident_id=wanted.incident_id,
        person=wanted.person,
        joined=joined,
    )
    draft.call = replace(draft.call, pages=(*pages, page))
    draft.follow(
        PagePlaced(
            incident_id=wanted.incident_id,
            person=wanted.person,
            call_id=draft.call.id,
            to=draft.call.to,
            joined=joined,
        )
    )


def _intend(draft: CallDraft, event: CallIntended) -> None:
    """The last thing before the POST. Only a planned call may be posted."""
    assert draft.call.state is CallState.PLANNED, "only a planned call is posted"
    now = draft.now
    draft.call = replace(
        draft.call,
        state=CallState.POSTING,
        from_=event.from_,
        posted_at=now,
        unclear_at=None,
        heard_at=now,
        posts=(*draft.call.posts, Post(token_hash=event.token_hash, at=now)),
        timer_at=now + settling.POST_TAKES + settling.LOOK_AGAIN,
    )
    for page in event.pages:
        carry(draft, page, joined=False)


def _dropped(draft: CallDraft, event: CallDropped) -> None:
    """Only a planned call can be dropped: one that was bound meanwhile rings already."""
    if draft.call.state is CallState.PLANNED:
        draft.end(CallOutcome.CANCELED, detail=event.reason)


def _not_sent(draft: CallDraft, event: CallNotSent) -> None:
    call = draft.call
    if call.state is not CallState.POSTING:
        return
    if call.kind is CallKind.PAGE and not call.open_pages:
        draft.end(CallOutcome.CANCELED)
        return
    if call.kind is CallKind.DIRECT and draft.now >= call.created_at + DIRECT_PATIENCE:
        draft.call = replace(call, error_message=event.reason)
        draft.end(CallOutcome.FAILED)
        return
    if call.not_sent == 0:
        draft.say("not_sent", f"the carrier did not take the call: {event.reason}; trying on")
    draft.call = replace(
        call, state=CallState.PLANNED, not_sent=call.not_sent + 1, posts=call.posts[:-1]
    )
    draft.set_timer(event.retry_at)


def _refused(draft: CallDraft, event: CallRefused) -> None:
    if draft.call.state is not CallState.POSTING:
        return
    draft.call = replace(draft.call, error_code=event.code, error_message=event.message)
    detail = f"{event.message} ({event.code})" if event.code else event.message
    draft.end(CallOutcome.REFUSED, detail=detail)


def _unclear(draft: CallDraft, reason: str) -> None:
    if draft.call.state is not CallState.POSTING:
        return
    draft.call = replace(
        draft.call,
        state=CallState.UNCLEAR,
        unclear_at=draft.now,
        ambiguous=draft.call.ambiguous + 1,
    )
    draft.set_timer(settling.first_look(draft.now))
    draft.say("unclear", f"the carrier may or may not be ringing ({reason}); looking for the call")


def _listed(draft: CallDraft, event: CallListed) -> None:
    call = draft.call
    if call.state is not CallState.UNCLEAR or call.unclear_at is None:
        return
    if event.sids:
        seen(draft, call.posts[-1].token_hash, event.sids[0])
        draft.say("settled", "the call was found in the carrier's list")
    elif settling.is_settled(call.unclear_at, draft.now, list_readable=event.sids is not None):
        _plan_again(draft)
    else:
        draft.set_timer(settling.next_look(call.unclear_at, draft.now))


def _plan_again(draft: CallDraft) -> None:
    if draft.call.kind is CallKind.PAGE and not draft.call.open_pages:
        draft.end(CallOutcome.CANCELED)
        return
    draft.call = replace(draft.call, state=CallState.PLANNED, unclear_at=None)
    draft.set_timer(draft.now)
    draft.say("settled", "the carrier shows no such call; ringing again")


def _due(draft: CallDraft) -> None:
    """A POST whose task is gone is unclear; anything else due gets looked at by the workers, and a
    call under way that has lost its timer gets one.
    """
    if draft.call.state is CallState.POSTING:
        _unclear(draft, "no answer in time")
    elif draft.call.is_live and draft.call.timer_at is None:
        draft.set_timer(draft.now)
