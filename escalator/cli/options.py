"""Options that several verbs share, so that they are spelled, documented and read alike.

Flags are dotted as Prometheus's; each has its environment variable.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

DEFAULT_CONFIG = "/etc/escalator/escalator.yml"

_Command = TypeVar("_Command", bound=Callable[..., Any])


def config_file(command: _Command) -> _Command:
    """`-c`, `--config.file`; the command gets `config_file: str`."""
    return click.option(
        "-c",
        "--config.file",
        "config_file",
        envvar="ESCALATOR_CONFIG_FILE",
        default=DEFAULT_CONFIG,
        show_default=True,
        show_envvar=True,
        metavar="FILE",
        help="The config file.",
    )(command)


def config_argument(command: _Command) -> _Command:
    """The config file as an optional argument; the command gets `file: str | None`."""
    return click.argument("file", required=False, metavar="[FILE]")(command)


def without_secrets(command: _Command) -> _Command:
    """`--without-secrets`; the command gets `without_secrets: bool`."""
    return click.option(
        "--without-secrets", is_flag=True, help="Do not read the secrets that the file names."
    )(command)


def output(command: _Command) -> _Command:
    """`-o`, `--output`; the command gets `output: str`, `text` or `json`."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="For people, or for programs.",
    )(command)


def daemon(command: _Command) -> _Command:
    """`--url` and `--token.file`; the command gets `url` and `token_file`, each str or None."""
    with_token = click.option(
        "--token.file",
        "token_file",
        envvar="ESCALATOR_TOKEN_FILE",
        show_envvar=True,
        metavar="FILE",
        help="A file with the bearer token. Default: the first of web.tokens in the config.",
    )(command)
    return click.option(
        "--url",
        envvar="ESCALATOR_URL",
        show_envvar=True,
        metavar="URL",
        help="The daemon's internal listener. Default: listen.internal of the config.",
    )(with_token)


def chosen_config(ctx: click.Context, file: str | None, config_file: str) -> str:
    """The file to read: the argument, else `-c`, else the environment, else the default.

    Raises `click.UsageError` when both are typed and differ.
    """
    if file is None:
        return config_file
    source = ctx.get_parameter_source("config_file")
    if source is click.core.ParameterSource.COMMANDLINE and file != config_file:
        raise click.UsageError("give the config file once: as an argument or with -c")
    return file


def pairs(written: Sequence[str], what: str) -> dict[str, str]:
    """`name=value` texts as a mapping. Raises `click.BadParameter`."""
    found: dict[str, str] = {}
    for text in written:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=what)
        if name in found:
            raise click.BadParameter(f"{name} is given twice", param_hint=what)
        found[name] = value
    return found
