"""What an answer by message asks for, and what is said to it.

A command is a digit of the phone's menu, or a word, and the code of one or more incidents. The words
that carriers keep for themselves are never one. A number in a command that is neither a code nor a
span is a mistake, and then nothing is done.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from escalator.escalation.cleaning import clean
from escalator.escalation.events import Action
from escalator.escalation.incidents import Incident, Phase
from escalator.escalation.rules import Keys, Person, Rules
from escalator.escalation.text_phrases import text_phrase
from escalator.escalation.texting import SHORT_MAX, language_of, local_time

CODES_MAX = 20
SNOOZE_MAX = timedelta(days=30)
BODY_MAX = 500
CARRIERS_WORDS = frozenset(
    "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT START YES UNSTOP HELP INFO".split()
)
_WORDS: Mapping[str, Action] = {
    "ack": Action.ACKNOWLEDGE,
    "acknowledge": Action.ACKNOWLEDGE,
    "escalate": Action.ESCALATE,
    "resolve": Action.RESOLVE,
    "snooze": Action.SNOOZE,
}
_CODE = re.compile(r"[0-9]{6}")
_SPAN = re.compile(r"([0-9]{1,4})([smhdw])")
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_PARTED = re.compile(r"[\s,;:.!()\"']+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What somebody wants of the incidents with these codes. `span` is that of a snooze."""

    action: Action
    codes: tuple[str, ...]
    span: timedelta | None = None


def is_carriers_word(body: str) -> bool:
    """Whether the carrier, or the law, gives this message a meaning of its own."""
    return body.strip().strip(".!\"'").upper() in CARRIERS_WORDS


def command_of(keys: Keys, body: str) -> Command | None:
    """The command in a message; None when there is none in it, or more than one can be sure of."""
    text = unicodedata.normalize("NFKC", body[:BODY_MAX]).casefold()
    first, *rest = [part for part in _PARTED.split(text) if part] or [""]
    verbs = {**_WORDS, **_digits(keys)}
    if first not in verbs and _CODE.fullmatch(first[1:]):
        first, rest = first[0], [first[1:], *rest]
    action = verbs.get(first)
    counted = [part for part in rest if any(sign.isdigit() for sign in part)]
    codes = tuple(dict.fromkeys(part for part in counted if _CODE.fullmatch(part)))
    spans = [part for part in counted if not _CODE.fullmatch(part)]
    if action is None or not 0 < len(codes) <= CODES_MAX:
        return None
    if not spans:
        return Command(action=action, codes=codes)
    span = _span(spans[0]) if len(spans) == 1 and action is Action.SNOOZE else None
    return None if span is None else Command(action=action, codes=codes, span=span)


def _digits(keys: Keys) -> dict[str, Action]:
    digits = {
        keys.acknowledge: Action.ACKNOWLEDGE,
        keys.escalate: Action.ESCALATE,
        keys.resolve: Action.RESOLVE,
        keys.snooze: Action.SNOOZE,
    }
    return {digit: action for digit, action in digits.items() if digit}


def _span(text: str) -> timedelta | None:
    found = _SPAN.fullmatch(text)
    span = int(found[1]) * _UNITS[found[2]] if found else timedelta(0)
    return span if timedelta(0) < span <= SNOOZE_MAX else None


def standing(rules: Rules, person: Person, action: Action, incident: Incident) -> str:
    """How an incident stands, for somebody who has just asked something of it; it is on disk."""
    what = f"{clean(incident.title, SHORT_MAX)} ({incident.code})"
    language = language_of(rules, person)
    match incident.phase:
        case Phase.RESOLVED:
            return text_phrase(language, "resolved", what=what)
        case Phase.SNOOZED if incident.until is not None:
            until = local_time(rules.wall(incident.until), person)
            return text_phrase(language, "snoozed", what=what, until=until)
        case Phase.ACKNOWLEDGED if incident.acknowledged_by == person.key:
            return text_phrase(language, "acknowledged", what=what)
        case Phase.ACKNOWLEDGED:
            by = _name(rules, incident.acknowledged_by)
            return text_phrase(language, "acknowledged_by", what=what, by=by)
        case Phase.TRIGGERED if action is Action.ESCALATE:
            return text_phrase(language, "passed_on", what=what)
        case _:  # nobody is left to pass it on to; or told twice, and it rings again by now
            key = rules.keys.acknowledge
            hint = text_phrase(language, "reply", key=key, code=incident.code)
            return f"{what}. {hint}"


def unknown_code(rules: Rules, person: Person, code: str) -> str:
    """What is said to a code that no open incident has."""
    return text_phrase(language_of(rules, person), "unknown_code", code=code)


def usage(rules: Rules, person: Person | None) -> str:
    """How to write a command; somebody we do not know learns only that."""
    language = language_of(rules, person)
    if person is None:
        return text_phrase(language, "stranger")
    keys = rules.keys
    return text_phrase(
        language,
        "help",
        acknowledge=keys.acknowledge,
        escalate=keys.escalate,
        resolve=keys.resolve,
    )


def _name(rules: Rules, key: str | None) -> str:
    person = rules.people.get(key or "")
    return clean(person.name if person is not None else (key or ""), SHORT_MAX)
