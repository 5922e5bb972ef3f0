"""One imagined world: the daemon, a carrier, people, senders and operators, in bad weather drawn from one seed.

After the bad weather comes a quiet time, in which everybody who is still needed must be rung, and then a helpful one,
in which everything must come to an end.
"""

import asyncio
import contextvars
import itertools
import random
import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from clockwork import VirtualLoop, imagine, settle, step_until
from exchange import Exchange, Fields, Line, heard_of
from fate import DEAF, HEALTHY, Fate, Weather
from invariants import (
    Broken,
    check_acknowledged,
    check_alerts,
    check_asked,
    check_made,
    check_spoken,
    check_store,
)
from lifetime import Life, Process
from playbook import person, policy, route, rules, step
from structlog.testing import capture_logs

from escalator.clock import VirtualClock
from escalator.engine import new_id
from escalator.escalation.calls import Speech
from escalator.escalation.events import Action, Asked, CallAsked
from escalator.escalation.rules import Rules
from escalator.phone.carrier import NewCall
from escalator.store.connection import open_for_reading
from escalator.store.errors import StoreError

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
TURNS_MAX = 400
_ID = re.compile(r"\b[0-9a-f]{26}\b")


@dataclass
class Report:
    """What a world went through."""

    seed: int
    trace: list[str] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    crashes: int = 0
    calls: int = 0


