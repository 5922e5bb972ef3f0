"""Beats to somebody outside who alarms when we fall silent: only while this pager could page somebody (G1).

The link is asked for while the auditor has lately found nothing wrong, the engine turns and writes, and the carrier
takes calls when some are wanted. Whatever of that fails, no beat leaves: who watches us alarms by other means, and that
is the point. Alerts that are refused because the disk is full do not hold it back; the fallback is rung about that.

The link is a secret: neither it nor what an exception says of it reaches the log.
"""

from collections.abc import Callable
from datetime import timedelta

import aiohttp

from escalator.config.heartbeats import BeatTo
from escalator.engine import Engine
from escalator.store.errors import StoreBroken, StoreError
from escalator.store.standstill import last_cycle, no_call_taken
from escalator.telemetry import Sampled, get_logger

log = get_logger("outbound_beat")

TIMEOUT_SECONDS = 10.0
STARTING_SECONDS = 5.0
# How soon a beat that could not leave, or did not arrive, is tried again; and how soon a reload is noticed.
RETRY_SECONDS = 30.0
TURNED_WITHIN = timedelta(minutes=1)
CARRIER_PATIENCE = timedelta(minutes=10)
LOGGED_EVERY_SECONDS = 600.0


class OutboundBeat:
    """One worker. `beat_to` is that of the config in force, `is_clean` whether the auditor has just found all well."""

    def __init__(
        self,
        engine: Engine,
        beat_to: Callable[[], BeatTo | None],
        is_clean: Callable[[], bool],
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ):
        self._engine = engine
        self._clock = engine.clock
        self._beat_to = beat_to
        self._is_clean = is_clean
        self._timeout = timeout_seconds
        self._sampled = Sampled(engine.clock.boottime, LOGGED_EVERY_SECONDS)

    async def run(self) -> None:
        """Beat until canceled."""
        await self._clock.sleep(STARTING_SECONDS)
        while True:
            to = self._beat_to()
            if to is None:
                await self._clock.sleep(RETRY_SECONDS)
                continue
            every = to.every.total_seconds()
            is_well = await self.beat(to)
            await self._clock.sleep(every if is_well else min(every, RETRY_SECONDS))

    async def beat(self, to: BeatTo) -> bool:
        """Beat once, if anything may be said to be well. Returns whether it was taken. Raises `StoreBroken`."""
        why_not = self._why_not()
        if why_not:
            self._failed("withheld", why_not)
            return False
        failure = await _request(to.url.reveal(), self._timeout)
        if failure:
            self._failed("failed", failure)
            return False
        self._engine.metrics.outbound_beats.labels(result="ok").inc()
        return True

    def _failed(self, result: str, why: str) -> None:
        self._engine.metrics.outbound_beats.labels(result=result).inc()
        if (suppressed := self._sampled(f"{result} {why}")) is not None:
            log.warning("no_beat_sent", result=result, why=why, suppressed=suppressed)

    def _why_not(self) -> str:
        """Why nobody may be told that all is well; "" when all is."""
        now, reader = self._clock.now(), self._engine.reader
        if not self._is_clean():
            return "the auditor has not lately found that nothing is wrong"
        if not self._engine.is_writable:
            return "the store cannot be written"
        try:
            turned_at = reader.at_once(last_cycle)
            if turned_at is None or now - turned_at > TURNED_WITHIN:
                return "the engine has not turned for a minute"
            if reader.at_once(lambda db: no_call_taken(db, now - CARRIER_PATIENCE)):
                return "the carrier has taken no call for ten minutes"
        except StoreBroken:
            raise
        except StoreError:
            return "the store cannot be read"
        return ""


async def _request(url: str, seconds: float) -> str:
    """Ask for the link. Returns what went wrong, without a word of the link; "" for any 2xx."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            status = response.status
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return f"it could not be reached: {type(error).__name__}"
    return "" if 200 <= status < 300 else f"it answered {status}"
