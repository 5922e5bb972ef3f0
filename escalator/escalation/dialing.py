"""Which phones to ring next, and with what.

One phone, one call: never two live calls to one number, nor to one person on two phones. All pages
due for the people of one number travel together; a page that falls due while its person's phone is
in a call joins that call. The worst severity goes first, and before others of its kind an incident
that nobody was ever called about. Who has been called too often is passed over at once; the
fallback is under no such cap.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from escalator.escalation.call_events import Wanted
from escalator.escalation.calls import CallKind, CallState
from escalator.escalation.rules import Caps, Rules
from escalator.escalation.wrong_clock import is_absurd


@dataclass(frozen=True, slots=True, kw_only=True)
class DuePage:
    """A page that waits for a call. `tries` picks the person's phone."""

    incident_id: str
    person: str
    severity: str
    since: datetime
    tries: int
    was_called: bool
    is_fallback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """How many calls were placed: to each person within the span of their cap, and in all within a
    day.
    """

    by_person: Mapping[str, int] = field(default_factory=dict)
    today: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """A call that is not over.

    `people` are those whose open pages it carries, and of a live call also whoever else it rings:
    the person of a direct call, and those whose pages have closed while they talk.
    """

    id: str
    kind: CallKind
    state: CallState
    to: str
    people: frozenset[str]
    created_at: datetime
    timer_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Ring this number. `call_id` is a call planned already, or "" for a new one."""

    call_id: str
    to: str
    person: str
    pages: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """The page travels in a call under way."""

    call_id: str
    page: Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The page cannot be placed at all."""

    page: Wanted
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """The planned call may not be placed any more."""

    call_id: str
    reason: str


Step: TypeAlias = Place | Join | Pass | Drop


class _Taken:
    """The numbers and the people that are in a call, or about to be."""

    def __init__(self, live: Iterable[OpenCall]):
        self._numbers: set[str] = set()
        self._people: set[str] = set()
        for call in live:
            self.add(call.to, call.people)

    def add(self, number: str, people: Iterable[str]) -> None:
        self._numbers.add(number)
        self._people.update(people)

    def holds(self, number: str, people: Iterable[str]) -> bool:
        return number in self._numbers or not self._people.isdisjoint(people)


def plan(
    rules: Rules,
    pages: Sequence[DuePage],
    calls: Sequence[OpenCall],
    now: datetime,
    spent: Spent | None = None,
) -> list[Step]:
    """What the dialer should do now, most urgent first. Pacing is the dialer's affair."""
    steps: list[Step] = []
    budget = _Budget(rules.caps, spent or Spent())
    live = [call for call in calls if call.state is not CallState.PLANNED]
    taken = _Taken(live)
    numbers = _numbers(rules, pages)
    numbers.update(
        (person, call.to) for call in calls if _is_planned_page(call) for person in call.people
    )
    free: dict[str, list[DuePage]] = {}
    for page in sorted(pages, key=lambda page: _urgency(rules, page)):
        number = numbers.get(page.person)
        if number is None:
            steps.append(Pass(page=_wanted(page), reason="no longer in the config"))
            continue
        call = _call_of(live, page.person, number)
        if call is not None:
            steps.append(Join(call_id=call.id, page=_wanted(page)))
        else:
            free.setdefault(number, []).append(page)
    for planned in _planned(calls):
        steps.extend(_place_planned(rules, planned, taken, free, is_ready=_is_ready(planned, now)))
    held = {call.to for call in calls if _is_planned_page(call)}
    for number, bundle in free.items():
        if number not in held:
            steps.extend(_place_new(number, bundle, taken, budget))
    return steps


def _urgency(rules: Rules, page: DuePage) -> tuple[int, bool, datetime]:
    return rules.severity_rank(page.severity), page.was_called, page.since


def _numbers(rules: Rules, pages: Iterable[DuePage]) -> dict[str, str]:
    """Where each person is rung: their pages take the number that their oldest page is at."""
    oldest: dict[str, DuePage] = {}
    for page in pages:
        other = oldest.get(page.person)
        if other is None or page.since < other.since:
            oldest[page.person] = page
    return {
        person: known.phones[page.tries % len(known.phones)]
        for person, page in oldest.items()
        if (known := rules.people.get(person)) is not None
    }


