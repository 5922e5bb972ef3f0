"""Each instant of a span gets exactly one answer: the sources in their order, laid over each other.

The sources are the overrides, the latest first, then the calendar, or the layers, the last first.
Each is a list of pieces: where it has an answer, who. A piece takes the time that no source before
it took. Pieces with nobody there take what is left over in the end, to say who is missing.

Instants are aware UTC, pieces half-open and in order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from escalator.escalation.local_time import EARLIEST
from escalator.escalation.reasons import Kind, Reason
from escalator.escalation.rotations import Span, openings, turns
from escalator.escalation.rules import Person
from escalator.escalation.schedules import CalendarEvent, Override, Schedule
from escalator.escalation.standing_in import Duty, calendar_duty, is_there, layer_duty

Piece = tuple[datetime, datetime, Duty]
Turned = tuple[datetime, datetime, int]

NOBODY = Duty((), Reason(kind=Kind.NOBODY))


def tile(
    schedule: Schedule, people: Mapping[str, Person], start: datetime, end: datetime
) -> list[Piece]:
    """Who is on call in each part of the span, without a hole or an overlap; equal neighbours are
    one piece.
    """
    found: list[Piece] = []
    vacant: list[Piece] = []
    free = [Span(start, end)] if start < end else []
    for pieces in _sources(schedule, people, start, end):
        if not free:
            break
        free = _fill(free, [piece for piece in pieces if piece[2].people], found)
        # Who is missing in a later source matters more: those are asked first.
        vacant += [piece for piece in pieces if not piece[2].people]
    for piece in vacant if free else ():
        free = _fill(free, [piece], found)
    found += [(begin, until, NOBODY) for begin, until in free]
    found.sort(key=_start_of)
    return _merged(found)


def latest_first(overrides: Iterable[Override]) -> list[Override]:
    """The overrides in the order in which they answer: live ones, the last made first; then those
    of the file, the last written first.
    """
    made = sorted(
        overrides, key=lambda one: (one.created_at is not None, one.created_at or EARLIEST)
    )
    return made[::-1]


def _sources(
    schedule: Schedule, people: Mapping[str, Person], start: datetime, end: datetime
) -> Iterable[list[Piece]]:
    """Each override, then the calendar or each layer, as pieces of the span in order."""
    touching = [
        one
        for one in schedule.overrides
        if one.start < end and one.end > start and one.person in people
    ]
    for one in latest_first(touching):
        duty = Duty((one.person,), Reason(kind=Kind.OVERRIDE, override=one))
        yield [(max(one.start, start).astimezone(UTC), min(one.end, end).astimezone(UTC), duty)]
    if schedule.events is not None:
        yield _calendar_pieces(schedule.events, people, start, end)
        return
    for index in range(len(schedule.layers) - 1, -1, -1):
        yield _layer_pieces(schedule, index, people, Span(start, end))


def _layer_pieces(
    schedule: Schedule, index: int, people: Mapping[str, Person], asked: Span
) -> list[Piece]:
    """Where the layer applies, who answers. The first and the last piece may reach beyond the span."""
    layer = schedule.layers[index]
    items = layer.people
    if not items:
        return []
    turned: Iterable[Turned] = turns(layer.rotation, schedule.zone, asked.start, asked.end)
    if layer.only:
        turned = _within(turned, openings(layer.only, schedule.zone, asked.start, asked.end))
    persons = {one for item in items for one in item}
    cuts = _away_bounds(persons, people, asked)
    plain = [Duty(item, Reason(kind=Kind.LAYER, layer=index + 1)) for item in items]
    pieces: list[Piece] = []
    since, missing = -1, persons
    for start, end, number, passed in _cut(turned, cuts):
        at = start if start > asked.start else asked.start
        if since != passed:  # Who is away changes at the cuts alone.
            since = passed
            missing = {one for one in persons if not is_there(one, people, at)}
        place = number % len(items)
        is_plain = items[place] and missing.isdisjoint(items[place])
        duty = plain[place] if is_plain else layer_duty(layer, index + 1, number, people, at)
        pieces.append((start, end, duty))
    return pieces


def _calendar_pieces(
    events: Iterable[CalendarEvent], people: Mapping[str, Person], start: datetime, end: datetime
) -> list[Piece]:
    """Where events hold, who is on call by all of them."""
    waiting = [event for event in events if event.start < end and event.end > start][::-1]
    bounds = {bound for event in waiting for bound in (event.start, event.end)}
    bounds |= set(
        _away_bounds((one for event in waiting for one in event.people), people, Span(start, end))
    )
    pieces: list[Piece] = []
    held: list[CalendarEvent] = []
    cuts = sorted(bound.astimezone(UTC) for bound in bounds if start < bound < end)
    for begin, until, _, _ in _cut([(start, end, 0)], cuts):
        held = [event for event in held if event.end > begin]
        while waiting and waiting[-1].start <= begin:
            held.append(waiting.pop())
        if held:
            pieces.append((begin, until, calendar_duty(held, people, begin)))
    return pieces


def _away_bounds(
    persons: Iterable[str], people: Mapping[str, Person], asked: Span
) -> list[datetime]:
    """The instants inside the span at which one of these persons leaves or comes back, in order."""
    bounds = {
        bound.astimezone(UTC)
        for person in set(persons)
        if person in people
        for away in people[person].away
        for bound in (away.start, away.end)
    }
    return sorted(bound for bound in bounds if asked.start < bound < asked.end)


# ---- time cut and filled


def _fill(free: list[Span], pieces: Sequence[Piece], found: list[Piece]) -> list[Span]:
    """Give the pieces what they cover of the free time, add that to `found`; what stays free."""
    left: list[Span] = []
    index = 0
    for begin, until in free:
        while index < len(pieces) and pieces[index][1] <= begin:
            index += 1
        at = index
        while at < len(pieces) and pieces[at][0] < until:
            start, end, duty = pieces[at]
            if start > begin:
                left.append(Span(begin, start))
                begin = start
            end = end if end < until else until
            found.append((begin, end, duty))
            begin = end
            at += 1
        if begin < until:
            left.append(Span(begin, until))
    return left


def _within(turned: Iterable[Turned], spans: Sequence[Span]) -> Iterator[Turned]:
    """The turns, as far as they lie in these spans."""
    index = 0
    for begin, until, number in turned:
        while index < len(spans) and spans[index].end <= begin:
            index += 1
        at = index
        while at < len(spans) and spans[at].start < until:
            start, end = spans[at]
            yield start if start > begin else begin, end if end < until else until, number
            at += 1


def _cut(
    turned: Iterable[Turned], cuts: Sequence[datetime]
) -> Iterator[tuple[datetime, datetime, int, int]]:
    """The turns in order, cut at these instants (in order); with each how many of them had passed."""
    passed = 0
    for begin, until, number in turned:
        start = begin
        while passed < len(cuts) and cuts[passed] < until:
            if start < cuts[passed]:
                yield start, cuts[passed], number, passed
                start = cuts[passed]
            passed += 1
        yield start, until, number, passed


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Neighbours with the same answer as one piece."""
    found: list[Piece] = []
    for piece in pieces:
        if found and found[-1][2] == piece[2]:
            found[-1] = (found[-1][0], piece[1], piece[2])
        else:
            found.append(piece)
    return found


def _start_of(piece: Piece) -> datetime:
    return piece[0]
