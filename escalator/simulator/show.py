"""What whoever runs the simulator gives to its pages: who owns which phone, links, acts, and the story
so far.

The simulator knows nothing of its customers. An act is a function with a label; a fact is a pair of
words. Without any of it the pages still show every phone.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

LINES_MAX = 60


class ActError(Exception):
    """The act could not be played. The sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose phone a number is. `key` names the page, `language` is what its owner is spoken to in,
    empty for no matter.
    """

    key: str
    name: str
    number: str
    language: str = ""

    @property
    def short(self) -> str:
        """The first name."""
        return self.name.split()[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A page elsewhere on this machine."""

    label: str
    url: str
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A button. `play` returns the sentence that says what it did; raises `ActError`."""

    key: str
    label: str
    about: str
    group: str
    play: Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something worth seeing at all times: `Carrier`, `down`. `is_bad`: it is in trouble."""

    name: str
    value: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story. `is_speech`: it is what somebody hears."""

    at: datetime
    who: str
    what: str
    is_speech: bool = False


@dataclass(slots=True, kw_only=True)
class Show:
    """All of it. `texts_go_to`: the webhook that gets what people text back, empty if nobody knows
    it; `texts_from`: the number that they write to.
    """

    title: str = "The simulator"
    owners: Sequence[Owner] = ()
    links: Sequence[Link] = ()
    acts: Sequence[Act] = ()
    facts: Callable[[], Sequence[Fact]] = tuple
    texts_go_to: str = ""
    texts_from: str = ""
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=LINES_MAX))

    def owner_of(self, number: str) -> Owner | None:
        """Who has this number."""
        return next((owner for owner in self.owners if owner.number == number), None)

    def act(self, key: str) -> Act | None:
        """The act of this key."""
        return next((act for act in self.acts if act.key == key), None)
