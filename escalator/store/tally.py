"""Count what a batch has changed, once it is committed: what happened is counted where it became true.

Whatever counting comes to, what is committed stays committed: nobody may be told that it failed, and send it again.
"""

from datetime import datetime

from escalator.escalation.calls import Call, CallState
from escalator.escalation.incidents import Incident, Line
from escalator.store.changes import Changes
from escalator.telemetry import Metrics, get_logger
from escalator.telemetry.metric_table import CALL_RESULTS, MESSAGE_RESULTS

log = get_logger("engine")

_OF_ALERTS = frozenset({"alert_fired", "alert_resolved"})
_FINISHED = frozenset({"acknowledged", "resolved", "exhausted"})


def count(metrics: Metrics, changes: Changes, events: int, now: datetime, seconds: float) -> None:
    """Add a committed batch of so many events, written in so many seconds, to the metrics. Never raises."""
    try:
        _count(metrics, changes, now)
        metrics.store_batch_events.observe(events)
        metrics.store_write_duration.observe(seconds)
    except Exception:
        log.exception("batch_not_counted", events=events)


def _count(metrics: Metrics, changes: Changes, now: datetime) -> None:
    for incident_id, line in changes.lines:
        _line(metrics, changes.incidents.get(incident_id), line, now)
    for incident in changes.first_rings:
        waited = (now - incident.created_at).total_seconds()
        metrics.first_ring_duration.labels(policy=incident.policy).observe(waited)
    for reason in changes.suppressed:
        metrics.alerts_suppressed.labels(reason=reason).inc()
    for call in changes.calls.values():
        _call(metrics, call, now)
    for message in changes.messages.values():
        if message.ended_at == now:
            metrics.messages.labels(result=MESSAGE_RESULTS[message.state]).inc()


def _line(metrics: Metrics, incident: Incident | None, line: Line, now: datetime) -> None:
    """What was decided is told once in the log, too; single alerts are not, for they come by thousands."""
    if incident is None:
        return
    if line.event not in _OF_ALERTS:
        log.info(
            "decided",
            incident=incident.id,
            what=line.event,
            text=line.text,
            by=line.by,
            call=line.call,
        )
    if line.event == "reopened":
        metrics.alerts_suppressed.labels(reason="flapping").inc()
    if line.event == "step":
        metrics.escalation_steps.labels(policy=incident.policy).inc()
    elif line.event in _FINISHED:
        metrics.escalations_finished.labels(outcome=line.event).inc()
    if line.event == "acknowledged":
        waited = (now - incident.created_at).total_seconds()
        metrics.acknowledge_duration.labels(policy=incident.policy).observe(waited)


def _call(metrics: Metrics, call: Call, now: datetime) -> None:
    """What happened to a call in this very batch bears its time."""
    if call.state is CallState.ENDED and call.ended_at == now and call.outcome is not None:
        metrics.calls.labels(result=CALL_RESULTS[call.outcome]).inc()
    if call.unclear_at == now:
        metrics.calls_ambiguous.inc()
    for ending in call.endings:
        if ending.sid != call.sid and ending.due_at == now:
            metrics.calls_surplus.inc()
