"""An explanation on a terminal: the way of the alert, then a timetable of rings, then what to look at.

It is made from the API's JSON, so that a daemon's answer and the file's look alike.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from escalator.cli.tables import moment, plain, table
from escalator.foresight.wording import clock, dated, span

Shape = dict[str, Any]
_HEADER = ("TIME", "ROUND", "STEP", "WHAT", "WHO", "PHONE", "AGAIN", "WHY")
# Calls of one moment leave one after the other: that a few seconds pass is not worth a column.
_SECONDS_HIDDEN = 30
_DRIFT = timedelta(seconds=15)
_TIMES_SHOWN = 3


def shown(told: Shape) -> str:
    """The whole explanation as text."""
    parts = [_facts(told)]
    if told["heartbeats"]:
        parts.append(
            "Nobody is rung, and no route is asked. Resolved by its sender, it counts as missed."
        )
    elif told["policy"] == "none":
        parts.append("Nobody is rung: policy none records and never calls.")
    else:
        parts += [_timetable(told), _end(told)]
    if told["warnings"]:
        parts.append("\n".join(f"warning: {plain(one)}" for one in told["warnings"]))
    return "\n\n".join(part for part in parts if part)


# ---- the way of the alert


def _facts(told: Shape) -> str:
    facts = list(_named(told))
    width = max(len(name) for name, _ in facts)
    lines = []
    for (before, _), (name, text) in pairwise([("", ""), *facts]):
        lines.append(f"{'' if name == before else name:<{width}}  {text}".rstrip())
    return "\n".join(lines)


def _named(told: Shape) -> Iterator[tuple[str, str]]:
    """Each fact with its name; the same name again stands for more of the same."""
    zone = ZoneInfo(told["timezone"])
    labels = ", ".join(f"{name}={value}" for name, value in told["labels"].items())
    yield "at", f"{dated(_time(told['at']), zone, year=True)} {zone.key}"
    yield "alert", plain(labels or "without labels")
    if told["heartbeats"]:
        yield "beat", f"this alert is only a beat of {', '.join(told['heartbeats'])}"
        return
    position, of = told["position"], told["routes"]
    yield "route", f"{plain(told['route'])} ({position} of {of})" if position else "none matches"
    width = max((len(one["route"]) for one in told["missed"]), default=0)
    for one in told["missed"]:
        yield "route", f"  not {one['route']:<{width}}  {plain(one['why'])}"
    yield "policy", _policy(told)
    for one in told["outside"]:
        yield "policy", f"  not {one['policy']}: outside its hours{_until(one, zone)}"
    for one in told["held"]:
        yield "held", f"{plain(one['why'])}{_until(one, zone) or ', no end in sight'}"


def _policy(told: Shape) -> str:
    steps, rounds = told["steps"], told["rounds"]
    if not steps:
        return str(told["policy"])
    return (
        f"{told['policy']}: {steps} step{'' if steps == 1 else 's'},"
        f" {rounds} round{'' if rounds == 1 else 's'}"
    )


def _until(one: Shape, zone: ZoneInfo) -> str:
    return f" until {dated(_time(one['until']), zone)}" if one["until"] else ""


# ---- the timetable


def _timetable(told: Shape) -> str:
    """A line for each person of a step, with all tries; for each message; for who is not rung."""
    zone = ZoneInfo(told["timezone"])
    entries = _entries(told)
    if not entries:
        return ""
    times = [at for one in entries for at in one["times"]]
    start = _time(told["at"])
    in_seconds = any((at - start).seconds % 60 >= _SECONDS_HIDDEN for at in times)
    rows: list[list[object]] = []
    day, last = start.astimezone(zone).date(), Place("", None, -1)
    for one in entries:
        here = one["times"][0].astimezone(zone).date()
        if here != day:
            rows.append([f"{here:%a} {here.day} {here:%b}"])
            day = here
        shown_times = [clock(at, zone, seconds=in_seconds) for at in one["times"]]
        place = Place(shown_times[0], one["round"], one["step"])
        rows.append([*place.after(last), *_cells(one, shown_times)])
        last = place
    blanks = [""] * len(_HEADER)
    return f"If nobody acknowledges:\n\n{table(_HEADER, [(row + blanks)[: len(_HEADER)] for row in rows])}"


class Place(NamedTuple):
    """Where a line of the timetable stands; without a step it is the fallback's."""

    time: str
    round: int | None
    step: int | None

    def after(self, last: "Place") -> list[object]:
        """The cells of time, round and step, without what is as in the line before."""
        if self[1:] == last[1:]:
            return ["" if self.time == last.time else self.time, "", ""]
        if self.step is None:
            return [self.time, "fallback", ""]
        return [self.time, "" if self.round == last.round else self.round, self.step + 1]


def _entries(told: Shape) -> list[Shape]:
    """All that happens, in order; the tries of a person in a step are one entry."""
    found: list[Shape] = [{**one, "kind": "", "times": [_time(one["at"])]} for one in told["notes"]]
    found += [{**one, "kind": "message", "times": [_time(one["at"])]} for one in told["messages"]]
    tries: dict[tuple[Any, ...], Shape] = {}
    for one in told["rings"]:
        key = (one["person"], one["round"], one["step"], one["reason"])
        if key in tries:
            tries[key]["times"].append(_time(one["at"]))
            tries[key]["phones"].setdefault(one["to"])
        else:
            tries[key] = {
                **one,
                "kind": "call",
                "times": [_time(one["at"])],
                "phones": {one["to"]: None},
            }
    return sorted([*found, *tries.values()], key=lambda one: one["times"][0])


def _cells(one: Shape, times: list[str]) -> list[object]:
    """What happens, to whom, on which phones, when again, and why."""
    if not one["kind"]:
        return ["", "", "", "", one["text"]]
    phones = " ".join(one.get("phones", ()))
    return [one["kind"], one["person"], phones, _again(one["times"], times), one["reason"]]


def _again(moments: list[datetime], times: list[str]) -> str:
    """When it is tried again: each time, or how often and until when."""
    if len(times) <= _TIMES_SHOWN:
        return " ".join(times[1:])
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    if max(pauses) - min(pauses) > _DRIFT:
        return f"{len(times) - 1} times until {times[-1]}"
    return f"every {span(min(pauses))} until {times[-1]}"


def _end(told: Shape) -> str:
    """How many calls that makes, and what comes after."""
    calls = told["worst_case_calls"]
    some = f"{calls} call{'' if calls == 1 else 's'}"
    if told["is_cut"]:
        return f"And so on: only the first {some} are shown."
    if told["fallback_at"] is None:
        return "Nobody is rung, as far as can be seen."
    lasts = span(_time(told["fallback_at"]) - _time(told["at"]))
    return (
        f"At most {some} until the fallback has been rung once, {lasts} after the alert.\n"
        f"Then it is rung every {told['fallback_every']}, until somebody acknowledges."
    )


def _time(text: str) -> datetime:
    at = moment(text)
    assert at is not None, "only times that there are are shown"
    return at
