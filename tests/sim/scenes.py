"""Short stories with a known end, for ending the process at each point of them.

A scene plays in a world where nothing goes wrong but that. Its `play` makes things happen and waits for the story's
end; its `holds` says what must be true then, wherever the process ended.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from fate import Fate, Person, Posting
from playbook import PHONES, policy, rules, step
from simulation import World

from escalator.escalation.call_events import CallAsked
from escalator.escalation.calls import Speech
from escalator.escalation.rules import Rules
from escalator.phone.carrier import Unclear

ANA, BEN = PHONES["ana"][0], PHONES["ben"][0]
NOBODY = Person(how="no-answer")
STEPS = rules(policy(step("ana", retry="10m", wait="100s"), step("ben", retry="10m", wait="30m")))
BEN_ALONE = rules(policy(step("ben", retry="10m", wait="30m")), people=(STEPS.people["ben"],))
STORY_ENDS_WITHIN = timedelta(minutes=9)
AFTERWARDS = timedelta(seconds=70)
RETAINED = timedelta(minutes=1)


@dataclass
class EndsAt(Fate):
    """Lets the process end at the n-th point that it passes (0: at none). `passed` are all of them."""

    number: int = 0
    passed: list[str] = field(default_factory=list)

    def ends(self, point: str) -> bool:
        self.passed.append(point)
        return len(self.passed) == self.number

    @property
    def ended_at(self) -> str:
        return self.passed[self.number - 1] if 0 < self.number <= len(self.passed) else ""


@dataclass
class LosesTheFirstAnswer(EndsAt):
    """The first request for a call is never answered, and no callback arrives before the phone is picked up."""

    is_made: bool = True
    posts: int = 0

    def posting(self, to: str) -> Posting:
        self.posts += 1
        if self.posts > 1:
            return Posting()
        return Posting(makes=int(self.is_made), answers=15.0, outcome=Unclear("no answer in time"))

    def deliveries(self, kind: str) -> Sequence[float]:
        return ()

    def person(self, to: str) -> Person:
        return Person(how="no-answer") if self.posts == 1 and self.is_made else Person()


@dataclass
class MakesTwo(EndsAt):
    """The carrier makes two calls of the first request."""

    posts: int = 0

    def posting(self, to: str) -> Posting:
        self.posts += 1
        return Posting(makes=2 if self.posts == 1 else 1)


Play = Callable[[World], Awaitable[None]]
Holds = Callable[[World], None]


@dataclass(frozen=True)
class Scene:
    """A story: who plays, what happens, what must be so at its end.

    `undisturbed`: how many calls it takes; `calls`: how few and how many when the process ends in its midst;
    `forgets`: some of them are no longer on file at its end.
    """

    play: Play
    holds: Holds
    undisturbed: int
    calls: tuple[int, int]
    people: dict[str, Person] = field(default_factory=dict)
    fate: Callable[..., EndsAt] = EndsAt
    config: Rules = STEPS
    forgets: bool = False


# ---- what is looked at


async def until(world: World, condition: Callable[[World], bool]) -> None:
    """Let time pass until this holds. The story has to end in time."""
    end = world.clock.now() + STORY_ENDS_WITHIN
    while world.process is None or not condition(world):
        assert world.clock.now() < end, "the story does not come to its end"
        await world.pass_time(5.0)


def phases(world: World) -> set[str]:
    return {row[0] for row in world.db.execute("SELECT phase FROM incidents")}


def incidents(world: World) -> int:
    return world.db.execute("SELECT count(*) FROM incidents").fetchone()[0]


def lines_of(world: World, event: str) -> list[str]:
    found = world.db.execute("SELECT text FROM timeline WHERE event = ? ORDER BY id", (event,))
    return [row[0] for row in found]


def made_to(world: World, number: str) -> int:
    return sum(line.new.to == number for line in world.exchange.lines)


# ---- the stories


async def is_sent(world: World, *keys: str, firing: bool = True) -> None:
    for key in keys:
        world.spawn(world.send(key, firing=firing))
    await until(world, lambda world: all(key in world.promised for key in keys))


async def page_and_acknowledge(world: World) -> None:
    await is_sent(world, "disk")
    await until(world, lambda world: phases(world) == {"acknowledged"})


def is_acknowledged_once(world: World) -> None:
    assert incidents(world) == 1, "one alert, one incident (K3)"
    assert len(lines_of(world, "acknowledged")) == 1, "one acknowledgement in its history (K11)"
    assert not lines_of(world, "also_acknowledged"), "one person pressed once (K11)"


def one_of_two_is_ended(world: World) -> None:
    is_acknowledged_once(world)
    ends = sorted(line.status for line in world.exchange.lines)
    assert ends == ["canceled", "completed"], "the surplus call is ended while it rings (W18)"


async def escalate(world: World) -> None:
    await page_and_acknowledge(world)


def each_was_rung_once(world: World) -> None:
    is_acknowledged_once(world)
    assert (made_to(world, ANA), made_to(world, BEN)) == (1, 1), (
        "no try lost or made twice (K5, K6, K8)"
    )
    steps = lines_of(world, "step")
    assert steps == ["step 1 of round 1: Ana", "step 2 of round 1: Ben"], (
        "no step skipped or run twice (K12)"
    )


async def bundle(world: World) -> None:
    await is_sent(world, "disk", "cpu")
    await is_sent(world, "net")
    await until(world, lambda world: incidents(world) == 3 and phases(world) == {"acknowledged"})


def all_are_acknowledged(world: World) -> None:
    assert len(lines_of(world, "acknowledged")) == incidents(world) == 3


async def resolve_while_ringing(world: World) -> None:
    await is_sent(world, "disk")
    await world.pass_time(3.0)
    await is_sent(world, "disk", firing=False)
    await until(world, lambda world: phases(world) == {"resolved"})


def the_phone_falls_silent(world: World) -> None:
    assert {line.status for line in world.exchange.lines} <= {"canceled"}, (
        "the cancel was forgotten (K13)"
    )
    assert phases(world) == {"resolved"}


async def reload(world: World) -> None:
    await is_sent(world, "disk")
    await world.pass_time(3.0)
    world.config = BEN_ALONE
    if world.ready is not None:
        world.ready.reload(BEN_ALONE)
    await until(world, lambda world: phases(world) == {"acknowledged"})


def who_is_left_is_rung(world: World) -> None:
    assert made_to(world, BEN) == 1, "whoever is left is rung (C4)"
    assert made_to(world, ANA) <= 1


async def retention(world: World) -> None:
    """One incident is over and old; while another rings, the old one is let go."""
    await page_and_acknowledge(world)
    await is_sent(world, "disk", firing=False)
    await until(world, lambda world: phases(world) == {"resolved"})
    await world.pass_time(RETAINED + timedelta(seconds=10))
    world.acknowledged.clear()
    world.promised.clear()
    world.exchange.lines.clear()
    await is_sent(world, "cpu")
    await world.pass_time(3.0)

    async def clean_up() -> None:
        while (process := world.ready) is None or await process.let_go(RETAINED) is None:
            await world.clock.sleep(2.0)

    world.spawn(clean_up())
    await until(world, lambda world: incidents(world) == 1 and phases(world) == {"acknowledged"})


def only_the_new_one_is_left(world: World) -> None:
    is_acknowledged_once(world)
    assert phases(world) == {"acknowledged"}, "what is open is not touched (K15)"
    for table in ("alerts", "calls", "call_pages"):
        (count,) = world.db.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert count == 1, f"the old one is gone, the new one whole: {table} (K15)"
    ownerless = "SELECT count(*) FROM posts WHERE call_id NOT IN (SELECT id FROM calls)"
    assert world.db.execute(ownerless).fetchone() == (0,), "a token without its call (K15)"


async def direct_call(world: World) -> None:
    speech = Speech(say="hello", voice="alice", language="ja-JP", loop=3)
    asked = CallAsked(call_id="direct", to=BEN, person="", speech=speech, lasts=685.0)

    async def ask() -> None:
        while (process := world.ready) is None or await process.submit(asked) != 202:
            await world.clock.sleep(2.0)

    world.spawn(ask())
    await until(world, lambda world: bool(_direct(world)) and _direct(world)[0] == "ended")


def it_was_answered(world: World) -> None:
    _, answered, request = _direct(world)
    assert answered, "the direct call was answered"
    assert "CallSid=CA" in request, "the answer's request is kept"


def _direct(world: World) -> tuple:
    query = "SELECT state, answered_at, answer_request FROM calls WHERE id = 'direct'"
    return world.db.execute(query).fetchone() or ()


SCENES = {
    "page-and-acknowledge": Scene(page_and_acknowledge, is_acknowledged_once, 1, (1, 1)),
    "escalate": Scene(escalate, each_was_rung_once, 2, (2, 2), {ANA: NOBODY}),
    "pass-on": Scene(escalate, each_was_rung_once, 2, (2, 2), {ANA: Person(keys=("5",))}),
    "bundle": Scene(bundle, all_are_acknowledged, 1, (1, 3), {ANA: Person(after=12.0)}),
    "resolve-while-ringing": Scene(
        resolve_while_ringing, the_phone_falls_silent, 1, (0, 1), {ANA: NOBODY}
    ),
    "reload": Scene(reload, who_is_left_is_rung, 2, (1, 2), {ANA: NOBODY}),
    "retention": Scene(
        retention, only_the_new_one_is_left, 1, (1, 1), {ANA: Person(after=18.0)}, forgets=True
    ),
    "direct-call": Scene(direct_call, it_was_answered, 1, (1, 1)),
    "surplus": Scene(
        page_and_acknowledge, one_of_two_is_ended, 2, (2, 2), {ANA: Person(after=18.0)}, MakesTwo
    ),
    "unclear-and-made": Scene(escalate, each_was_rung_once, 2, (2, 2), fate=LosesTheFirstAnswer),
    "unclear-and-not-made": Scene(
        page_and_acknowledge,
        is_acknowledged_once,
        1,
        (1, 1),
        fate=lambda **about: LosesTheFirstAnswer(is_made=False, **about),
    ),
}
