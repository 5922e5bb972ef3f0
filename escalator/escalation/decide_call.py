"""Decide what happens to a call: status, prompts, keys, its end. Its POST is the affair of
`posting`.

Status only moves forward (`call_status`). The first genuine word about a POST binds its SID
(`binding`). The end of a call yields one `PageEnded` for each page it carried.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from escalator.escalation import settling
from escalator.escalation.binding import end_unneeded, seen
from escalator.escalation.call_draft import CallDecision, CallDraft
from escalator.escalation.call_events import (
    CallAsked,
    CallEnded,
    CallEvent,
    CallIntended,
    CallPrompted,
    CallReported,
    CallUnreadable,
    KeyPressed,
    PageJoined,
    PagesClosed,
)
from escalator.escalation.call_status import TERMINAL, report
from escalator.escalation.calls import (
    BOUND,
    Call,
    CallKind,
    CallOutcome,
    CallPage,
    CallState,
)
from escalator.escalation.events import Action, Asked, PageEnded
from escalator.escalation.posting import carry, post
from escalator.escalation.rules import Keys, Rules
from escalator.escalation.wrong_clock import mend_call

ENDING_RETRY_MAX = timedelta(seconds=30)


def decide_call(
    rules: Rules, call: Call | None, event: CallEvent, now: datetime, *, is_taken: bool = False
) -> CallDecision:
    """Decide one event. `call` is None when there is none of that id yet.

    `is_taken` says that another call is under way to the number of this planned one.
    """
    if call is None:
        call = _new_call(event, now)
        if call is None:
            return CallDecision(call=None)
    draft = CallDraft(mend_call(call, now), now, is_taken=is_taken)
    _apply(rules, draft, event)
    return draft.decision()


def _apply(rules: Rules, draft: CallDraft, event: CallEvent) -> None:
    match event:
        case CallPrompted():
            _prompted(draft, event)
        case KeyPressed():
            _pressed(rules.keys, draft, event)
        case CallReported():
            _reported(draft, event)
        case PagesClosed():
            _pages_closed(draft, event)
        case PageJoined():
            carry(draft, event.page, joined=True)
        case CallUnreadable():
            _unreadable(draft)
        case CallEnded():
            _ended_at_carrier(draft, event)
        case CallAsked():
            pass
        case _:
            post(draft, event)


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


def _unreadable(draft: CallDraft) -> None:
    call = draft.call
    if call.state not in BOUND:
        return
    heard = call.heard_at or call.posted_at or call.created_at
    if draft.now >= heard + timedelta(seconds=call.lasts):
        draft.end(CallOutcome.LOST, detail="nothing was heard of it any more")
    else:
        draft.set_timer(draft.now + settling.READ_EVERY)


def _reported(draft: CallDraft, event: CallReported) -> None:
    if event.status in TERMINAL and draft.call.sid not in ("", event.sid):
        draft.drop_ending(event.sid)
        return
    state = CallState.IN_PROGRESS if event.status == "in-progress" else CallState.QUEUED
    token_hash = event.token_hash or _hash_of(draft.call, event.sid)
    if seen(draft, token_hash, event.sid, state):
        report(draft, event)


def _hash_of(call: Call, sid: str) -> str:
    return next((post.token_hash for post in call.posts if post.sid == sid), "")


def _prompted(draft: CallDraft, event: CallPrompted) -> None:
    """The phone was picked up, or the next prompt is due: every open page is told by it."""
    is_ours = seen(draft, event.token_hash, event.sid, CallState.IN_PROGRESS)
    call = draft.call
    if call.state is CallState.ENDED:
        return
    first = call.prompts == 0
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
    seen(draft, event.token_hash, event.sid, CallState.IN_PROGRESS)
    action = action_of(keys, event.key)
    if action is None:
        return
    told = [page for page in draft.call.pages if page.n <= event.heard]
    taken = [page for page in told if page.is_open]
    for page in _one_an_incident(taken):
        draft.follow(_asked(draft.call, page, action))
    if action is Action.ACKNOWLEDGE:
        late = {page.incident_id for page in told} - {page.incident_id for page in taken}
        _also(draft, [page for page in told if page.incident_id in late and not page.also])
        _mark(draft, event.heard, {page.incident_id for page in taken})
    if action is Action.ESCALATE:
        _let_go(draft, taken)
    elif taken:
        draft.call = replace(draft.call, acted=True)


def _one_an_incident(pages: Iterable[CallPage]) -> list[CallPage]:
    """A shared phone may ring for several people about one incident: one key is one wish."""
    first: dict[str, CallPage] = {}
    for page in pages:
        first.setdefault(page.incident_id, page)
    return list(first.values())


def _also(draft: CallDraft, pages: Sequence[CallPage]) -> None:
    """Who was too late is on record as well, once."""
    for page in _one_an_incident(pages):
        draft.follow(_asked(draft.call, page, Action.ALSO))
    for page in pages:
        draft.put_page(replace(page, also=True))


def _mark(draft: CallDraft, heard: int, taken: set[str]) -> None:
    """This press counts for every page of these incidents: repeated, it is nobody else's."""
    draft.call = replace(
        draft.call,
        pages=tuple(
            replace(page, also=True) if page.n <= heard and page.incident_id in taken else page
            for page in draft.call.pages
        ),
    )


def _let_go(draft: CallDraft, pages: Iterable[CallPage]) -> None:
    """Who has passed a page on is done with it, so that a repeated request passes it on once."""
    for page in pages:
        draft.put_page(replace(page, is_open=False))
        draft.follow(
            PageEnded(
                incident_id=page.incident_id,
                person=page.person,
                call_id=draft.call.id,
                outcome=CallOutcome.HEARD,
                spent=True,
            )
        )


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


def _pages_closed(draft: CallDraft, event: PagesClosed) -> None:
    over = {(page.incident_id, page.person) for page in event.pages}
    pages = tuple(
        replace(page, is_open=False)
        if page.is_open and (page.incident_id, page.person) in over
        else page
        for page in draft.call.pages
    )
    draft.call = replace(draft.call, pages=pages)
    if not draft.call.has_open_pages and draft.call.state is not CallState.ENDED:
        end_unneeded(draft)


def _ended_at_carrier(draft: CallDraft, event: CallEnded) -> None:
    """What came of ending a call at the carrier. "" means that it has to be tried again."""
    ending = next((one for one in draft.call.endings if one.sid == event.sid), None)
    if ending is None:
        return
    if not event.status:
        wait = min(ENDING_RETRY_MAX, timedelta(seconds=2 ** min(ending.tries, 5)))
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
