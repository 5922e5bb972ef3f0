"""`escalator alert send` is a sender like any other: same door, same form, same proof."""

import json
from pathlib import Path

import pytest

from escalator.app import token_path
from escalator.config.loading import load

PAYLOADS = Path(__file__).parents[1] / "payloads"


def test_an_alert_opens_an_incident_and_says_so(house):
    told = house.run("alert", "send", "--receiver", "prod", "alertname=Told").stdout

    assert told.splitlines()[0] == "1 alert accepted."
    assert told.splitlines()[1].endswith(" is new, triggered.")


def test_the_same_labels_are_the_same_alert_and_resolve_ends_it(house):
    labels = ["alertname=Same", "severity=critical", "note=a=b"]
    first = house.json("alert", "send", "--receiver", "prod", *labels)
    again = house.json("alert", "send", "--receiver", "prod", *reversed(labels))
    over = house.json("alert", "send", "--receiver", "prod", "--resolve", *labels)

    [incident] = first["incidents"]
    assert first == {"accepted": 1, "incidents": [{**incident, "new": True}]}
    assert again["incidents"] == [{**incident, "new": False}]
    assert over["incidents"][0]["id"] == incident["id"]
    shown = house.json("incidents", "show", incident["id"])
    assert shown["phase"] == "resolved"
    assert shown["alerts"][0]["ends_at"][:4] > "2000"


def test_it_is_known_by_alertmanagers_fingerprint_with_labels_and_annotations(house):
    [captured] = json.loads((PAYLOADS / "alertmanager_single_firing.json").read_text())["alerts"]
    labels = [f"{name}={value}" for name, value in captured["labels"].items()]

    sent = house.json(
        *("alert", "send", "--receiver", "prod", *labels),
        *("--annotation", "summary=too hot = bad", "--annotation", "runbook=https://r.example"),
    )

    [alert] = house.json("incidents", "show", sent["incidents"][0]["id"])["alerts"]
    assert alert["key"] == captured["fingerprint"]
    assert alert["labels"] == captured["labels"]
    assert alert["annotations"] == {
        "summary": "too hot = bad",
        "runbook": "https://r.example",
    }


@pytest.mark.parametrize("receiver", ["prod", "grafana", "ci", "open"])
def test_every_kind_of_proof_is_taken_from_the_config(house, receiver):
    sent = house.json("alert", "send", "--receiver", receiver, f"alertname=By-{receiver}")

    assert sent["accepted"] == 1


@pytest.mark.parametrize("receiver", ["prod", "grafana", "ci"])
def test_without_the_right_proof_it_is_refused(house, tmp_path, receiver):
    (tmp_path / "wrong").write_text("wrong\n")

    result = house.run(
        *("alert", "send", "--receiver", receiver, "alertname=Refused"),
        *("--token.file", tmp_path / "wrong"),
        exits=1,
    )

    assert "--token.file" in result.stderr


def test_the_token_that_the_environment_has_for_the_api_is_not_sent_to_a_receiver(house):
    token_file = str(house.folder / "laptop.token")

    house.run("alert", "send", "--receiver", "prod", "a=env", ESCALATOR_TOKEN_FILE=token_file)


def test_a_token_file_serves_where_there_is_no_config(house, tmp_path):
    house.run(
        *("alert", "send", "--receiver", "prod", "alertname=ByHand", "-c", tmp_path / "none.yml"),
        *("--url", house.url, "--token.file", house.folder / "prod.token"),
    )


def test_a_secret_that_cannot_be_read_is_named_by_its_place_in_the_config(house, tmp_path):
    (tmp_path / "escalator.yml").write_text(house.config.read_text())

    result = house.run(
        *("alert", "send", "--receiver", "prod", "x=y", "-c", tmp_path / "escalator.yml"), exits=1
    )

    assert "receivers.prod.auth: cannot read" in result.stderr


def test_a_receiver_that_is_not_there_is_met_with_the_one_that_was_meant(house):
    close = house.run("alert", "send", "--receiver", "grafna", "x=y", exits=2)
    far = house.run("alert", "send", "x=y", exits=2)

    assert "did you mean 'grafana'?" in close.stderr
    assert "there are: prod, grafana, ci, open" in far.stderr


@pytest.mark.parametrize("labels", [["alertname"], ["=x"], ["a=1", "a=2"], []])
def test_labels_that_are_none_are_a_mistake_in_usage(house, labels):
    house.run("alert", "send", "--receiver", "prod", *labels, exits=2)


def test_the_generated_token_is_used_for_the_receiver_that_nobody_wrote(house, listener, tmp_path):
    config = tmp_path / "escalator.yml"
    config.write_text(house.config.read_text().partition("receivers:")[0])
    (tmp_path / "auth-token").write_text("x")
    (tmp_path / "laptop.token").write_text("x")
    token_path(load(config).config.storage.path).write_text("generated\n")
    listener.body = b'{"accepted": 1, "incidents": []}'

    told = house.run("alert", "send", "a=b", "-c", config, "--url", listener.url).stdout

    [(method, path, headers, body)] = listener.got
    assert (method, path) == ("POST", "/receive/alertmanager")
    assert headers["Authorization"] == "Bearer generated"
    assert json.loads(body)["version"] == "4"
    assert json.loads(body)["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z"
    assert "It is on no incident." in told
