"""The verb `override`: put somebody on call instead of the schedule, see who is, take it back."""

from typing import Any
from urllib.parse import quote

import click

from escalator.cli.client import reach
from escalator.cli.options import config_file, daemon, output
from escalator.cli.tables import moment, plain, print_json, table

_PATH = "/api/v1/overrides"


@click.group()
def override() -> None:
    """Put one person on call instead of a schedule, for a while."""


@override.command()
@click.argument("schedule", metavar="SCHEDULE")
@click.argument("person", metavar="PERSON")
@click.option("--from", "start", required=True, metavar="TIME", help="As '2026-12-24 18:00'.")
@click.option(
    "--to", "end", required=True, metavar="TIME", help="The same; a day alone is included."
)
@click.option("--reason", metavar="TEXT", help="Shown wherever somebody asks why.")
@click.option("--by", metavar="NAME", help="Who says so. Default: the name behind the token.")
@config_file
@daemon
@output
def add(
    *,
    schedule: str,
    person: str,
    start: str,
    end: str,
    reason: str | None,
    by: str | None,
    config_file: str,
    url: str | None,
    token_file: str | None,
    output: str,
) -> None:
    """Put PERSON on call instead of SCHEDULE. Times without a zone are the schedule's."""
    body = {"schedule": schedule, "person": person, "from": start, "to": end}
    more = {"reason": reason, "by": by}
    body.update({name: value for name, value in more.items() if value is not None})
    made = reach(config_file, url, token_file).post(_PATH, body)
    if output == "json":
        print_json(made)
        return
    click.echo(f"{made['id']}: {_told(made)}")
    for covered in made.get("covers", []):
        click.echo(f"It covers an earlier one: {_told(covered)}", err=True)


@override.command("list")
@click.option("--schedule", metavar="NAME", help="Those of one schedule.")
@config_file
@daemon
@output
def list_(
    *,
    schedule: str | None,
    config_file: str,
    url: str | None,
    token_file: str | None,
    output: str,
) -> None:
    """List overrides that are not over, of the config file and live ones. Times are UTC."""
    found = reach(config_file, url, token_file).get(_PATH, schedule=schedule)
    if output == "json":
        print_json(found)
        return
    if not found["overrides"]:
        click.echo("There is no override.")
        return
    rows = [
        [
            one["id"] or "(config file)",
            one["schedule"],
            one["person"],
            _time(one["from"]),
            _time(one["to"]),
            one["reason"] or "",
        ]
        for one in found["overrides"]
    ]
    click.echo(table(["ID", "SCHEDULE", "PERSON", "FROM (UTC)", "TO (UTC)", "REASON"], rows))


@override.command()
@click.argument("override_id", metavar="ID")
@config_file
@daemon
def remove(*, override_id: str, config_file: str, url: str | None, token_file: str | None) -> None:
    """Take a live override away: the schedule holds again, at once."""
    reach(config_file, url, token_file).delete(f"{_PATH}/{quote(override_id, safe='')}")
    click.echo("The override is gone.")


def _told(made: dict[str, Any]) -> str:
    reason = f" ({plain(made['reason'])})" if made["reason"] else ""
    span = f"from {_time(made['from'])} to {_time(made['to'])} UTC"
    return f"{made['person']} is on call for {made['schedule']} {span}{reason}"


def _time(text: str) -> str:
    at = moment(text)
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
