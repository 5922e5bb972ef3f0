"""`escalator serve`: the daemon in the foreground, as systemd runs it.

The lock of the database is taken as soon as the config says where that is, and only then is the daemon itself
imported: a second daemon is turned away in a fraction of a second, on a busy machine too.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from escalator.cli.failures import leaves
from escalator.cli.options import config_file
from escalator.config.loading import load
from escalator.config.problems import ConfigError
from escalator.store.errors import StoreBroken, StoreError
from escalator.store.lock import locked
from escalator.telemetry import LogFormat, configure_logging, get_logger

if TYPE_CHECKING:
    from escalator.app import Daemon

EXIT_FAILURE = 1
EXIT_CONFIG = 78

log = get_logger("serve")


@click.command()
@config_file
@click.option(
    "--log.level",
    "log_level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    envvar="ESCALATOR_LOG_LEVEL",
    help="How much is logged.",
)
@click.option(
    "--log.format",
    "log_format",
    type=click.Choice(["logfmt", "json", "console"]),
    default="logfmt",
    show_default=True,
    envvar="ESCALATOR_LOG_FORMAT",
    help="How it is logged, one event a line.",
)
def serve(config_file: str, log_level: str, log_format: LogFormat) -> None:
    """Run the pager. SIGHUP reads the config again, SIGTERM ends it in order."""
    configure_logging(log_level, log_format, sys.stderr)
    path = Path(config_file)
    try:
        loaded = load(path)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(EXIT_CONFIG)
    failures: list[BaseException] = []
    try:
        lock = locked(loaded.config.storage.path)
        from escalator.app import Daemon

        asyncio.run(_run(Daemon(path, loaded, lock=lock)))
    except* (StoreError, OSError) as group:
        failures.extend(leaves(group))
    for failure in failures:
        click.echo(f"escalator: {failure}", err=True)
    if any(isinstance(failure, StoreBroken) for failure in failures):
        # A tidy end would close the database, and write once more over a sync that failed.
        sys.stderr.flush()
        os._exit(EXIT_FAILURE)
    sys.exit(EXIT_FAILURE if failures else 0)


async def _run(daemon: "Daemon") -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, daemon.stop)
        loop.add_signal_handler(
            signal.SIGHUP, lambda: tasks.create_task(_reload(daemon), name="reload")
        )
        log.info("starting", pid=os.getpid(), config=str(daemon.config_path))
        await daemon.run()
    log.info("stopped")


async def _reload(daemon: "Daemon") -> None:
    await daemon.reload()
