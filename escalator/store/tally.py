"""Count what a batch has changed, once it is committed: what happened is counted where it became true."""

from datetime import datetime

from escalator.escalation.calls import Call, CallState
from escalator.escalation.incidents import Incident
from escalator.store.fold import Changes
from escalator.telemetry import Metrics

_FINISHED = frozenset({"acknowledged", "resolved", "exhausted"})


def count(metrics: Metrics, changes: Changes, events: int, now: datetime, seconds: float) -> None:
    """Add a committed batch of so many events, written in so many seconds, to the metrics."""
    metrics.store_batch_events.observe(events)
    metrics.store_write_duration.observe(seconds)
    for incident_id, line in changes.lines:
        if line.event == "step":
            metrics.escalation_steps.inc()
        elif line.event in _FINISHED:
            metrics.escalations_finished.labels(outcome=line.event).inc()
            if line.event == "acknowledged":
                _acknowledged(metrics, changes.incidents.get(incident_id), now)
    for incident in changes.first_rings:
        metrics.first_ring_duration.observe((now - incident.created_at).total_seconds())
    for call in changes.calls.values():
        _call(metrics, call, now)


def _acknowledged(metrics: Metrics, incident: Incident | None, now: datetime) -> None:
    if incident is not None:
        metrics.acknowledge_duration.observe((now - incident.created_at).total_seconds())


def _call(metrics: Metrics, call: Call, now: datetime) -> None:
    """What happened to a call in this very batch bears its time."""
    if call.state is CallState.ENDED and call.ended_at == now and call.outcome is not None:
        metrics.calls.labels(result=call.outcome.value.replace("-", "_")).inc()
    if call.unclear_at == now:
        metrics.calls_ambiguous.inc()
    for ending in call.endings:
        if ending.sid != call.sid and ending.due_at == now:
            metrics.calls_surplus.inc()
