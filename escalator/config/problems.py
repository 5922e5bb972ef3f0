"""What is wrong with a config file, in words that can be acted on at night.

A problem knows its place. Errors and warnings are the same thing with a different weight; only
errors keep a file from loading. Nothing in here imports pydantic or YAML, so the command line
can afford to know it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in the file; both count from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault of one file. `line` 0 stands for the file as a whole; `path` is dotted and may be
    empty.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    is_warning: bool = False

    def __str__(self) -> str:
        """`file:line:col: path: what is wrong`."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        weight = "warning: " if self.is_warning else ""
        path = f"{self.path}: " if self.path else ""
        return f"{place}: {path}{weight}{self.message}"


class ConfigError(Exception):
    """The config does not load; whatever was in force stays in force.

    `problems` holds every error that was found, in the order of the file. Warnings are for a file
    that loads.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems by place, each once."""
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda one: (one.line, one.column, one.path)))


def dotted(path: Path) -> str:
    """`("people", "ben", "phone")` as `people.ben.phone`; items of lists count from 0."""
    return ".".join(str(part) for part in path)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` when something known is close, else nothing."""
    close = get_close_matches(word, sorted(known), n=2, cutoff=0.6)
    if not close:
        return ""
    return "; did you mean " + " or ".join(repr(one) for one in close) + "?"
