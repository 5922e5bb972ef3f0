"""What the internal listener needs of the rest of the daemon; the composition root makes one.

Whatever a reload may change is asked for anew at each request, so that a reload swaps it for all requests at once.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from escalator.calendars.keeping import Standing
from escalator.config.model import Config
from escalator.engine import Engine
from escalator.heartbeats import Heartbeats


@dataclass(frozen=True, slots=True, kw_only=True)
class WebContext:
    """The daemon as the internal listener sees it. Rules, clock and metrics are the engine's.

    `config` gives the config in force. `generated_token` gives the bearer token of a receiver that nobody wrote; while
    it is empty nobody gets in there. `why_not_ready` gives a reason, or None when the daemon can accept and store.
    `reload` reads the config again and returns what is wrong with it, a sentence each; nothing wrong: it is in force.
    `is_audited`: whether the auditor has looked lately and is content. `link_key` is what the links of our calendars
    are made with, and without it there are none; `calendars` tells how the fetched ones are.
    """

    engine: Engine
    heartbeats: Heartbeats
    config: Callable[[], Config]
    generated_token: Callable[[], str]
    why_not_ready: Callable[[], str | None]
    reload: Callable[[], Awaitable[Sequence[str]]]
    is_audited: Callable[[], bool] = lambda: True
    link_key: bytes = b""
    calendars: Callable[[], Sequence[Standing]] = tuple
