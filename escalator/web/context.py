"""What the internal listener needs of the rest of the daemon; the composition root makes one.

Whatever a reload may change is asked for anew at each request, so that a reload swaps it for all requests at once.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from escalator.clock import Clock
from escalator.config.model import Config
from escalator.engine import Engine
from escalator.telemetry import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class WebContext:
    """The daemon as the internal listener sees it. The rules in force are `engine.rules`.

    `config` gives the config in force; `generated_token` the bearer token of receivers that nobody wrote
    (`Receiver.generated_token`), "" while there is none, which lets nobody in. `is_ready` gives the reason why the
    daemon is not ready, None when it is. `reload` loads the config again and returns what is wrong with it, a sentence
    each; nothing wrong: it is in force.
    """

    engine: Engine
    config: Callable[[], Config]
    generated_token: Callable[[], str]
    is_ready: Callable[[], str | None]
    reload: Callable[[], Awaitable[Sequence[str]]]
    metrics: Metrics
    clock: Clock
