"""What the phone side counts, in one place."""

from datetime import datetime

from escalator.phone.carrier import Accepted, NotSent, PlaceOutcome, Refused, Scope, Unclear
from escalator.telemetry import Metrics

_REFUSALS = {
    Scope.NUMBER: "invalid_number",
    Scope.ACCOUNT: "auth_error",
    Scope.CONFIGURATION: "client_error",
}


MESSAGE_OUTCOMES = {
    Accepted: "accepted",
    Refused: "refused",
    NotSent: "not_sent",
    Unclear: "unclear",
}
_KINDS = {"answer": "twiml", "key": "gather"}


def call_requested(metrics: Metrics, seconds: float, outcome: PlaceOutcome) -> None:
    """A POST for a call came to this after so many seconds."""
    metrics.call_requests.inc()
    metrics.call_request_duration.observe(seconds)
    reason = failure_reason(outcome)
    if reason:
        metrics.call_requests_failed.inc()
        metrics.calls_failed.labels(reason=reason).inc()


def call_begun(metrics: Metrics, now: datetime, due_since: datetime) -> None:
    """A call is placed that has been due since then."""
    metrics.action_lateness.observe(max(0.0, (now - due_since).total_seconds()))


def failure_reason(outcome: PlaceOutcome) -> str:
    """Why a call was not granted, as a label; "" when it was."""
    match outcome:
        case Accepted():
            return ""
        case Refused(scope=scope):
            return _REFUSALS[scope]
        case NotSent(too_many=too_many):
            return "rate_limited" if too_many else "unreachable"
        case Unclear(reason):
            return "server_error" if "HTTP" in reason else "timeout"


def callback_came(metrics: Metrics, kind: str, result: str, at: datetime) -> None:
    """The carrier asked or told something."""
    metrics.callbacks.labels(kind=_KINDS.get(kind, kind), result=result).inc()
    if result == "ok":
        metrics.callback_last_success_timestamp_seconds.set(at.timestamp())


def message_requested(metrics: Metrics, outcome: PlaceOutcome) -> None:
    """A POST for a message came to this."""
    metrics.message_requests.labels(outcome=MESSAGE_OUTCOMES[type(outcome)]).inc()


def reply_came(metrics: Metrics, result: str) -> None:
    """Somebody wrote to us, and this became of it."""
    metrics.replies.labels(result=result).inc()
