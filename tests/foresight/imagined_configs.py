"""Small configs drawn by lot, and the same alert played by the store's own fold: what rings when."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from world import World

from escalator.escalation.alerts import Alert, AlertStatus
from escalator.escalation.events import AlertReceived
from escalator.escalation.intervals import TimeInterval, TimeOfDay
from escalator.escalation.matchers import parse_matcher
from escalator.escalation.rules import (
    EVERYONE,
    Caps,
    Channel,
    Contact,
    Person,
    Policy,
    Route,
    Rules,
    Step,
)
from escalator.escalation.schedules import (
    Away,
    Layer,
    Override,
    Rotation,
    Schedule,
    Unit,
    Window,
)
from escalator.escalation.silences import Silence
from escalator.foresight.imagined import Phones

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 10, 24, 23, 58, tzinfo=UTC)  # two minutes before Berlin's clock is put back
KEYS = ("ana", "ben", "chi", "dee")
NUMBERS = ("+491713920012", "+447700900123", "+442079460123", "+15005550109", "+493023125012")
UNHURRIED = Phones(calls_per_second=None, concurrent_calls=None)
LABELS = {"alertname": "DiskFull", "severity": "critical"}

minutes = st.integers(1, 8).map(lambda n: timedelta(minutes=n))
halves = st.integers(1, 12).map(lambda n: timedelta(seconds=30 * n))
moments = st.integers(-600, 1200).map(lambda n: AT + timedelta(minutes=n))


@st.composite
def spans(draw):
    start = draw(moments)
    return start, start + timedelta(minutes=draw(st.integers(1, 900)))


@st.composite
def people(draw):
    """Two to four; phones may be shared, and some want to be reached in a way of their own."""
    keys = KEYS[: draw(st.integers(2, 4))]
    found = {}
    for key in keys:
        absences = draw(st.lists(spans(), max_size=1))
        found[key] = Person(
            key=key,
            name=key.title(),
            phones=tuple(
                draw(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=2, unique=True))
            ),
            language="en-GB",
            away=tuple(Away(start=start, end=end) for start, end in absences),
            contacts=tuple(draw(st.lists(contacts, max_size=2))),
        )
    return found


contacts = st.builds(
    Contact,
    channel=st.sampled_from(Channel),
    after=st.sampled_from([timedelta(0), timedelta(seconds=30), timedelta(minutes=3)]),
)


@st.composite
def schedules(draw, keys):
    """One or two layers whose handoffs and windows fall into the night that is played."""
    layers = []
    for _ in range(draw(st.integers(1, 2))):
        rotation = Rotation(
            every=draw(st.integers(1, 2)),
            unit=draw(st.sampled_from([Unit.HOURS, Unit.DAYS])),
            starting=date(2026, 10, draw(st.integers(20, 25))),
            at=time(draw(st.integers(0, 3)), draw(st.sampled_from([0, 4, 30]))),
        )
        hours = Window(
            days=frozenset(range(7)), start=time(1), end=time(draw(st.integers(2, 4)), 5)
        )
        items = draw(
            st.lists(
                st.lists(st.sampled_from(keys), min_size=1, max_size=2, unique=True).map(tuple),
                min_size=1,
                max_size=3,
            )
        )
        layers.append(
            Layer(
                rotation=rotation,
                people=tuple(items),
                only=(hours,) if draw(st.booleans()) else (),
            )
        )
    overrides = tuple(
        Override(schedule="primary", person=draw(st.sampled_from(keys)), start=start, end=end)
        for start, end in draw(st.lists(spans(), max_size=1))
    )
    return Schedule(name="primary", zone=BERLIN, layers=tuple(layers), overrides=overrides)


@st.composite
def policies(draw, name, targets):
    some = st.lists(st.sampled_from(targets), max_size=2, unique=True).map(tuple)
    steps = []
    for _ in range(draw(st.integers(1, 3))):
        called = draw(some)
        texted = draw(some) if not called else draw(st.one_of(st.just(()), some))
        if called or texted:
            steps.append(Step(targets=called, sms=texted, retry=draw(halves), wait=draw(halves)))
    return Policy(
        name=name,
        steps=tuple(steps) or (Step(targets=(EVERYONE,)),),
        repeat=draw(st.integers(1, 2)),
        fallback=draw(some),
        fallback_every=draw(minutes),
    )


@st.composite
def configs(draw):
    """Rules with everything that may decide who is rung for one alert, and when."""
    known = draw(people())
    keys = tuple(known)
    targets = [*keys, EVERYONE, "primary", "primary.next"]
    default, night = draw(policies("default", targets)), draw(policies("night", targets))
    hours = draw(st.sampled_from([(), ("early",)]))
    default = replace(default, during=hours, otherwise=draw(st.sampled_from(["", "night"])))
    silenced = draw(st.lists(spans(), max_size=1))
    return Rules(
        people=known,
        policies={"none": Policy(name="none", steps=()), "default": default, "night": night},
        routes=(
            Route(name="other", policy="none", matchers=(parse_matcher('severity="info"'),)),
            Route(
                name="rest",
                policy="default",
                muted=draw(st.sampled_from([(), ("early",)])),
                active=draw(st.sampled_from([(), (), ("late",)])),
            ),
        ),
        schedules={"primary": draw(schedules(keys))},
        time_intervals={
            "early": (
                TimeInterval(zone=BERLIN, times=(TimeOfDay(start=time(0), end=time(2, 30)),)),
            ),
            "late": (TimeInterval(zone=BERLIN, times=(TimeOfDay(start=time(2), end=None),)),),
        },
        silences=tuple(
            Silence(id="s1", matchers=(parse_matcher("alertname=DiskFull"),), start=start, end=end)
            for start, end in silenced
        ),
        caps=Caps(
            per_person=draw(st.sampled_from([None, 2, 5])),
            per_day=draw(st.sampled_from([None, 3, 9])),
        ),
    )


def played(rules, until, at=AT):
    """Who is rung and written to by the store's fold, the dialer's plan and phones that nobody
    answers, up to this moment: (when, what, whom).
    """
    found = []
    world = World(rules, lambda what, whom: found.append((world.now, what, whom)))
    world.now = at
    alert = Alert(
        receiver="prod", key="disk", status=AlertStatus.FIRING, group="disk", labels=LABELS
    )
    world.submit(AlertReceived(alert=alert, fresh_id="incident"))
    world.run_until(until)
    return sorted(found)


def foreseen(told):
    """The same of an explanation."""
    calls = {}
    for ring in told.rings:
        calls.setdefault((ring.at, ring.call), []).append(ring.person)
    rings = [(at, "rings", "+".join(sorted(whom))) for (at, _), whom in calls.items()]
    return sorted([*rings, *((one.at, "texts", one.person) for one in told.messages)])
