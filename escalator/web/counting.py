"""What the internal listener counts, in one place."""

from collections import Counter
from collections.abc import Sequence, Set

from escalator.escalation.alerts import Alert
from escalator.escalation.incidents import Phase
from escalator.intake import Note, Remark
from escalator.store.work import Work
from escalator.telemetry import Metrics

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def alerts_taken(
    metrics: Metrics, receiver: str, alerts: Sequence[Alert], notes: Sequence[Note], seconds: float
) -> None:
    """Alerts were committed, so many seconds after the last byte of their request."""
    for status, count in Counter(alert.status for alert in alerts).items():
        metrics.alerts_received.labels(receiver=receiver, status=status.value).inc(count)
    for note in notes:
        if note.remark is Remark.UNREADABLE_ALERT:
            metrics.alerts_invalid.labels(receiver=receiver, reason="unreadable_alert").inc(
                note.count
            )
    if alerts:
        metrics.alert_commit_duration.labels(receiver=receiver).observe(seconds)


def body_refused(metrics: Metrics, receiver: str, reason: str) -> None:
    """A body sent to this receiver was refused; `reason` is one of the codes of a refusal."""
    metrics.alerts_invalid.labels(receiver=receiver, reason=reason).inc()


def open_work(metrics: Metrics, work: Work, policies: Set[str], size: int) -> None:
    """What is open, of the config's policies and of others, and how much room the store takes."""
    for phase in Phase:
        if phase is not Phase.RESOLVED:
            metrics.incidents.labels(state=phase.value).set(work.phases.get(phase.value, 0))
    gauge = metrics.oldest_unacknowledged_incident_timestamp_seconds
    gauge.clear()
    for policy in policies | work.oldest_unacknowledged.keys():
        oldest = work.oldest_unacknowledged.get(policy)
        gauge.labels(policy=policy).set(0 if oldest is None else oldest.timestamp())
    for kind, count in work.pending.items():
        metrics.actions_pending.labels(kind=kind).set(count)
    metrics.store_size_bytes.set(size)


def request_answered(
    metrics: Metrics, handler: str, method: str, code: int, seconds: float
) -> None:
    """A request was answered. A stranger's method becomes no label."""
    known = method if method in _METHODS else "other"
    metrics.http_request_duration.labels(handler=handler, method=known, code=str(code)).observe(
        seconds
    )
