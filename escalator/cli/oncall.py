"""The verb `oncall`: who is on call now or at another moment, until when, why, and who comes next."""

from typing import Any
from zoneinfo import ZoneInfo

import click

from escalator.cli.client import reach
from escalator.cli.foreseeing import asking, foreseeing, loaded_if_there, moment_of, rules_now
from escalator.cli.tables import moment, plain, print_json, table

DAYS_MAX = 366


@click.command()
@click.option(
    "--days",
    type=click.IntRange(0, DAYS_MAX),
    default=0,
    show_default=True,
    help="Show the shifts of so many days from then on.",
)
@foreseeing
def oncall(
    *,
    days: int,
    at: str | None,
    offline: bool,
    config_file: str,
    url: str | None,
    token_file: str | None,
    output: str,
) -> None:
    """Say who is on call, until when and why, and who comes next.

    Times are local, in each schedule's zone. The config file is enough; a daemon that can be
    reached adds its overrides and calendars.
    """
    loaded = loaded_if_there(config_file, url, offline=offline)
    if loaded is None:
        shape = reach(config_file, url, token_file).get("/api/v1/oncall", at=at, days=days)
    else:
        from escalator.foresight.duty import on_call_report
        from escalator.web.foresight_shapes import oncall_shape

        asked = moment_of(at, ZoneInfo(loaded.config.timezone))
        rules = rules_now(loaded, asked, asking(config_file, url, token_file, offline=offline))
        shape = oncall_shape(asked, on_call_report(rules, asked, days))
    if output == "json":
        print_json(shape)
    else:
        click.echo(_with_shifts(shape) if days else _at_a_glance(shape))


def _at_a_glance(shape: dict[str, Any]) -> str:
    """A row for each schedule."""
    schedules = shape["schedules"]
    if not schedules:
        return "There is no schedule: policies name their people."
    is_one_zone = len({one["timezone"] for one in schedules.values()}) == 1
    rows = []
    for name, one in schedules.items():
        following, zone = one["next"], one["timezone"]
        until = _local(one["until"], zone) if one["until"] else "-"
        rows.append(
            [
                name,
                ", ".join(one["people"]) or "nobody",
                until if is_one_zone or not one["until"] else f"{until} {zone}",
                (", ".join(following["people"]) or "nobody") if following else "-",
                one["reason"],
            ]
        )
    shown = table(["SCHEDULE", "ON CALL", "UNTIL", "THEN", "WHY"], rows)
    return f"{_heading(shape)}\n\n{shown}"


def _with_shifts(shape: dict[str, Any]) -> str:
    """A block for each schedule, with a row for each shift."""
    parts = [_heading(shape)]
    for name, one in shape["schedules"].items():
        zone = one["timezone"]
        rows = [
            [
                _local(shift["from"], zone),
                _local(shift["to"], zone),
                _lasts(shift),
                ", ".join(shift["people"]) or "nobody",
                shift["reason"],
            ]
            for shift in one["shifts"]
        ]
        shown = table(["FROM", "TO", "FOR", "ON CALL", "WHY"], rows)
        parts.append(f"{plain(name)}, {zone}\n{_indented(shown)}")
    return "\n\n".join(parts)


def _heading(shape: dict[str, Any]) -> str:
    """The moment in the zone of the schedules, in each where they differ."""
    zones = dict.fromkeys(one["timezone"] for one in shape["schedules"].values())
    shown = [f"{_local(shape['at'], zone, year=True)} {zone}" for zone in zones or ("UTC",)]
    return f"At {', '.join(shown)}"


def _local(text: str, zone: str, *, year: bool = False) -> str:
    from escalator.foresight.wording import dated

    at = moment(text)
    assert at is not None, "only times that there are are shown"
    return dated(at, ZoneInfo(zone), year=year)


def _lasts(shift: dict[str, Any]) -> str:
    from escalator.foresight.wording import span

    start, end = moment(shift["from"]), moment(shift["to"])
    assert start is not None
    assert end is not None
    return span(end - start)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
