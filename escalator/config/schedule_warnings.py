"""Doubts about time: overrides on top of each other, heartbeats that hear the same, spans in which
nobody is on call.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

from escalator.config.document import Document
from escalator.config.model import Config
from escalator.config.moments import read_span, show_moment
from escalator.config.problems import Path
from escalator.escalation.oncall import gaps
from escalator.escalation.rules import Rules

COVERAGE_SPAN = timedelta(days=90)
GAPS_SHOWN = 5

Doubts = Iterator[tuple[Path, str]]


def doubts_of_time(document: Document, config: Config) -> Doubts:
    """What is allowed and hardly meant in schedules and heartbeats."""
    yield from _overlaps(document, config)
    yield from _heartbeats(config)


def report_coverage(document: Document, rules: Rules, now: datetime) -> None:
    """Report when nobody is on call within 90 days from `now` (C7), in each schedule of layers.

    An error where the schedule requires coverage, else a warning. A calendar's schedule is not
    asked: what it holds is not in the file.
    """
    for name, schedule in rules.schedules.items():
        if schedule.events is not None:
            continue
        found = gaps(schedule, rules.people, now, now + COVERAGE_SPAN)
        if found:
            spans = [
                f"{show_moment(gap.start, schedule.zone)} to {show_moment(gap.end, schedule.zone)}"
                for gap in found[:GAPS_SHOWN]
            ]
            rest = len(found) - len(spans)
            more = f" and {rest} more" if rest else ""
            document.report(
                ("schedules", name),
                f"nobody is on call in the next {COVERAGE_SPAN.days} days: {', '.join(spans)}{more}",
                at_key=True,
                is_warning=not schedule.is_covered,
            )


def _overlaps(document: Document, config: Config) -> Doubts:
    for name, schedule in config.schedules.items():
        zone = ZoneInfo(schedule.timezone or config.timezone)
        spans = [read_span(one.from_, one.to, zone) for one in schedule.overrides]
        for (first, one), (second, other) in combinations(enumerate(spans), 2):
            if one[0] < other[1] and other[0] < one[1]:
                line = document.places["schedules", name, "overrides", first].line
                yield (
                    ("schedules", name, "overrides", second),
                    f"overlaps the override of line {line}; where both hold, this one does,"
                    " for it is written later",
                )


def _heartbeats(config: Config) -> Doubts:
    heard: dict[object, str] = {}
    for name, heartbeat in config.heartbeats.items():
        severity = heartbeat.severity
        if severity and severity not in config.severities:
            yield (
                ("heartbeats", name, "severity"),
                f"{severity!r} is not one of severities: it counts as the worst",
            )
        if heartbeat.matchers is None:
            continue
        matchers = frozenset(str(one) for group in heartbeat.matchers for one in group)
        first = heard.setdefault(matchers, name)
        if first != name:
            yield (
                ("heartbeats", name, "matchers"),
                f"the same matchers as those of {first}: one of the two is too many",
            )
