"""Which messages to send next: one a number, about all that is due there, the worst first.

A number that still has a message on its way to the carrier, or got one a moment ago, waits, and what
falls due meanwhile travels with the next one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from escalator.escalation.messages import Told
from escalator.escalation.rules import Rules

REST = timedelta(seconds=10)
"""At most one message a number in this span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueText:
    """A message that an incident owes to a person now. `is_stale`: it only asks about it."""

    incident_id: str
    person: str
    severity: str
    due_at: datetime
    is_stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Write to this number about these, the most important first; not before `not_before`."""

    to: str
    tells: tuple[Told, ...]
    not_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """Nobody can be written to about this."""

    told: Told
    reason: str


def bundle(
    rules: Rules,
    due: Sequence[DueText],
    numbers: Mapping[str, str],
    last: Mapping[str, datetime | None],
) -> list[Bundle | PassedOver]:
    """What the texter should do, most urgent first.

    `numbers` says where each person is written to; `last` when a number was last written to, None
    while a message to it is under way.
    """
    passed: list[Bundle | PassedOver] = []
    by_number: dict[str, list[DueText]] = {}
    for text in sorted(due, key=lambda one: _urgency(rules, one)):
        if text.person not in rules.people:
            passed.append(PassedOver(told=_told(text), reason="no longer in the config"))
        elif text.person not in numbers:
            passed.append(PassedOver(told=_told(text), reason="no number to write to"))
        else:
            by_number.setdefault(numbers[text.person], []).append(text)
    return passed + [
        Bundle(
            to=number,
            tells=tuple(dict.fromkeys(_told(text) for text in texts)),
            not_before=_free_at(number, texts, last),
        )
        for number, texts in by_number.items()
        if last.get(number, texts[0].due_at) is not None
    ]


def _free_at(
    number: str, texts: Sequence[DueText], last: Mapping[str, datetime | None]
) -> datetime:
    earliest = min(text.due_at for text in texts)
    before = last.get(number)
    return earliest if before is None else max(earliest, before + REST)


def _urgency(rules: Rules, text: DueText) -> tuple[bool, int, datetime]:
    return text.is_stale, rules.severity_rank(text.severity), text.due_at


def _told(text: DueText) -> Told:
    return Told(incident_id=text.incident_id, person=text.person)
