"""The brake on repeated log lines: bad input must not fill a disk.

Each reason is let through at most once an interval, and the next line that gets through says how
many did not. Counting them all is the metrics' affair.
"""

from collections.abc import Callable
from dataclasses import dataclass

_REASONS_MAX = 256
_ANY_OTHER = "other"


@dataclass(slots=True)
class _Seen:
    at: float
    suppressed: int = 0


class Sampled:
    """Says which repetitions may be logged: `if (suppressed := sampled(reason)) is not None: …`."""

    def __init__(self, seconds: Callable[[], float], interval: float = 1.0) -> None:
        """`seconds` is a clock that never jumps, `interval` the seconds between two lines."""
        self._seconds = seconds
        self._interval = interval
        self._seen: dict[str, _Seen] = {}

    def __call__(self, reason: str) -> int | None:
        """None when this one is to be kept quiet, else how many were since the last that was not.

        Reasons are few and ours; should there ever be more than 256, the rest share one.
        """
        now = self._seconds()
        if reason not in self._seen and len(self._seen) >= _REASONS_MAX:
            reason = _ANY_OTHER
        seen = self._seen.get(reason)
        if seen is None:
            self._seen[reason] = _Seen(now)
            return 0
        if now - seen.at < self._interval:
            seen.suppressed += 1
            return None
        suppressed = seen.suppressed
        self._seen[reason] = _Seen(now)
        return suppressed
