"""Incidents on the command line, against a daemon that runs: what is listed, shown, and said to them."""

import json
import urllib.request

import pytest

from escalator.cli.alerts import notification
from escalator.clock import SystemClock


def test_an_open_incident_is_a_row_with_its_age_phase_severity_title_and_what_is_next(house):
    incident = house.fire("severity=critical")

    header, *rows = house.run("incidents", "list").stdout.splitlines()
    row = next(row for row in rows if row.startswith(incident))
    title = house.json("incidents", "show", incident)["title"]

    assert header.split() == ["ID", "AGE", "PHASE", "SEVERITY", "TITLE", "NEXT"]
    assert row.split()[1].endswith("s")
    assert row.split()[2:5] == ["triggered", "critical", title]
    assert row[header.index("NEXT") :].startswith(("in ", "now: "))
    assert row[header.index("TITLE") :].startswith(title)


def test_json_is_what_the_api_says(house):
    incident = house.fire()

    shown = house.json("incidents", "show", incident)
    listed = house.json("incidents", "list", "--limit", "1")

    assert {"id", "phase", "alerts", "calls", "timeline"} <= set(shown)
    assert [one["id"] for one in listed["incidents"]] == [incident]
    assert "timeline" not in listed["incidents"][0]


def test_what_is_over_is_listed_only_when_it_is_asked_for(house):
    incident = house.fire()
    house.run("incidents", "resolve", incident)

    assert incident not in house.run("incidents", "list", "--limit", 1000).stdout
    assert incident in house.run("incidents", "list", "--phase", "all").stdout
    assert incident in house.run("incidents", "list", "--phase", "resolved").stdout


def test_a_list_goes_over_as_many_pages_as_it_takes(house):
    alerts = [
        notification("prod", {"alertname": f"Bulk{n}", "bulk": "yes"}, {}, now=SystemClock().wall())
        for n in range(210)
    ]
    message = {**alerts[0], "alerts": [one["alerts"][0] for one in alerts]}
    request = urllib.request.Request(
        f"{house.url}/receive/prod",
        json.dumps(message).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer prod-token-for-tests"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        made = {one["id"] for one in json.load(answer)["incidents"]}

    listed = house.json("incidents", "list", "--limit", "205")
    everything = house.json("incidents", "list", "--limit", "100000")

    assert len(made) == 210
    assert len({one["id"] for one in listed["incidents"]} & made) == 205
    assert listed["next"] == listed["incidents"][-1]["id"]
    assert made <= {one["id"] for one in everything["incidents"]}
    assert everything["next"] is None
    assert "There are more" in house.run("incidents", "list", "--limit", "205").stderr


def test_show_tells_labels_calls_and_the_timeline(house):
    incident = house.fire("severity=warning", "instance=db1")
    house.run("incidents", "acknowledge", incident, "--by", "ben", "--text", "on my way")

    shown = house.run("incidents", "show", incident).stdout

    assert "acknowledged by ben" in shown
    assert "instance=db1" in shown
    assert "step 1 of round 1" in shown
    assert "acknowledged by Ben Shah: on my way" in shown
    assert shown.index("\nalerts\n") < shown.index("\ntimeline\n")


def test_acknowledge_says_by_whom_and_what_the_timeline_has(house):
    incident = house.fire()

    told = house.run("incidents", "acknowledge", incident, "--by", "ben").stdout

    assert "is acknowledged by ben." in told
    assert "Last on its timeline: acknowledged by Ben Shah" in told


def test_without_by_it_is_the_name_behind_the_token(house):
    incident = house.fire()

    done = house.json("incidents", "acknowledge", incident)

    assert done["acknowledged_by"] == "laptop"


def test_resolve_and_escalate_do_what_a_key_press_would(house):
    incident = house.fire()

    escalated = house.json("incidents", "escalate", incident, "--by", "ana")
    resolved = house.json("incidents", "resolve", incident, "--by", "ana")

    assert (escalated["phase"], escalated["step"]) == ("triggered", 1)
    assert (resolved["phase"], resolved["resolved_by"]) == ("resolved", "ana")


def test_snooze_takes_a_span_or_an_end_and_not_both(house):
    incident = house.fire()

    snoozed = house.json("incidents", "snooze", incident, "--for", "2h")
    both = house.run(
        "incidents", "snooze", incident, "--for", "1h", "--until", "2030-01-01T00:00:00Z", exits=2
    )
    past = house.run("incidents", "snooze", incident, "--until", "2020-01-01T00:00:00Z", exits=1)

    assert snoozed["phase"] == "snoozed"
    assert "not both" in both.stderr
    assert "until" in past.stderr
    assert "in 1h 59m" in house.run("incidents", "show", incident).stdout


def test_an_unknown_incident_is_a_failure_that_says_where_to_look(house):
    result = house.run("incidents", "show", "nosuchincident", exits=1)

    assert "incidents list --phase all" in result.stderr
    assert result.stdout == ""


def test_a_phase_that_is_none_is_refused_in_the_daemons_words(house):
    result = house.run("incidents", "list", "--phase", "opne", exits=1)

    assert "phase" in result.stderr
    assert "acknowledged" in result.stderr


@pytest.mark.parametrize("verb", ["list", "show"])
def test_a_title_cannot_drive_the_terminal(house, verb):
    sent = house.json(
        "alert", "send", "--receiver", "prod", "alertname=Evil\x1b[2J\rOK\u202e", f"for={verb}"
    )
    incident = sent["incidents"][0]["id"]

    shown = house.run("incidents", verb, *([incident] if verb == "show" else [])).stdout

    assert "Evil [2J OK" in shown
    assert not set("\x1b\r\u202e") & set(shown)
