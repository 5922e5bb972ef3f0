"""The verb `db`: look at the database file, copy it, bring it up to this program.

None of this asks the daemon. The file is that of the config, or the one given by hand.
"""

from pathlib import Path
from typing import Any

import click

from escalator.cli.options import config_file, output
from escalator.cli.tables import print_json
from escalator.clock import SystemClock
from escalator.config.loading import load
from escalator.store import upkeep
from escalator.store.errors import StoreError
from escalator.store.upkeep import Condition

storage_path = click.option(
    "--storage.path",
    "storage_path",
    type=click.Path(path_type=Path),
    envvar="ESCALATOR_STORAGE_PATH",
    show_envvar=True,
    metavar="FILE",
    help="The database file. Default: storage.path of the config.",
)


@click.group()
def db() -> None:
    """Look after the database file."""


@db.command()
@config_file
@storage_path
@output
@click.pass_context
def check(ctx: click.Context, *, config_file: str, storage_path: Path | None, output: str) -> None:
    """Say whether the database is sound and fits this program. A daemon may be running.

    Exits 1 when it is broken, or was written by a newer program.
    """
    try:
        condition = upkeep.inspect(_database(config_file, storage_path))
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    if output == "json":
        print_json(_shape(condition))
    else:
        click.echo(_told(condition))
    ctx.exit(0 if condition.is_sound else 1)


@db.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@config_file
@storage_path
@output
def backup(*, target: Path, config_file: str, storage_path: Path | None, output: str) -> None:
    """Copy the database to FILE while the daemon works. FILE must not be there yet."""
    source = _database(config_file, storage_path)
    try:
        size = upkeep.back_up(source, target)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    if output == "json":
        print_json({"file": str(target), "size": size})
    else:
        click.echo(f"{target}: {size:,} bytes, checked. It holds phone numbers: keep it private.")


@db.command()
@config_file
@storage_path
@output
def migrate(*, config_file: str, storage_path: Path | None, output: str) -> None:
    """Bring the database up to this program, after a copy beside it. Stop the daemon first.

    The daemon does the same when it starts; this is for doing it beforehand.
    """
    path = _database(config_file, storage_path)
    at = SystemClock().wall()
    copy = path.with_name(f"{path.name}.before-{at:%Y%m%dT%H%M%S}")
    try:
        applied = upkeep.migrate(path, copy)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    if output == "json":
        print_json({"applied": applied, "backup": str(copy) if applied else None})
    elif applied:
        click.echo(f"{path}: applied {', '.join(applied)}. The file as it was: {copy}")
    else:
        click.echo(f"{path}: nothing to do, it fits this program.")


def _database(config_file: str, storage_path: Path | None) -> Path:
    return storage_path or load(config_file, secrets=False).config.storage.path


def _shape(condition: Condition) -> dict[str, Any]:
    return {
        "ok": condition.is_sound,
        "file": str(condition.path),
        "size": condition.size,
        "faults": condition.faults,
        "migrations": {
            "applied": condition.applied,
            "pending": condition.pending,
            "unknown": condition.unknown,
        },
        "pragmas": condition.pragmas,
        "counts": condition.counts,
        "open_incidents": condition.open_incidents,
        "holder": condition.holder,
    }


def _told(condition: Condition) -> str:
    counts = ", ".join(f"{name} {count:,}" for name, count in condition.counts.items())
    facts = [
        ("file", f"{condition.path}, {condition.size:,} bytes"),
        ("daemon", f"running, pid {condition.holder}" if condition.holder else "not running"),
        ("contents", f"sound: {counts or 'nothing'}" if not condition.faults else "BROKEN"),
        ("open", f"incidents {condition.open_incidents:,}"),
        ("schema", _schema(condition)),
        ("settings", ", ".join(f"{name}={value}" for name, value in condition.pragmas.items())),
    ]
    lines = [f"{name:<9} {value}" for name, value in facts]
    lines += [f"  {fault}" for fault in condition.faults]
    if condition.faults:
        lines.append("Stop the daemon, keep a copy of this file, and restore the last good backup.")
    return "\n".join(lines)


def _schema(condition: Condition) -> str:
    if condition.unknown:
        return (
            f"NEWER than this program (it has {', '.join(condition.unknown)});"
            " start the newer program"
        )
    if condition.pending:
        return (
            f"{', '.join(condition.pending)} not applied yet; the daemon does it when it starts,"
            " or: escalator db migrate"
        )
    return f"up to date ({condition.applied[-1]})"
