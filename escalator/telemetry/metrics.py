"""The measures of one process, in a registry of its own.

Each attribute is one metric of `metric_table`; it is counted where the thing happens. Every
combination of label values that can be known stands at zero from the start, for the first failure
to show in a rate.
"""

import itertools
import platform
from collections.abc import Iterable
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from escalator.telemetry.metric_table import (
    BUCKETS,
    DOCUMENTED,
    LABEL_VALUES,
    OPEN_LABELS,
    PREFIX,
    Documented,
)

_TABLE = {metric.name.removeprefix(PREFIX): metric for metric in DOCUMENTED}


class Metrics:
    """All metrics of this process; `registry` is what is shown at /metrics."""

    def __init__(self, registry: CollectorRegistry | None = None, *, version: str = "") -> None:
        self.registry = CollectorRegistry(auto_describe=True) if registry is None else registry
        # One time series a metric instead of two; Prometheus asks for them only in OpenMetrics.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it bare
        ProcessCollector(registry=self.registry)
        self._families: list[tuple[Documented, Counter | Gauge | Histogram]] = []

        self.build_info = self._gauge("build_info")
        self.config_last_reload_successful = self._gauge("config_last_reload_successful")
        self.config_last_reload_success_timestamp_seconds = self._gauge(
            "config_last_reload_success_timestamp_seconds"
        )
        self.config_hash = self._gauge("config_hash")
        self.alerts_received = self._counter("alerts_received_total")
        self.alerts_invalid = self._counter("alerts_invalid_total")
        self.alerts_suppressed = self._counter("alerts_suppressed_total")
        self.alert_commit_duration = self._histogram("alert_commit_duration_seconds")
        self.incidents = self._gauge("incidents")
        self.oldest_unacknowledged_incident_timestamp_seconds = self._gauge(
            "oldest_unacknowledged_incident_timestamp_seconds"
        )
        self.actions_pending = self._gauge("actions_pending")
        self.action_lateness = self._histogram("action_lateness_seconds")
        self._measure_carrier()
        self.first_ring_duration = self._histogram("first_ring_duration_seconds")
        self.acknowledge_duration = self._histogram("acknowledge_duration_seconds")
        self.escalation_steps = self._counter("escalation_steps_total")
        self.escalations_finished = self._counter("escalations_finished_total")
        self.callbacks = self._counter("callbacks_total")
        self.callback_last_success_timestamp_seconds = self._gauge(
            "callback_last_success_timestamp_seconds"
        )
        self.store_write_duration = self._histogram("store_write_duration_seconds")
        self.store_batch_events = self._histogram("store_batch_events")
        self.store_errors = self._counter("store_errors_total")
        self.store_size_bytes = self._gauge("store_size_bytes")
        self.store_log_size_bytes = self._gauge("store_log_size_bytes")
        self.events_undecided = self._counter("events_undecided_total")
        self.quarantines = self._counter("quarantines_total")
        self.audit_violations = self._counter("audit_violations_total")
        self.event_loop_lag = self._histogram("event_loop_lag_seconds")
        self.http_request_duration = self._histogram("http_request_duration_seconds")
        self.heartbeat_last_timestamp_seconds = self._gauge("heartbeat_last_timestamp_seconds")
        self.heartbeats_missed = self._gauge("heartbeats_missed")
        self.outbound_beats = self._counter("outbound_beats_total")
        self.calendar_last_success_timestamp_seconds = self._gauge(
            "calendar_last_success_timestamp_seconds"
        )
        self.calendar_fetches = self._counter("calendar_fetches_total")
        self.calendar_unknown_titles = self._gauge("calendar_unknown_titles")
        self.engine_last_cycle_timestamp_seconds = self._gauge(
            "engine_last_cycle_timestamp_seconds"
        )

        self._begin(version)

    def _begin(self, version: str) -> None:
        self.build_info.labels(version=version, python_version=platform.python_version()).set(1)
        for documented, family in self._families:
            if documented.labels:
                _start_at_zero(documented, family)

    def _measure_carrier(self) -> None:
        """What is asked of the carrier, and what becomes of it."""
        self.calls = self._counter("calls_total")
        self.calls_failed = self._counter("calls_failed_total")
        self.call_requests = self._counter("call_requests_total")
        self.call_requests_failed = self._counter("call_requests_failed_total")
        self.call_request_duration = self._histogram("call_request_duration_seconds")
        self.calls_ambiguous = self._counter("calls_ambiguous_total")
        self.calls_surplus = self._counter("calls_surplus_total")
        self.message_requests = self._counter("message_requests_total")
        self.messages = self._counter("messages_total")
        self.replies = self._counter("replies_total")

    def expect_receivers(self, names: Iterable[str]) -> None:
        """Start the series of these receivers at zero. Those of receivers that are gone stay."""
        self._expect("receiver", tuple(names))

    def expect_policies(self, names: Iterable[str]) -> None:
        """Start the series of these policies at zero. Those of policies that are gone stay."""
        self._expect("policy", tuple(names))

    def expect_calendars(self, schedules: Iterable[str]) -> None:
        """Start the series of the calendars of these schedules at zero."""
        self._expect("schedule", tuple(schedules))

    def _expect(self, label: str, names: tuple[str, ...]) -> None:
        for documented, family in self._families:
            if label in documented.labels:
                _start_at_zero(documented, family, names)

    def config_loaded(self, digest: bytes, at: datetime) -> None:
        """Say that the config with this digest has been in force since then."""
        # As many bytes as a float holds without loss.
        self.config_hash.set(int.from_bytes(digest[:6], "big"))
        self.config_last_reload_successful.set(1)
        self.config_last_reload_success_timestamp_seconds.set(at.timestamp())

    def config_refused(self) -> None:
        """Say that a config could not be loaded; the one before stays in force."""
        self.config_last_reload_successful.set(0)

    def _counter(self, name: str) -> Counter:
        documented = _TABLE[name]
        counter = Counter(
            documented.name, documented.help, documented.labels, registry=self.registry
        )
        self._families.append((documented, counter))
        return counter

    def _gauge(self, name: str) -> Gauge:
        documented = _TABLE[name]
        gauge = Gauge(documented.name, documented.help, documented.labels, registry=self.registry)
        self._families.append((documented, gauge))
        return gauge

    def _histogram(self, name: str) -> Histogram:
        documented = _TABLE[name]
        histogram = Histogram(
            documented.name,
            documented.help,
            documented.labels,
            registry=self.registry,
            buckets=BUCKETS[name],
        )
        self._families.append((documented, histogram))
        return histogram


def _start_at_zero(
    documented: Documented,
    family: Counter | Gauge | Histogram,
    names: tuple[str, ...] = (),
) -> None:
    name = documented.name.removeprefix(PREFIX)
    values = [
        names if label in OPEN_LABELS else LABEL_VALUES.get((name, label), ())
        for label in documented.labels
    ]
    for combination in itertools.product(*values):
        family.labels(*combination)
