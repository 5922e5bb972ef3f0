"""`escalator oncall`: from the file alone, with a daemon's live overrides, and from a daemon alone."""

import json

import pytest
from click.testing import CliRunner

from escalator.cli import main

CONFIG = """
version: 1
public_url: https://pager.example.net
timezone: Europe/Berlin
listen: {{ internal: "{listen}" }}
twilio: {{ account_sid: AC0123456789abcdef0123456789abcdef, auth_token: {{ file: token }}, from: +15005550006 }}
people: {{ ana: {{ phone: +491713920012 }}, ben: {{ phone: +447700900123 }} }}
schedules:
  primary:
    layers: [{{ rotate: {{ every: 1 week, at: mon 09:00, starting: 2026-10-19 }}, people: [ana, ben] }}]
  india:
    timezone: {zone}
    layers: [{{ rotate: {{ every: 1 day, starting: 2026-01-01 }}, people: [ben], only: ["09:00-17:00"] }}]
policies: {{ default: {{ steps: [{{ call: [primary, india] }}] }} }}
"""
AT = "2026-10-25 03:00"


@pytest.fixture
def typed(tmp_path):
    """Type the verb about a config whose daemon is where it is told to be, and see it exit so."""

    def run(*words, exits=0, listen="127.0.0.1:9", zone="Europe/Berlin", **environ):
        file = tmp_path / "escalator.yml"
        file.write_text(CONFIG.format(listen=listen, zone=zone))
        environ = {"ESCALATOR_CONFIG_FILE": str(file), **environ}
        result = CliRunner().invoke(main, ["oncall", *map(str, words)], env=environ)
        assert result.exit_code == exits, (result.output, result.exception)
        return result

    return run


def test_the_file_alone_says_who_until_when_and_who_then(typed):
    told = typed("--offline", "--at", AT)

    assert told.stderr == ""
    assert told.stdout.splitlines() == [
        "At Sun 25 Oct 2026 03:00 Europe/Berlin",
        "",
        "SCHEDULE  ON CALL  UNTIL             THEN  WHY",
        "primary   ana      Mon 26 Oct 09:00  ben   layer 1",
        "india     nobody   Sun 25 Oct 09:00  ben   nobody is on call",
    ]


def test_schedules_of_several_zones_name_theirs(typed):
    told = typed("--offline", "--at", f"{AT} Europe/Berlin", zone="Asia/Kolkata").stdout

    assert "At Sun 25 Oct 2026 03:00 Europe/Berlin, Sun 25 Oct 2026 07:30 Asia/Kolkata\n" in told
    assert "Sun 25 Oct 09:00 Asia/Kolkata" in told


def test_days_list_the_shifts_of_each_schedule(typed):
    told = typed("--offline", "--at", "2026-10-25", "--days", 2).stdout

    assert told.split("\n\n")[1].splitlines() == [
        "primary, Europe/Berlin",
        "  FROM              TO                FOR     ON CALL  WHY",
        "  Sun 25 Oct 00:00  Mon 26 Oct 09:00  1d 10h  ana      layer 1",
        "  Mon 26 Oct 09:00  Mon 26 Oct 23:00  14h     ben      layer 1",
    ]


def test_json_is_what_the_api_answers(typed):
    told = json.loads(typed("--offline", "--at", AT, "-o", "json").stdout)

    assert told["at"] == "2026-10-25T02:00:00.000Z"
    assert told["schedules"]["primary"]["next"] == {
        "people": ["ben"],
        "at": "2026-10-26T08:00:00.000Z",
    }


def test_a_daemon_that_is_not_there_costs_one_line_on_stderr(typed):
    told = typed("--at", AT)

    assert told.stderr.count("\n") == 1
    assert "Without the daemon's overrides" in told.stderr
    assert "nothing listens on http://127.0.0.1:9" in told.stderr
    assert told.stdout == typed("--at", AT, "--offline").stdout


def test_a_daemon_that_is_there_adds_its_live_overrides_and_not_those_of_its_file(typed, listener):
    def override(source, person, override_id):
        return {
            "id": override_id,
            "source": source,
            "schedule": "primary",
            "person": person,
            "from": "2026-10-25T00:00:00.000Z",
            "to": "2026-10-25T12:00:00.000Z",
            "reason": "swap",
            "created_at": "2026-10-20T00:00:00.000Z" if override_id else None,
        }

    answers = {
        "/api/v1/overrides": {
            "overrides": [override("live", "ben", "o1"), override("file", "ana", None)]
        },
        "/api/v1/silences": {"silences": []},
    }
    listener.answer = lambda method, path, headers, body: (200, json.dumps(answers[path]).encode())

    told = typed("--at", AT, listen=listener.url.removeprefix("http://"))

    assert told.stderr == ""
    assert "primary   ben      Sun 25 Oct 13:00  ana" in told.stdout
    assert "override: swap until 25 Oct 13:00" in told.stdout


def test_what_a_calendar_holds_is_asked_of_the_daemon(typed, listener, tmp_path):
    event = {
        "from": "2026-10-25T00:00:00.000Z",
        "to": "2026-10-26T00:00:00.000Z",
        "people": ["ben"],
        "title": "Ben",
    }
    answers = {
        "/api/v1/overrides": {"overrides": []},
        "/api/v1/silences": {"silences": []},
        "/api/v1/oncall": {"schedules": {"calendar": {"events": [event]}}},
    }
    listener.answer = lambda method, path, headers, body: (
        200,
        json.dumps(answers[path.partition("?")[0]]).encode(),
    )
    file = tmp_path / "calendar.yml"
    written = CONFIG.format(listen=listener.url.removeprefix("http://"), zone="UTC")
    calendar = "schedules:\n  calendar: { ical: { url: { file: url } } }"
    file.write_text(written.replace("schedules:", calendar, 1))
    where = {"ESCALATOR_CONFIG_FILE": str(file)}

    told = typed("--at", "2026-10-25 12:00", **where).stdout
    alone = typed("--at", "2026-10-25 12:00", "--offline", **where).stdout

    assert "calendar: Ben\n" in told
    assert "no event of this calendar is known here" in alone


def test_a_daemon_that_refuses_is_done_without(typed, listener):
    listener.status = 401
    listener.body = b'{"error": {"code": "unauthorized", "message": "who are you", "path": null}}'

    told = typed("--at", AT, listen=listener.url.removeprefix("http://"))

    assert "who are you" in told.stderr
    assert told.stderr.count("\n") == 1
    assert "primary   ana" in told.stdout


def test_what_is_typed_wrong_is_a_usage_error(typed):
    assert "not a moment" in typed("--at", "soon", exits=2).stderr
    assert "--days" in typed("--days", "1000", exits=2).stderr
    assert "--url" in typed("--url", "ftp://x", exits=2).stderr


def test_a_config_that_does_not_load_is_78_unless_a_daemon_can_say(typed, listener, tmp_path):
    missing = {"ESCALATOR_CONFIG_FILE": str(tmp_path / "none.yml")}

    assert "none.yml" in typed(exits=78, **missing).stderr
    assert "none.yml" in typed("--offline", "--url", listener.url, exits=78, **missing).stderr


def test_with_the_address_alone_the_daemon_answers(house):
    given = house.run(
        "oncall",
        "--url",
        house.url,
        "--token.file",
        house.folder / "laptop.token",
        ESCALATOR_CONFIG_FILE=str(house.folder / "none.yml"),
    )

    assert given.stdout.startswith("At ")
    assert "SCHEDULE  ON CALL" in given.stdout
