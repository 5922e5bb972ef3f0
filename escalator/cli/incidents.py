"""The verb `incidents`: what is open, what happened, and a word to it without a phone.

Everything goes through the daemon, so that it is decided and written down as a key press would be.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import click

from escalator.cli.client import Client, reach
from escalator.cli.options import config_file, daemon, output
from escalator.cli.tables import ago, ahead, moment, plain, print_json, span, table
from escalator.clock import SystemClock

_PAGE = 200
_TITLE_MAX = 60
_Command = TypeVar("_Command", bound=Callable[..., Any])


def _asking(command: _Command) -> _Command:
    """The options of every verb here: config_file, url, token_file, output."""
    return config_file(daemon(output(command)))


def _acting(command: _Command) -> _Command:
    """An incident, who says so and why, and the options of every verb here."""
    named = click.option(
        "--by", metavar="NAME", help="Who says so. Default: the name behind the token."
    )(command)
    noted = click.option("--text", metavar="TEXT", help="A word for the timeline.")(named)
    return click.argument("incident", metavar="ID")(_asking(noted))


@click.group()
def incidents() -> None:
    """See incidents and speak to them."""


@incidents.command("list")
@click.option(
    "--phase",
    default="open",
    show_default=True,
    metavar="PHASES",
    help="open, all, or some of triggered,acknowledged,snoozed,exhausted,resolved.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=50,
    show_default=True,
    help="At most so many.",
)
@_asking
def list_(
    *,
    phase: str,
    limit: int,
    config_file: str,
    url: str | None,
    token_file: str | None,
    output: str,
) -> None:
    """List incidents, newest first."""
    found, more = _listed(reach(config_file, url, token_file), phase, limit)
    if output == "json":
        print_json({"incidents": found, "next": more})
        return
    if not found:
        click.echo("No incident is open." if phase == "open" else "There is no such incident.")
        return
    now = SystemClock().wall()
    rows = [_row(incident, now) for incident in found]
    click.echo(table(["ID", "AGE", "PHASE", "SEVERITY", "TITLE", "NEXT"], rows))
    if more is not None:
        click.echo(f"There are more; these are the newest {len(found)}. See --limit.", err=True)


@incidents.command()
@click.argument("incident", metavar="ID")
@_asking
def show(
    *, incident: str, config_file: str, url: str | None, token_file: str | None, output: str
) -> None:
    """Show an incident with its alerts, calls and timeline. Times are UTC."""
    found = reach(config_file, url, token_file).get(_path(incident))
    if output == "json":
        print_json(found)
    else:
        click.echo(_told(found, SystemClock().wall()))


@incidents.command()
@_acting
def acknowledge(**given: Any) -> None:
    """Say that somebody takes care of it: nobody is rung any more."""
    _act("acknowledge", **given)


@incidents.command()
@_acting
def resolve(**given: Any) -> None:
    """Say that it is over."""
    _act("resolve", **given)


@incidents.command()
@click.option("--for", "duration", metavar="SPAN", help="How long, as 30m or 2h.")
@click.option("--until", metavar="TIME", help="Until when, as 2026-12-24T18:00:00Z.")
@_acting
def snooze(*, duration: str | None, until: str | None, **given: Any) -> None:
    """Put it off; when that is over and it still fires, people are rung again."""
    if duration is not None and until is not None:
        raise click.UsageError("give --for or --until, not both")
    _act("snooze", {"for": duration, "until": until}, **given)


@incidents.command()
@_acting
def escalate(**given: Any) -> None:
    """Go on to the next step now."""
    _act("escalate", **given)


def _act(
    action: str,
    more: dict[str, str | None] | None = None,
    *,
    incident: str,
    by: str | None,
    text: str | None,
    config_file: str,
    url: str | None,
    token_file: str | None,
    output: str,
) -> None:
    body = {"by": by, "text": text, **(more or {})}
    wanted = {name: value for name, value in body.items() if value is not None}
    found = reach(config_file, url, token_file).post(f"{_path(incident)}/{action}", wanted)
    if output == "json":
        print_json(found)
        return
    click.echo(f"{plain(found['title'])} is {_phase(found)}.")
    if found.get("timeline"):
        click.echo(f"Last on its timeline: {plain(found['timeline'][-1]['text'])}")


def _listed(client: Client, phase: str, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """The newest incidents, over as many pages as it takes, and where the rest begins."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        size = min(limit - len(found), _PAGE)
        page = client.get("/api/v1/incidents", phase=phase, limit=size, after=after)
        found += page["incidents"]
        after = page["next"]
        if after is None or not page["incidents"] or len(found) >= limit:
            return found, after


