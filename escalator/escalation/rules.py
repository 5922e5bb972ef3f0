"""What the operators wrote, as values the rules can read.

The config's loader builds one `Rules`; a reload swaps it whole. Nothing in here knows YAML.
Durations are `timedelta`, phone numbers E.164 text, names the config's own keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from escalator.escalation.intervals import TimeInterval
from escalator.escalation.matchers import Matcher
from escalator.escalation.schedules import Away, Schedule
from escalator.escalation.silences import Silence

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


class Channel(StrEnum):
    """How a person is reached."""

    CALL = "call"
    SMS = "sms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """What is done `after` the start of a step to reach a person."""

    channel: Channel
    after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a phone. `phones` are tried in this order, try by try.

    `contacts` say what one call target of a step becomes for this person, once a step; without any
    it is a call at once. `timezone` is an IANA name, for what is shown and counted as night.
    """

    key: str
    name: str
    phones: tuple[str, ...]
    language: str
    timezone: str = "UTC"
    aliases: tuple[str, ...] = ()
    away: tuple[Away, ...] = ()
    contacts: tuple[Contact, ...] = ()

    def is_away(self, at: datetime) -> bool:
        """Whether the person is not there (wall time)."""
        return any(away.start <= at < away.end for away in self.away)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a policy: its targets ring together, each again every `retry`, until `wait` has
    passed. Those of `sms` get a message once per entry of the step, which then only waits.
    """

    targets: tuple[str, ...] = ()
    sms: tuple[str, ...] = ()
    retry: timedelta = timedelta(minutes=2)
    wait: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Steps, how often they are gone through, and who is rung when all of that reached nobody.

    An empty `fallback` means everyone that the steps name. `ack_timeout` is None for never.
    Outside the intervals named `during` (() for always) a new incident falls under the policy
    `otherwise`, or ("") waits for them. `stale_after` is the span without a word from the sender
    after which an incident is asked about, None for never.
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
    during: tuple[str, ...] = ()
    otherwise: str = ""
    stale_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The first route whose matchers all hold gives an alert its policy and its grouping.

    `group_by` is None for the sender's own group, () for each alert by itself, else label names.
    While one of the intervals named `muted` holds, or none of those named `active` (() for always),
    a new incident waits.
    """

    name: str
    policy: str
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] | None = None
    muted: tuple[str, ...] = ()
    active: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether every matcher holds; no matchers match everything."""
        return all(matcher.matches(labels) for matcher in self.matchers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A name that must report every `every`, with `grace` on top, else it raises an alert.

    An alert that fits the matchers (() for none) is a beat and nothing else. Without
    `expect_at_start` it is armed by its first beat.
    """

    name: str
    every: timedelta
    grace: timedelta
    matchers: tuple[Matcher, ...] = ()
    policy: str = DEFAULT_POLICY
    severity: str = ""
    expect_at_start: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert of these labels is a beat."""
        return bool(self.matchers) and all(matcher.matches(labels) for matcher in self.matchers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How often phones may ring: `per_person` calls in a span of `person_span`, `per_day` in all.

    None is no cap. The fallback is under none of them.
    """

    per_person: int | None = None
    person_span: timedelta = timedelta(hours=1)
    per_day: int | None = None


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
    """The config in force, as far as deciding and speaking need it, with live overrides (in their
    schedules) and silences.

    `policies` always holds "none" (no steps) and may lack "default"; `severities` go from worst to
    mildest. `wall_ahead` is how far the wall clock is ahead of engine time: only schedules,
    silences and intervals follow it.
    """

    people: Mapping[str, Person]
    policies: Mapping[str, Policy]
    routes: tuple[Route, ...] = ()
    severities: tuple[str, ...] = ("critical", "error", "warning", "info")
    keys: Keys = field(default_factory=Keys)
    language: str = "en-US"
    speech: Mapping[str, Voice] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    time_intervals: Mapping[str, tuple[TimeInterval, ...]] = field(default_factory=dict)
    heartbeats: tuple[Heartbeat, ...] = ()
    caps: Caps = field(default_factory=Caps)
    silences: tuple[Silence, ...] = ()
    wall_ahead: timedelta = timedelta(0)

    def wall(self, now: datetime) -> datetime:
        """The wall time at this engine time."""
        return now + self.wall_ahead

    def severity_rank(self, severity: str) -> int:
        """0 is the worst; a severity that the config does not list counts as the worst."""
        try:
            return self.severities.index(severity)
        except ValueError:
            return 0

    def worse(self, one: str, other: str) -> bool:
        """Whether `one` is a worse severity than `other`."""
        return self.severity_rank(one) < self.severity_rank(other)
