"""Decides what is said, in which language and voice.

What an operator wrote comes first, then the built-in phrase; a phrase of theirs that breaks or
comes out blank is replaced by the built-in one, because silence on the phone helps nobody. A
language that has no built-in phrases is answered in English, said by an English voice.

Text from a payload is only ever the value of a variable: cleaned, never rendered.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from escalator.escalation.cleaning import clean
from escalator.escalation.phrases import PHRASES, nearest, phrases_for
from escalator.escalation.rules import Keys, Person, Rules, Voice
from escalator.escalation.words import key_name, severity_name
from escalator.phone.twiml import Say

VOICES: Mapping[str, str] = {"de-DE": "Polly.Vicki-Neural", "ja-JP": "Polly.Tomoko-Neural"}
"""The voices we are sure of. Elsewhere the carrier chooses: a wrong voice would say nothing."""

_ENGLISH = "en-US"
_MAIN_REGION = {"en": _ENGLISH, "ja": "ja-JP", "pt": "pt-BR"}
# What the sandbox lets through and a template may still die of.
_BROKEN = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)
_SENTENCE_MARKS = " .。"

_templates = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What phrases may say of one incident. The texts are the payload's, as they came."""

    title: str = ""
    severity: str = ""
    summary: str = ""
    firing: int = 0


_NO_TOPIC = Topic()


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who speaks to one person: a language and a voice of the carrier's, and the phrases.

    `phrases` are the operators' own; what they lack is built in. `voice` empty: the carrier's
    choice.
    """

    language: str
    voice: str = ""
    phrases: Mapping[str, str] = field(default_factory=dict)
    keys: Keys = field(default_factory=Keys)
    person: str = ""

    def say(self, phrase: str, *, incident: Topic = _NO_TOPIC, count: int = 0, by: str = "") -> Say:
        """The phrase, to be put into a document. `KeyError` for a phrase that does not exist."""
        built_in = phrases_for(self.language)[phrase]
        own = self.phrases.get(phrase, "")
        if own:
            text = _attempt(own, self._variables(self.language, incident, count, by))
            if text:
                return Say(text, self.language, self.voice)
        if nearest(PHRASES, self.language) is not None:
            text = _rendered(built_in, self._variables(self.language, incident, count, by))
            return Say(text, self.language, self.voice)
        return Say(_rendered(built_in, self._variables(_ENGLISH, incident, count, by)), _ENGLISH)

    def _variables(self, language: str, topic: Topic, count: int, by: str) -> dict[str, object]:
        title = clean(topic.title).rstrip(_SENTENCE_MARKS)
        summary = clean(topic.summary).rstrip(_SENTENCE_MARKS)
        keys = self.keys
        return {
            "incident": {
                "title": title,
                "severity": severity_name(clean(topic.severity), language),
                "summary": "" if summary == title else summary,
                "firing": topic.firing,
            },
            "count": count,
            "by": clean(by),
            "person": clean(self.person),
            "keys": {
                name: key_name(getattr(keys, name), language)
                for name in ("acknowledge", "escalate", "resolve", "snooze", "repeat")
            },
        }


def speaker_for(rules: Rules, person: Person | None) -> Speaker:
    """The speaker for a person, or for nobody in particular, by the config in force."""
    wanted = (person.language if person else "") or rules.language
    language = say_language(wanted)
    own = nearest(rules.speech, wanted) or Voice()
    return Speaker(
        language=language,
        voice=own.voice or VOICES.get(language, ""),
        phrases=own.phrases,
        keys=rules.keys,
        person=person.name if person else "",
    )


def say_language(tag: str) -> str:
    """The tag as the carrier spells it. A language alone gets its main region: `de` is `de-DE`."""
    primary, _, region = tag.replace("_", "-").partition("-")
    primary = primary.lower()
    if region:
        return f"{primary}-{region.upper()}"
    if primary in PHRASES:
        return _MAIN_REGION.get(primary, f"{primary}-{primary.upper()}")
    return primary


def _attempt(text: str, variables: Mapping[str, object]) -> str:
    try:
        return _rendered(text, variables)
    except _BROKEN:
        return ""


def _rendered(text: str, variables: Mapping[str, object]) -> str:
    return " ".join(_compiled(text).render(variables).split())


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Template:
    return _templates.from_string(text)
