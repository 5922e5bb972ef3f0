"""What is done by the clock and by no event: retention, the daily check, what is stale, calendars.

None of it is a page's timer. A chore that fails is told and runs again at its next time (K18).
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from escalator import caretaker
from escalator.calendars.keeping import Calendars
from escalator.config.model import Config
from escalator.engine import Engine
from escalator.staleness import ask_about_stale
from escalator.store.errors import StoreError
from escalator.store.retention import let_go
from escalator.telemetry import get_logger

log = get_logger("chores")

# Looking is cheap; each calendar has a time of its own. One that is slow must not hold up the others.
CALENDARS_SECONDS = 10
CALENDARS_AT_ONCE = 8


def start_chores(
    scheduler: AsyncIOScheduler,
    engine: Engine,
    config: Callable[[], Config],
    calendars: Calendars,
    since: Callable[[], datetime],
) -> None:
    """Begin with all of them. `since` tells since when senders could be heard without a pause."""
    scheduler.configure(
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )
    scheduler.add_listener(_failed, EVENT_JOB_ERROR)
    scheduler.add_job(partial(_let_go, engine, config), "interval", hours=1, id="retention")
    check = partial(caretaker.check, engine, config().storage.path)
    scheduler.add_job(check, "interval", days=1, id="check")
    stale = partial(ask_about_stale, engine, since)
    scheduler.add_job(stale, "interval", minutes=1, id="stale")
    scheduler.add_job(
        calendars.refresh_due,
        "interval",
        seconds=CALENDARS_SECONDS,
        id="calendars",
        max_instances=CALENDARS_AT_ONCE,
        next_run_time=engine.clock.wall(),
    )
    scheduler.start()


async def _let_go(engine: Engine, config: Callable[[], Config]) -> None:
    """Retention. A failure is told and tried again an hour later."""
    try:
        gone = await let_go(engine.change, engine.clock.now(), config().storage.retention)
    except StoreError as error:
        log.error("retention_failed", error=str(error), retry_in="1h")  # noqa: TRY400 - no defect of ours
    else:
        log.info("retention_done", rows=gone)


def _failed(event: JobExecutionEvent) -> None:
    log.error("chore_failed", chore=event.job_id, exc_info=event.exception)
