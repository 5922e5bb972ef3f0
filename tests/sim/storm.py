"""A world in bad weather, drawn from one seed: anything in any order.

After the storm comes a quiet time, in which everybody who is still needed must be rung, and then a helpful one, in
which everything must come to an end.
"""

import asyncio
import itertools
import random
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from clockwork import imagine
from fate import DEAF, HEALTHY, Weather
from invariants import Broken
from playbook import person, policy, route, rules, step
from simulation import World
from structlog.testing import capture_logs

from escalator.clock import VirtualClock
from escalator.engine import new_id
from escalator.escalation.call_events import CallAsked
from escalator.escalation.calls import Speech
from escalator.escalation.events import Action, Asked

SHARED = "+447700900123"
PEOPLE = (
    person("ana", "+491713920012", "+493023125012"),
    person("ben", SHARED),
    person("cy", SHARED, "+442079460123"),
)
ROUTES = (route('severity="warning"', "soft"), route('severity="info"', "none"))
CONFIGS = (
    rules(
        policy(step("ana", retry="1m", wait="3m"), step("ben", "cy"), repeat=2),
        policy(step("cy"), step("everyone"), name="soft", ack_timeout=timedelta(minutes=20)),
        people=PEOPLE,
        routes=ROUTES,
    ),
    rules(
        policy(step("ben", "cy", retry="1m"), repeat=1, snooze=timedelta(minutes=5)),
        policy(step("ana"), step("cy"), name="soft", flap_window=timedelta(0)),
        people=PEOPLE[1:],
        routes=ROUTES,
    ),
    rules(
        policy(step("ana", wait="1m"), step("ana"), step("ben", wait="2m")),
        people=(person("ana", "+493023125012"), *PEOPLE[1:]),
    ),
)
STORM = timedelta(minutes=25)
QUIET = timedelta(minutes=40)


@dataclass
class Report:
    """What a world went through."""

    seed: int
    trace: list[str] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    crashes: int = 0
    calls: int = 0