class World:
    """Everything around one database, from the first process to the last."""

    def __init__(self, clock: VirtualClock, folder: Path, fate: Fate, config: Rules = CONFIGS[0]):
        self.clock = clock
        self.fate = fate
        self.config = config
        self.trace: list[str] = []
        self.exchange = Exchange(clock, fate, self._call_back, self.tell)
        self.exchange.on_asked = self._asked
        self.exchange.on_made = self._made
        self.exchange.on_spoken = self._spoken
        self.crashes = 0
        self.downtime = lambda: 1.0
        self.acknowledged: set[str] = set()
        self.promised: dict[str, str] = {}
        self.is_wall_wrong = False
        self._ids: dict[str, str] = {}
        self._errors: list[BaseException] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._begin(folder / "1.db")

    def tell(self, what: str) -> None:
        known = _ID.sub(lambda found: self.name(found[0]), what)
        self.trace.append(f"{self.clock.boottime():10.3f} {known}")

    def name(self, of: str) -> str:
        return self._ids.setdefault(of, f"id{len(self._ids) + 1}")

    # ---- the process's lives

    def _begin(self, path: Path) -> None:
        self.life = Life(self.fate, self.tell, path)
        self._checked = -1
        self.process: Process | None = Process(self.clock, self.exchange, self.life, self.config)
        self.db = open_for_reading(self.life.path)
        check_acknowledged(self.db, self.acknowledged)
        check_alerts(self.db, self.promised)

    def kill(self, why: str = "any time") -> None:
        if self.life.is_alive:
            self.life.end(why)

    async def _bury(self) -> None:
        assert self.process is not None
        self.crashes += 1
        self.db.close()
        process, self.process = self.process, None
        await process.bury()
        self.spawn(self._rise(self.life.heir, self.downtime()))

    async def _rise(self, path: Path, after: float) -> None:
        await self.clock.sleep(after)
        self.tell("started")
        self._begin(path)

    @property
    def ready(self) -> Process | None:
        """The process, if it can be spoken to."""
        alive = self.process is not None and self.life.is_alive and self.process.is_ready
        return self.process if alive else None

    # ---- time

    async def pass_time(self, span: timedelta | float) -> None:
        """Let time pass, look after the process, and hold everything to the invariants at each moment."""
        seconds = span.total_seconds() if isinstance(span, timedelta) else span
        end = self.clock.now() + timedelta(seconds=seconds)
        before, busy = self.clock.now(), 0
        while True:
            await settle()
            await self._look_after()
            if not await step_until(end):
                break
            busy = busy + 1 if self.clock.now() - before < timedelta(seconds=1) else 0
            before = before if busy else self.clock.now()
            if busy > TURNS_MAX:
                raise Broken(f"livelock: {busy} turns in a second")
        await self._look_after()

    async def _look_after(self) -> None:
        errors = [*self._errors, *self.exchange.errors, *self.clock_errors()]
        process = self.process
        if process is not None:
            if process.errors and not self.life.is_alive:
                process.errors.clear()
            if process.errors and all(map(_is_of_store, process.errors)):
                process.errors.clear()  # it could not start: systemd starts it again
                self.life.end("exit")
            errors += process.errors
        if errors:
            raise _first_of(errors[0])
        if process is not None and not self.life.is_alive:
            await self._bury()
        elif process is not None and self.life.commits != self._checked:
            self._checked = self.life.commits
            check_store(self.db)
            undecided = process.metrics.events_undecided._value.get()
            if undecided:
                raise Broken("an event could not be decided")

    def clock_errors(self) -> list[BaseException]:
        loop = asyncio.get_running_loop()
        return loop.errors if isinstance(loop, VirtualLoop) else []

    def spawn(self, work: Any) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001 - `pass_time` raises it
                self._errors.append(error)

        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(guarded(), context=contextvars.Context()))

    async def close(self) -> None:
        await self.exchange.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.process is not None:
            self.life.is_alive = False
            await self.process.bury()
            self.db.close()

    # ---- what the carrier does

    async def _call_back(self, url: str, fields: Fields) -> tuple[int, str] | None:
        process = self.ready
        return None if process is None else await process.callback(url, fields)

    def _asked(self, new: NewCall) -> None:
        assert self.process is not None
        line = Line("", new, self.clock.now(), self.clock.now())
        check_asked(self.db, self.process.engine.rules, new.to, line.hashed)

    def _made(self, line: Line) -> None:
        if not self.life.is_alive or self.process is None:
            return  # nobody has the file open; it arrived after the end
        may_repeat = self.is_wall_wrong or line.new.to in self.exchange.blind
        check_made(self.db, line, self.exchange.lines, may_repeat=may_repeat)

    def _spoken(self, line: Line, url: str, words: str) -> None:
        if not self.life.is_alive or self.process is None or "/key" not in url:
            return
        self.tell(f"{line.sid[-3:]} hears {words}")
        self.acknowledged.update(check_spoken(self.db, line, heard_of(url), words))

    # ---- what senders, operators and their tools do

    async def send(
        self, key: str, *, firing: bool = True, severity: str = "critical", group: str = ""
    ) -> None:
        """A sender's message, sent again until it is accepted."""
        self.promised.pop(key, None)
        message = message_of(key, firing=firing, severity=severity, group=group or key)
        while True:
            process = self.ready
            status = None if process is None else await process.receive(message)
            if status is not None:
                self.tell(f"sent {key} {'firing' if firing else 'resolved'} -> {status}")
            if status == 202:
                self.promised[key] = "firing" if firing else "resolved"
                return
            await self.clock.sleep(10.0)

    def story(self, incident: str) -> str:
        """What the timeline says of an incident."""
        found = self.db.execute(
            "SELECT at, event, text FROM timeline WHERE incident_id = ? ORDER BY id", (incident,)
        )
        return "\n" + "\n".join(f"{at} {event}: {text}" for at, event, text in found)

    def incidents(self) -> list[str]:
        if self.ready is None:
            return []
        return [row[0] for row in self.db.execute("SELECT id FROM incidents ORDER BY id")]


def _first_of(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _is_of_store(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_of_store, error.exceptions))
    return isinstance(error, StoreError)


def message_of(key: str, *, firing: bool, severity: str, group: str) -> dict[str, Any]:
    """One alert as Alertmanager sends it."""
    status = "firing" if firing else "resolved"
    alert = {
        "status": status,
        "labels": {"alertname": key, "severity": severity},
        "annotations": {"summary": f"{key} needs you"},
        "startsAt": "2026-11-22T15:56:03.078Z",
        "endsAt": "0001-01-01T00:00:00Z" if firing else "2026-11-22T16:56:03.078Z",
        "fingerprint": key,
    }
    return {
        "receiver": "escalator",
        "status": status,
        "alerts": [alert],
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://127.0.0.1",
        "version": "4",
        "groupKey": group,
        "truncatedAlerts": 0,
    }


# ---- a world in a storm


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
        made = world(clock, folder, weather)
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
