"""The verb `alert`: be a sender. An alert goes in by the same door, in the same form, with the same
proof as Alertmanager's, so that what works here works there.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from escalator.cli.client import Client, base_url, bearer, peek_if_needed, read_token
from escalator.cli.options import config_file, output, pairs
from escalator.cli.peeking import Peek
from escalator.cli.tables import print_json
from escalator.clock import SystemClock
from escalator.config.problems import did_you_mean
from escalator.intake.payload import fingerprint, labels_text

DEFAULT_RECEIVER = "alertmanager"


@click.group()
def alert() -> None:
    """Send alerts."""


@alert.command()
@click.argument("labels", nargs=-1, required=True, metavar="LABEL=VALUE...")
@click.option(
    "--annotation", "annotations", multiple=True, metavar="NAME=TEXT", help="May be repeated."
)
@click.option(
    "--receiver",
    metavar="NAME",
    help="Which receiver gets it. Default: alertmanager, or the only one of the config.",
)
@click.option("--resolve", "is_over", is_flag=True, help="Say that it no longer fires.")
@click.option(
    "--token.file",
    "token_file",
    metavar="FILE",
    help="A file with the receiver's bearer token. Default: what the config says of the receiver.",
)
@click.option(
    "--url",
    envvar="ESCALATOR_URL",
    show_envvar=True,
    metavar="URL",
    help="The daemon's internal listener. Default: listen.internal of the config.",
)
@config_file
@output
def send(
    *,
    labels: tuple[str, ...],
    annotations: tuple[str, ...],
    receiver: str | None,
    is_over: bool,
    config_file: str,
    url: str | None,
    token_file: str | None,
    output: str,
) -> None:
    """Send an alert to the daemon as Alertmanager would. It pages whoever is on call."""
    fields = pairs(labels, "LABEL=VALUE"), pairs(annotations, "--annotation")
    known = peek_if_needed(config_file, url)
    name = _receiver(known, receiver)
    message = notification(name, *fields, now=SystemClock().wall(), is_over=is_over)
    body = json.dumps(message, ensure_ascii=False).encode()
    proof = bearer(read_token(token_file)) if token_file is not None else _proof(known, name, body)
    answer = Client(base_url(known, url)).post(f"/receive/{quote(name, safe='')}", body, proof)
    if output == "json":
        print_json(answer)
    else:
        click.echo(_told(answer))


def notification(
    receiver: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    *,
    now: datetime,
    is_over: bool = False,
) -> dict[str, Any]:
    """A message of Alertmanager's webhook, version 4, with one alert that is a group of its own."""
    status = "resolved" if is_over else "firing"
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "version": "4",
        "groupKey": f"{{}}:{labels_text(labels)}",
        "truncatedAlerts": 0,
        "status": status,
        "receiver": receiver,
        "groupLabels": dict(labels),
        "commonLabels": dict(labels),
        "commonAnnotations": dict(annotations),
        "externalURL": "",
        "alerts": [
            {
                "status": status,
                "labels": dict(labels),
                "annotations": dict(annotations),
                "startsAt": at,
                "endsAt": at if is_over else "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": fingerprint(labels),
            }
        ],
    }


def generated_token_file(known: Peek) -> Path:
    """Where the daemon keeps the token of the receiver that nobody wrote."""
    from escalator.app import token_path  # the whole daemon: only where it is asked for

    return token_path(known.config.storage.path)


def _receiver(known: Peek | None, wanted: str | None) -> str:
    """The receiver to send to. Raises `click.BadParameter` for one that the config lacks."""
    if known is None:
        return wanted or DEFAULT_RECEIVER
    receivers = known.config.receivers
    if wanted is None:
        wanted = next(iter(receivers)) if len(receivers) == 1 else DEFAULT_RECEIVER
    if wanted not in receivers:
        hint = did_you_mean(wanted, receivers) or f"; there are: {', '.join(receivers)}"
        raise click.BadParameter(
            f"{known.file} has no receiver {wanted!r}{hint}", param_hint="--receiver"
        )
    return wanted


def _proof(known: Peek | None, name: str, body: bytes) -> dict[str, str]:
    """The headers that prove us to the receiver. Raises `click.ClickException` when its secret
    cannot be read from here.
    """
    if known is None:
        return {}
    receiver = known.config.receivers[name]
    if receiver.generated_token:
        return bearer(read_token(str(generated_token_file(known))))
    auth, path = receiver.auth, ("receivers", name, "auth")
    if auth is None:
        return {}
    try:
        if auth.basic is not None:
            password = known.secret(*path, "basic", "password")
            both = base64.b64encode(f"{auth.basic.user}:{password}".encode()).decode()
            return {"Authorization": f"Basic {both}"}
        if auth.hmac_sha256 is not None:
            secret = known.secret(*path, "hmac_sha256", "secret")
            signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            return {auth.hmac_sha256.header: f"sha256={signature}"}
        return bearer(known.secret(*path, "bearer"))
    except ValueError as problem:
        raise click.ClickException(
            f"{'.'.join(path)}: {problem}; run this as somebody who may read it, or give --token.file"
        ) from None


def _told(answer: dict[str, Any]) -> str:
    accepted = answer["accepted"]
    lines = [f"{accepted} alert{'' if accepted == 1 else 's'} accepted."]
    lines += [
        f"Incident {one['id']} is {'new, ' if one['new'] else ''}{one['phase']}."
        for one in answer["incidents"]
    ]
    return "\n".join(lines if answer["incidents"] else [*lines, "It is on no incident."])
