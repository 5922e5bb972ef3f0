"""The part of the config that says which alert rings whom: policies, their steps, and routes."""

from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema, model_validator

from escalator.config.matching import read_matchers
from escalator.config.section import NOT_EMPTY, ONE_OR_MANY, Section, Shorthand, choice
from escalator.config.values import (
    LabelName,
    Name,
    Rounds,
    Text,
    Timer,
    read_free_name,
    read_timer,
    scalar,
    show_duration,
    written,
)
from escalator.escalation.matchers import Matcher, MatcherError
from escalator.escalation.rules import DEFAULT_POLICY, EXHAUSTED_EVERY, NO_POLICY

NEVER = "never"
EACH = "each"

Targets = Annotated[tuple[Text, ...], NOT_EMPTY, ONE_OR_MANY]
IntervalNames = Annotated[tuple[Text, ...], NOT_EMPTY, ONE_OR_MANY]


class Step(Section):
    """Targets that ring together, each again after `retry`, until `wait` has passed; those of `sms`
    get one message each.
    """

    call: Targets | None = None
    sms: Targets | None = None
    retry: Timer = timedelta(minutes=2)
    wait: Timer = timedelta(minutes=5)

    @model_validator(mode="after")
    def _reaches_somebody(self) -> Self:
        if self.call is None and self.sms is None:
            raise ValueError("a step needs call or sms, as { call: ana, wait: 5m }")
        return self


class Fallback(Section):
    """Who is rung, and how often, once every round has reached nobody."""

    call: Targets
    every: Timer = EXHAUSTED_EVERY


def _read_timer_or_never(value: object) -> timedelta | None:
    try:
        return None if value == NEVER else read_timer(value)
    except ValueError as error:
        raise ValueError(f"{error}; or write {NEVER}") from None


TimerOrNever = Annotated[
    timedelta | None,
    *scalar(_read_timer_or_never, {"description": "a duration, or never"}),
    PlainSerializer(lambda value: show_duration(value) if value else NEVER),
]


class Policy(Section):
    """Steps, how often they are gone through, and what follows."""

    steps: Annotated[tuple[Step, ...], NOT_EMPTY]
    repeat: Rounds = 3
    fallback: (
        Annotated[
            Fallback,
            Shorthand(
                lambda value: value if isinstance(value, dict) else {"call": value},
                {"type": ["string", "array"], "items": {"type": "string"}},
            ),
        ]
        | None
    ) = None
    ack_timeout: TimerOrNever = None
    on_new_alerts: Annotated[str, *choice("worse", "page", "note")] = "worse"
    flap_window: Timer = timedelta(minutes=10)
    snooze: Timer = timedelta(hours=1)
    during: IntervalNames | None = None
    otherwise: Text = ""
    stale_after: TimerOrNever = None

    @model_validator(mode="after")
    def _otherwise_than_what(self) -> Self:
        if self.otherwise and self.during is None:
            raise ValueError(
                "otherwise is the policy that holds outside of during; write during too, or take"
                " otherwise away"
            )
        return self


def read_policy_name(value: object) -> str:
    """A policy's name; `none` is built in."""
    if value == NO_POLICY:
        raise ValueError("the policy none is built in (record, never call); it cannot be redefined")
    return read_free_name(value)


def drop_empty_none(value: Any) -> Any:
    """Allow `none: {}`, which says only what holds anyway."""
    if isinstance(value, dict) and value.get(NO_POLICY) == {}:
        return {name: policy for name, policy in value.items() if name != NO_POLICY}
    return value


def _read_matchers(value: object) -> tuple[Matcher, ...]:
    try:
        return read_matchers((written(value),))
    except MatcherError as error:
        raise ValueError(f"{error}; in the file put it in single quotes") from None


Matchers = Annotated[
    tuple[Matcher, ...],
    *scalar(_read_matchers, {"description": "Alertmanager's matcher, as 'severity=\"critical\"'"}),
    PlainSerializer(lambda matchers: ",".join(str(one) for one in matchers)),
]
MatcherList = Annotated[tuple[Matchers, ...], NOT_EMPTY, ONE_OR_MANY]


def _read_group_by(value: object) -> object:
    if value == EACH:
        return ()
    if not isinstance(value, list):
        raise ValueError(f"write {EACH}, or a list of label names: [alertname, cluster]")  # noqa: TRY004 - pydantic gathers no other
    if not value:
        raise ValueError(f"write {EACH}, label names, or take the key away for the sender's groups")
    return value


GroupBy = Annotated[
    tuple[LabelName, ...] | None,
    BeforeValidator(_read_group_by),
    PlainSerializer(lambda names: EACH if names == () else names),
    WithJsonSchema(
        {"anyOf": [{"const": EACH}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
]


class Route(Section):
    """Matchers, and what becomes of an alert that fits them all."""

    name: Name | None = None
    matchers: MatcherList | None = None
    policy: Text = DEFAULT_POLICY
    group_by: GroupBy = None
    mute_time_intervals: IntervalNames | None = None
    active_time_intervals: IntervalNames | None = None
