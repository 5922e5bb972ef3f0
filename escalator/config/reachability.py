"""Parts of a config that nothing leads to: routes behind wider ones, people, schedules, policies and
intervals that nobody names.
"""

from collections.abc import Iterable, Iterator

from escalator.config.document import Document
from escalator.config.model import Config
from escalator.config.parts import NEXT, intervals_named, policies_named, targets
from escalator.config.problems import Path
from escalator.config.routing import Route
from escalator.config.scheduling import Schedule
from escalator.escalation.matchers import Matcher, Operator
from escalator.escalation.rules import DEFAULT_POLICY, EVERYONE

Doubts = Iterator[tuple[Path, str]]


def unreached_routes(config: Config) -> Doubts:
    """Routes that no alert comes to, as far as their matchers say so by themselves.

    A route that takes everything is told of at its own place, once for all that follow.
    """
    for index, route in enumerate(config.routes):
        matchers = _matchers(route)
        below = len(config.routes) - index - 1
        if not matchers:
            if below:
                them = "the route below it is" if below == 1 else f"the {below} routes below it are"
                yield ("routes", index), f"fits every alert: {them} never reached"
            return
        contradiction = _contradiction(matchers)
        wider = _wider(config.routes[:index], matchers)
        if contradiction:
            yield ("routes", index), f"no alert fits both {contradiction}: it is never reached"
        elif wider is not None:
            name = config.routes[wider].name or f"route-{wider + 1}"
            yield (
                ("routes", index),
                f"every alert that fits it has gone to {name} before: it is never reached",
            )


def unused(document: Document, config: Config) -> Doubts:
    """People, schedules, policies and intervals that are written and nothing leads to."""
    rung = {target.removesuffix(NEXT) for _, target in targets(document)}
    yield from _unused_people(config, rung)
    for name in config.schedules:
        if name not in rung:
            yield ("schedules", name), "no policy rings this schedule"
    led_to = {DEFAULT_POLICY, *(policy for _, policy in policies_named(document))}
    for name in config.policies:
        if name not in led_to:
            yield ("policies", name), "no route leads to this policy"
    asked = {name for _, name in intervals_named(document)}
    for name in config.time_intervals:
        if name not in asked:
            yield ("time_intervals", name), "no route and no policy asks for this interval"


def _unused_people(config: Config, rung: set[str]) -> Doubts:
    """Nothing is said while a calendar is rung: whom it names is not in the file."""
    used = [schedule for name, schedule in config.schedules.items() if name in rung]
    if EVERYONE in rung or any(schedule.ical for schedule in used):
        return
    scheduled = {person for schedule in used for person in _people_of(schedule)}
    for name in config.people:
        if name in rung or name in scheduled:
            continue
        only = [key for key, one in config.schedules.items() if name in _people_of(one)]
        where = f"; only the schedule {only[0]} does, which nothing rings" if only else ""
        yield ("people", name), f"no policy rings this person{where}"


def _people_of(schedule: Schedule) -> set[str]:
    layered = {name for layer in schedule.layers or () for group in layer.people for name in group}
    return layered | {override.person for override in schedule.overrides}


def _matchers(route: Route) -> tuple[Matcher, ...]:
    return tuple(matcher for group in route.matchers or () for matcher in group)


def _wider(routes: Iterable[Route], matchers: tuple[Matcher, ...]) -> int | None:
    """The first of the routes that fits whatever these matchers fit."""
    for index, route in enumerate(routes):
        if all(_follows(matcher, matchers) for matcher in _matchers(route)):
            return index
    return None


def _follows(wanted: Matcher, matchers: Iterable[Matcher]) -> bool:
    """Whether a matcher holds as soon as the others do: it is one of them, or a fixed value fits."""
    return any(
        one == wanted or (_is_fixed(one, wanted.name) and wanted.matches({one.name: one.value}))
        for one in matchers
    )


def _contradiction(matchers: tuple[Matcher, ...]) -> str:
    """Two matchers that exclude each other, as text; "" for none."""
    for one in matchers:
        for other in matchers:
            if _is_fixed(one, other.name) and not other.matches({one.name: one.value}):
                return f"{one} and {other}"
    return ""


def _is_fixed(matcher: Matcher, label: str) -> bool:
    return matcher.name == label and matcher.operator is Operator.EQUAL
