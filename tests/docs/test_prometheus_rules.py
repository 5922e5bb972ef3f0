"""The alert rules that we ship: Prometheus takes them, they ask for what exists, each has a test that fires it."""

import re
import subprocess

import pytest
import yaml
from manual import ROOT, page, table_of, words_in_code
from tools import require_tool

from escalator.telemetry import DOCUMENTED
from escalator.telemetry.metric_table import BUCKETS, LABEL_VALUES, PREFIX

RULES = ROOT / "config" / "prometheus-rules.yml"
TESTS = ROOT / "config" / "prometheus-rules.test.yml"
LOADED = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
METRICS = {one.name: one for one in DOCUMENTED}
SELECTOR = re.compile(r"([a-z_]+)(?:{([^}]*)})?")
# These are Prometheus's own and the client library's.
NOT_OURS = {"up", "process_start_time_seconds"}


@pytest.mark.parametrize(("verb", "file"), [("check", RULES), ("test", TESTS)])
def test_prometheus_is_content(verb, file):
    command = [require_tool("promtool"), verb, "rules", str(file)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", LOADED, ids=lambda rule: rule["alert"])
def test_a_rule_asks_only_for_metrics_labels_and_values_that_exist(rule):
    asked = [
        (name, labels) for name, labels in SELECTOR.findall(rule["expr"]) if name.startswith(PREFIX)
    ]

    assert asked or NOT_OURS & {name for name, _ in SELECTOR.findall(rule["expr"])}
    for name, labels in asked:
        metric = METRICS.get(name) or METRICS[re.sub(r"_(bucket|count|sum)$", "", name)]
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            assert value in values_of(metric, label), f"{name}: {label}={value}"


def values_of(metric, label):
    name = metric.name.removeprefix(PREFIX)
    if label == "le" and metric.type == "histogram":
        return {str(bound) for bound in BUCKETS[name]}
    assert label in metric.labels, f"{metric.name} has no label {label}"
    return LABEL_VALUES[name, label]


def test_every_rule_has_a_test_in_which_it_fires_and_one_in_which_it_does_not():
    tests = [
        one
        for test in yaml.safe_load(TESTS.read_text())["tests"]
        for one in test["alert_rule_test"]
    ]
    alerts = {rule["alert"] for rule in LOADED}

    assert {one["alertname"] for one in tests if one["exp_alerts"]} == alerts
    assert {one["alertname"] for one in tests if not one["exp_alerts"]} == alerts


def test_every_rule_is_in_the_manual_with_its_severity():
    [table] = table_of(page("metrics.md"), "alert", "severity")
    told = {words_in_code(row["alert"])[0]: row["severity"] for row in table.rows}

    assert told == {rule["alert"]: rule["labels"]["severity"] for rule in LOADED}


def test_every_rule_says_what_it_means_and_what_to_do():
    assert all(set(rule["annotations"]) == {"summary", "description"} for rule in LOADED)