class Storm:
    """Everything in any order, drawn from one seed."""

    def __init__(self, world: World, weather: Weather):
        self.world = world
        self.weather = weather
        self.rng = weather.rng
        self._numbers = itertools.count(1)
        self._sending: dict[str, asyncio.Lock] = {}

    async def rage(self) -> None:
        """Until the storm is over: one thing after the other."""
        end = self.world.clock.now() + STORM
        acts = (
            *[self._alert] * 6,
            *[self._operator] * 2,
            self._reload,
            self._direct_call,
            self._kill,
            self._stop,
            self._wall_jumps,
            *[self._weather_turns] * 3,
        )
        while self.world.clock.now() < end:
            await self.world.pass_time(self.rng.expovariate(1 / 25))
            self.world.downtime = lambda: self.rng.choice((1.0, 1.0, 20.0, 200.0))
            self.rng.choice(acts)()

    def _alert(self) -> None:
        key = self.rng.choice("abcd")
        about = {
            "firing": self.rng.random() < 0.7,
            "severity": self.rng.choice(("critical", "critical", "error", "warning", "info")),
            "group": self.rng.choice(("g1", "g2")),
        }

        async def send() -> None:
            async with self._sending.setdefault(key, asyncio.Lock()):
                await self.world.send(key, **about)

        self.world.spawn(send())

    def _operator(self) -> None:
        process, found = self.world.ready, self.world.incidents()
        if process is None or not found:
            return
        action = self.rng.choice(
            (Action.ACKNOWLEDGE, Action.ESCALATE, Action.RESOLVE, Action.SNOOZE, Action.NOTE)
        )
        until = process.clock.now() + timedelta(minutes=self.rng.uniform(1, 20))
        asked = Asked(
            incident_id=self.rng.choice(found),
            action=action,
            by=self.rng.choice(("ana", "root")),
            until=until if action is Action.SNOOZE else None,
        )
        self.world.tell(f"an operator wants {action} of {asked.incident_id}")
        self.world.spawn(process.submit(asked))

    def _reload(self) -> None:
        self.world.config = self.rng.choice(CONFIGS)
        self.world.tell(f"config {CONFIGS.index(self.world.config)}")
        if self.world.ready is not None:
            self.world.ready.reload(self.world.config)

    def _direct_call(self) -> None:
        if self.world.ready is None:
            return
        to = self.rng.choice((SHARED, "+491713920012", "+15005550109"))
        speech = Speech(say="hello", voice="", language="en-GB", loop=1)
        call_id = new_id(self.world.ready.clock.now())
        asked = CallAsked(call_id=call_id, to=to, person="", speech=speech, lasts=685.0)
        self.world.tell(f"a direct call to {to[-3:]}")
        self.world.spawn(self.world.ready.submit(asked))

    def _kill(self) -> None:
        self.world.kill()

    def _stop(self) -> None:
        if self.world.ready is not None:
            self.world.tell("SIGTERM")
            self.world.spawn(self.world.ready.stop())

    def _wall_jumps(self) -> None:
        seconds = self.rng.choice((-600.0, 600.0, 3.0e8, -3.0e8, 1.0))
        self.world.is_wall_wrong = True
        self.world.tell(f"the wall clock jumps by {seconds}")
        self.world.clock.jump_wall(timedelta(seconds=seconds))

    def _weather_turns(self) -> None:
        self.weather.turn()
        self.world.tell(f"weather: {self.weather.climate}")

    async def subside(self) -> None:
        """Left alone with a good carrier: whoever is needed is rung, then all is taken, then there is silence."""
        world, clock = self.world, self.world.clock
        self.weather.climate = DEAF
        clock.jump_wall(clock.now() - clock.wall())
        await world.pass_time(timedelta(minutes=12))
        before, open_before = rung(world), needing(world)
        await world.pass_time(QUIET)
        for incident in needing(world) & open_before:
            if rung(world).get(incident, 0) <= before.get(incident, 0):
                raise Broken(
                    f"nobody was rung any more about {world.name(incident)}: {world.story(incident)}"
                )
        self.weather.climate = HEALTHY
        await world.pass_time(QUIET)
        if left := needing(world):
            raise Broken(f"everybody answers, and nobody took {left}")
        for key in "abcd":
            world.spawn(world.send(key, firing=False))
        await world.pass_time(timedelta(minutes=8))
        left = world.db.execute(
            "SELECT id, state FROM calls WHERE state != 'ended' OR due_at IS NOT NULL"
        ).fetchall()
        live = [line.sid for line in world.exchange.lines if not line.is_over]
        if left or live:
            raise Broken(f"calls that never end: {left}, {live}")


def needing(world: World) -> set[str]:
    """The incidents that somebody is needed for."""
    found = world.db.execute("SELECT id FROM incidents WHERE phase IN ('triggered', 'exhausted')")
    return {row[0] for row in found}


def rung(world: World) -> dict[str, int]:
    """For each incident, in how many calls that the carrier made it travelled."""
    made = {line.hashed for line in world.exchange.lines}
    count: dict[str, int] = {}
    for incident, hashed in world.db.execute(
        "SELECT DISTINCT x.incident_id, p.token_hash FROM call_pages x JOIN posts p ON p.call_id = x.call_id"
    ):
        count[incident] = count.get(incident, 0) + (hashed in made)
    return count


class SeedBroken(AssertionError):
    """A seed that shows a fault, with the one line that shows it again."""


def simulate(seed: int, folder: Path, *, world: type[World] = World) -> Report:
    """Run the world of this seed. Raises `SeedBroken` when something does not hold."""
    report = Report(seed)

    async def story(clock: VirtualClock) -> None:
        weather = Weather(random.Random(seed))
        made = world(clock, folder, weather, CONFIGS[0])
        report.trace = made.trace
        storm = Storm(made, weather)
        try:
            await storm.rage()
            await storm.subside()
        finally:
            report.faults, report.crashes = weather.faults, made.crashes
            report.calls = len(made.exchange.lines)
            await made.close()

    with capture_logs():
        try:
            imagine(story)
        except Exception as error:
            last = "\n".join(report.trace[-25:])
            raise SeedBroken(
                f"seed {seed}: {error}\n{last}\nto see it again: make simulate SEED={seed}"
            ) from error
    return report
