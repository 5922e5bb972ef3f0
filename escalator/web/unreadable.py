"""Page somebody when a sender who may speak to us cannot be understood: what it wanted to say may be an alert.

A body too large for us, or the third unreadable one within ten minutes, becomes an alert of that receiver (L3, G4),
told at most once in ten minutes. The unreadable one is resolved by the next body that can be read; the one for a large
body by a person, since nobody knows what it held.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from escalator.escalation.alerts import Alert, AlertStatus

SPAN = timedelta(minutes=10)
REJECTED_MAX = 3


@dataclass(slots=True)
class _Sender:
    rejected: deque[datetime] = field(default_factory=lambda: deque(maxlen=REJECTED_MAX))
    told_at: dict[str, datetime] = field(default_factory=dict)
    is_unreadable: bool = False


class Unreadable:
    """What was not understood of late, by receiver. Times are the engine's; receivers are the config's."""

    def __init__(self) -> None:
        self._senders: dict[str, _Sender] = {}

    def too_large(self, receiver: str, size: int | None, now: datetime) -> Alert | None:
        """The alert to raise for a body over the limit; `size` in bytes, None when the sender did not say."""
        sender = self._senders.setdefault(receiver, _Sender())
        if not _is_news(sender, "oversized", now):
            return None
        how_large = f"a body of {size / 1_000_000:.0f} MB" if size else "a body over the limit"
        return _alert(
            receiver,
            "oversized",
            f"Receiver {receiver} was sent {how_large}; it was not read",
            "Alerts in it are unknown here. Look at the sender, and have it send fewer at once (max_alerts).",
        )

    def rejected(self, receiver: str, why: str, now: datetime) -> Alert | None:
        """The alert to raise once bodies have been refused three times within ten minutes."""
        sender = self._senders.setdefault(receiver, _Sender())
        sender.rejected.append(now)
        is_often = len(sender.rejected) == REJECTED_MAX and now - sender.rejected[0] <= SPAN
        if not is_often or not _is_news(sender, "unreadable", now):
            return None
        sender.is_unreadable = True
        return _alert(
            receiver,
            "unreadable",
            f"Receiver {receiver} is being sent bodies that cannot be read",
            f"Alerts in them are unknown here. The last: {why}",
        )

    def readable(self, receiver: str, now: datetime) -> Alert | None:
        """The alert that resolves what `rejected` raised, once."""
        sender = self._senders.get(receiver)
        if sender is None:
            return None
        sender.rejected.clear()
        if not sender.is_unreadable:
            return None
        sender.is_unreadable = False
        sender.told_at.pop("unreadable", None)
        summary = f"Receiver {receiver} is being sent bodies that can be read again"
        return _alert(receiver, "unreadable", summary, "", resolved_at=now)


def _is_news(sender: _Sender, kind: str, now: datetime) -> bool:
    told_at = sender.told_at.get(kind)
    if told_at is not None and now - told_at < SPAN:
        return False
    sender.told_at[kind] = now
    return True


def _alert(
    receiver: str, kind: str, summary: str, description: str, *, resolved_at: datetime | None = None
) -> Alert:
    name = {"oversized": "OversizedPayload", "unreadable": "UnreadablePayload"}[kind]
    key = f"escalator:{kind}"
    return Alert(
        receiver=receiver,
        key=key,
        status=AlertStatus.FIRING if resolved_at is None else AlertStatus.RESOLVED,
        group=key,
        labels={"alertname": name, "receiver": receiver},
        annotations={"summary": summary, "description": description},
        ends_at=resolved_at,
    )
