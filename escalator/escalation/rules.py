"""What the operators wrote, as values the rules can read.

The config's loader builds one `Rules`; a reload swaps it whole. Nothing in here knows YAML.
Durations are `timedelta`, phone numbers E.164 text, names the config's own keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from escalator.escalation.matchers import Matcher

NO_POLICY = "none"
DEFAULT_POLICY = "default"
EVERYONE = "everyone"
BUSY_RETRY = timedelta(seconds=30)
BUSY_TRIES = 3
EXHAUSTED_EVERY = timedelta(minutes=10)


class OnNewAlerts(StrEnum):
    """When a new alert wakes an incident that somebody has acknowledged or snoozed."""

    WORSE = "worse"
    PAGE = "page"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a phone. `phones` are tried in this order, try by try."""

    key: str
    name: str
    phones: tuple[str, ...]
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a policy: its targets ring together, each again every `retry`, until `wait` has
    passed.
    """

    targets: tuple[str, ...]
    retry: timedelta = timedelta(minutes=2)
    wait: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Steps, how often they are gone through, and who is rung when all of that reached nobody.

    An empty `fallback` means everyone that the steps name. `ack_timeout` is None for never.
    """

    name: str
    steps: tuple[Step, ...]
    repeat: int = 3
    fallback: tuple[str, ...] = ()
    fallback_every: timedelta = EXHAUSTED_EVERY
    ack_timeout: timedelta | None = None
    on_new_alerts: OnNewAlerts = OnNewAlerts.WORSE
    flap_window: timedelta = timedelta(minutes=10)
    snooze: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The first route whose matchers all hold gives an alert its policy and its grouping.

    `group_by` is None for the sender's own group, () for each alert by itself, else label names.
    """

    name: str
    policy: str
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] | None = None

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether every matcher holds; no matchers match everything."""
        return all(matcher.matches(labels) for matcher in self.matchers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Which digit does what during a call."""

    acknowledge: str = "4"
    escalate: str = "5"
    resolve: str = "6"
    repeat: str = "*"
    snooze: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How a language is spoken: the carrier's voice ("" for its own choice) and phrases written by
    the operators.
    """

    voice: str = ""
    phrases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The config in force, as far as deciding and speaking need it.

    `policies` always holds "none" (no steps) and may lack "default"; `severities` go from worst to
    mildest.
    """

    people: Mapping[str, Person]
    policies: Mapping[str, Policy]
    routes: tuple[Route, ...] = ()
    severities: tuple[str, ...] = ("critical", "error", "warning", "info")
    keys: Keys = field(default_factory=Keys)
    language: str = "en-US"
    speech: Mapping[str, Voice] = field(default_factory=dict)

    def severity_rank(self, severity: str) -> int:
        """0 is the worst; a severity that the config does not list counts as the worst."""
        try:
            return self.severities.index(severity)
        except ValueError:
            return 0

    def worse(self, one: str, other: str) -> bool:
        """Whether `one` is a worse severity than `other`."""
        return self.severity_rank(one) < self.severity_rank(other)
