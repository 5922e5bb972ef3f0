"""The config as the core wants it: one `Rules` value, frozen, without YAML and without secrets."""

from collections.abc import Mapping

from escalator.config.building_schedules import (
    away_of,
    build_schedules,
    build_time_intervals,
    contacts_of,
    people_in,
)
from escalator.config.carrier import Limits
from escalator.config.heartbeats import Heartbeat
from escalator.config.model import Config
from escalator.config.parts import NEXT
from escalator.config.people import Person
from escalator.config.routing import MatcherList, Policy, Route, Step
from escalator.escalation import rules
from escalator.escalation.matchers import Matcher
from escalator.escalation.rules import DEFAULT_POLICY, EVERYONE, NO_POLICY
from escalator.escalation.schedules import Schedule


def build_rules(config: Config) -> rules.Rules:
    """Everything that deciding and speaking need of a config."""
    schedules = build_schedules(config)
    policies = {name: _policy(name, policy, schedules) for name, policy in config.policies.items()}
    policies[NO_POLICY] = rules.Policy(name=NO_POLICY, steps=())
    return rules.Rules(
        people={name: _person(name, person, config) for name, person in config.people.items()},
        policies=policies,
        routes=_routes(config.routes),
        severities=config.severities,
        keys=rules.Keys(**config.keys.model_dump()),
        language=config.language,
        speech={
            language: rules.Voice(voice=spoken.voice, phrases=dict(spoken.phrases))
            for language, spoken in config.speech.items()
        },
        schedules=schedules,
        time_intervals=build_time_intervals(config),
        heartbeats=tuple(_heartbeat(name, one) for name, one in config.heartbeats.items()),
        caps=_caps(config.twilio.limits),
    )


def _person(name: str, person: Person, config: Config) -> rules.Person:
    return rules.Person(
        key=name,
        name=person.name or name,
        phones=person.numbers,
        language=person.language or config.language,
        timezone=person.timezone or config.timezone,
        aliases=person.aliases,
        away=away_of(person, config.timezone),
        contacts=contacts_of(person),
    )


def _policy(name: str, policy: Policy, schedules: Mapping[str, Schedule]) -> rules.Policy:
    steps = tuple(_step(step) for step in policy.steps)
    fallback = policy.fallback
    return rules.Policy(
        name=name,
        steps=steps,
        repeat=policy.repeat,
        fallback=_each_once(fallback.call) if fallback else _named_by(steps, schedules),
        fallback_every=fallback.every if fallback else rules.EXHAUSTED_EVERY,
        ack_timeout=policy.ack_timeout,
        on_new_alerts=rules.OnNewAlerts(policy.on_new_alerts),
        flap_window=policy.flap_window,
        snooze=policy.snooze,
        during=_each_once(policy.during),
        otherwise=policy.otherwise,
        stale_after=policy.stale_after,
    )


def _step(step: Step) -> rules.Step:
    return rules.Step(
        targets=_each_once(step.call), sms=_each_once(step.sms), retry=step.retry, wait=step.wait
    )


def _named_by(steps: tuple[rules.Step, ...], schedules: Mapping[str, Schedule]) -> tuple[str, ...]:
    """Each person whom any step or a schedule of it names, in their order; everyone when there is
    nobody.

    Whom a calendar names is known only while it is read: such a schedule stands for itself.
    """
    named: list[str] = []
    for target in (target for step in steps for target in (*step.targets, *step.sms)):
        schedule = schedules.get(target.removesuffix(NEXT))
        if schedule is None:
            named.append(target)
        else:
            named += people_in(schedule) if schedule.events is None else (schedule.name,)
    return (EVERYONE,) if EVERYONE in named or not named else _each_once(tuple(named))


def _routes(written: tuple[Route, ...]) -> tuple[rules.Route, ...]:
    """The routes in their order; a config without any has one, which fits everything."""
    if not written:
        return (rules.Route(name=DEFAULT_POLICY, policy=DEFAULT_POLICY),)
    return tuple(
        rules.Route(
            name=route.name or f"route-{position}",
            policy=route.policy,
            matchers=_flat(route.matchers),
            group_by=route.group_by,
            muted=_each_once(route.mute_time_intervals),
            active=_each_once(route.active_time_intervals),
        )
        for position, route in enumerate(written, start=1)
    )


def _heartbeat(name: str, heartbeat: Heartbeat) -> rules.Heartbeat:
    return rules.Heartbeat(
        name=name,
        every=heartbeat.every,
        grace=heartbeat.grace,
        matchers=_flat(heartbeat.matchers),
        policy=heartbeat.policy,
        severity=heartbeat.severity,
        expect_at_start=heartbeat.expect_at_start,
    )


def _caps(limits: Limits) -> rules.Caps:
    return rules.Caps(
        per_person=limits.calls_per_person.calls,
        person_span=limits.calls_per_person.span,
        per_day=limits.calls_per_day,
    )


def _flat(matchers: MatcherList | None) -> tuple[Matcher, ...]:
    return tuple(matcher for group in matchers or () for matcher in group)


def _each_once(names: tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names or ()))
