"""The verb `demo`: see and try what escalator does, within a minute, without an account.

With `--auto` a story is played and held against what really happened; a story that came out
differently is a failure. Without it the person at the terminal is both phones.
"""

import asyncio
import io
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from escalator.cli.failures import leaves
from escalator.cli.stage import Plan, Stage, StageError, raised
from escalator.clock import SystemClock
from escalator.config.problems import ConfigError
from escalator.config.values import read_address, read_language
from escalator.simulator import SimCall
from escalator.simulator.scene import (
    ANA,
    BEN,
    CAST,
    Told,
    declines_at_first,
    hears_and_acknowledges,
    player_of,
    ringing,
    talking,
)
from escalator.store.errors import StoreError
from escalator.telemetry import configure_logging

STORY_SECONDS = 28.0
_SCENE_SECONDS = 10.0
_BREATH_SECONDS = 0.8
_INTERRUPTED = "interrupted before the story was over"
_LOG_LINES = 20
_KEYS = frozenset("0123456789*#")
_COLOURS = {"alert": "red", "escalator": "yellow", ANA.short: "cyan", BEN.short: "green"}
_WIDTH = max(len(who) for who in _COLOURS)
_HELP = (
    "Enter breaks a database (again).  A phone rings: a answers, d declines.  In a call: 4 5 6 *\n"
    "are its keys, d hangs up.  r: the database is well again.  q quits.  Each with Enter."
)

_EPILOGUE = "\nThat is all. Run it without --auto, and both phones are yours."

Play = Callable[[Stage], Awaitable[None]]
Task = asyncio.Future[None]


class StoryError(Exception):
    """The story did not come out as told."""


@click.command()
@click.option("--auto", is_flag=True, help="Play a story of some twelve seconds and leave.")
@click.option(
    "--listen", metavar="HOST:PORT", help="Where the board and the API are. Default: a free port."
)
@click.option(
    "--language", default="en-GB", show_default=True, metavar="TAG", help="What the phones speak."
)
@click.option("--verbose", is_flag=True, help="Show the daemon's log as well.")
def demo(*, auto: bool, listen: str | None, language: str, verbose: bool) -> None:
    """Try everything on this machine: no account, no calls, nothing leaves it.

    The real daemon runs on a temporary database; the telephones are simulated.
    """
    plan = Plan(
        speed=3.0 if auto else 1.0,
        wait=4 if auto else 20,
        listen=_loopback(listen),
        language=_language(language),
    )
    hidden = io.StringIO()
    configure_logging("info", "console" if verbose else "logfmt", sys.stderr if verbose else hidden)
    play = _play_story if auto else _play_along
    problem = ""
    try:
        with TemporaryDirectory(prefix="escalator-demo-") as folder:
            problem = asyncio.run(_perform(Path(folder), plan, play))
    except* (StageError, StoreError, ConfigError, OSError) as group:
        problem = "; ".join(str(error) for error in leaves(group))
    if problem == _INTERRUPTED:
        raise click.ClickException(problem)
    if problem:
        _show_end_of(hidden.getvalue())
        raise click.ClickException(f"the demo did not come out as told: {problem}")


