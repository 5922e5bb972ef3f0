"""What the carrier's word about a call means for it: forward only, and never an acknowledgement.

`completed` only means that the phone was picked up, by whomever or whatever. Whether anybody was
reached is known from the keys alone.
"""

from dataclasses import replace
from datetime import timedelta

from escalator.escalation import settling
from escalator.escalation.call_draft import CallDraft
from escalator.escalation.call_events import CallReported
from escalator.escalation.calls import Call, CallOutcome, CallState

SIP_NO_ANSWER = 480
_STATES = {
    "queued": CallState.QUEUED,
    "initiated": CallState.QUEUED,
    "ringing": CallState.RINGING,
    "in-progress": CallState.IN_PROGRESS,
}
_OUTCOMES = {
    "busy": CallOutcome.BUSY,
    "no-answer": CallOutcome.NO_ANSWER,
    "failed": CallOutcome.FAILED,
    "canceled": CallOutcome.CANCELED,
}
_ORDER = tuple(CallState)
TERMINAL = frozenset({"completed", *_OUTCOMES})


def report(draft: CallDraft, event: CallReported) -> None:
    """Apply a status of the call we follow. Late and repeated ones change nothing."""
    call = draft.call
    if call.state is CallState.ENDED:
        return
    if event.machine:
        _machine(draft)
    state = _STATES.get(event.status)
    if state is not None:
        _forward(draft, state)
    elif event.status == "completed":
        draft.end(_completed(draft.call), duration=event.duration)
    elif event.status in _OUTCOMES:
        outcome = _OUTCOMES[event.status]
        if outcome is CallOutcome.FAILED and event.sip_code == SIP_NO_ANSWER:
            outcome = CallOutcome.NO_ANSWER
        detail = f"SIP {event.sip_code}" if event.sip_code else ""
        draft.end(outcome, duration=event.duration, detail=detail)
    else:
        _read_again(draft)


def _forward(draft: CallDraft, state: CallState) -> None:
    call = draft.call
    is_news = _ORDER.index(state) > _ORDER.index(call.state)
    if is_news:
        draft.call = replace(
            call,
            state=state,
            answered_at=draft.now if state is CallState.IN_PROGRESS else call.answered_at,
        )
    if is_news and state is CallState.RINGING:
        draft.say("ringing", "the phone rings")
    if state is CallState.IN_PROGRESS:
        draft.call = replace(
            draft.call, endings=tuple(one for one in draft.call.endings if one.cut)
        )
    _read_again(draft)


def _machine(draft: CallDraft) -> None:
    """A machine picked up: the call is ended, and it counts as nobody."""
    if not draft.call.machine:
        draft.say("machine", "a machine picked up; that reaches nobody")
        draft.add_ending(draft.call.sid, cut=True)
    draft.call = replace(draft.call, machine=True)


def _completed(call: Call) -> CallOutcome:
    if call.acted:
        return CallOutcome.ACKNOWLEDGED
    if call.machine:
        return CallOutcome.MACHINE
    return CallOutcome.HEARD if call.prompts else CallOutcome.UNHEARD


def _read_again(draft: CallDraft) -> None:
    """Callbacks may be lost: the carrier is asked from time to time until the call is over."""
    posted = draft.call.posted_at or draft.now
    draft.set_timer(max(posted + settling.FIRST_READ, draft.now + settling.READ_EVERY))


def silence(ring_seconds: float, limit_seconds: float) -> float:
    """After how many seconds without a word a call is given up as lost."""
    return ring_seconds + limit_seconds + timedelta(seconds=60).total_seconds()
