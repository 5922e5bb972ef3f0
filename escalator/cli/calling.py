"""The verb `call`: ring a number and say something, once, without an incident.

The request carries a key of its own, so asking again after a lost answer never rings twice.
"""

import json
import secrets
import threading
from datetime import timedelta
from typing import Any

import click

from escalator.cli.client import Client, DaemonError, NoAnswer, reach
from escalator.cli.options import config_file, daemon, output
from escalator.cli.tables import plain, print_json, span
from escalator.clock import SystemClock
from escalator.config.values import read_duration

_ASK_TRIES = 3
_ASK_AGAIN_SECONDS = 1.0
_LOOK_SECONDS = 0.25
_UNAVAILABLE = 503
_PLACED = frozenset({"queued", "ringing", "in-progress"})


@click.command()
@click.argument("to", metavar="NUMBER|PERSON")
@click.option("--say", required=True, metavar="TEXT", help="What is said.")
@click.option("--voice", metavar="VOICE", help="As alice. Default: that of the language.")
@click.option("--language", metavar="TAG", help="As ja-JP. Default: the person's or the config's.")
@click.option("--loop", type=click.IntRange(1, 10), help="How often it is said. Default: 3.")
@click.option(
    "--wait",
    type=click.Choice(["answered", "ended"]),
    help="Stay until then, not only until placed.",
)
@click.option(
    "--timeout", default="60s", show_default=True, metavar="SPAN", help="How long to stay at most."
)
@config_file
@daemon
@output
@click.pass_context
def call(
    ctx: click.Context,
    *,
    to: str,
    say: str,
    voice: str | None,
    language: str | None,
    loop: int | None,
    wait: str | None,
    timeout: str,
    config_file: str,
    url: str | None,
    token_file: str | None,
    output: str,
) -> None:
    """Ring a number (E.164) or a person of the config and say something.

    Exits 0 when the carrier took the call; with --wait when it was answered.
    """
    patience = _patience(timeout)
    client = reach(config_file, url, token_file)
    wanted = {"to": to, "say": say, "voice": voice, "language": language, "loop": loop}
    placed = _ask(client, {name: value for name, value in wanted.items() if value is not None})
    is_talkative = output == "text"
    found = _followed(client, placed, wait, patience=patience, is_talkative=is_talkative)
    if is_talkative:
        click.echo(_verdict(found))
    else:
        print_json(found)
    ctx.exit(0 if _is_done(found, wait) else 1)


def _ask(client: Client, wanted: dict[str, Any]) -> dict[str, Any]:
    """Order the call. An answer that got lost is asked for again under the same key."""
    body = json.dumps(wanted).encode()
    headers = {"Idempotency-Key": secrets.token_urlsafe(18)}
    for left in reversed(range(_ASK_TRIES)):
        try:
            answer: dict[str, Any] = client.post("/api/v1/calls", body, headers)
        except (NoAnswer, DaemonError) as failure:
            is_final = isinstance(failure, DaemonError) and failure.status != _UNAVAILABLE
            if is_final or not left:
                raise
            threading.Event().wait(_ASK_AGAIN_SECONDS)
        else:
            return answer
    raise AssertionError("the last try returns or raises")


def _followed(
    client: Client,
    call: dict[str, Any],
    wait: str | None,
    *,
    patience: timedelta,
    is_talkative: bool,
) -> dict[str, Any]:
    """The call as it stands when what was waited for has come, or can come no more."""
    clock = SystemClock()
    until = clock.boottime() + patience / timedelta(seconds=1)
    if is_talkative:
        click.echo(f"Call {call['id']} to {plain(call['to'])}.")
    shown = ""
    while True:
        if is_talkative and call["state"] != shown:
            shown = call["state"]
            click.echo(f"  {shown}")
        if call["state"] == "ended" or _has_come(call, wait) or clock.boottime() >= until:
            return call
        threading.Event().wait(_LOOK_SECONDS)
        call = client.get(f"/api/v1/calls/{call['id']}")


def _has_come(call: dict[str, Any], wait: str | None) -> bool:
    if wait == "ended":
        return bool(call["state"] == "ended")
    if wait == "answered":
        return call["answered_at"] is not None
    return call["state"] in _PLACED


def _is_done(call: dict[str, Any], wait: str | None) -> bool:
    """Whether the verb has done what it was asked: placed the call, or had it answered."""
    if wait is None:
        return call["state"] in _PLACED or (call["state"] == "ended" and bool(call["sid"]))
    return call["answered_at"] is not None and _has_come(call, wait)


def _verdict(call: dict[str, Any]) -> str:
    error = call["error"] or {}
    reason = f": {plain(error['message'])}" if error.get("message") else ""
    code = f" ({error['code']})" if error.get("code") else ""
    if call["state"] == "ended":
        lasted = f" after {span(call['duration'])}" if call["duration"] else ""
        answered = "answered, " if call["answered_at"] is not None else ""
        return f"The call is over{lasted}: {answered}{call['outcome']}{reason}{code}."
    if call["answered_at"] is not None:
        return "The phone was answered."
    if call["state"] in _PLACED:
        return f"The call is placed and {call['state']}."
    return f"The call is {call['state']} still{reason}{code}; the daemon goes on with it."


def _patience(text: str) -> timedelta:
    try:
        return read_duration()(text)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--timeout") from None
