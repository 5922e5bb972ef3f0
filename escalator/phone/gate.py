"""How long all calls wait after the carrier took none: longer each time, each kind of refusal in spans of its own."""

import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum

from escalator.clock import Clock

NOT_SENT_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
TOO_MANY_WAIT_SECONDS = 0.1
TOO_MANY_SPREAD = 0.1
WAIT_MAX_SECONDS = 30.0
DOUBLINGS_MAX = 16


class Trouble(Enum):
    """Why the carrier took nothing."""

    AWAY = "away"
    """It cannot be reached, or has closed the account."""
    TOO_MANY = "too many"
    """It is there, and others ask too."""


class Gate:
    """Holds back every call after the carrier took none, longer each time, until it takes one again.

    `chance` yields numbers from 0 up to 1: whoever was told together that it is too much must not come back together.
    """

    def __init__(self, clock: Clock, chance: Callable[[], float]):
        self._clock = clock
        self._chance = chance
        self._failures: Counter[Trouble] = Counter()
        self._until: datetime | None = None

    def opens_in(self) -> float:
        """Seconds until the next call may be tried; 0 when it may now."""
        if self._until is None:
            return 0.0
        return max(0.0, (self._until - self._clock.now()).total_seconds())

    def close(self, seconds: float | None, trouble: Trouble = Trouble.AWAY) -> datetime:
        """Hold calls back for so long, or for the next of the growing spans. Returns until when.

        Calls that were under way together fail together, and count as one failure.
        """
        if self._until is None or self._clock.now() >= self._until:
            self._failures[trouble] += 1
        wait = self._wait(trouble) if seconds is None else seconds
        until = self._clock.now() + timedelta(seconds=wait)
        self._until = until if self._until is None else max(self._until, until)
        return self._until

    def open(self) -> None:
        """The carrier took a call."""
        self._failures.clear()
        self._until = None

    def _wait(self, trouble: Trouble) -> float:
        before = max(self._failures[trouble] - 1, 0)
        if trouble is Trouble.AWAY:
            return NOT_SENT_WAITS[min(before, len(NOT_SENT_WAITS) - 1)]
        doubled = math.ldexp(TOO_MANY_WAIT_SECONDS, min(before, DOUBLINGS_MAX))
        spread = 1 + TOO_MANY_SPREAD * (2 * self._chance() - 1)
        return min(min(doubled, WAIT_MAX_SECONDS) * spread, WAIT_MAX_SECONDS)
