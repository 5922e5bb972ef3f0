"""The verb `demo`: see, hear and try what escalator does, within a minute, without an account.

With `--auto` a story is played and held against what really happened; a story that came out
differently is a failure. Without it people are the phones: in the browser, or at the terminal.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from escalator.cli.acts import acts, facts, links
from escalator.cli.child import StageError
from escalator.cli.demo_config import Plan
from escalator.cli.failures import leaves
from escalator.cli.keyboard import play_along
from escalator.cli.past import lay_out_past
from escalator.cli.stage import LOG, Stage, raised
from escalator.cli.story import StoryError, play_story
from escalator.clock import SystemClock
from escalator.config.values import read_address, read_language
from escalator.simulator.scene import ANA, BEN, CAST, CHIKA, DIEGO, Told

_INTERRUPTED = "interrupted before the story was over"
_LOG_LINES = 20
_COLOURS = {
    "alert": "red",
    "escalator": "yellow",
    "daemon": "magenta",
    "Twilio": "magenta",
    ANA.short: "cyan",
    BEN.short: "green",
    CHIKA.short: "blue",
    DIEGO.short: "bright_cyan",
}
_WIDTH = max(len(who) for who in _COLOURS)

Play = Callable[[Stage], Awaitable[None]]
Task = asyncio.Future[None]


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
        has_past=not auto,
        is_verbose=verbose,
    )
    problem, log = _played(plan, play_story if auto else play_along)
    if problem == _INTERRUPTED:
        raise click.ClickException(problem)
    if problem:
        _show_end_of(log)
        raise click.ClickException(f"the demo did not come out as told: {problem}")


def _played(plan: Plan, play: Play) -> tuple[str, str]:
    """Why it is no success, "" if it is one; and what the daemon logged."""
    problem = ""
    with TemporaryDirectory(prefix="escalator-demo-") as folder:
        try:
            problem = asyncio.run(_perform(Path(folder), plan, play))
        except* (StageError, OSError) as group:
            problem = "; ".join(str(error) for error in leaves(group))
        log = Path(folder) / LOG
        logged = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return problem, logged


async def _perform(folder: Path, plan: Plan, play: Play) -> str:
    """Play until the end or a signal. Returns why it is no success, "" if it is one."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    async with raised(folder, plan, Teller()) as stage:
        await _set(stage, plan)
        _greet(stage)
        narrator = asyncio.ensure_future(stage.narrate())
        player = asyncio.ensure_future(play(stage))
        end = asyncio.ensure_future(stopped.wait())
        everybody: tuple[asyncio.Future[Any], ...] = (player, narrator, end)
        try:
            await asyncio.wait(everybody, return_when=asyncio.FIRST_COMPLETED)
            return _verdict(player, narrator, is_story=play is play_story)
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


async def _set(stage: Stage, plan: Plan) -> None:
    """Furnish the stage: the past, the buttons, the facts."""
    if plan.has_past:
        await lay_out_past(stage)
    show = stage.simulator.show
    show.links, show.acts, show.facts = links(stage), acts(stage), lambda: facts(stage)
    stage.begin()


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
    phones = [f"{stage.simulator.url}/demo/phone/{owner.key}" for owner in CAST]
    lines = [
        "Everything is simulated, on 127.0.0.1: no account, no real calls, nothing leaves here.",
        f"Board   {stage.url}/",
        f"Stage   {stage.simulator.url}/demo",
        *(f"{'Phones' if phone == phones[0] else '':<7} {phone}" for phone in phones),
        f"API     {stage.url}/api/v1/incidents?phase=all",
        f"On call {', then '.join(owner.name for owner in CAST)}.\n",
    ]
    click.echo("\n".join(lines))


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
