"""The verb `explain`: which way an alert would take, and who would be rung, when and why."""

from zoneinfo import ZoneInfo

import click

from escalator.cli.client import reach
from escalator.cli.foreseeing import asking, foreseeing, loaded_if_there, moment_of, rules_now
from escalator.cli.options import pairs
from escalator.cli.tables import print_json


@click.command()
@click.argument("labels", nargs=-1, metavar="[LABEL=VALUE]...")
@foreseeing
def explain(
    *,
    labels: tuple[str, ...],
    at: str | None,
    offline: bool,
    config_file: str,
    url: str | None,
    token_file: str | None,
    output: str,
) -> None:
    """Say which route an alert with these labels takes, and who is rung if nobody answers.

    Nothing is stored and nobody is rung. Times are local, in the config's zone. The config file is
    enough; a daemon that can be reached adds its overrides, silences and calendars.
    """
    wanted = pairs(labels, "LABEL=VALUE")
    loaded = loaded_if_there(config_file, url, offline=offline)
    if loaded is None:
        body = {"labels": wanted, "at": at}
        shape = reach(config_file, url, token_file).post("/api/v1/explain", body)
    else:
        from escalator.foresight.explaining import explain as explained
        from escalator.foresight.settings import phones_of
        from escalator.web.foresight_shapes import explanation_shape

        zone = ZoneInfo(loaded.config.timezone)
        asked = moment_of(at, zone)
        rules = rules_now(loaded, asked, asking(config_file, url, token_file, offline=offline))
        phones = phones_of(loaded.config)
        shape = explanation_shape(explained(rules, wanted, asked, phones=phones, zone=zone))
    if output == "json":
        print_json(shape)
        return
    from escalator.cli.explained import shown

    click.echo(shown(shape))
