"""Since when we have been listening without a pause: what nobody could tell us meanwhile was no silence of theirs.

A machine that was suspended, or a loop that stood still, hears nothing, like a daemon that is down. Every second is
measured how much later than asked the loop wakes; a large gap begins our attention anew.
"""

from datetime import datetime

from escalator.clock import Clock
from escalator.telemetry import Metrics, get_logger

log = get_logger("attention")

EVERY_SECONDS = 1.0
STOOD_STILL_SECONDS = 10.0


class Attention:
    """One worker beside the others, and what it found."""

    def __init__(self, clock: Clock, metrics: Metrics):
        self._clock = clock
        self._metrics = metrics
        self._since = clock.now()
        self._looked_at = clock.boottime()

    @property
    def since(self) -> datetime:
        """Since when nothing has kept us from hearing (engine time). Whoever asks first after a pause notices it."""
        self._notice()
        return self._since

    async def run(self) -> None:
        """Measure every second until canceled."""
        self._looked_at = self._clock.boottime()
        while True:
            before = self._clock.boottime()
            await self._clock.sleep(EVERY_SECONDS)
            lag = self._clock.boottime() - before - EVERY_SECONDS
            self._metrics.event_loop_lag.observe(max(0.0, lag))
            self._notice()
            self._looked_at = self._clock.boottime()

    def _notice(self) -> None:
        gap = self._clock.boottime() - self._looked_at - EVERY_SECONDS
        if gap <= STOOD_STILL_SECONDS:
            return
        self._looked_at = self._clock.boottime()
        self._since = self._clock.now()
        log.warning("stood_still", seconds=round(gap, 1))
