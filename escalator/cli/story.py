"""The story that `escalator demo --auto` plays and holds against what really happened.

Ana declines, Ben acknowledges, the sender resolves. A story that came out differently is a failure, and says what is
off.
"""

import asyncio

import click

from escalator.cli.stage import Stage
from escalator.simulator import SimCall
from escalator.simulator.scene import ANA, BEN, declines_at_first, hears_and_acknowledges

STORY_SECONDS = 24.0
_SCENE_SECONDS = 10.0
_BREATH_SECONDS = 0.8
_EPILOGUE = "\nThat is all. Run it without --auto, and all phones are yours."


class StoryError(Exception):
    """The story did not come out as told."""


async def play_story(stage: Stage) -> None:
    """Play it. Raises `StoryError`, naming what is off."""
    try:
        async with asyncio.timeout(STORY_SECONDS):
            await _story(stage)
    except TimeoutError:
        raise StoryError(f"it was not over within {STORY_SECONDS:g} s") from None


async def _story(stage: Stage) -> None:
    people = stage.simulator.people
    people[ANA.number], people[BEN.number] = declines_at_first(), hears_and_acknowledges()
    await asyncio.sleep(_BREATH_SECONDS)
    incident = await stage.break_database()
    ana = await _scene(stage, "Ana's phone did not ring", ANA.number, "ringing")
    await _scene(stage, "Ana did not decline", ANA.number, "no-answer")
    ben = await _scene(stage, "Ben's phone did not ring", BEN.number, "ringing")
    await _scene(stage, "Ben's call did not end well", BEN.number, "completed")
    found = await stage.incident(incident)
    _demand(found["phase"] == "acknowledged", f"the incident is {found['phase']}, not acknowledged")
    _demand(found["acknowledged_by"] == BEN.key, "it was not Ben who acknowledged")
    _demand(any("DatabaseDown" in text for text in ben.heard), "Ben was not told what is wrong")
    _demand(ben.pressed == "4", f"Ben pressed {ben.pressed!r}")
    _demand(not ana.heard, "Ana heard something in a call that she declined")
    await asyncio.sleep(_BREATH_SECONDS)
    await stage.mend_last()
    found = await stage.incident(incident)
    _demand(found["phase"] == "resolved", f"the incident is {found['phase']}, not resolved")
    _demand(len(stage.calls()) == 2, f"{len(stage.calls())} calls were made, not 2")
    await stage.catch_up()
    click.echo(_EPILOGUE)


async def _scene(stage: Stage, otherwise: str, number: str, status: str) -> SimCall:
    def found() -> SimCall | None:
        calls = (call for call in stage.calls() if call.to == number and status in call.history)
        return next(calls, None)

    try:
        call = await stage.simulator.wait_for(found, _SCENE_SECONDS)
    except TimeoutError:
        raise StoryError(f"{otherwise} within {_SCENE_SECONDS:g} s") from None
    assert call is not None
    return call


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - it reads as the sentence it is
    if not holds:
        raise StoryError(otherwise)
