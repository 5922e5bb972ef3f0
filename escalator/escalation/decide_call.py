"""Decide what happens to a call: intent, binding, status, keys, its end.

Status only moves forward. The first genuine word about a POST binds its SID; a second SID is a surplus call, and the
one that is not in conversation is ended. The end of a call yields one `PageEnded` for each page it carried.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from escalator.escalation import settling
from escalator.escalation.call_draft import CallDecision, CallDraft
from escalator.escalation.call_status import TERMINAL, report
from escalator.escalation.calls import (
    BOUND,
    Call,
    CallKind,
    CallOutcome,
    CallPage,
    CallState,
    Post,
)
from escalator.escalation.events import (
    Action,
    Asked,
    CallAccepted,
    CallAsked,
    CallDropped,
    CallDue,
    CallEnded,
    CallEvent,
    CallIntended,
    CallListed,
    CallNotSent,
    CallPrompted,
    CallRefused,
    CallReported,
    CallUnclear,
    CallUnreadable,
    KeyPressed,
    PageClosed,
    PageJoined,
    PagePlaced,
    Wanted,
)
from escalator.escalation.rules import Keys, Rules

DIRECT_PATIENCE = timedelta(minutes=10)
ENDING_RETRY_MAX = timedelta(seconds=30)


def decide_call(rules: Rules, call: Call | None, event: CallEvent, now: datetime) -> CallDecision:
    """Decide one event. `call` is None when there is none of that id yet."""
    if call is None:
        call = _new_call(event, now)
        if call is None:
            return CallDecision(call=None)
    draft = CallDraft(call, now)
    match event:
        case CallPrompted():
            _prompted(draft, event)
        case KeyPressed():
            _pressed(rules.keys, draft, event)
        case CallReported():
            _reported(draft, event)
        case PageClosed():
            _page_closed(draft, event)
        case PageJoined():
            _carry(draft, event.page, joined=True)
        case CallEnded():
            _ended_at_carrier(draft, event)
        case CallAsked():
            pass
        case _:
            _posting(draft, event)
    return draft.decision()


def _posting(
    draft: CallDraft,
    event: CallIntended
    | CallDropped
    | CallAccepted
    | CallNotSent
    | CallRefused
    | CallUnclear
    | CallListed
    | CallUnreadable
    | CallDue,
) -> None:
    match event:
        case CallIntended():
            _intend(draft, event)
        case CallDropped():
            draft.end(CallOutcome.CANCELED, detail=event.reason)
        case CallAccepted():
            _seen(draft, event.token_hash, event.sid)
        case CallNotSent():
            _not_sent(draft, event)
        case CallRefused():
            _refused(draft, event)
        case CallUnclear():
            _unclear(draft, event.reason)
        case CallListed():
            _listed(draft, event)
        case CallUnreadable():
            _unreadable(draft)
        case CallDue():
            _due(draft)
        case _:
            assert_never(event)


def _new_call(event: CallEvent, now: datetime) -> Call | None:
    if isinstance(event, CallAsked):
        return Call(
            id=event.call_id,
            kind=CallKind.DIRECT,
            to=event.to,
            person=event.person,
            created_at=now,
            timer_at=now,
            speech=event.speech,
            lasts=event.lasts,
        )
    if isinstance(event, CallIntended):
        return Call(
            id=event.call_id,
            kind=CallKind.PAGE,
            to=event.to,
            person=event.person,
            created_at=now,
            lasts=event.lasts,
        )
    return None


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
        _carry(draft, page, joined=False)


def _carry(draft: CallDraft, wanted: Wanted, *, joined: bool) -> None:
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


def _seen(draft: CallDraft, token_hash: str, sid: str, state: CallState = CallState.QUEUED) -> bool:
    """The carrier knows this SID as ours. False when it is a surplus call, which then gets ended."""
    first = not draft.call.sid
    if draft.bind(token_hash, sid):
        if first and draft.call.state is not CallState.ENDED:
            _bound(draft, state)
        elif first:
            draft.add_ending(sid, cut=True)
        return True
    _surplus(draft, sid, state)
    return False


def _bound(draft: CallDraft, state: CallState) -> None:
    posted = draft.call.posted_at or draft.now
    draft.call = replace(draft.call, state=state, unclear_at=None)
    draft.set_timer(max(posted + settling.FIRST_READ, draft.now))
    if draft.call.kind is CallKind.PAGE and not draft.call.open_pages:
        _end_unneeded(draft)


def _surplus(draft: CallDraft, sid: str, state: CallState) -> None:
    """Two calls for one try: the one in conversation stays, else the older."""
    call = draft.call
    is_talking = state is CallState.IN_PROGRESS
    if is_talking and call.state in BOUND and call.state is not CallState.IN_PROGRESS:
        draft.add_ending(call.sid, cut=True)
        draft.call = replace(draft.call, sid=sid, state=state)
    elif not is_talking or call.state is CallState.IN_PROGRESS:
        draft.add_ending(sid, cut=True)
    draft.say("surplus", "the carrier made a second call for one try; one of them is ended")


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
        _seen(draft, call.posts[-1].token_hash, event.sids[0])
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


def _unreadable(draft: CallDraft) -> None:
    call = draft.call
    if call.state not in BOUND:
        return
    heard = call.heard_at or call.posted_at or call.created_at
    if draft.now >= heard + timedelta(seconds=call.lasts):
        draft.end(CallOutcome.LOST, detail="nothing was heard of it any more")
    else:
        draft.set_timer(draft.now + settling.READ_EVERY)


def _due(draft: CallDraft) -> None:
    """A POST whose task is gone is unclear; anything else that is due gets looked at by the workers."""
    if draft.call.state is CallState.POSTING:
        _unclear(draft, "no answer in time")


def _reported(draft: CallDraft, event: CallReported) -> None:
    if event.status in TERMINAL and draft.call.sid not in ("", event.sid):
        draft.drop_ending(event.sid)
        return
    state = CallState.IN_PROGRESS if event.status == "in-progress" else CallState.QUEUED
    token_hash = event.token_hash or _hash_of(draft.call, event.sid)
    if _seen(draft, token_hash, event.sid, state):
        report(draft, event)


def _hash_of(call: Call, sid: str) -> str:
    return next((post.token_hash for post in call.posts if post.sid == sid), "")


def _prompted(draft: CallDraft, event: CallPrompted) -> None:
    """The phone was picked up, or the next prompt is due: every open page is told by it."""
    is_ours = _seen(draft, event.token_hash, event.sid, CallState.IN_PROGRESS)
    call = draft.call
    if call.state is CallState.ENDED:
        return
    first = call.answered_at is None
    draft.call = replace(
        call,
        prompts=call.prompts + 1,
        answered_at=call.answered_at or draft.now,
        answer_request=call.answer_request or event.request,
        machine=call.machine or event.machine,
        pages=tuple(replace(page, told=page.told or page.is_open) for page in call.pages),
    )
    if is_ours:
        report(
            draft,
            CallReported(
                call_id=call.id, token_hash=event.token_hash, sid=event.sid, status="in-progress"
            ),
        )
    if first:
        draft.say("answered", "the phone was picked up")


def _pressed(keys: Keys, draft: CallDraft, event: KeyPressed) -> None:
    """4, 5 and 6 apply to all pages told up to `heard` that are still open, and to none after."""
    _seen(draft, event.token_hash, event.sid, CallState.IN_PROGRESS)
    action = action_of(keys, event.key)
    if action is None:
        return
    for page in draft.call.pages:
        if page.n > event.heard:
            continue
        if page.is_open:
            draft.follow(_asked(draft.call, page, action))
        elif action is Action.ACKNOWLEDGE:
            draft.follow(_asked(draft.call, page, Action.ALSO))
    has_open = any(page.is_open and page.n <= event.heard for page in draft.call.pages)
    if has_open and action is not Action.ESCALATE:
        draft.call = replace(draft.call, acted=True)


def action_of(keys: Keys, key: str) -> Action | None:
    """What a key means; None for repeat, for a wrong key and for silence."""
    meanings = {
        keys.acknowledge: Action.ACKNOWLEDGE,
        keys.escalate: Action.ESCALATE,
        keys.resolve: Action.RESOLVE,
        keys.snooze: Action.SNOOZE,
    }
    return meanings.get(key) if key else None


def _asked(call: Call, page: CallPage, action: Action) -> Asked:
    return Asked(incident_id=page.incident_id, action=action, by=page.person, call_id=call.id)


def _page_closed(draft: CallDraft, event: PageClosed) -> None:
    for page in draft.call.pages:
        if page.incident_id == event.incident_id and page.person == event.person and page.is_open:
            draft.put_page(replace(page, is_open=False))
    if not draft.call.open_pages and draft.call.state is not CallState.ENDED:
        _end_unneeded(draft)


def _end_unneeded(draft: CallDraft) -> None:
    """A call without an open page: canceled if it has not been picked up; in conversation it is not cut."""
    match draft.call.state:
        case CallState.PLANNED:
            draft.end(CallOutcome.CANCELED)
        case CallState.QUEUED | CallState.RINGING:
            draft.add_ending(draft.call.sid, cut=False)
        case _:
            pass


def _ended_at_carrier(draft: CallDraft, event: CallEnded) -> None:
    """What came of ending a call at the carrier. "" means that it has to be tried again."""
    ending = next((one for one in draft.call.endings if one.sid == event.sid), None)
    if ending is None:
        return
    if not event.status:
        wait = min(ENDING_RETRY_MAX, timedelta(seconds=2**ending.tries))
        later = replace(ending, tries=ending.tries + 1, due_at=draft.now + wait)
        endings = tuple(later if one is ending else one for one in draft.call.endings)
        draft.call = replace(draft.call, endings=endings)
        return
    draft.drop_ending(event.sid)
    if event.sid == draft.call.sid:
        report(
            draft,
            CallReported(call_id=draft.call.id, token_hash="", sid=event.sid, status=event.status),
        )