async def _perform(folder: Path, plan: Plan, play: Play) -> str:
    """Play until the end or a signal. Returns why it is no success, "" if it is one."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    async with raised(folder, plan, Teller()) as stage:
        _greet(stage)
        narrator = asyncio.ensure_future(stage.narrate())
        player = asyncio.ensure_future(play(stage))
        end = asyncio.ensure_future(stopped.wait())
        everybody: tuple[asyncio.Future[Any], ...] = (player, narrator, end)
        try:
            await asyncio.wait(everybody, return_when=asyncio.FIRST_COMPLETED)
            return _verdict(player, narrator, is_story=play is _play_story)
        finally:
            for task in everybody:
                task.cancel()
            await asyncio.gather(*everybody, return_exceptions=True)


def _verdict(player: Task, narrator: Task, *, is_story: bool) -> str:
    """What went wrong, "" for nothing. Returned rather than raised, so that the daemon stops in order."""
    for task in (player, narrator):
        if task.done():
            try:
                task.result()
            except (StageError, StoryError) as error:
                return str(error)
    return _INTERRUPTED if is_story and not player.done() else ""


# ---- the story


async def _play_story(stage: Stage) -> None:
    """Ana declines, Ben acknowledges, the sender resolves. Raises `StoryError`, naming what is off."""
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
    await stage.mend_database()
    found = await stage.incident(incident)
    _demand(found["phase"] == "resolved", f"the incident is {found['phase']}, not resolved")
    _demand(len(stage.simulator.calls) == 2, f"{len(stage.simulator.calls)} calls were made, not 2")
    await stage.catch_up()
    click.echo(_EPILOGUE)


async def _scene(stage: Stage, otherwise: str, number: str, status: str) -> SimCall:
    try:
        return await stage.simulator.wait_call(number, status=status, within=_SCENE_SECONDS)
    except TimeoutError:
        raise StoryError(f"{otherwise} within {_SCENE_SECONDS:g} s") from None


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - it reads as the sentence it is
    if not holds:
        raise StoryError(otherwise)


# ---- with a person


async def _play_along(stage: Stage) -> None:
    """Do what is typed, line by line, until `q` or the end of the input."""
    click.echo(_HELP + "\n")
    click.echo("Press Enter to break the database.")
    typed = _typed_lines()
    while (line := await typed.get()) is not None and line.strip().lower() != "q":
        word = line.strip().lower()
        if not word:
            await stage.break_database()
        elif reply := await _do(stage, word):
            click.echo(reply)
    await stage.catch_up()


async def _do(stage: Stage, word: str) -> str:
    """Carry out one word. Returns what to answer, "" when what happens speaks for itself."""
    calls = stage.simulator.calls
    rings, talks = ringing(calls), talking(calls)
    if word == "r":
        return "" if await stage.mend_database() else "Nothing is broken. Press Enter to break it."
    if word == "a":
        return _act(rings, SimCall.answer, "No phone rings.")
    if word == "d":
        if rings is not None:
            return _act(rings, SimCall.decline, "")
        return _act(talks, SimCall.hang_up, "No phone rings, and nobody talks.")
    if set(word) <= _KEYS:
        return _act(talks, lambda call: call.press(word), _nobody_talks(rings))
    return _HELP


def _act(call: SimCall | None, act: Callable[[SimCall], None], otherwise: str) -> str:
    if call is None:
        return otherwise
    try:
        act(call)
    except RuntimeError:
        return "Too late: the call has moved on."
    return ""


def _nobody_talks(rings: SimCall | None) -> str:
    player = player_of(rings.to) if rings is not None else None
    return (
        f"{player.short}'s phone rings: answer with a first." if player else "Nobody is in a call."
    )


def _typed_lines() -> "asyncio.Queue[str | None]":
    """What is typed, line by line; None at the end. Works with terminals, pipes and files alike."""
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        rest = b""
        # Not sys.stdin: a thread that waits inside its lock would keep Python from ending.
        while chunk := _read_some():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                put(line.decode("utf-8", "replace"))
        if rest:
            put(rest.decode("utf-8", "replace"))
        put(None)

    def put(line: str | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(lines.put_nowait, line)

    threading.Thread(target=read, name="keyboard", daemon=True).start()
    return lines


def _read_some() -> bytes:
    try:
        return os.read(0, 4096)
    except OSError:
        return b""


# ---- telling


class Teller:
    """Prints the scene: when, who, what. Colour only where it is wanted and can be seen."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._began: float | None = None
        self._is_plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"

    def __call__(self, told: Told) -> None:
        now = self._clock.boottime()
        self._began = now if self._began is None else self._began
        seconds = int(now - self._began)
        who = click.style(
            f"{told.who:<{_WIDTH}}", fg=_COLOURS.get(told.who), bold=not told.is_speech
        )
        what = click.style(("  " if told.is_speech else "") + told.what, dim=told.is_speech)
        line = f"{seconds // 60:>2}:{seconds % 60:02}  {who}  {what}"
        click.echo(line, color=False if self._is_plain else None)


def _greet(stage: Stage) -> None:
    order = ", then ".join(player.name for player in CAST)
    click.echo(
        "Everything is simulated, on 127.0.0.1: no account, no real calls, nothing leaves here."
    )
    click.echo(f"Board   {stage.url}/")
    click.echo(f"API     {stage.url}/api/v1/incidents?phase=all")
    click.echo(f"Phones  {stage.simulator.url}/simulator/calls")
    click.echo(f"On call {order}.\n")


def _show_end_of(hidden: str) -> None:
    lines = hidden.splitlines()[-_LOG_LINES:]
    if lines:
        click.echo("The last lines of the daemon's log:\n  " + "\n  ".join(lines), err=True)


def _loopback(listen: str | None) -> str:
    if listen is None:
        return "127.0.0.1:0"
    try:
        address = read_address(listen)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--listen") from None
    if not address.is_loopback:
        raise click.BadParameter(
            f"{address.host} is not loopback; the demo is for this machine only",
            param_hint="--listen",
        )
    return str(address)


def _language(tag: str) -> str:
    try:
        return read_language(tag)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--language") from None
