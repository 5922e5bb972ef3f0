"""Faults of schedules, absence and hours that no single key shows: names that nobody has, spans that
hold nothing, policies that wait for each other.

As in `checks`, what was written is read, and nothing is taken for granted about its shape.
"""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from escalator.config.document import Document, Plain
from escalator.config.moments import read_moment
from escalator.config.parts import (
    intervals_named,
    mapping,
    people_scheduled,
    sequence,
    suggestion,
)
from escalator.config.problems import Path
from escalator.config.values import read_timezone


def check_time(document: Document) -> None:
    """Report every fault of what depends on time."""
    _check_namespace(document)
    _check_scheduled_people(document)
    _check_interval_names(document)
    _check_spans(document)
    _check_loops(document)


def _check_namespace(document: Document) -> None:
    people = mapping(document.data.get("people"))
    for name in mapping(document.data.get("schedules")):
        if name in people:
            message = (
                f"a person is called {name!r} too; a target could not tell them apart,"
                " give one of them another name"
            )
            document.report(("schedules", name), message, at_key=True)


def _check_scheduled_people(document: Document) -> None:
    people = document.data.get("people")
    schedules = mapping(document.data.get("schedules"))
    if not isinstance(people, dict):
        return
    for name, schedule in schedules.items():
        for path, person in people_scheduled(schedule, ("schedules", name)):
            if person in people:
                continue
            reason = f"nobody is called {person!r}{suggestion(person, people)}"
            if person in schedules:
                reason = f"{person!r} is a schedule; only people can stand here"
            document.report(path, reason)


def _check_interval_names(document: Document) -> None:
    known = document.data.get("time_intervals", {})
    if not isinstance(known, dict):
        return
    for path, name in intervals_named(document):
        if name not in known:
            hint = suggestion(name, known) or "; there is none, write time_intervals"
            document.report(path, f"there is no time interval {name!r}{hint}")


def _check_spans(document: Document) -> None:
    """A span that ends before it begins would silently never hold."""
    for path, span, zone in _spans(document):
        begin, end = mapping(span).get("from"), mapping(span).get("to")
        try:
            starts, ends = _moment(begin, zone), _moment(end, zone, is_end=True)
        except ValueError:
            continue
        if ends <= starts:
            document.report((*path, "to"), f"{end} is not after {begin}: the span is empty")


def _moment(value: Plain | None, zone: ZoneInfo, *, is_end: bool = False) -> datetime:
    if not isinstance(value, str):
        raise ValueError("no moment")  # noqa: TRY004 - told of by the model
    return read_moment(value, zone, is_end=is_end)


def _spans(document: Document) -> Iterator[tuple[Path, Plain, ZoneInfo]]:
    """Every override and absence, with its path and its zone."""
    for kind, key in (("people", "away"), ("schedules", "overrides")):
        for name, section in mapping(document.data.get(kind)).items():
            zone = _zone_of(document, section)
            for index, span in enumerate(sequence(mapping(section).get(key))):
                yield (kind, name, key, index), span, zone


def _zone_of(document: Document, section: Plain) -> ZoneInfo:
    """The zone of a part of the file; UTC while nobody can read what is written."""
    default = document.data.get("timezone", "UTC")
    try:
        return ZoneInfo(read_timezone(mapping(section).get("timezone", default)))
    except ValueError:
        return ZoneInfo("UTC")


def _check_loops(document: Document) -> None:
    """Follow `otherwise` from each policy (C9); a loop is told of once, at its first policy."""
    policies = mapping(document.data.get("policies"))
    seen: set[str] = set()
    for first in policies:
        chain: list[str] = []
        name: Plain | None = first
        while isinstance(name, str) and name in policies and name not in seen:
            seen.add(name)
            chain.append(name)
            name = mapping(policies[name]).get("otherwise")
        if isinstance(name, str) and name in chain:
            cycle = chain[chain.index(name) :]
            document.report(
                ("policies", cycle[0], "otherwise"),
                f"the policies go in a circle: {' -> '.join((*cycle, cycle[0]))}; one of them has"
                " to end it, without otherwise",
            )
