"""The auditor: every minute it looks in the database for somebody who is waited for and whom nothing will ever ring.

That must never be (I1), so what is found is a defect: it is logged, counted, begun anew through the one door, and the
fallback is rung about it. What is still wrong after three looks is set aside. The watchdog is fed only while looks
come to an end.
"""

from collections import Counter
from datetime import datetime, timedelta

from escalator.engine import Engine, Undecided
from escalator.escalation.call_events import CallDue
from escalator.escalation.events import Event, Stuck
from escalator.escalation.own_alerts import stuck
from escalator.store.audit import Violation, find_violations
from escalator.store.errors import StoreBroken, StoreError
from escalator.store.quarantine import Suspect, describe
from escalator.telemetry import get_logger

log = get_logger("auditor")

EVERY_SECONDS = 60.0
CONTENT_FOR = timedelta(seconds=150)
CLEAN_FOR = timedelta(seconds=2 * EVERY_SECONDS)
LOOKS_MAX = 3


class Auditor:
    """One worker beside the others; it knows nothing but the table and the door."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._clock = engine.clock
        self._content_at = engine.clock.now()
        self._clean_at: datetime | None = None
        self._seen: Counter[Suspect] = Counter()

    @property
    def is_content(self) -> bool:
        """Whether a look has come to its end lately, with nothing wrong or everything begun anew."""
        return self._clock.now() - self._content_at <= CONTENT_FOR

    @property
    def is_clean(self) -> bool:
        """Whether the last look was lately and found nothing wrong; before the first one nobody can say so."""
        return self._clean_at is not None and self._clock.now() - self._clean_at <= CLEAN_FOR

    async def run(self) -> None:
        """Look every minute until canceled."""
        while True:
            try:
                await self.look()
            except StoreBroken:
                raise
            except (StoreError, Undecided) as error:
                log.error("audit_failed", error=str(error), retry_in="60s")  # noqa: TRY400 - no defect of ours
            await self._clock.sleep(EVERY_SECONDS)

    async def look(self) -> int:
        """Look once and mend what is found. Returns how much that was.

        Raises `StoreError` and `Undecided`: then nobody may be content.
        """
        violations = await self._engine.reader.in_thread(find_violations)
        now_wrong = {Suspect(kind=one.kind, id=one.id) for one in violations}
        for suspect in set(self._seen) - now_wrong:
            del self._seen[suspect]
        for violation in violations:
            await self._mend(violation)
        self._content_at = self._clock.now()
        self._clean_at = None if violations else self._content_at
        return len(violations)

    async def _mend(self, violation: Violation) -> None:
        suspect = Suspect(kind=violation.kind, id=violation.id)
        self._seen[suspect] += 1
        self._engine.metrics.audit_violations.inc()
        log.error("audit_violation", suspect=str(suspect), what=violation.what)
        if self._seen[suspect] > LOOKS_MAX:
            await self._engine.quarantine(suspect, violation.what)
            return
        await self._engine.submit_each(_mending(violation))
        called, _ = await self._engine.reader.in_thread(lambda db: describe(db, suspect))
        await self._engine.tell(
            stuck(str(suspect), f"{called}: {violation.what}"), violation.policy
        )


def _mending(violation: Violation) -> Event:
    if violation.kind == "call":
        return CallDue(call_id=violation.id)
    return Stuck(incident_id=violation.id, what=violation.what)
