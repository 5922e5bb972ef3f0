"""Stories of messages, live overrides and silences, for ending the process at each point of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from fate import Posting
from playbook import policy, rules, step
from scenes import (
    ANA,
    BEN,
    NOBODY,
    EndsAt,
    Scene,
    incidents,
    is_acknowledged_once,
    is_sent,
    lines_of,
    made_to,
    phases,
    until,
)
from simulation import World

from escalator.escalation.matchers import parse_matcher
from escalator.escalation.schedules import Override, Schedule
from escalator.escalation.silences import Silence
from escalator.phone.carrier import Unclear
from escalator.store import live

HOUR = timedelta(hours=1)
ON_CALL = "primary"
TEXTED = rules(
    policy(step(sms=("ana",), wait="100s"), step("ben", retry="10m", wait="30m")),
)


@dataclass
class WritesBack(EndsAt):
    """Whoever gets a message acknowledges by message."""

    def writes_back(self, to: str) -> str:
        return "4"


@dataclass
class LosesTheLetter(EndsAt):
    """The first request for a message is never answered; status callbacks are lost."""

    is_made: bool = True
    asked: int = 0

    def letter_posting(self, to: str) -> Posting:
        self.asked += 1
        if self.asked > 1:
            return Posting()
        return Posting(makes=int(self.is_made), answers=15.0, outcome=Unclear("no answer in time"))

    def deliveries(self, kind: str) -> Sequence[float]:
        return () if kind in ("sent", "delivered") else (0.0,)


# ---- messages


async def a_message(world: World) -> None:
    await is_sent(world, "disk")
    await until(world, lambda world: phases(world) == {"acknowledged"})


def it_was_written_once(world: World) -> None:
    is_acknowledged_once(world)
    written = [letter.new.to for letter in world.post_office.letters]
    assert written == [ANA], "what is owed is sent, and once (K4 to K8)"
    assert world.db.execute("SELECT count(*) FROM texts WHERE is_sent = 0").fetchone() == (0,)
    under_way = "SELECT state FROM messages WHERE state NOT IN ('sent', 'delivered')"
    left = world.db.execute(under_way).fetchall()
    assert left == [], f"a message whose fate nobody learned: {left}"


def it_was_answered_by_message(world: World) -> None:
    it_was_written_once(world)
    assert made_to(world, ANA) == made_to(world, BEN) == 0
    assert len(world.post_office.answers) == 1, "whoever wrote gets an answer (K9 to K11)"


# ---- live overrides and silences


def _span(world: World) -> dict:
    wall = world.clock.wall()
    return {"start": wall - HOUR, "end": wall + 9 * HOUR, "created_at": wall}


def _schedule() -> Schedule:
    return Schedule(name=ON_CALL, zone=ZoneInfo("UTC"))


BY_SCHEDULE = rules(
    policy(step("ana", retry="10m", wait="100s"), step(ON_CALL, retry="10m", wait="30m")),
    schedules={ON_CALL: _schedule()},
)


async def an_override(world: World) -> None:
    """Nobody is on call but by the override."""

    async def put() -> None:
        about = _span(world)
        row_id = await world.change_live(
            "overrides",
            lambda db, row_id: live.add_override(
                db, Override(id=row_id, schedule=ON_CALL, person="ben", **about), "root"
            ),
        )
        world.live_promised[row_id] = "overrides"

    world.spawn(put())
    await until(world, lambda world: bool(world.live_promised))
    await is_sent(world, "disk")
    await until(world, lambda world: phases(world) == {"acknowledged"})


def who_stands_in_was_rung(world: World) -> None:
    is_acknowledged_once(world)
    assert (made_to(world, ANA), made_to(world, BEN)) == (1, 1), "what was answered 201 holds"
    assert world.ready.engine.rules.schedules[ON_CALL].overrides, "the override is in force"


async def a_silence(world: World) -> None:
    """An alert is held, the silence is ended: then it pages."""

    async def put() -> None:
        about = _span(world)
        row_id = await world.change_live(
            "silences",
            lambda db, row_id: live.add_silence(
                db,
                Silence(id=row_id, matchers=(parse_matcher('alertname="disk"'),), **about),
            ),
        )
        world.live_promised[row_id] = "silences"

    world.spawn(put())
    await until(world, lambda world: bool(world.live_promised))
    await is_sent(world, "disk")
    await world.pass_time(30.0)
    assert not world.exchange.lines, "what was answered 201 holds: nobody is rung"
    assert incidents(world) == 1, "what is held is on file"

    def end_all(db, row_id):
        for silence in live.silences(db, since=world.clock.wall()):
            live.expire_silence(db, silence.id, world.clock.wall())

    world.spawn(world.change_live("silences", end_all))
    await until(world, lambda world: phases(world) == {"acknowledged"})


def it_rang_when_nothing_held_it(world: World) -> None:
    is_acknowledged_once(world)
    assert made_to(world, ANA) == 1
    assert len(lines_of(world, "held")) == 1, "it was held once"
    assert world.ready.engine.rules.silences == ()


LIVE_SCENES = {
    "message-and-reply": Scene(
        a_message, it_was_answered_by_message, 0, (0, 0), fate=WritesBack, config=TEXTED
    ),
    "message-unclear-and-made": Scene(
        a_message, it_was_written_once, 1, (1, 1), fate=LosesTheLetter, config=TEXTED
    ),
    "message-unclear-and-not-made": Scene(
        a_message,
        it_was_written_once,
        1,
        (1, 1),
        fate=lambda **about: LosesTheLetter(is_made=False, **about),
        config=TEXTED,
    ),
    "override": Scene(
        an_override, who_stands_in_was_rung, 2, (2, 2), {ANA: NOBODY}, config=BY_SCHEDULE
    ),
    "silence": Scene(a_silence, it_rang_when_nothing_held_it, 1, (1, 1)),
}