def _call_of(live: Sequence[OpenCall], person: str, number: str) -> OpenCall | None:
    """The paging call that this person is in, wherever that is; else the one that this number is in."""
    paging = [call for call in live if call.kind is CallKind.PAGE]
    of_person = (call for call in paging if person in call.people)
    of_number = (call for call in paging if call.to == number)
    return next(of_person, None) or next(of_number, None)


def _is_planned_page(call: OpenCall) -> bool:
    return call.kind is CallKind.PAGE and call.state is CallState.PLANNED


def _planned(calls: Sequence[OpenCall]) -> list[OpenCall]:
    planned = (call for call in calls if call.state is CallState.PLANNED)
    return sorted(planned, key=lambda call: call.created_at)


def _is_ready(call: OpenCall, now: datetime) -> bool:
    return call.timer_at is None or call.timer_at <= now or is_absurd(call.timer_at, now)


def _place_planned(
    rules: Rules,
    call: OpenCall,
    taken: _Taken,
    free: dict[str, list[DuePage]],
    *,
    is_ready: bool,
) -> list[Step]:
    """A planned call goes before new ones to its number, and takes along what is due there."""
    if call.kind is CallKind.PAGE and not _still_reaches(rules, call):
        return [Drop(call_id=call.id, reason="the number is no longer in the config")]
    if not is_ready or taken.holds(call.to, call.people):
        return []
    bundle = free.pop(call.to, []) if call.kind is CallKind.PAGE else []
    taken.add(call.to, (*call.people, *(page.person for page in bundle)))
    wanted = tuple(_wanted(page) for page in bundle)
    person = min(call.people, default="")
    return [Place(call_id=call.id, to=call.to, person=person, pages=wanted)]


def _place_new(
    number: str, bundle: Sequence[DuePage], taken: _Taken, budget: "_Budget"
) -> list[Step]:
    """All that is due at one number, save for people who are talking to us elsewhere, and those
    who have been called too often; but where the phone rings anyway they travel along.
    """
    ready = [page for page in bundle if not taken.holds(number, (page.person,))]
    if not ready:
        return []
    why = [budget.why_over(page) for page in ready]
    if all(why):
        return [
            Pass(page=_wanted(page), reason=reason) for page, reason in zip(ready, why, strict=True)
        ]
    taken.add(number, (page.person for page in ready))
    budget.spend({page.person for page in ready})
    wanted = tuple(_wanted(page) for page in ready)
    return [Place(call_id="", to=number, person=ready[0].person, pages=wanted)]


class _Budget:
    """What of the caps is left while a plan is made."""

    def __init__(self, caps: Caps, spent: Spent):
        self._caps = caps
        self._by_person: dict[str, int] = dict(spent.by_person)
        self._today = spent.today

    def why_over(self, page: DuePage) -> str:
        """Why no call may be made for this page; "" when one may."""
        caps = self._caps
        if page.is_fallback:
            return ""
        if caps.per_day is not None and self._today >= caps.per_day:
            return f"{caps.per_day} calls were made within a day; only the fallback is called now"
        if caps.per_person is not None and self._by_person.get(page.person, 0) >= caps.per_person:
            return f"called {caps.per_person} times within {_span(caps.person_span)}"
        return ""

    def spend(self, people: Iterable[str]) -> None:
        """A call is made to these people."""
        self._today += 1
        for person in people:
            self._by_person[person] = self._by_person.get(person, 0) + 1


def _span(span: timedelta) -> str:
    hours = span / timedelta(hours=1)
    named = {1.0: "an hour", 24.0: "a day"}
    return named.get(hours, f"{span / timedelta(minutes=1):g} minutes")


def _still_reaches(rules: Rules, call: OpenCall) -> bool:
    return all(
        person in rules.people and call.to in rules.people[person].phones for person in call.people
    )


def _wanted(page: DuePage) -> Wanted:
    return Wanted(incident_id=page.incident_id, person=page.person)
