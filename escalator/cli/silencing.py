"""The verb `silence`: hold back what is known, see what is held back, end it."""

from urllib.parse import quote

import click

from escalator.cli.client import reach
from escalator.cli.options import config_file, daemon, output
from escalator.cli.tables import moment, print_json, table

_PATH = "/api/v1/silences"


@click.group()
def silence() -> None:
    """Hold back new incidents of alerts that fit some matchers."""


@silence.command()
@click.argument("matchers", metavar="MATCHER...", nargs=-1, required=True)
@click.option("--for", "duration", metavar="SPAN", help="How long, as 30m or 2h.")
@click.option("--from", "start", metavar="TIME", help="From when. Default: now.")
@click.option("--to", "end", metavar="TIME", help="Until when, as '2026-12-24 18:00'.")
@click.option("--comment", metavar="TEXT", help="Why; shown with whatever it holds back.")
@click.option("--by", metavar="NAME", help="Who says so. Default: the name behind the token.")
@config_file
@daemon
@output
def add(
    *,
    matchers: tuple[str, ...],
    duration: str | None,
    start: str | None,
    end: str | None,
    comment: str | None,
    by: str | None,
    config_file: str,
    url: str | None,
    token_file: str | None,
    output: str,
) -> None:
    """Hold back what fits every MATCHER, as 'alertname="DiskFull"'. What is open is not touched."""
    if (duration is None) == (end is None):
        raise click.UsageError("say when it ends: --for or --to, one of them")
    wanted = {"for": duration, "from": start, "to": end, "comment": comment, "by": by}
    body = {name: value for name, value in wanted.items() if value is not None}
    made = reach(config_file, url, token_file).post(_PATH, {"matchers": list(matchers), **body})
    if output == "json":
        print_json(made)
        return
    click.echo(f"{made['id']}: {', '.join(made['matchers'])} until {_time(made['to'])} UTC")
    still = made.get("open_incidents", [])
    if still:
        click.echo(
            f"{len(still)} open incidents fit and go on: {', '.join(still[:5])}\n"
            "snooze them with: escalator incidents snooze ID",
            err=True,
        )


@silence.command("list")
@config_file
@daemon
@output
def list_(*, config_file: str, url: str | None, token_file: str | None, output: str) -> None:
    """List silences that are not over. Times are UTC."""
    found = reach(config_file, url, token_file).get(_PATH)
    if output == "json":
        print_json(found)
        return
    if not found["silences"]:
        click.echo("There is no silence.")
        return
    rows = [
        [
            one["id"],
            one["state"],
            _time(one["from"]),
            _time(one["to"]),
            ", ".join(one["matchers"]),
            one["by"] or "",
            one["comment"] or "",
        ]
        for one in found["silences"]
    ]
    click.echo(table(["ID", "STATE", "FROM (UTC)", "TO (UTC)", "MATCHERS", "BY", "COMMENT"], rows))


@silence.command()
@click.argument("silence_id", metavar="ID")
@config_file
@daemon
def expire(*, silence_id: str, config_file: str, url: str | None, token_file: str | None) -> None:
    """End a silence now: what it holds and still fires pages at once."""
    reach(config_file, url, token_file).delete(f"{_PATH}/{quote(silence_id, safe='')}")
    click.echo("The silence is over.")


def _time(text: str) -> str:
    at = moment(text)
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
