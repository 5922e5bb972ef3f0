"""What a config may say but hardly means: parts that nothing reaches, numbers that nobody has.

Warnings never keep a file from loading. They are asked of a config that fits its model.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from escalator.config.checks import targets
from escalator.config.document import Document
from escalator.config.model import Config
from escalator.config.phrasing import has_built_in_phrases
from escalator.config.problems import Path
from escalator.config.secret import Secret
from escalator.config.values import is_doubtful
from escalator.escalation.phrases import MEANINGS
from escalator.escalation.rules import DEFAULT_POLICY, EVERYONE


def warn(document: Document, config: Config) -> None:
    """Report everything that is allowed and doubtful."""
    for path, message in _doubts(document, config):
        written = document.trace(path)
        is_name = written == path and len(path) == 2 and path[0] in {"people", "policies"}
        document.report(written, message, at_key=is_name, is_warning=True)


def _doubts(document: Document, config: Config) -> Iterator[tuple[Path, str]]:
    yield from _account(config)
    yield from _numbers(config)
    yield from _secrets(config, ())
    yield from _routes(config)
    yield from _unused(document, config)
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


def _routes(config: Config) -> Iterator[tuple[Path, str]]:
    for index, route in enumerate(config.routes[:-1]):
        if not route.matchers:
            below = len(config.routes) - index - 1
            them = "the route below it is" if below == 1 else f"the {below} routes below it are"
            yield ("routes", index), f"fits every alert: {them} never reached"
            return


def _unused(document: Document, config: Config) -> Iterator[tuple[Path, str]]:
    rung = {target for _, target in targets(document)}
    if EVERYONE not in rung:
        for name in config.people:
            if name not in rung:
                yield ("people", name), "no policy rings this person"
    used = {DEFAULT_POLICY, *(route.policy for route in config.routes)}
    for name in config.policies:
        if name not in used:
            yield ("policies", name), "no route leads to this policy"


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
