"""What was said in a call. A direct call's words are on file; a page's are not, so they are made again from the
incidents as they are now by what makes them for the carrier, and the page says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from escalator.escalation.calls import Call, CallOutcome
from escalator.escalation.incidents import Incident
from escalator.escalation.rules import Rules
from escalator.phone import prompts
from escalator.phone.speech import speaker_for

_NOWHERE = "https://example.invalid/"
_SPOKEN = frozenset({CallOutcome.ACKNOWLEDGED, CallOutcome.HEARD})


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something that was said, and in which language."""

    text: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The sentences of a call. `is_stored`: on file as they were said; else as the call would say them now."""

    sentences: tuple[Sentence, ...]
    is_stored: bool


def said_in(rules: Rules, call: Call, incidents: Sequence[Incident]) -> Said | None:
    """What somebody (or a voicemail) heard in this call; None when nothing was said."""
    if call.speech is not None:
        if call.answered_at is None:
            return None
        own = Sentence(call.speech.say, call.speech.language)
        return Said(sentences=(own,), is_stored=True)
    speaker = speaker_for(rules, rules.people.get(call.person))
    if call.outcome is CallOutcome.MACHINE:
        return Said(sentences=_sentences(prompts.to_machine(speaker)), is_stored=False)
    if call.outcome not in _SPOKEN or not incidents:
        return None
    prompt = prompts.Prompt(incidents=incidents, key_url=_NOWHERE, next_url=_NOWHERE)
    return Said(sentences=_sentences(prompts.menu(speaker, prompt)), is_stored=False)


def _sentences(document: bytes) -> tuple[Sentence, ...]:
    says = ElementTree.fromstring(document).iter("Say")  # noqa: S314 - a document of our own making
    return tuple(Sentence(say.text or "", say.get("language", "")) for say in says)
