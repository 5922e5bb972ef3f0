"""What the pager tells its operators about itself: metrics, logs, a word to systemd.

No person, phone, incident or payload text becomes a label of a metric; no phone number is logged in
full and no callback token at all. `metrics` holds the measures, `metric_table` their names and
labels as documented, `logs` the one way every log line takes, `sampling` the brake on repetitions.
"""

from escalator.telemetry.logs import LogFormat, configure_logging, get_logger
from escalator.telemetry.metric_table import DOCUMENTED, Documented
from escalator.telemetry.metrics import Metrics
from escalator.telemetry.sampling import Sampled
from escalator.telemetry.systemd import notify

__all__ = [
    "DOCUMENTED",
    "Documented",
    "LogFormat",
    "Metrics",
    "Sampled",
    "configure_logging",
    "get_logger",
    "notify",
]
