"""Asks about incidents whose sender has fallen silent: a sender that repeats what fires, and does not, may be gone.

Nothing is closed for that. Time in which nobody could have told us anything is no silence.
"""

from collections.abc import Callable
from datetime import datetime

from escalator.engine import Engine
from escalator.escalation.assign import policy_for
from escalator.escalation.events import WentStale
from escalator.store.errors import StoreBroken, StoreError
from escalator.store.quiet import find_quiet
from escalator.telemetry import get_logger

log = get_logger("staleness")


async def ask_about_stale(engine: Engine, since: Callable[[], datetime]) -> int:
    """Look once and mark what is found; returns how much that was. `since`: since when we could be told anything.

    A failure is logged, and the next look makes up for it. Raises `StoreBroken`.
    """
    rules, now, up_since = engine.rules, engine.clock.now(), since()

    def heard_by(policy: str) -> datetime | None:
        stale_after = policy_for(rules, policy).stale_after
        if stale_after is None or now - up_since < stale_after:
            return None
        return now - stale_after

    try:
        quiet = await engine.reader.in_thread(lambda db: find_quiet(db, heard_by))
        await engine.submit_each(
            *(WentStale(incident_id=one.incident_id, last_seen=one.last_seen) for one in quiet)
        )
    except StoreBroken:
        raise
    except StoreError as error:
        log.error("store_failed", error=str(error), retry_in="60s")  # noqa: TRY400 - no defect of ours
        return 0
    for one in quiet:
        log.warning(
            "incident_stale",
            incident=one.incident_id,
            last_seen=one.last_seen.isoformat(timespec="seconds"),
        )
    return len(quiet)
