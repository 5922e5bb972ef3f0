"""What foresight looks like as JSON: the API answers so, and the command line with `-o json`.

Sentences speak of moments in `timezone`; all other times are RFC 3339 in UTC. Absent is null.
"""

from collections.abc import Sequence
from datetime import datetime

from escalator.config.values import show_duration
from escalator.escalation.schedules import CalendarEvent
from escalator.foresight.duty import Duty
from escalator.foresight.explanation import Explanation, Message, Note, Ring
from escalator.web.shapes import Shape, time


def oncall_shape(at: datetime, duties: Sequence[Duty]) -> Shape:
    """Who is on call at a moment, by schedule."""
    return {"at": time(at), "schedules": {one.schedule: _duty(one) for one in duties}}


def explanation_shape(told: Explanation) -> Shape:
    """What becomes of an alert."""
    return {
        "at": time(told.at),
        "timezone": told.zone.key,
        "title": told.title,
        "labels": dict(told.labels),
        "heartbeats": list(told.beats),
        "route": told.route or None,
        "position": told.position or None,
        "routes": told.routes,
        "missed": [{"route": one.route, "why": one.why} for one in told.missed],
        "policy": told.policy or None,
        "steps": told.steps,
        "rounds": told.rounds,
        "outside": [{"policy": one.policy, "until": time(one.until)} for one in told.outside],
        "held": [
            {"why": one.why, "since": time(one.since), "until": time(one.until)}
            for one in told.held
        ],
        "rings": [_ring(one) for one in told.rings],
        "messages": [_message(one) for one in told.messages],
        "notes": [_note(one) for one in told.notes],
        "worst_case_calls": told.calls,
        "is_cut": told.is_cut,
        "fallback_at": time(told.fallback_at),
        "fallback_every": show_duration(told.fallback_every) if told.fallback_every else None,
        "warnings": list(told.warnings),
    }


def _duty(duty: Duty) -> Shape:
    following = duty.next
    return {
        "timezone": duty.zone.key,
        "people": list(duty.people),
        "until": time(duty.until),
        "reason": duty.reason,
        "next": None
        if following is None
        else {"people": list(following.people), "at": time(following.at)},
        "shifts": [
            {
                "from": time(one.start),
                "to": time(one.end),
                "people": list(one.people),
                "reason": one.reason,
            }
            for one in duty.shifts
        ],
        "events": None if duty.events is None else [_event(one) for one in duty.events],
    }


def _event(event: CalendarEvent) -> Shape:
    return {
        "from": time(event.start),
        "to": time(event.end),
        "people": list(event.people),
        "title": event.title or None,
    }


def _ring(ring: Ring) -> Shape:
    return {
        "at": time(ring.at),
        "call": ring.call,
        "person": ring.person,
        "name": ring.name,
        "to": ring.to,
        "step": ring.step,
        "round": ring.round,
        "attempt": ring.attempt,
        "reason": ring.reason,
    }


def _message(message: Message) -> Shape:
    return {
        "at": time(message.at),
        "person": message.person,
        "name": message.name,
        "step": message.step,
        "round": message.round,
        "reason": message.reason,
    }


def _note(note: Note) -> Shape:
    return {"at": time(note.at), "step": note.step, "round": note.round, "text": note.text}
