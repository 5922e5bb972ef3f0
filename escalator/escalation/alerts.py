"""What a sender told us: one labelled condition, firing or resolved.

An alert is identified by its receiver and its key (Alertmanager's fingerprint, a dedup key
elsewhere). The group is the sender's own idea of what belongs together; a route may overrule it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class AlertStatus(StrEnum):
    """What the sender says of one alert. A group's status is never believed."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert as it came in, whatever format it came in.

    `labels` and `annotations` are text to text. `starts_at` and `ends_at` are shown and never used for timers: a
    sender's clock may be days off. `raw` is the alert as received, cut to 64 KiB with a mark. `left_out` is how many
    alerts of the group its message did not list.
    """

    receiver: str
    key: str
    status: AlertStatus
    group: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    url: str = ""
    raw: str = ""
    left_out: int = 0

    @property
    def is_firing(self) -> bool:
        """Whether the sender says that the condition holds."""
        return self.status is AlertStatus.FIRING


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is on file about an alert: its last status and the incident it was last in ("" for
    none).
    """

    incident_id: str
    status: AlertStatus
    severity: str
