"""The command `escalator`: a group that finds its verbs by name and loads only the one that is
asked for.

So `--help` and a mistyped verb answer at once, and a verb whose module is missing takes nothing
else down.
"""

import importlib
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, NamedTuple

import click

from escalator.config.problems import ConfigError

CONFIG_EXIT = 78


class Verb(NamedTuple):
    """Where a verb's command is defined, and its line in the help."""

    module: str
    attribute: str
    help: str


VERBS: dict[str, Verb] = {
    "serve": Verb("serving", "serve", "Run the daemon."),
    "check-config": Verb("configuring", "check_config", "Say whether a config file loads."),
    "config": Verb("configuring", "config", "Show the config in force, or its JSON Schema."),
    "incidents": Verb("incidents", "incidents", "List, show, acknowledge, resolve incidents."),
    "oncall": Verb("oncall", "oncall", "Say who is on call, now or at another time."),
    "explain": Verb("explain", "explain", "Say who would be rung for an alert, when and why."),
    "override": Verb("overriding", "override", "Put somebody on call instead of a schedule."),
    "silence": Verb("silencing", "silence", "Hold back new incidents of what is known."),
    "alert": Verb("alerts", "alert", "Send an alert."),
    "call": Verb("calling", "call", "Ring a number and say something."),
    "receiver": Verb("receivers", "receiver", "Print what to paste into a sender's config."),
    "db": Verb("database", "db", "Check, back up or migrate the database."),
    "demo": Verb("demo", "demo", "Try everything here, without a carrier."),
    "simulator": Verb("simulator", "simulator", "Run a telephone company on loopback."),
}


class Verbs(click.Group):
    """A group whose commands are modules, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs whose modules are there."""
        return [name for name, verb in VERBS.items() if find_spec(_module(verb))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb."""
        if cmd_name not in self.list_commands(ctx):
            return None
        verb = VERBS[cmd_name]
        command = getattr(importlib.import_module(_module(verb)), verb.attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or fail with the verbs that are close."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand:
            known = self.list_commands(ctx)
            raise click.NoSuchCommand(args[0], possibilities=known, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, VERBS[name].help) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; a config that does not load ends any of them with 78."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo(str(error), err=True)
            ctx.exit(CONFIG_EXIT)


def _module(verb: Verb) -> str:
    return f"{__name__}.{verb.module}"


def _version() -> str:
    try:
        return version("escalator-oncall")
    except PackageNotFoundError:
        return "unknown (not installed)"


@click.group(
    cls=Verbs,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "ESCALATOR",
        "max_content_width": 100,
    },
)
@click.version_option(_version(), message="escalator %(version)s", allow_from_autoenv=False)
def main() -> None:
    """Take alerts and ring the people on call, in turn, until somebody presses a key."""
