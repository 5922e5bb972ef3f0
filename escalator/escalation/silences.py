"""What a silence is: matchers and a span of wall time in which no new incident pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from escalator.escalation.matchers import Matcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Alerts that fit all `matchers` are held from `start` to `end`: stored and shown, nobody is
    rung. What still fires at the end pages then.
    """

    id: str
    matchers: tuple[Matcher, ...]
    start: datetime
    end: datetime
    comment: str = ""
    by: str = ""
    created_at: datetime | None = None

    def holds(self, labels: Mapping[str, str], at: datetime) -> bool:
        """Whether an alert of these labels is held now (wall time)."""
        return self.start <= at < self.end and all(one.matches(labels) for one in self.matchers)
