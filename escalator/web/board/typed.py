"""What people type into the fields of a form, as the API reads it, and the API's complaints as they are told there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from escalator.web.answers import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A form that could not be used, or none yet: what is wrong with which field, and what was typed."""

    path: str = ""
    problem: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """What was typed into a field."""
        return self.typed.get(name, "")

    def wrong(self, *names: str) -> str:
        """What is wrong with one of these fields, "" for nothing."""
        return self.problem if self.path in names else ""


def slip_of(refusal: Refusal, typed: Mapping[str, str]) -> Slip:
    """A form and why it could not be used. A refusal that names no field is none of the form's: it is raised."""
    if not refusal.path:
        raise refusal
    return Slip(path=refusal.path, problem=sentence(refusal.message), typed=typed)


def local_moment(text: str) -> str:
    """A browser's `2026-12-24T18:00` as the config file writes it; anything else as it is."""
    day, separator, clock = text.strip().partition("T")
    is_local = separator and len(day) == 10 and len(clock) == 5
    return f"{day} {clock}" if is_local else text.strip()


def for_field(at: datetime, zone: ZoneInfo) -> str:
    """A moment as a browser's field for local times has it."""
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def field_kind(text: str, kind: str) -> str:
    """The kind of field that can show this text: one for times or days drops what is neither."""
    length = {"datetime-local": 16, "date": 10}.get(kind)
    if length is None or not text:
        return kind
    try:
        return kind if len(text) == length and datetime.fromisoformat(text) else "text"
    except ValueError:
        return "text"


def sentence(message: str) -> str:
    """A complaint of the API as a sentence of its own."""
    return f"{message[:1].upper()}{message[1:]}" + (
        "" if message.endswith((".", "!", "?")) else "."
    )


def wanted(form: Mapping[str, str], *names: str) -> dict[str, object]:
    """Some fields of a form, stripped; those that are empty are not there."""
    return {name: text for name in names if (text := form.get(name, "").strip())}
