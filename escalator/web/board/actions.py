"""What a person does to an incident on the board: read from a form, done by the same door as all else.

What cannot be used is told at its field, and what was typed stays. Snoozing until a time is meant in the zone that
the form names beside the field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from aiohttp import web

from escalator.clock import Clock
from escalator.escalation.events import Action, Asked
from escalator.web import bodies
from escalator.web.answers import Refusal, invalid
from escalator.web.board.viewer import Viewer
from escalator.web.incidents import ACTIONS, SNOOZE_MAX

TEXT_CHARS_MAX = 1000
_FORM = "application/x-www-form-urlencoded"
_FIELDS_MAX = 20

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A form that could not be used: what is wrong with which field, and everything that was typed."""

    incident_id: str = ""
    action: str = ""
    path: str = ""
    problem: str = ""
    typed: Form = field(default_factory=dict)

    def value(self, incident_id: str, name: str) -> str:
        """What was typed into a field of this incident's forms."""
        return self.typed.get(name, "") if incident_id == self.incident_id else ""

    def problem_at(self, incident_id: str, *names: str) -> str:
        """What is wrong with one of these fields of this incident's forms, "" for nothing."""
        is_here = incident_id == self.incident_id and self.path in names
        return self.problem if is_here else ""


NO_ATTEMPT = Attempt()


async def read_form(request: web.Request) -> Form:
    """The fields of a form. Raises `Refusal`: 415 unless it is one, 400 for text that is none, 413, 408."""
    if request.content_type != _FORM and request.can_read_body:
        raise Refusal(415, f"send a form, as {_FORM}")
    body = await bodies.read_body(request)
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX, errors="strict"
        )
    except ValueError:
        raise Refusal(400, "this form is no text in UTF-8, or has too many fields") from None
    return dict(pairs)


def asked(form: Form, incident_id: str, word: str, viewer: Viewer, clock: Clock) -> Asked:
    """The event that the form stands for. Raises `Refusal` 400 that names the field."""
    action = ACTIONS[word]
    text = bodies.text(dict(form), "text", TEXT_CHARS_MAX)
    if action is Action.NOTE and not text:
        raise invalid("text", "Write the note first.")
    return Asked(
        incident_id=incident_id,
        action=action,
        by=viewer.by,
        text=text if action is Action.NOTE else "",
        until=_until(form, viewer, clock) if action is Action.SNOOZE else None,
    )


def _until(form: Form, viewer: Viewer, clock: Clock) -> datetime | None:
    """The end of a snooze in engine time; None leaves it to the policy."""
    length, until = form.get("for", "").strip(), form.get("until", "").strip()
    if length:
        return clock.now() + bodies.duration(length, "for", SNOOZE_MAX)
    if not until:
        if "until" in form:
            raise invalid("until", "Choose until when.")
        return None
    left = _moment(until, viewer) - clock.wall()
    if not timedelta(0) < left <= SNOOZE_MAX:
        raise invalid("until", "Must be ahead, and at most 30 days.")
    return clock.now() + left


def _moment(text: str, viewer: Viewer) -> datetime:
    """A time as a browser's field has it: without a zone, in the viewer's."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("until", "Must be a time, as 2026-12-24T18:00.") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=viewer.zone)
