"""Looking into what was written, whatever its shape: a part that is no such thing holds nothing.

So the checks across the file can speak while other parts of it do not fit their types.
"""

from collections.abc import Iterable, Iterator

from escalator.config.document import Document, Plain
from escalator.config.problems import Path, did_you_mean

NEXT = ".next"


def mapping(value: Plain | None) -> dict[str, Plain]:
    """The value if it has keys, else nothing."""
    return value if isinstance(value, dict) else {}


def sequence(value: Plain | None) -> list[Plain]:
    """The value if it is a list, else nothing."""
    return value if isinstance(value, list) else []


def words(value: Plain | None, path: Path) -> Iterator[tuple[Path, str]]:
    """A word, or each word of a list, with its path."""
    if isinstance(value, str):
        yield path, value
    for index, item in enumerate(sequence(value)):
        if isinstance(item, str):
            yield (*path, index), item


def targets(document: Document) -> Iterator[tuple[Path, str]]:
    """Everything that a step or a fallback wants to reach, with its path."""
    for name, policy in mapping(document.data.get("policies")).items():
        path: Path = ("policies", name)
        for index, step in enumerate(sequence(mapping(policy).get("steps"))):
            for channel in ("call", "sms"):
                here = (*path, "steps", index, channel)
                yield from words(mapping(step).get(channel), here)
        fallback = mapping(policy).get("fallback")
        yield from words(fallback, (*path, "fallback"))
        yield from words(mapping(fallback).get("call"), (*path, "fallback", "call"))


def policies_named(document: Document) -> Iterator[tuple[Path, str]]:
    """Every policy that a route, a heartbeat or another policy names, with its path."""
    for index, route in enumerate(sequence(document.data.get("routes"))):
        yield from _word(route, "policy", ("routes", index))
    for name, heartbeat in mapping(document.data.get("heartbeats")).items():
        yield from _word(heartbeat, "policy", ("heartbeats", name))
    for name, policy in mapping(document.data.get("policies")).items():
        yield from _word(policy, "otherwise", ("policies", name))


def intervals_named(document: Document) -> Iterator[tuple[Path, str]]:
    """Every time interval that a route or a policy names, with its path."""
    for index, route in enumerate(sequence(document.data.get("routes"))):
        for key in ("mute_time_intervals", "active_time_intervals"):
            yield from words(mapping(route).get(key), ("routes", index, key))
    for name, policy in mapping(document.data.get("policies")).items():
        yield from words(mapping(policy).get("during"), ("policies", name, "during"))


def people_scheduled(schedule: Plain, path: Path) -> Iterator[tuple[Path, str]]:
    """Everybody whom the layers and overrides of a schedule name, with the path."""
    for index, layer in enumerate(sequence(mapping(schedule).get("layers"))):
        here: Path = (*path, "layers", index, "people")
        people = mapping(layer).get("people")
        yield from words(people, here)
        for position, together in enumerate(sequence(people)):
            if isinstance(together, list):
                yield from words(together, (*here, position))
    for index, override in enumerate(sequence(mapping(schedule).get("overrides"))):
        yield from _word(override, "person", (*path, "overrides", index))


def suggestion(word: str, known: Iterable[str]) -> str:
    """What follows a name that nothing has: what was perhaps meant, or all that there is."""
    names = sorted(known)
    return did_you_mean(word, names) or (f"; known: {', '.join(names)}" if names else "")


def _word(section: Plain, key: str, path: Path) -> Iterator[tuple[Path, str]]:
    value = mapping(section).get(key)
    if isinstance(value, str):
        yield (*path, key), value
