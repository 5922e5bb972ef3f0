"""`config show` and the JSON Schema speak the grammar of the file."""

from pathlib import Path

import pytest
import yaml

from escalator.config.loading import load
from escalator.config.schema import SCALARS, json_schema
from escalator.config.showing import effective, effective_yaml

EXAMPLES = Path(__file__).parents[2] / "config"
SCHEDULES = EXAMPLES.parent / "tests" / "configs" / "good" / "schedules.yml"


def unveil(node):
    """What was shown, with each secret named again instead of hidden."""
    if isinstance(node, dict):
        return {key: unveil(value) for key, value in node.items()}
    if isinstance(node, list):
        return [unveil(item) for item in node]
    return {"env": "T"} if isinstance(node, str) and node.startswith("‹") else node


@pytest.mark.parametrize(
    "file",
    [EXAMPLES / "minimal.yml", EXAMPLES / "complete.yml", SCHEDULES],
    ids=lambda file: file.stem,
)
def test_what_is_shown_loads_again_as_the_same_rules(tmp_path, file):
    loaded = load(file, secrets=False, environ={})
    path = tmp_path / "shown.yml"

    shown = unveil(yaml.safe_load(effective_yaml(loaded)))
    path.write_text(yaml.safe_dump(shown, sort_keys=False))

    again = load(path, secrets=False, environ={})
    assert again.rules == loaded.rules
    assert again.config.storage == loaded.config.storage
    assert again.config.listen == loaded.config.listen


def test_defaults_are_filled_in():
    shown = effective(load(EXAMPLES / "minimal.yml", secrets=False, environ={}))

    assert shown["policies"]["default"]["fallback"] == {"call": ["ana", "ben"], "every": "10m"}
    assert shown["policies"]["default"]["steps"][0]["retry"] == "2m"
    assert shown["policies"]["default"]["ack_timeout"] == "never"
    assert shown["people"]["ana"] == {
        "name": "ana",
        "phone": "+491713920012",
        "language": "en-US",
        "timezone": "UTC",
        "aliases": [],
        "away": [],
    }
    assert shown["twilio"]["limits"]["calls_per_person"] == "12/h"
    assert shown["twilio"]["limits"]["calls_per_day"] == 500
    assert shown["routes"] == [{"policy": "default", "name": "default"}]
    assert shown["receivers"]["alertmanager"]["auth"] == {
        "bearer": "‹bearer token, made at the first start›"
    }
    assert shown["storage"]["path"] == "/var/lib/escalator/escalator.db"


def test_defaults_of_time_are_filled_in_and_the_rest_stays_as_it_was_written():
    shown = effective(load(SCHEDULES, secrets=False, environ={}))

    weeks = shown["schedules"]["weeks"]
    assert weeks["timezone"] == "Europe/Berlin"
    assert [layer["rotate"]["at"] for layer in weeks["layers"]] == [
        "mon 00:00",
        "fri 00:00",
        "07:30",
    ]
    assert weeks["layers"][0]["people"] == ["ana", ["ben", "chi"]]
    assert weeks["layers"][2]["only"] == ["sat-sun 00:00-24:00", "tue 22:00-06:00"]
    assert weeks["overrides"][0]["from"] == "2026-12-24 18:00"
    assert shown["people"]["chi"]["rules"] == [{"sms": "now"}, {"call": "90s"}]
    assert shown["policies"]["nights"]["stale_after"] == "never"
    odd = shown["time_intervals"]["working-hours"][1]
    assert odd["location"] == "Europe/Berlin"
    assert odd["months"] == ["january:march", "may", "november:february", "december"]
    assert odd["days_of_month"] == ["1:5", "-3:-1", "31", "1:-1"]
    assert shown["time_intervals"]["nights"][0]["times"] == [
        {"start_time": "20:00", "end_time": "24:00"}
    ]
    assert shown["heartbeats"]["prometheus-eu"]["matchers"] == [
        'alertname="Watchdog"',
        'cluster="eu"',
    ]


def test_a_secret_is_shown_by_its_fingerprint(tmp_path):
    path = tmp_path / "a.yml"
    text = (EXAMPLES / "minimal.yml").read_text()
    path.write_text(text.replace("file: /etc/escalator/twilio-auth-token", "env: T"))

    shown = effective_yaml(load(path, environ={"T": "0f1e2d3c4b5a"}))

    assert "‹secret sha256:a27c4f92›" in shown
    assert "0f1e2d3c4b5a" not in shown


def nodes_of(schema):
    yield schema
    inner = schema.values() if isinstance(schema, dict) else schema
    for node in inner if isinstance(schema, dict | list) else ():
        if isinstance(node, dict | list):
            yield from nodes_of(node)


def test_an_editor_that_sees_a_number_is_not_told_that_it_is_wrong():
    nodes = [node for node in nodes_of(json_schema()) if isinstance(node, dict)]

    assert [node for node in nodes if node.get("type") in SCALARS] == []
    assert 1 in json_schema()["properties"]["version"]["enum"]


def test_the_schema_allows_the_short_forms():
    definitions = json_schema()["$defs"]

    call = definitions["Step"]["properties"]["call"]
    assert {"type": list(SCALARS)} in call["anyOf"]
    assert any(one.get("type") == "array" for one in call["anyOf"])
    internal = definitions["Listen"]["properties"]["internal"]
    assert {"type": list(SCALARS)} in internal["anyOf"]


def test_the_schema_demands_what_the_loader_demands():
    schema = json_schema()

    assert set(schema["required"]) == {"version", "public_url", "twilio", "people", "policies"}
    assert schema["additionalProperties"] is False
    assert "from" in schema["$defs"]["Twilio"]["properties"]
    assert schema["$defs"]["Step"]["properties"]["wait"]["default"] == "5m"
