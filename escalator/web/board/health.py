"""What ails the pager itself, as far as the daemon knows: a sentence each, and what to do.

What the store knows of calls that should ring and do not is told by the page that reads it.
"""

from prometheus_client import Gauge

from escalator.web.context import WebContext


def troubles_of(context: WebContext) -> tuple[str, ...]:
    """Everything that is wrong now; nothing: the pager is well."""
    found = []
    if reason := context.why_not_ready():
        found.append(f"No alert can be taken: {reason}. Senders try again; the log says more.")
    if not context.is_audited():
        found.append(
            "The auditor has not finished a look for minutes, so nobody checks that no page is lost. See the log:"
            " audit_failed. The watchdog will restart the daemon."
        )
    metrics = context.engine.metrics
    was_loaded = _value(metrics.config_last_reload_success_timestamp_seconds) > 0
    if was_loaded and not _value(metrics.config_last_reload_successful):
        found.append(
            "The config file does not load; the one before stays in force. escalator check-config says why."
        )
    return tuple(found)


def _value(gauge: Gauge) -> float:
    return next(iter(gauge.collect())).samples[0].value
