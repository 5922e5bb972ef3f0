"""What is counted after a commit: when counting fails, the commit still stands."""

from datetime import UTC, datetime

from cast import RULES, fired
from structlog.testing import capture_logs

from escalator.store.changes import Result
from escalator.store.connection import open_for_reading
from escalator.store.sqlite import SqliteStore
from escalator.telemetry import Metrics

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


class BrokenMetrics(Metrics):
    """Metrics of which one is missing, as after a mistake of ours."""

    @property
    def escalation_steps(self):
        raise LookupError("no such metric")

    @escalation_steps.setter
    def escalation_steps(self, _):
        """Nobody gets it."""


def test_a_failure_to_count_never_makes_a_batch_look_failed(tmp_path):
    """(K3, K17) Its sender would send it again; and one alone of a batch would be blamed and set aside."""
    store = SqliteStore(tmp_path / "e.db", BrokenMetrics())
    with capture_logs() as logs:
        results = store.apply([fired(), fired("cpu")], RULES, AT)

    assert [isinstance(one, Result) for one in results] == [True, True]
    assert store.stirred, "the workers are rung all the same"
    reader = open_for_reading(tmp_path / "e.db")
    assert reader.execute("SELECT count(*) FROM incidents").fetchone() == (2,)
    assert [one["events"] for one in logs if one["event"] == "batch_not_counted"] == [2]
    reader.close()
    store.close()
