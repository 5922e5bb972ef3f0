"""What a config may say but hardly means: parts that nothing reaches, numbers that nobody has.

Warnings never keep a file from loading. They are asked of a config that fits its model.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from escalator.config.document import Document
from escalator.config.model import Config
from escalator.config.phrasing import has_built_in_phrases
from escalator.config.problems import Path
from escalator.config.reachability import unreached_routes, unused
from escalator.config.schedule_warnings import doubts_of_time
from escalator.config.secret import Secret
from escalator.config.values import is_doubtful
from escalator.escalation.phrases import MEANINGS

_NAMED = frozenset({"people", "policies", "schedules", "time_intervals", "heartbeats"})


def warn(document: Document, config: Config) -> None:
    """Report everything that is allowed and doubtful."""
    for path, message in _doubts(document, config):
        written = document.trace(path)
        is_name = written == path and len(path) == 2 and path[0] in _NAMED
        document.report(written, message, at_key=is_name, is_warning=True)


def _doubts(document: Document, config: Config) -> Iterator[tuple[Path, str]]:
    yield from _account(config)
    yield from _numbers(config)
    yield from _secrets(config, ())
    yield from unreached_routes(config)
    yield from unused(document, config)
    yield from doubts_of_time(document, config)
    yield from _unheard(config)
    yield from _languages(config)


def _account(config: Config) -> Iterator[tuple[Path, str]]:
    if not config.twilio.looks_real:
        yield (
            ("twilio", "account_sid"),
            "not the form of a Twilio account (AC and 32 hex digits)",
        )


def _numbers(config: Config) -> Iterator[tuple[Path, str]]:
    numbers: list[tuple[Path, str]] = [
        (("twilio", "from", index), number) for index, number in enumerate(config.twilio.from_)
    ]
    for name, person in config.people.items():
        key = "phone" if person.phone else "phones"
        numbers += [
            (("people", name, key, index), number) for index, number in enumerate(person.numbers)
        ]
    for path, number in numbers:
        if is_doubtful(number):
            yield path, f"{number} is of a range that its country has not given to anybody"


def _secrets(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, Secret) and value.warning:
        yield path, value.warning
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _secrets(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets(inner, (*path, key))
    elif isinstance(value, tuple):
        for index, inner in enumerate(value):
            yield from _secrets(inner, (*path, index))


def _unheard(config: Config) -> Iterator[tuple[Path, str]]:
    """Who is only written to sleeps on: a text message wakes nobody."""
    for name, policy in config.policies.items():
        if not any(step.call for step in policy.steps):
            yield ("policies", name), "no step calls anybody: only the fallback rings a phone"
    for name, person in config.people.items():
        if person.rules and all(rule.call is None for rule in person.rules):
            yield (
                ("people", name, "rules"),
                "no rule calls: this phone rings for the fallback only",
            )


def _languages(config: Config) -> Iterator[tuple[Path, str]]:
    spoken: list[tuple[Path, str]] = [(("language",), config.language)]
    spoken += [
        (("people", name, "language"), person.language)
        for name, person in config.people.items()
        if person.language
    ]
    for path, language in spoken:
        own = config.speech.get(language)
        missing = set(MEANINGS) - set(own.phrases if own else ())
        if missing and not has_built_in_phrases(language):
            yield (
                path,
                f"no phrases are built in for {language}: English is spoken where"
                f" speech.{language} has none",
            )