def _path(incident: str) -> str:
    return f"/api/v1/incidents/{quote(incident, safe='')}"


def _row(incident: dict[str, Any], now: datetime) -> list[object]:
    coming = incident["next"]
    title = plain(incident["title"])
    return [
        incident["id"],
        ago(incident["created_at"], now),
        incident["phase"],
        incident["severity"] or "-",
        title if len(title) <= _TITLE_MAX else title[: _TITLE_MAX - 1] + "…",
        f"{ahead(coming['at'], now)}: {coming['what']}" if coming else "-",
    ]


def _phase(incident: dict[str, Any]) -> str:
    """`acknowledged by ben`: where it stands, and who put it there."""
    phase = str(incident["phase"])
    by = incident.get(f"{phase}_by")
    return f"{phase} by {plain(by)}" if by else phase


def _told(incident: dict[str, Any], now: datetime) -> str:
    """The whole incident on a terminal."""
    parts = [plain(incident["title"]), _facts(incident, now)]
    for heading, lines in (
        ("alerts", [_alert(alert) for alert in incident["alerts"]]),
        ("calls", [_call(call) for call in incident["calls"]]),
        ("timeline", _timeline(incident)),
    ):
        if lines:
            parts.append("\n".join([heading, *(f"  {line}" for line in lines)]))
    return "\n\n".join(parts)


def _facts(incident: dict[str, Any], now: datetime) -> str:
    counts, coming = incident["alert_counts"], incident["next"]
    since = incident.get(f"{incident['phase']}_at")
    facts = [
        ("id", incident["id"]),
        ("phase", _phase(incident) + (f", {ago(since, now)} ago" if since else "")),
        ("severity", incident["severity"] or "-"),
        (
            "policy",
            f"{incident['policy']}, step {incident['step'] + 1} of round {incident['round']}",
        ),
        ("route", incident["route"] or "-"),
        ("receiver", incident["receiver"]),
        ("group", incident["group_key"]),
        (
            "opened",
            f"{_clock(incident['created_at'], 'day')}, {ago(incident['created_at'], now)} ago",
        ),
        ("next", f"{ahead(coming['at'], now)}: {coming['what']}" if coming else "nothing"),
        ("alerts", f"{counts['firing']} firing, {counts['resolved']} resolved"),
    ]
    width = max(len(name) for name, _ in facts)
    return "\n".join(f"  {name:<{width}}  {plain(value)}" for name, value in facts)


def _alert(alert: dict[str, Any]) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in sorted(alert["labels"].items()))
    said = alert["annotations"].get("summary") or alert["annotations"].get("description") or ""
    return f"{plain(alert['status']):<8}  {{{plain(labels)}}}  {plain(said)}".rstrip()


def _call(call: dict[str, Any]) -> str:
    parts = [
        _clock(call["created_at"]),
        f"{call['person'] or call['kind']} {call['to']}",
        call["outcome"] or call["state"],
        span(call["duration"]) if call["duration"] else "",
        (call["error"] or {}).get("message") or "",
    ]
    return "  ".join(plain(part) for part in parts if part)


def _timeline(incident: dict[str, Any]) -> list[str]:
    lines = [
        f"{_clock(line['at'])}  {line['event']:<12}  {plain(line['text'])}"
        for line in incident["timeline"]
    ]
    cut = incident.get("timeline_cut") or 0
    return [*lines, f"({cut} lines in the middle are left out)"] if cut else lines


def _clock(text: str | None, precision: str = "time") -> str:
    at = moment(text)
    if at is None:
        return "-"
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if precision == "day" else f"{at:%m-%d %H:%M:%S}"
