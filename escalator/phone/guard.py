"""Who may speak on the public listener, and what of it is counted and stored: shared by calls and messages.

A request is genuine by its signature. What strangers can bring about at will is logged once a second, and a commit
that takes too long is not waited for, but goes on.
"""

import asyncio
from typing import Any

from aiohttp import web

from escalator.engine import Engine, Undecided
from escalator.escalation.events import Event
from escalator.phone import counting
from escalator.phone.doorway import Misses, Pairs
from escalator.phone.settings import PhoneSettings
from escalator.phone.signature import Verdict, Verifier
from escalator.store.changes import Result
from escalator.store.errors import StoreError
from escalator.telemetry import Sampled, get_logger

log = get_logger("callbacks")


class Guard:
    """Judges requests by the config in force. `sampled` says whether a warning is to be logged once more."""

    def __init__(self, engine: Engine, settings: PhoneSettings):
        self._engine = engine
        self._misses = Misses(engine.clock.boottime)
        self.sampled = Sampled(engine.clock.boottime)
        self.use(settings)

    def use(self, settings: PhoneSettings) -> None:
        """Put another config in place of the present one."""
        self._settings = settings
        self._verifier = Verifier(settings.auth_tokens, settings.shared_keys)

    def miss(self, request: web.Request) -> int:
        """Somebody tried a token that is none: the status to answer with."""
        return 429 if self._misses.one_more(request.remote or "") else 404

    def is_genuine(self, request: web.Request, pairs: Pairs) -> bool:
        """Whether the carrier itself has sent this form to this address."""
        url = self._settings.public_url.rstrip("/") + request.raw_path
        verdict = self._verifier.check(url, pairs, request.headers)
        if verdict is Verdict.UNKNOWN_KEY:
            self._warn(
                "callback_shared_key_unknown", hint="add the carrier's key to twilio.shared_keys"
            )
        return verdict is Verdict.OK

    async def submit(self, event: Event, wait_seconds: float) -> Result | None:
        """The result once committed; None when that takes longer, or failed. The commit goes on."""
        work = asyncio.ensure_future(self._engine.submit(event))
        try:
            [result] = await asyncio.wait_for(asyncio.shield(work), wait_seconds)
        except TimeoutError:
            work.add_done_callback(_consume)
            log.warning("callback_waits_for_store", event_kind=type(event).__name__)
            return None
        except (StoreError, Undecided) as error:
            log.error("callback_not_stored", event_kind=type(event).__name__, error=str(error))  # noqa: TRY400 - logged at the door
            return None
        return result

    def count(self, kind: str, result: str) -> None:
        """A request came, and this became of it."""
        counting.callback_came(self._engine.metrics, kind, result, self._engine.clock.wall())

    def _warn(self, event: str, **more: Any) -> None:
        """Log what strangers can bring about at will: at most once a second."""
        if (suppressed := self.sampled(event)) is not None:
            log.warning(event, suppressed=suppressed, **more)


def _consume(work: asyncio.Future[list[Result]]) -> None:
    """A commit that nobody waits for any more: its failure is logged by the store."""
    if not work.cancelled():
        work.exception()
