"""The terminal's part of `escalator demo`: whoever types there is every phone, line by line."""

import asyncio
import os
import threading
from collections.abc import Callable

import click

from escalator.cli.stage import Stage
from escalator.simulator import SimCall
from escalator.simulator.scene import owner_of, ringing, talking

_KEYS = frozenset("0123456789*#")
_HELP = (
    "Enter breaks a database (again).  A phone rings: a answers, d declines.  In a call: 4 5 6 *\n"
    "are its keys, d hangs up.  r: the database is well again.  q quits.  Each with Enter."
)


async def play_along(stage: Stage) -> None:
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
        return "" if await stage.mend_last() else "Nothing is broken. Press Enter to break it."
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
    owner = owner_of(rings.to) if rings is not None else None
    return f"{owner.short}'s phone rings: answer with a first." if owner else "Nobody is in a call."


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
