"""Phrases that operators write: compiled in a sandbox and spoken to a sample while the config is
checked.

Only text of the config is ever compiled, never a word of an alert. A phrase that would fail in the
middle of a call is an error of the config. Names a phrase may use are listed in `SAMPLE`.
"""

import re
from types import SimpleNamespace
from typing import Annotated, Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.exceptions import UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from escalator.config.problems import did_you_mean
from escalator.config.section import Section
from escalator.config.values import Text, scalar, written
from escalator.escalation.phrases import MEANINGS, PHRASES, nearest

SAMPLE: dict[str, Any] = {
    "incident": SimpleNamespace(
        title="HighLatency", severity="critical", summary="Latency is above one second", firing=3
    ),
    "keys": SimpleNamespace(acknowledge="4", escalate="5", resolve="6", snooze="7", repeat="star"),
    "count": 2,
    "by": "Ana",
    "person": "Ben",
}
_NAMES = (
    "incident.title, .severity, .summary, .firing; count, by, person;"
    " keys.acknowledge, .escalate, .resolve, .snooze, .repeat"
)
_VOICE = "voice"
_SANDBOX = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


def compile_phrase(text: str) -> Template:
    """A phrase ready to be rendered with the names of `SAMPLE`. Raises
    `jinja2.TemplateSyntaxError`.
    """
    return _SANDBOX.from_string(text)


def read_phrase(value: object) -> str:
    """A phrase that compiles and renders. Raises `ValueError` with what is wrong in it."""
    text = written(value)
    try:
        compile_phrase(text).render(SAMPLE)
    except TemplateSyntaxError as error:
        raise ValueError(
            f"the template has a fault in line {error.lineno}: {error.message}"
        ) from None
    except UndefinedError as error:
        unknown = re.findall(r"'([^']*)'", str(error))[-1:]
        raise ValueError(
            f"the template uses {', '.join(unknown)}, which is not there; names: {_NAMES}"
        ) from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise ValueError(f"the template does not render: {error}") from None
    return text


def has_built_in_phrases(language: str) -> bool:
    """Whether the language, or its primary one, is among those we speak without help."""
    return nearest(PHRASES, language) is not None


def _read_phrase_name(value: object) -> str:
    name = written(value)
    if name not in MEANINGS:
        hint = did_you_mean(name, (_VOICE, *MEANINGS)) or f"; known: {', '.join(MEANINGS)}"
        raise ValueError(f"no such phrase{hint}")
    return name


def _fold(value: Any) -> Any:
    """`{voice, firing, …}` as `{voice, phrases: {firing, …}}`, the shape of the model."""
    if not isinstance(value, dict):
        return value
    voice = {_VOICE: value[_VOICE]} if _VOICE in value else {}
    return {**voice, "phrases": {key: text for key, text in value.items() if key != _VOICE}}


class SpokenLanguage(Section):
    """How one language is spoken: the carrier's voice, and the phrases the operators wrote."""

    voice: Text = ""
    phrases: dict[Annotated[str, *scalar(_read_phrase_name)], Annotated[str, *scalar(read_phrase)]]


def _flat(language: SpokenLanguage) -> dict[str, str]:
    voice = {_VOICE: language.voice} if language.voice else {}
    return {**voice, **language.phrases}


_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        _VOICE: {"type": "string", "description": "the carrier's name for a voice"},
        **{
            name: {"type": "string", "description": f"Jinja: {meaning}. Names: {_NAMES}"}
            for name, meaning in MEANINGS.items()
        },
    },
    "additionalProperties": False,
}
Speech = Annotated[
    SpokenLanguage, BeforeValidator(_fold), PlainSerializer(_flat), WithJsonSchema(_SCHEMA)
]
