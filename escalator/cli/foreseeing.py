"""Where the verbs that look ahead get their rules from: the config file, and the daemon's live additions.

The file alone is enough. A daemon that can be reached is asked for its overrides, silences and
calendars; one that cannot costs a line on stderr and nothing else. Without the file, `--url` leads
to a daemon that answers by itself.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import click

from escalator.cli.client import Client, reach
from escalator.cli.options import config_file, daemon, output
from escalator.cli.tables import moment
from escalator.clock import SystemClock
from escalator.config.problems import ConfigError

if TYPE_CHECKING:
    from escalator.config.loading import Loaded
    from escalator.escalation.live import Live
    from escalator.escalation.rules import Rules

# For so long after the moment asked about a calendar is fetched from the daemon.
CALENDAR_DAYS = 31

_Command = TypeVar("_Command", bound=Callable[..., Any])


def foreseeing(command: _Command) -> _Command:
    """`--at`, `--offline` and what every verb that asks a daemon takes; the command gets `at`,
    `offline`, `config_file`, `url`, `token_file`, `output`.
    """
    at = click.option(
        "--at",
        metavar="TIME",
        help="When, as '2026-12-24 23:30', with a zone behind it or not. Default: now.",
    )
    offline = click.option(
        "--offline", is_flag=True, help="Go by the config file alone; ask no daemon."
    )
    return at(offline(config_file(daemon(output(command)))))


def loaded_if_there(file: str, url: str | None, *, offline: bool) -> "Loaded | None":
    """The config without its secrets; None when it does not load and `--url` makes up for it."""
    from escalator.config.loading import (
        load,  # half a second, which completing a word need not take
    )

    try:
        return load(file, secrets=False)
    except ConfigError:
        if url is None or offline:
            raise
        return None


def moment_of(text: str | None, zone: ZoneInfo) -> datetime:
    """The moment of `--at`, now without it. Raises `click.BadParameter`."""
    if text is None:
        return SystemClock().wall()
    from escalator.foresight.moments import read_at

    try:
        return read_at(text, zone)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--at") from None


def rules_now(loaded: "Loaded", at: datetime, ask: Callable[[], Client] | None) -> "Rules":
    """The file's rules with what the daemon adds to them; without a daemon, as the file has them."""
    from escalator.escalation.live import with_live

    if ask is None:
        return loaded.rules
    try:
        live = _live(ask(), loaded, at)
    except click.UsageError:
        raise
    except click.ClickException as failure:
        reason = failure.message.splitlines()[0]
        click.echo(f"Without the daemon's overrides, silences and calendars: {reason}", err=True)
        return loaded.rules
    return with_live(loaded.rules, live)


def asking(
    config_file: str, url: str | None, token_file: str | None, *, offline: bool
) -> Callable[[], Client] | None:
    """How the daemon is reached; None when it shall not be asked."""
    return None if offline else lambda: reach(config_file, url, token_file)


def _live(client: Client, loaded: "Loaded", at: datetime) -> "Live":
    from escalator.config.matching import read_matchers
    from escalator.escalation.live import Live
    from escalator.escalation.schedules import Override
    from escalator.escalation.silences import Silence

    overrides = client.get("/api/v1/overrides")["overrides"]
    silences = client.get("/api/v1/silences")["silences"]
    return Live(
        overrides=tuple(
            Override(
                id=one["id"],
                schedule=one["schedule"],
                person=one["person"],
                start=_time(one["from"]),
                end=_time(one["to"]),
                reason=one["reason"] or "",
                created_at=moment(one["created_at"]),
            )
            for one in overrides
            if one["source"] == "live"
        ),
        silences=tuple(
            Silence(
                id=one["id"],
                matchers=read_matchers(one["matchers"]),
                start=_time(one["from"]),
                end=_time(one["to"]),
                comment=one["comment"] or "",
            )
            for one in silences
        ),
        calendars=_calendars(client, loaded, at),
    )


def _calendars(client: Client, loaded: "Loaded", at: datetime) -> dict[str, Any]:
    """The events of each calendar that the file names, as far as the daemon has read them."""
    from escalator.escalation.schedules import CalendarEvent

    wanted = [name for name, one in loaded.rules.schedules.items() if one.events is not None]
    if not wanted:
        return {}
    known = client.get("/api/v1/oncall", at=at.isoformat(), days=CALENDAR_DAYS)["schedules"]
    return {
        name: tuple(
            CalendarEvent(
                start=_time(one["from"]),
                end=_time(one["to"]),
                people=tuple(one["people"]),
                title=one["title"] or "",
            )
            for one in known[name]["events"]
        )
        for name in wanted
        if name in known and known[name]["events"] is not None
    }


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
