"""The config as the core wants it: one `Rules` value, frozen, without YAML and without secrets."""

from escalator.config.model import Config, Person
from escalator.config.routing import Policy, Route
from escalator.escalation import rules
from escalator.escalation.rules import DEFAULT_POLICY, EVERYONE, NO_POLICY


def build_rules(config: Config) -> rules.Rules:
    """Everything that deciding and speaking need of a config."""
    policies = {name: _policy(name, policy) for name, policy in config.policies.items()}
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
    )


def _person(name: str, person: Person, config: Config) -> rules.Person:
    return rules.Person(
        key=name,
        name=person.name or name,
        phones=person.numbers,
        language=person.language or config.language,
    )


def _policy(name: str, policy: Policy) -> rules.Policy:
    steps = tuple(
        rules.Step(targets=_each_once(step.call), retry=step.retry, wait=step.wait)
        for step in policy.steps
    )
    every = policy.fallback.every if policy.fallback else rules.EXHAUSTED_EVERY
    return rules.Policy(
        name=name,
        steps=steps,
        repeat=policy.repeat,
        fallback=_each_once(policy.fallback.call) if policy.fallback else _named_by(steps),
        fallback_every=every,
        ack_timeout=policy.ack_timeout,
        on_new_alerts=rules.OnNewAlerts(policy.on_new_alerts),
        flap_window=policy.flap_window,
        snooze=policy.snooze,
    )


def _named_by(steps: tuple[rules.Step, ...]) -> tuple[str, ...]:
    """Each target of any step, in their order; everyone when the steps name nobody."""
    named = _each_once(tuple(target for step in steps for target in step.targets))
    return (EVERYONE,) if EVERYONE in named or not named else named


def _routes(written: tuple[Route, ...]) -> tuple[rules.Route, ...]:
    """The routes in their order; a config without any has one, which fits everything."""
    if not written:
        return (rules.Route(name=DEFAULT_POLICY, policy=DEFAULT_POLICY),)
    return tuple(
        rules.Route(
            name=route.name or f"route-{position}",
            policy=route.policy,
            matchers=tuple(matcher for group in route.matchers or () for matcher in group),
            group_by=route.group_by,
        )
        for position, route in enumerate(written, start=1)
    )


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
