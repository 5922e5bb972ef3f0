"""What an explanation holds: the way of one alert, and who would be rung for it if nobody answered.

Moments are aware UTC; sentences say theirs in the zone of the explanation. Numbers are masked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A route that was asked before the one that took the alert, and why it did not."""

    route: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """A policy that does not act now, for it is outside its hours; `until` None: no end in sight."""

    policy: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Nobody is rung from `since` on, and why; `until` None: no end in sight."""

    why: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A phone rings for a person. People who share a number share the `call`, which counts from 1.

    `step` counts from 0 and is None for the fallback, as is then `round`, which counts from 1;
    `attempt` counts the calls of the step to this person from 1. `reason` says why this person.
    """

    at: datetime
    call: int
    person: str
    name: str
    to: str
    step: int | None
    round: int | None
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message is due to a person. It never counts as reached."""

    at: datetime
    person: str
    name: str
    step: int
    round: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What one might not expect at this point: somebody is not rung, and why; the fallback begins.

    `step` and `round` as those of a ring.
    """

    at: datetime
    step: int | None
    round: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What becomes of an alert.

    `beats`: the heartbeats that it is a beat of; then nothing else happens. `route` is "" when none
    matched, `position` counts from 1. `policy` acts, `outside` those that would but are outside
    their hours. `rings`, `messages` and `notes` are in order, until the fallback was rung once at
    `fallback_at`: from then on it is rung `fallback_every`. `calls` is how many calls that makes;
    `is_cut`: there are more than are told.
    """

    at: datetime
    zone: ZoneInfo
    title: str
    labels: Mapping[str, str]
    beats: tuple[str, ...] = ()
    route: str = ""
    position: int = 0
    routes: int = 0
    missed: tuple[Miss, ...] = ()
    policy: str = ""
    steps: int = 0
    rounds: int = 0
    outside: tuple[Outside, ...] = ()
    held: tuple[Held, ...] = ()
    rings: tuple[Ring, ...] = ()
    messages: tuple[Message, ...] = ()
    notes: tuple[Note, ...] = ()
    calls: int = 0
    fallback_at: datetime | None = None
    fallback_every: timedelta | None = None
    is_cut: bool = False
    warnings: tuple[str, ...] = ()
