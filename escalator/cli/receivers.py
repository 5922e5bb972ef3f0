"""The verb `receiver`: what to paste into a sender so that its alerts arrive here."""

import platform
from typing import Any

import click

from escalator.cli.alerts import generated_token_file
from escalator.cli.client import checked_url
from escalator.cli.options import config_file, output
from escalator.cli.peeking import Peek, peek, url_of
from escalator.cli.tables import print_json
from escalator.config.problems import did_you_mean

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared, never listened on
_EXAMPLE = (
    '{"key": "backup", "status": "firing", "severity": "critical", "summary": "Backup failed"}'
)


@click.group()
def receiver() -> None:
    """Set up senders."""


@receiver.command()
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--url", envvar="ESCALATOR_URL", help="How the sender reaches the internal listener.")
@config_file
@output
def snippet(*, name: str | None, url: str | None, config_file: str, output: str) -> None:
    """Print what to paste into Alertmanager's config, or how to call a webhook with curl.

    Without NAME every receiver of the config is shown. The token itself is never printed, only the
    file that it is in.
    """
    known = peek(config_file)
    base = _base(known, url)
    shown = [_described(known, one, base) for one in _wanted(known, name)]
    if output == "json":
        print_json({"receivers": shown})
    else:
        click.echo("\n\n".join(_printed(one) for one in shown))


def _wanted(known: Peek, name: str | None) -> list[str]:
    receivers = known.config.receivers
    if name is None:
        return list(receivers)
    if name not in receivers:
        hint = did_you_mean(name, receivers) or f"; there are: {', '.join(receivers)}"
        raise click.BadParameter(f"{known.file} has no receiver {name!r}{hint}", param_hint="NAME")
    return [name]


def _base(known: Peek, url: str | None) -> str:
    """The address that a sender is told: a listener on every address goes by this host's name."""
    if url is not None:
        return checked_url(url)
    listener = known.config.listen.internal
    try:
        base = url_of(listener)
    except ValueError as problem:
        raise click.ClickException(str(problem)) from None
    if listener.address.host in _EVERYWHERE:
        scheme = base.partition("://")[0]
        return f"{scheme}://{platform.node()}:{listener.address.port}"
    return base


def _described(known: Peek, name: str, base: str) -> dict[str, Any]:
    """A receiver as a sender needs to know it: type, url, auth, user, header, secret_file."""
    receiver, path = known.config.receivers[name], ("receivers", name, "auth")
    about: dict[str, Any] = {"name": name, "type": receiver.type, "url": f"{base}/receive/{name}"}
    auth = receiver.auth
    if receiver.generated_token:
        file = generated_token_file(known)
        note = "" if file.exists() else "the daemon makes this file at its first start"
        return {**about, "auth": "bearer", "secret_file": str(file), "note": note}
    if auth is None:
        return {**about, "auth": "none"}
    if auth.basic is not None:
        about |= {"auth": "basic", "user": auth.basic.user}
        return about | _kept(known, *path, "basic", "password")
    if auth.hmac_sha256 is not None:
        about |= {"auth": "hmac_sha256", "header": auth.hmac_sha256.header}
        return about | _kept(known, *path, "hmac_sha256", "secret")
    return about | {"auth": "bearer"} | _kept(known, *path, "bearer")


def _kept(known: Peek, *path: str) -> dict[str, str]:
    """The file of a secret, or where to put a copy of one that is in no file of its own."""
    file = known.secret_file(*path)
    if file is not None:
        return {"secret_file": str(file), "note": ""}
    source, name = known.source(*path)
    return {
        "secret_file": f"/etc/alertmanager/escalator-{path[1]}.secret",
        "note": f"put a copy of the secret there; the config has it as {source} {name}",
    }


def _printed(about: dict[str, Any]) -> str:
    is_alertmanager = about["type"] == "alertmanager"
    return _alertmanager(about) if is_alertmanager else _curl(about)


def _alertmanager(about: dict[str, Any]) -> str:
    name = about["name"]
    file, note = about.get("secret_file", ""), about.get("note", "")
    lines = [f"# For alertmanager.yml. {_reader(about)}".rstrip()]
    if about["auth"] == "hmac_sha256":
        lines.append(
            "# Alertmanager cannot sign what it sends: give this receiver bearer or basic."
        )
    shown = "escalator" if name == "alertmanager" else f"escalator-{name}"
    lines += [
        f"# A route has to lead to it: receiver: {shown}",
        "receivers:",
        f"  - name: {shown}",
        "    webhook_configs:",
        f"      - url: {about['url']}",
        "        send_resolved: true",
    ]
    comment = f"  # {note}" if note else ""
    if about["auth"] == "bearer":
        lines += [
            "        http_config:",
            "          authorization:",
            "            type: Bearer",
            f"            credentials_file: {file}{comment}",
        ]
    elif about["auth"] == "basic":
        lines += [
            "        http_config:",
            "          basic_auth:",
            f"            username: {about['user']}",
            f"            password_file: {file}{comment}",
        ]
    return "\n".join(lines)


def _reader(about: dict[str, Any]) -> str:
    has_secret = about["auth"] in ("bearer", "basic")
    return "Alertmanager must be able to read the file with the secret." if has_secret else ""


def _curl(about: dict[str, Any]) -> str:
    file, note = about.get("secret_file", ""), about.get("note", "")
    lines = [f"# {about['name']}: any sender that can POST JSON."]
    if note:
        lines.append(f"# {file}: {note}")
    lines.append(f"body='{_EXAMPLE}'")
    proof = {
        "none": "",
        "bearer": f' -H "Authorization: Bearer $(cat {file})"',
        "basic": f' -u "{about.get("user", "")}:$(cat {file})"',
        "hmac_sha256": (
            f' -H "{about.get("header", "")}: sha256=$(printf %s "$body"'
            f' | openssl dgst -sha256 -hmac "$(cat {file})" -r | cut -d" " -f1)"'
        ),
    }[about["auth"]]
    lines.append(f"curl -sS{proof} -H 'Content-Type: application/json' -d \"$body\" {about['url']}")
    return "\n".join(lines)
