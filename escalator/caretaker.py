"""What becomes of the database file is somebody's affair: it is logged, and the fallback is rung about it.

At start: a store that was lost, one that was restored from old times. Once a day: is the whole file sound?
"""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from escalator.engine import Engine, Undecided
from escalator.escalation.own_alerts import disk_has_room, store_damaged, store_lost
from escalator.store.errors import StoreBroken, StoreError
from escalator.store.opening import Prepared, forget_loss, suspect
from escalator.store.upkeep import inspect
from escalator.telemetry import get_logger

log = get_logger("caretaker")

OLD_BEAT = timedelta(minutes=10)


def note(found: Prepared, wall: datetime) -> None:
    """What was found in the file is said before anything is done with it."""
    if found.lost:
        log.error("store_lost", what=found.lost, hint="restore a backup; see the manual")
    if found.backup is not None:
        log.info("backed_up_before_migration", file=str(found.backup))
    if found.last_beat is not None and wall - found.last_beat > OLD_BEAT:
        log.warning(
            "store_is_old",
            last_write=found.last_beat.isoformat(timespec="seconds"),
            hint="after a restore, what was acknowledged since may ring again",
        )


async def tell(engine: Engine, path: Path, found: Prepared, *, has_room: bool) -> None:
    """Page about what was lost, and forget it once that is committed; the next start tries again."""
    try:
        if has_room:
            await engine.tell(disk_has_room(engine.clock.wall()))
        if found.lost:
            await engine.tell(store_lost(found.lost))
            forget_loss(path)
    except StoreBroken:
        raise
    except (StoreError, Undecided) as error:
        log.error("not_told", what=found.lost, error=str(error))  # noqa: TRY400 - no defect of ours


async def check(engine: Engine, path: Path) -> bool:
    """Read the whole file (D8); whether it is sound. Damage is paged about while everything still works."""
    try:
        faults = (await asyncio.to_thread(inspect, path)).faults
    except StoreError as error:
        faults = (str(error),)
    if faults:
        log.error("store_damaged", faults=faults)
        suspect(path)
        await engine.tell(store_damaged(faults[0]))
    return not faults
