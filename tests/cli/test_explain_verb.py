"""`escalator explain`: the way of an alert and the timetable of rings, with and without a daemon."""

import json

import pytest
from click.testing import CliRunner

from escalator.cli import main

CONFIG = """
version: 1
public_url: https://pager.example.net
timezone: Europe/Berlin
listen: { internal: "127.0.0.1:9" }
twilio:
  account_sid: AC0123456789abcdef0123456789abcdef
  auth_token: { file: token }
  from: +15005550006
  ring: 50s
people:
  ana: { phone: +491713920012 }
  ben: { phone: +447700900123 }
policies:
  default: { steps: [{ call: ana, retry: 30s, wait: 3m }, { call: [ana, ben], wait: 9m }], repeat: 1, fallback: ben }
  hours: { steps: [{ call: ben }], repeat: 1, during: day }
time_intervals: { day: [{ times: [{ start_time: "09:00", end_time: "18:00" }] }] }
routes:
  - { name: quiet, matchers: ['severity="info"'], policy: none }
  - { name: tickets, matchers: ['severity="warning"'], policy: hours }
  - { name: rest }
heartbeats: { eu: { matchers: ['alertname="Watchdog"'], every: 1m, grace: 1m } }
"""
AT = ("--at", "2026-10-25 23:55")


@pytest.fixture
def typed(tmp_path):
    file = tmp_path / "escalator.yml"
    file.write_text(CONFIG)

    def run(*words, exits=0):
        result = CliRunner().invoke(
            main, ["explain", *map(str, words)], env={"ESCALATOR_CONFIG_FILE": str(file)}
        )
        assert result.exit_code == exits, (result.output, result.exception)
        return result

    return run


def test_the_way_and_the_timetable(typed):
    told = typed("--offline", *AT, "alertname=DiskFull", "severity=critical")

    assert told.stderr == ""
    assert (
        told.stdout
        == """\
at      Sun 25 Oct 2026 23:55 Europe/Berlin
alert   alertname=DiskFull, severity=critical
route   rest (3 of 3)
          not quiet    severity="info": the alert has severity="critical"
          not tickets  severity="warning": the alert has severity="critical"
policy  default: 2 steps, 1 round

If nobody acknowledges:

TIME        ROUND     STEP  WHAT  WHO  PHONE  AGAIN                     WHY
23:55:00    1         1     call  ana  …012   every 50s until 23:57:30  by name
23:58:00              2     call  ben  …123   every 2m until 00:06:00   by name
23:59:30                    call  ana  …012   every 2m until 00:05:30   by name
Mon 26 Oct
00:07:00    fallback                                                    nobody acknowledged; ringing the fallback: ben
                            call  ben  …123                             by name

At most 14 calls until the fallback has been rung once, 12m after the alert.
Then it is rung every 10m, until somebody acknowledges.
"""
    )


def test_what_is_held_says_until_when_and_goes_on_then(typed):
    told = typed("--offline", *AT, "severity=warning").stdout

    assert "held    policy hours waits for its hours until Mon 26 Oct 09:00\n" in told
    assert "Mon 26 Oct\n09:00 " in told


def test_policy_none_and_beats_ring_nobody(typed):
    none = typed("--offline", *AT, "severity=info").stdout
    beat = typed("--offline", *AT, "alertname=Watchdog").stdout

    assert none.endswith("\nNobody is rung: policy none records and never calls.\n")
    assert "this alert is only a beat of eu\n" in beat
    assert "If nobody acknowledges" not in none + beat


def test_an_alert_may_have_no_labels(typed):
    assert "alert   without labels\nroute   rest (3 of 3)" in typed("--offline", *AT).stdout


def test_labels_of_strangers_cannot_drive_the_terminal(typed):
    told = typed("--offline", *AT, "alertname=Evil\x1b[2J\rOK").stdout

    assert "Evil [2J OK" in told
    assert not set("\x1b\r") & set(told)


def test_json_is_what_the_api_answers(typed):
    told = json.loads(typed("--offline", *AT, "-o", "json", "alertname=DiskFull").stdout)

    assert told["rings"][0]["at"] == "2026-10-25T22:55:00.000Z"
    assert told["worst_case_calls"] == 14


def test_what_is_typed_wrong_is_a_usage_error(typed):
    assert "is not NAME=VALUE" in typed("DiskFull", exits=2).stderr
    assert "given twice" in typed("a=1", "a=2", exits=2).stderr
    assert "not a moment" in typed("--at", "soon", exits=2).stderr


def test_a_daemon_that_is_not_there_costs_one_line_on_stderr(typed):
    told = typed(*AT, "severity=info")

    assert told.stderr.startswith("Without the daemon's overrides, silences and calendars: nothing")
    assert told.stderr.count("\n") == 1


def test_a_running_daemon_adds_its_silences_and_nothing_is_stored(house):
    house.run("silence", "add", "alertname=Explained", "--for", "2h", "--comment", "new disks")
    before = house.json("incidents", "list", "--phase", "all", "--limit", 1)

    told = house.run("explain", "alertname=Explained")
    alone = house.run("explain", "--offline", "alertname=Explained")
    afar = house.run(
        "explain",
        "alertname=Explained",
        "--url",
        house.url,
        "--token.file",
        house.folder / "laptop.token",
        ESCALATOR_CONFIG_FILE=str(house.folder / "none.yml"),
    )

    assert told.stderr == ""
    assert "(new disks) until " in told.stdout
    assert "(new disks) until " in afar.stdout
    assert "held" not in alone.stdout
    assert house.json("incidents", "list", "--phase", "all", "--limit", 1) == before
