"""Every metric: its name, type, labels and what it says, in the order they are documented.

A label's values are known beforehand and few, so that every combination can stand at zero from the
start; the names that a config gives to receivers are added when it is loaded. Only HTTP handlers,
methods and codes come as they come, from our own route table.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from escalator.escalation.alerts import AlertStatus
from escalator.escalation.calls import CallOutcome
from escalator.escalation.incidents import Phase
from escalator.escalation.messages import MessageState

MetricType: TypeAlias = Literal["counter", "gauge", "histogram"]

PREFIX = "escalator_"

# Label values that only the config knows.
OPEN_LABELS = frozenset({"receiver", "policy", "heartbeat", "schedule"})

STATUSES = tuple(status.value for status in AlertStatus)
STATES = tuple(phase.value for phase in Phase if phase is not Phase.RESOLVED)
# How a call's outcome is counted: in the words that operators know from other systems.
CALL_RESULTS: Mapping[CallOutcome, str] = {
    CallOutcome.ACKNOWLEDGED: "acknowledged",
    CallOutcome.HEARD: "answered",
    CallOutcome.UNHEARD: "unheard",
    CallOutcome.BUSY: "busy",
    CallOutcome.NO_ANSWER: "no_answer",
    CallOutcome.FAILED: "failed",
    CallOutcome.CANCELED: "canceled",
    CallOutcome.REFUSED: "rejected",
    CallOutcome.MACHINE: "voicemail",
    CallOutcome.LOST: "unknown",
}
# How a message's end is counted.
MESSAGE_RESULTS: Mapping[MessageState, str] = {
    MessageState.DELIVERED: "delivered",
    MessageState.SENT: "sent",
    MessageState.FAILED: "failed",
    MessageState.REFUSED: "refused",
    MessageState.LOST: "lost",
    MessageState.DROPPED: "dropped",
}
MESSAGE_OUTCOMES = ("accepted", "refused", "not_sent", "unclear")
REPLY_RESULTS = (
    "done",
    "unknown_code",
    "no_command",
    "carriers_word",
    "unknown_number",
    "not_stored",
)
INVALID_REASONS = (
    "invalid_json",
    "unrecognised_payload",
    "invalid_field",
    "unreadable_alert",
    "too_large",
    "unauthorized",
)
ACTION_KINDS = ("page", "direct_call", "end_call", "sms")
CALL_FAILURES = (
    "auth_error",
    "rate_limited",
    "client_error",
    "server_error",
    "timeout",
    "unreachable",
    "invalid_number",
)
FINISHED_OUTCOMES = ("acknowledged", "resolved", "exhausted")
CALLBACK_KINDS = ("twiml", "gather", "status", "machine", "sms")
SUPPRESSIONS = ("duplicate", "flapping", "no_policy", "silenced")
BEAT_RESULTS = ("ok", "failed", "withheld")
CALENDAR_RESULTS = ("ok", "failed", "refused")
CALLBACK_RESULTS = ("ok", "bad_signature", "unknown_token", "late")

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_CARRIER = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
_LATENESS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_RING = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0)
_ACKNOWLEDGE = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 14400.0)
_BATCH = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)


class Documented(NamedTuple):
    """One metric as an operator sees it."""

    name: str
    type: MetricType
    labels: tuple[str, ...]
    help: str


def _counter(name: str, text: str, *labels: str) -> Documented:
    return Documented(PREFIX + name, "counter", labels, text)


def _gauge(name: str, text: str, *labels: str) -> Documented:
    return Documented(PREFIX + name, "gauge", labels, text)


def _histogram(name: str, text: str, *labels: str) -> Documented:
    return Documented(PREFIX + name, "histogram", labels, text)


DOCUMENTED: tuple[Documented, ...] = (
    _gauge("build_info", "What is running; always 1.", "version", "python_version"),
    _gauge("config_last_reload_successful", "Whether the last load of the config succeeded."),
    _gauge("config_last_reload_success_timestamp_seconds", "When the config in force was loaded."),
    _gauge(
        "config_hash",
        "A number that changes with the config in force; equal files have equal numbers.",
    ),
    _counter(
        "alerts_received_total",
        "Alerts taken and committed, repeats included.",
        "receiver",
        "status",
    ),
    _counter(
        "alerts_invalid_total",
        "Bodies refused, and alerts that paged although they could not be read.",
        "receiver",
        "reason",
    ),
    _counter(
        "alerts_suppressed_total",
        "Firing alerts that rang nobody anew, by why.",
        "reason",
    ),
    _histogram(
        "alert_commit_duration_seconds",
        "From a request's last byte to its alerts being safe on disk.",
        "receiver",
    ),
    _gauge("incidents", "Incidents that are not resolved.", "state"),
    _gauge(
        "oldest_unacknowledged_incident_timestamp_seconds",
        "When the oldest unacknowledged incident of a policy was opened; 0 if there is none.",
        "policy",
    ),
    _gauge("actions_pending", "Work that is due or under way.", "kind"),
    _histogram("action_lateness_seconds", "How long after its due time an action was begun."),
    _counter("calls_total", "Calls that ended, by how.", "result"),
    _counter(
        "calls_failed_total",
        "Requests for a call that the carrier did not grant, by why.",
        "reason",
    ),
    _counter("call_requests_total", "Requests for a call sent to the carrier."),
    _counter(
        "call_requests_failed_total", "Requests for a call that were not answered with success."
    ),
    _histogram(
        "call_request_duration_seconds", "How long the carrier took to answer a request for a call."
    ),
    _counter(
        "calls_ambiguous_total",
        "Requests for a call of which it was unclear whether the carrier had heard them.",
    ),
    _counter(
        "calls_surplus_total",
        "Calls beyond the one that was wanted; each was ended when it was found.",
    ),
    _counter("message_requests_total", "Requests for a message, by what came of each.", "outcome"),
    _counter("messages_total", "Messages of which nothing more is awaited, by how.", "result"),
    _counter("replies_total", "Messages from people, by what became of each.", "result"),
    _histogram(
        "first_ring_duration_seconds",
        "From an incident's first alert to its first call being placed.",
        "policy",
    ),
    _histogram(
        "acknowledge_duration_seconds",
        "From an incident's first alert to somebody acknowledging it.",
        "policy",
    ),
    _counter("escalation_steps_total", "Steps of policies that were begun.", "policy"),
    _counter(
        "escalations_finished_total",
        "Times that an incident stopped going through its policy's steps.",
        "outcome",
    ),
    _counter(
        "callbacks_total",
        "Requests from the carrier, by what it wanted and what became of it.",
        "kind",
        "result",
    ),
    _gauge(
        "callback_last_success_timestamp_seconds",
        "When the carrier last reached us with a genuine request; 0 if never since the start.",
    ),
    _histogram(
        "store_write_duration_seconds", "How long one write transaction took, commit included."
    ),
    _histogram("store_batch_events", "Events decided in one write transaction."),
    _counter("store_errors_total", "Write transactions that failed."),
    _counter(
        "events_undecided_total",
        "Events that could not be decided, each a defect; their incidents are tried again later.",
    ),
    _counter(
        "quarantines_total",
        "Incidents, calls and alerts set aside after three failures, each a defect.",
    ),
    _counter(
        "audit_violations_total",
        "Incidents and calls that nothing would have looked after; each was begun anew.",
    ),
    _gauge("store_size_bytes", "Size of the database with its write-ahead log."),
    _gauge("store_log_size_bytes", "Size of the write-ahead log alone."),
    _histogram(
        "event_loop_lag_seconds", "How much later than asked the event loop woke a sleeper."
    ),
    _histogram(
        "http_request_duration_seconds",
        "How long requests to our listeners took; handler is the route, never the path.",
        "handler",
        "method",
        "code",
    ),
    _gauge(
        "heartbeat_last_timestamp_seconds",
        "When a heartbeat of the config was last heard; 0 if never.",
        "heartbeat",
    ),
    _gauge("heartbeats_missed", "Heartbeats that are overdue, or said to be over."),
    _counter(
        "outbound_beats_total",
        "Beats to who watches this pager: sent, failed, or withheld since not all is well.",
        "result",
    ),
    _gauge(
        "calendar_last_success_timestamp_seconds",
        "When a schedule's calendar was last known to be current; 0 if never.",
        "schedule",
    ),
    _counter(
        "calendar_fetches_total",
        "Times that a calendar was asked for: had, not to be had, or not usable as it came.",
        "schedule",
        "result",
    ),
    _gauge(
        "calendar_unknown_titles",
        "Titles of a calendar's events to come that do not name only people of the config.",
        "schedule",
    ),
    _gauge("engine_last_cycle_timestamp_seconds", "When the engine last looked for due work."),
)

# Which values a label takes; by metric and label where metrics differ.
LABEL_VALUES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("alerts_received_total", "status"): STATUSES,
    ("alerts_invalid_total", "reason"): INVALID_REASONS,
    ("alerts_suppressed_total", "reason"): SUPPRESSIONS,
    ("incidents", "state"): STATES,
    ("actions_pending", "kind"): ACTION_KINDS,
    ("calls_total", "result"): tuple(CALL_RESULTS.values()),
    ("calls_failed_total", "reason"): CALL_FAILURES,
    ("message_requests_total", "outcome"): MESSAGE_OUTCOMES,
    ("messages_total", "result"): tuple(MESSAGE_RESULTS.values()),
    ("replies_total", "result"): REPLY_RESULTS,
    ("escalations_finished_total", "outcome"): FINISHED_OUTCOMES,
    ("callbacks_total", "kind"): CALLBACK_KINDS,
    ("callbacks_total", "result"): CALLBACK_RESULTS,
    ("outbound_beats_total", "result"): BEAT_RESULTS,
    ("calendar_fetches_total", "result"): CALENDAR_RESULTS,
}

# Upper bounds in seconds, but for the batch's, which are events.
BUCKETS: Mapping[str, tuple[float, ...]] = {
    "alert_commit_duration_seconds": _FAST,
    "action_lateness_seconds": _LATENESS,
    "call_request_duration_seconds": _CARRIER,
    "first_ring_duration_seconds": _RING,
    "acknowledge_duration_seconds": _ACKNOWLEDGE,
    "store_write_duration_seconds": _FAST,
    "store_batch_events": _BATCH,
    "event_loop_lag_seconds": _FAST,
    "http_request_duration_seconds": _FAST,
}
