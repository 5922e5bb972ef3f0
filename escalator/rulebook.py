"""The rules in force: the config's, with what was added while the daemon runs, by the wall clock.

The loop puts parts of it in place, the writer's thread reads the whole once a batch: whoever was
told that a change holds can count on it for the next event.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from escalator.clock import Clock
from escalator.escalation.live import Live, with_live
from escalator.escalation.rules import Rules

# A wall clock that is slewed moves by less between two batches; a jump moves by more.
WALL_TOLERANCE = timedelta(seconds=1)


class Rulebook:
    """One value of rules, made anew whenever a part of it changes.

    `on_change` is called, on whatever thread, when schedules or silences may answer otherwise.
    """

    def __init__(self, rules: Rules, clock: Clock, on_change: Callable[[], None]):
        self._clock = clock
        self._on_change = on_change
        self._lock = threading.Lock()
        self._config = rules
        self._live = Live()
        self._ahead = timedelta(0)
        self._rules = rules

    @property
    def live(self) -> Live:
        """What was added while the daemon runs."""
        return self._live

    def current(self) -> Rules:
        """The rules of this moment."""
        ahead = self._clock.wall() - self._clock.now()
        if abs(ahead - self._ahead) > WALL_TOLERANCE:
            self._change(ahead=ahead)
        return self._rules

    def use(self, rules: Rules) -> None:
        """Put another config in force."""
        self._change(config=rules)

    def use_live(self, live: Live) -> None:
        """Put other overrides, silences and calendars in force."""
        self._change(live=live)

    def _change(
        self,
        *,
        config: Rules | None = None,
        live: Live | None = None,
        ahead: timedelta | None = None,
    ) -> None:
        with self._lock:
            self._config = self._config if config is None else config
            self._live = self._live if live is None else live
            self._ahead = self._ahead if ahead is None else ahead
            self._rules = replace(with_live(self._config, self._live), wall_ahead=self._ahead)
        self._on_change()
