"""The verb `simulator`: a telephone company on loopback, as a process of its own.

It prints how to point `twilio.api_url` at it and then tells what happens on its phones until it is
interrupted. Whoever knows the auth token can do nothing but ring simulated phones; still it listens
on loopback only.
"""

import asyncio
import secrets
import signal
from pathlib import Path

import click

from escalator.simulator import (
    ACCOUNT_SID,
    Answered,
    CallQueued,
    Ended,
    Heard,
    Listening,
    Pressed,
    Ringing,
    Script,
    SimEvent,
    Simulator,
    Texted,
)
from escalator.simulator.guard import is_loopback

_EVERYBODY = {
    "no-answer": Script.no_answer(),
    "manual": Script.manual(),
    "answers": Script.answers("4"),
    "busy": Script.busy(),
    "declines": Script.declines(),
    "voicemail": Script.voicemail(),
}


@click.command()
@click.option("--listen", default="127.0.0.1:8913", show_default=True, metavar="HOST:PORT")
@click.option("--account-sid", default=ACCOUNT_SID, show_default=True, metavar="SID")
@click.option(
    "--auth-token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the auth token from here; without it one is made and printed.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Simulated seconds per second.",
)
@click.option(
    "--calls-per-second",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="How fast calls leave the queue; 0 for no queue.",
)
@click.option(
    "--everybody",
    type=click.Choice(list(_EVERYBODY)),
    default="no-answer",
    show_default=True,
    help="What numbers do that were given no script.",
)
def simulator(
    *,
    listen: str,
    account_sid: str,
    auth_token_file: Path | None,
    speed: float,
    calls_per_second: float,
    everybody: str,
) -> None:
    """Run a telephone company on loopback: it speaks Twilio's API and rings simulated phones."""
    host, port = _address(listen)
    company = Simulator(
        account_sid,
        _token(auth_token_file),
        speed=speed,
        calls_per_second=calls_per_second or None,
    )
    company.people.default = _EVERYBODY[everybody]
    company.listeners.append(lambda event: click.echo(narrate(event)))
    try:
        asyncio.run(_run(company, host, port, token_is_new=auth_token_file is None))
    except OSError as error:
        raise click.ClickException(f"cannot listen on {listen}: {error.strerror}") from error


def narrate(event: SimEvent) -> str:
    """One line about an event, for a person to read."""
    match event:
        case Texted(message) if message.direction == "inbound":
            return f"{message.from_}: texts {message.to}: {message.body}"
        case Texted(message):
            return f"{message.to}: message from {message.from_}: {message.body}"
        case CallQueued(call):
            return f"{call.to}: call {call.sid} from {call.from_} is queued"
        case Ringing(call):
            return f"{call.to}: ringing"
        case Answered(call):
            return f"{call.to}: answered"
        case Heard(call, text):
            return f"{call.to}: hears “{text}”"
        case Listening(call):
            return f"{call.to}: may press keys"
        case Pressed(call, key):
            return f"{call.to}: presses {key}"
        case Ended(call):
            return f"{call.to}: {call.status} after {call.duration} s"


async def _run(company: Simulator, host: str, port: int, *, token_is_new: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with company.run(host, port):
        click.echo(_greeting(company, token_is_new=token_is_new))
        await stopped.wait()


def _greeting(company: Simulator, *, token_is_new: bool) -> str:
    lines = [
        f"The simulator listens on {company.url}. To use it, put this into escalator's config:",
        "",
        "twilio:",
        f"  account_sid: {company.account.sid}",
        "  auth_token: { file: PATH-OF-A-FILE-WITH-THE-TOKEN }",
        f"  api_url: {company.url}",
        "  from: +15005550006",
        "",
    ]
    if token_is_new:
        lines += [f"The auth token of this run is {company.account.auth_token}", ""]
    control = f"{company.url}/simulator"
    json = "-H 'Content-Type: application/json'"
    lines += [
        "Give a number a person, see what happened, press a key on a manual phone:",
        f'  curl -X PUT {control}/people/+15005550109 {json} -d \'{{"presses": ["4"]}}\'',
        f"  curl {control}/calls",
        f'  curl {control}/calls/CALL-SID/press {json} -d \'{{"keys": "4"}}\'',
        "",
    ]
    return "\n".join(lines)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65536 and host):
        raise click.BadParameter(f"{text!r} is not HOST:PORT", param_hint="--listen")
    if not is_loopback(host):
        hint = "use 127.0.0.1 or [::1]: the simulator is for this machine only"
        raise click.BadParameter(f"{host} is not a loopback address; {hint}", param_hint="--listen")
    return host.strip("[]"), int(port)


def _token(file: Path | None) -> str:
    if file is None:
        return secrets.token_hex(16)
    token = file.read_text(encoding="utf-8").strip()
    if not token:
        raise click.BadParameter(f"{file} is empty", param_hint="--auth-token-file")
    return token
