r"""Alertmanager's label matchers: `name="value"`, `!=`, `=~`, `!~`.

A missing label is the empty text, as in Alertmanager. Regular expressions are anchored at both
ends. A value may be quoted (`\"`, `\\`, `\n` are its escapes) or bare; a quoted name may hold any
character. Braces around one matcher and commas are for the caller to split.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_NAME = r"[^\s!=~\",{}]+"
_BARE_NAME = re.compile(_NAME)
_MATCHER = re.compile(
    rf"\s*(?P<name>{_QUOTED}|{_NAME})\s*(?P<op>=~|!~|!=|=)\s*(?P<value>{_QUOTED}|[^\s\",{{}}]*)\s*",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


class MatcherError(ValueError):
    """A matcher could not be read."""


class Operator(StrEnum):
    """The four ways to compare a label."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label."""

    name: str
    operator: Operator
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy this condition."""
        actual = labels.get(self.name, "")
        match self.operator:
            case Operator.EQUAL:
                return actual == self.value
            case Operator.NOT_EQUAL:
                return actual != self.value
            case Operator.REGEX:
                return _compiled(self.value).fullmatch(actual) is not None
            case Operator.NOT_REGEX:
                return _compiled(self.value).fullmatch(actual) is None

    def __str__(self) -> str:
        """The matcher as one would write it in the config."""
        name = self.name if _BARE_NAME.fullmatch(self.name) else _quoted(self.name)
        return f"{name}{self.operator}{_quoted(self.value)}"


def parse_matcher(text: str) -> Matcher:
    """Read one matcher. Raises `MatcherError` with what is wrong and how to write it."""
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise MatcherError(f'{text!r} is not a matcher; write name="value", with =, !=, =~ or !~')
    matcher = Matcher(_unquote(found["name"]), Operator(found["op"]), _unquote(found["value"]))
    if not matcher.name:
        raise MatcherError(f"{text!r} names no label")
    if matcher.operator in (Operator.REGEX, Operator.NOT_REGEX):
        try:
            _compiled(matcher.value)
        except re.error as error:
            raise MatcherError(f"{matcher.value!r} is not a regular expression: {error}") from error
    return matcher


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _unquote(text: str) -> str:
    if not text.startswith('"'):
        return text
    return re.sub(
        r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text[1:-1], flags=re.DOTALL
    )
