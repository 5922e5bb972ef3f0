"""A silence holds what fits all of its matchers, within its span."""

from datetime import UTC, datetime, timedelta

from escalator.escalation.matchers import parse_matcher
from escalator.escalation.silences import Silence

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SILENCE = Silence(
    id="s1",
    matchers=(parse_matcher('alertname="DiskFull"'), parse_matcher('env!="prod"')),
    start=START,
    end=START + timedelta(hours=2),
)


def test_every_matcher_has_to_hold():
    assert SILENCE.holds({"alertname": "DiskFull", "env": "test"}, START)
    assert SILENCE.holds({"alertname": "DiskFull"}, START)
    assert not SILENCE.holds({"alertname": "DiskFull", "env": "prod"}, START)
    assert not SILENCE.holds({"alertname": "Other", "env": "test"}, START)


def test_the_span_includes_its_start_and_not_its_end():
    labels = {"alertname": "DiskFull"}

    assert SILENCE.holds(labels, START)
    assert SILENCE.holds(labels, SILENCE.end - timedelta(microseconds=1))
    assert not SILENCE.holds(labels, SILENCE.end)
    assert not SILENCE.holds(labels, START - timedelta(microseconds=1))
