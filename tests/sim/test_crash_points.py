"""The process ends at the first, the second, the third … point of a story until the story has no more points.

Points are right before and right after each commit, each request to the carrier and each answer of ours. Whatever the
point, the next process on the same file brings the story to its end: (K1 to K13, K15) and, all the while, I1 to I5.
"""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from clockwork import imagine
from live_scenes import LIVE_SCENES
from scenes import AFTERWARDS, ANA, EndsAt, Scene
from scenes import SCENES as CALL_SCENES
from simulation import World
from structlog.testing import capture_logs

SETTLED_WITHIN = 30.0  # S
POINTS_MAX = 400
SCENES = {**CALL_SCENES, **LIVE_SCENES}
# What each row says, as the label of a point where the process ends.
ROWS = {
    "K1": "202: asked",
    "K2": "commit of AlertReceived: before",
    "K3": "202: before",
    "K4": "202: after",
    "K5": "place: before",
    "K6": "place: after",
    "K7": "commit of CallAccepted: before",
    "K8": "commit of CallAccepted: after",
    "K9": "reply to answer: asked",
    "K10": "commit of KeyPressed: before",
    "K11": "commit of KeyPressed: after",
    "K12": "commit of Due: before",
    "K13": "end: before",
    "K15": "chore: after",
}


def play(scene: Scene, folder: Path, number: int) -> tuple[EndsAt, World]:
    """The story, with the process ending at that point."""
    fate = scene.fate(number=number, people=dict(scene.people))

    async def story(clock) -> World:
        world = World(clock, folder, fate, scene.config)
        try:
            await scene.play(world)
            await world.pass_time(AFTERWARDS)
            check_end(scene, fate, world)
        finally:
            await world.close()
        return world

    for file in folder.iterdir():
        file.unlink()
    with capture_logs():
        world = imagine(story)
    return fate, world


def check_end(scene: Scene, fate: EndsAt, world: World) -> None:
    """The story has ended as it must, and nothing is left over."""
    assert world.process is not None, "the process rises again"
    scene.holds(world)
    fewest, most = scene.calls if fate.ended_at else (scene.undisturbed,) * 2
    made = len(world.exchange.lines)
    assert fewest <= made <= most, f"{made} calls were made"
    left = world.db.execute("SELECT id FROM calls WHERE state != 'ended' OR due_at IS NOT NULL")
    assert left.fetchall() == [], "a call never comes to an end (K8, K13)"
    assert all(line.is_over for line in world.exchange.lines), "a phone still rings (K13)"
    unclear = world.db.execute("SELECT count(*) FROM calls WHERE ambiguous > 0").fetchone()[0]
    is_in_doubt = fate.ended_at in (ROWS["K5"], ROWS["K6"], ROWS["K7"])
    assert not is_in_doubt or unclear or scene.forgets, (
        "what may have been heard is not flagged (K6)"
    )


@pytest.mark.parametrize("name", SCENES)
def test_the_story_ends_well_wherever_the_process_ends(name, in_memory):
    """(K1 to K13; K15: the stories of a reload and of retention)"""
    scene, folder = SCENES[name], in_memory
    undisturbed, _ = play(scene, folder, 0)
    passed = list(undisturbed.passed)
    assert len(passed) > 10

    for number in range(1, POINTS_MAX):
        try:
            fate, world = play(scene, folder, number)
        except AssertionError as error:
            raise AssertionError(f"{name}, ended at point {number}: {error}") from error
        if number > len(fate.passed):
            break
        assert world.crashes == 1

    assert number >= len(passed)
    print(f"{name}: {number - 1} points")


def test_the_stories_pass_every_kind_of_point(in_memory):
    """Each row of the table of process faults is the end of some story."""
    passed = Counter()
    for scene in SCENES.values():
        passed.update(play(scene, in_memory, 0)[0].passed)

    assert [row for row, point in ROWS.items() if not passed[point]] == []


@pytest.mark.parametrize(
    ("row", "within"),
    [("K4", 10.0), ("K5", SETTLED_WITHIN + 10.0), ("K2", 20.0)],
)
def test_the_phone_rings_in_time_after_the_restart(row, within, in_memory):
    """(K2, K4, K5) Nothing else is needed from the sender but, where nothing was accepted, its own next try."""
    scene, folder = SCENES["page-and-acknowledge"], in_memory
    undisturbed, _ = play(scene, folder, 0)
    number = undisturbed.passed.index(ROWS[row]) + 1

    _, world = play(scene, folder, number)

    started = next(float(line.split()[0]) for line in world.trace if line.endswith("started"))
    [line] = [line for line in world.exchange.lines if line.new.to == ANA]
    rang = (
        line.made_at - (world.clock.now() - timedelta(seconds=world.clock.boottime()))
    ).total_seconds()
    assert rang - started <= within
