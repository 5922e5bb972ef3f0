"""How fast it is known who is on call: all shifts of 90 days for 20 schedules of 5 layers, one look-up; and who would
be rung for an alert.

Run by hand it prints all of it; `quick.py` shows them as rows of its table.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from zoneinfo import ZoneInfo

from escalator.escalation.oncall import on_call_now, shifts
from escalator.escalation.rules import Person, Policy, Route, Rules, Step
from escalator.escalation.schedules import Away, Layer, Override, Rotation, Schedule, Unit, Window
from escalator.foresight.explaining import explain

SCHEDULES = 20
SPAN = timedelta(days=90)
START = datetime(2026, 9, 15, tzinfo=UTC)  # with a clock put back in most zones
LOOK_UPS = 2000
SPAN_AIM = 0.2
LOOK_UP_AIM = 100e-6
EXPLAIN_AIM = 0.05
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
EVERY_DAY, WORKING = frozenset(range(7)), frozenset(range(5))
KEYS = tuple(f"p{number}" for number in range(12))


def people() -> dict[str, Person]:
    """A dozen people, each a week away in the span."""
    return {
        key: Person(
            key=key,
            name=key,
            phones=(f"+1202555{number:04d}",),
            language="en-GB",
            away=(
                Away(start=START + timedelta(7 * number), end=START + timedelta(7 * number + 7)),
            ),
        )
        for number, key in enumerate(KEYS)
    }


def schedules() -> list[Schedule]:
    """Layers that all apply somewhere: weeks, days and months, nights and working hours, an override a week."""
    return [_schedule(number) for number in range(SCHEDULES)]


def _schedule(number: int) -> Schedule:
    items = tuple((key,) for key in KEYS[number % 6 :])
    weeks = Rotation(every=1, unit=Unit.WEEKS, starting=date(2026, 1, 1), at=clock(9))
    days = Rotation(every=1, unit=Unit.DAYS, starting=date(2026, 1, 1), at=clock(8))
    hours = Rotation(every=12, unit=Unit.HOURS, starting=date(2026, 1, 1), at=clock(7))
    months = Rotation(every=1, unit=Unit.MONTHS, starting=date(2026, 1, 1), month_day=31)
    night = Window(days=EVERY_DAY, start=clock(22), end=clock(6))
    office = Window(days=WORKING, start=clock(9), end=clock(17))
    noon = Window(days=WORKING, start=clock(12), end=clock(13))
    return Schedule(
        name=f"s{number}",
        zone=ZoneInfo(ZONES[number % len(ZONES)]),
        layers=(
            Layer(rotation=weeks, people=items),
            Layer(rotation=months, people=items, only=(office,)),
            Layer(rotation=days, people=items[:4], only=(night,)),
            Layer(rotation=hours, people=items, only=(office, night)),
            Layer(rotation=days, people=items[2:], only=(noon,)),
        ),
        overrides=tuple(
            Override(
                schedule=f"s{number}", person=KEYS[week % 12], start=begin, end=begin + SPAN / 60
            )
            for week in range(13)
            for begin in (START + timedelta(7 * week, hours=5 * week),)
        ),
    )


def seconds(work: Callable[[], object], times: int) -> float:
    """The fastest of so many runs, in seconds of CPU: what else the machine does shall not count."""
    taken = []
    for _ in range(times):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def span_seconds() -> float:
    """All shifts of 90 days for all schedules."""
    known, everybody = schedules(), people()
    return seconds(lambda: [shifts(one, everybody, START, START + SPAN) for one in known], 7)


def look_up_seconds() -> float:
    """Who is on call at one instant, at instants all over the span and in all schedules: the mean of a look-up."""
    known, everybody = schedules(), people()
    asked = [
        (known[number % SCHEDULES], START + SPAN * number / LOOK_UPS) for number in range(LOOK_UPS)
    ]
    return seconds(lambda: [on_call_now(one, everybody, at) for one, at in asked], 5) / LOOK_UPS


def explain_seconds() -> float:
    """What would become of one alert: three steps of schedules and five people, three rounds."""
    known = {one.name: one for one in schedules()}
    steps = (
        Step(targets=("s0",)),
        Step(targets=("s0.next", "s1", "s2"), sms=("s0",), wait=timedelta(minutes=10)),
        Step(targets=KEYS[:5], wait=timedelta(minutes=10)),
    )
    rules = Rules(
        people=people(),
        policies={"default": Policy(name="default", steps=steps, fallback=("p0",))},
        routes=(Route(name="rest", policy="default"),),
        schedules=known,
    )
    berlin = ZoneInfo("Europe/Berlin")
    return seconds(lambda: explain(rules, {"alertname": "DiskFull"}, START, zone=berlin), 7)


if __name__ == "__main__":
    print(f"on call, 90 days, {SCHEDULES} schedules of 5 layers: {span_seconds() * 1000:.1f} ms")
    print(f"on call, one look-up: {look_up_seconds() * 1e6:.1f} us")
    print(f"explain, one alert: {explain_seconds() * 1000:.1f} ms")
