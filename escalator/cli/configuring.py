"""The verbs about the config file: does it load, what does it say in full, what may it say at all.

Nothing here touches the daemon or its database.
"""

import json
from typing import Any

import click

from escalator.cli import CONFIG_EXIT
from escalator.cli.options import (
    chosen_config,
    config_argument,
    config_file,
    output,
    without_secrets,
)
from escalator.clock import SystemClock
from escalator.config.loading import Loaded, load
from escalator.config.problems import ConfigError, Problem
from escalator.config.schema import json_schema
from escalator.config.showing import effective, effective_yaml

_SINGULAR = {
    "people": "person",
    "schedules": "schedule",
    "policies": "policy",
    "routes": "route",
    "receivers": "receiver",
}


@click.command("check-config")
@config_argument
@config_file
@without_secrets
@output
@click.pass_context
def check_config(
    ctx: click.Context, *, file: str | None, config_file: str, without_secrets: bool, output: str
) -> None:
    """Say whether a config file loads, and what is doubtful in it.

    Everything that is wrong is told at once, on stderr; the exit code is then 78.
    """
    path = chosen_config(ctx, file, config_file)
    now = SystemClock().wall()
    try:
        loaded = load(path, secrets=not without_secrets, now=now)
    except ConfigError as error:
        if output == "json":
            _print_json({"ok": False, "file": path, "problems": _listed(error.problems)})
        _complain(path, error)
        ctx.exit(CONFIG_EXIT)
    if output == "json":
        _print_json(_report(loaded))
        return
    for warning in loaded.warnings:
        click.echo(str(warning))
    click.echo(f"{path}: {_summary(loaded)}")


@click.group()
def config() -> None:
    """Show the config in force, or what a config may hold."""


@config.command()
@config_argument
@config_file
@without_secrets
@output
@click.pass_context
def show(
    ctx: click.Context, *, file: str | None, config_file: str, without_secrets: bool, output: str
) -> None:
    """Print the config with its defaults filled in, secrets as fingerprints."""
    loaded = load(chosen_config(ctx, file, config_file), secrets=not without_secrets)
    if output == "json":
        _print_json(effective(loaded))
    else:
        click.echo(effective_yaml(loaded), nl=False)


@config.command()
def schema() -> None:
    """Print the JSON Schema of the config file, for editors."""
    _print_json(json_schema())


def _found(loaded: Loaded) -> dict[str, int]:
    config = loaded.config
    return {
        "people": len(config.people),
        "schedules": len(config.schedules),
        "policies": len(config.policies),
        "routes": len(config.routes),
        "receivers": len(config.receivers),
    }


def _summary(loaded: Loaded) -> str:
    """`2 people, 1 policy, 0 routes, 1 receiver`; schedules are told of where there are any."""
    return ", ".join(
        f"{count} {_SINGULAR[what] if count == 1 else what}"
        for what, count in _found(loaded).items()
        if count or what != "schedules"
    )


def _report(loaded: Loaded) -> dict[str, Any]:
    return {
        "ok": True,
        "file": loaded.file,
        "sha256": loaded.sha256,
        "found": _found(loaded),
        "problems": _listed(loaded.warnings),
    }


def _listed(problems: tuple[Problem, ...]) -> list[dict[str, Any]]:
    return [
        {
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "path": problem.path,
            "message": problem.message,
            "severity": "warning" if problem.is_warning else "error",
        }
        for problem in problems
    ]


def _complain(path: str, error: ConfigError) -> None:
    errors = sum(not problem.is_warning for problem in error.problems)
    click.echo(str(error), err=True)
    click.echo(f"{path}: does not load, {errors} error{'' if errors == 1 else 's'}", err=True)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
