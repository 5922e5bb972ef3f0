"""Which call at the carrier is ours, and which of them have to be ended.

The first genuine word about a POST binds its SID. A second SID for one try is a surplus call: the
one in conversation stays, else the older, and the other is ended. So is a call that surfaces when
its number is in another one.
"""

from dataclasses import replace

from escalator.escalation import settling
from escalator.escalation.call_draft import CallDraft
from escalator.escalation.calls import Call, CallKind, CallOutcome, CallState


def seen(draft: CallDraft, token_hash: str, sid: str, state: CallState = CallState.QUEUED) -> bool:
    """The carrier knows this SID as ours. False for a surplus call, which then gets ended."""
    call = draft.call
    is_known = _is_known(call, sid)
    draft.note_sid(token_hash, sid)
    if not call.sid and not _is_unwanted(draft, sid):
        draft.call = replace(draft.call, sid=sid)
        _bound(draft, state)
    elif call.sid != sid:
        _surplus(draft, sid, state, is_known=is_known)
    return draft.call.sid == sid


def end_unneeded(draft: CallDraft) -> None:
    """A call without an open page: canceled if not picked up; in conversation it is not cut."""
    match draft.call.state:
        case CallState.PLANNED:
            draft.end(CallOutcome.CANCELED)
        case CallState.QUEUED | CallState.RINGING:
            draft.add_ending(draft.call.sid, cut=False)
        case _:
            pass


def _is_known(call: Call, sid: str) -> bool:
    known = (*(post.sid for post in call.posts), *(ending.sid for ending in call.endings))
    return sid in known


def _is_unwanted(draft: CallDraft, sid: str) -> bool:
    """It surfaced late: another call took its number meanwhile, or it is being ended for that."""
    is_late = draft.call.state is CallState.PLANNED and draft.is_taken
    return is_late or any(ending.sid == sid for ending in draft.call.endings)


def _bound(draft: CallDraft, state: CallState) -> None:
    if draft.call.state is CallState.ENDED:
        draft.add_ending(draft.call.sid, cut=True)
        return
    posted = draft.call.posted_at or draft.now
    draft.call = replace(draft.call, unclear_at=None)
    _stands(draft, state)
    draft.set_timer(max(posted + settling.FIRST_READ, draft.now))
    if draft.call.kind is CallKind.PAGE and not draft.call.open_pages:
        end_unneeded(draft)


def _surplus(draft: CallDraft, sid: str, state: CallState, *, is_known: bool) -> None:
    call = draft.call
    is_waiting = call.state in (CallState.QUEUED, CallState.RINGING)
    if state is CallState.IN_PROGRESS and is_waiting:
        draft.add_ending(call.sid, cut=True)
        draft.drop_ending(sid)
        draft.call = replace(draft.call, sid=sid)
        _stands(draft, state)
    elif not is_known:
        draft.add_ending(sid, cut=True)
    if not is_known:
        draft.say("surplus", "the carrier made a second call for one try; one of them is ended")


def _stands(draft: CallDraft, state: CallState) -> None:
    is_talking = state is CallState.IN_PROGRESS
    answered_at = draft.call.answered_at or (draft.now if is_talking else None)
    draft.call = replace(draft.call, state=state, answered_at=answered_at)
