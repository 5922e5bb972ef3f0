"""What the core gets of a config: values in its own words, with every default decided."""

from datetime import timedelta
from pathlib import Path

import pytest

from escalator.config.loading import load
from escalator.escalation.rules import NO_POLICY, OnNewAlerts

EXAMPLES = Path(__file__).parents[2] / "config"
BASE = """\
version: 1
public_url: https://pager.example.net/
twilio: { account_sid: AC0123456789abcdef0123456789abcdef, auth_token: { env: T }, from: +15005550006 }
"""
PEOPLE = "people: { ana: { phone: +491713920012 }, ben: { phone: +491713920013 } }\n"


@pytest.fixture
def write(tmp_path):
    def load_text(text, **environ):
        path = tmp_path / "escalator.yml"
        path.write_text(BASE + text)
        return load(path, environ={"T": "t0ken", **environ})

    return load_text


@pytest.fixture(scope="module")
def complete():
    return load(EXAMPLES / "complete.yml", secrets=False).rules


def test_people_have_their_phones_in_order_and_a_language_from_the_config(complete):
    assert complete.people["ana"].phones == ("+491713920012", "+493023125012")
    assert complete.people["ana"].language == "de-DE"
    assert complete.people["chi"].language == "en-GB"
    assert complete.people["chi"].name == "chi"


def test_steps_and_times_are_those_of_the_file(complete):
    first, second, third = complete.policies["default"].steps

    assert (first.targets, first.retry, first.wait) == (
        ("primary",),
        timedelta(minutes=2),
        timedelta(minutes=5),
    )
    assert (second.targets, second.sms) == (("primary.next", "platform"), ("primary",))
    assert (third.targets, third.sms) == (("everyone",), ())
    assert complete.policies["default"].ack_timeout is None
    assert complete.policies["default"].stale_after == timedelta(hours=12)
    assert complete.policies["office-hours"].ack_timeout == timedelta(hours=4)
    assert complete.policies["office-hours"].stale_after is None
    assert complete.policies["default"].on_new_alerts is OnNewAlerts.WORSE


def test_the_policy_none_is_always_there_and_rings_nobody(complete):
    assert complete.policies[NO_POLICY].steps == ()


def test_routes_pick_by_matchers_in_order(complete):
    muted, staging, capacity, tickets, rest = complete.routes

    assert muted.matches({"severity": "info"})
    assert staging.matches({"env": "staging"})
    assert capacity.matches({"team": "capacity"})
    assert tickets.matches({"severity": "warning", "env": "dev"})
    assert not tickets.matches({"severity": "warning", "env": "prod"})
    assert rest.matches({})
    assert (muted.group_by, tickets.group_by, rest.group_by) == (
        None,
        (),
        ("alertname", "cluster"),
    )


def test_keys_and_phrases_reach_the_rules(complete):
    assert complete.keys.snooze == "7"
    assert complete.keys.acknowledge == "4"
    assert complete.speech["de-DE"].voice == "Polly.Vicki-Neural"
    assert complete.speech["de-DE"].phrases == {"firing": "Alarm: {{ incident.title }}."}


def test_without_routes_one_route_leads_everything_to_default(write):
    loaded = write(PEOPLE + "policies: { default: { steps: [{ call: ana }] } }\n")

    (route,) = loaded.rules.routes
    assert (route.name, route.policy, route.matchers) == ("default", "default", ())
    assert loaded.config.routes == ()


def test_routes_without_a_name_are_counted(write):
    loaded = write(
        PEOPLE
        + "policies: { default: { steps: [{ call: ana }] } }\n"
        + "routes: [{ matchers: ['a=b'] }, { name: rest }]\n"
    )

    assert [route.name for route in loaded.rules.routes] == ["route-1", "rest"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("steps: [{ call: ben }, { call: [ana, ben] }]", ("ben", "ana")),
        ("steps: [{ call: ben }, { call: everyone }]", ("everyone",)),
        ("steps: [{ call: ben }], fallback: ana", ("ana",)),
        ("steps: [{ call: ben }], fallback: [ana, ana, ben]", ("ana", "ben")),
        ("steps: [{ call: ben }], fallback: { call: ana, every: 1m }", ("ana",)),
    ],
    ids=["those the steps name", "everyone", "one", "a list", "with its own pace"],
)
def test_the_fallback_is_written_or_everybody_the_steps_name(write, policy, expected):
    loaded = write(PEOPLE + f"policies: {{ default: {{ {policy} }} }}\n")

    built = loaded.rules.policies["default"]
    assert built.fallback == expected
    assert built.fallback_every == timedelta(minutes=1 if "every:" in policy else 10)


def test_without_receivers_there_is_one_whose_token_the_app_makes(write):
    config = write(PEOPLE + "policies: { default: { steps: [{ call: ana }] } }\n").config

    assert {name: one.type for name, one in config.receivers.items()} == {
        "alertmanager": "alertmanager"
    }
    assert config.receivers["alertmanager"].generated_token is True


def test_a_written_receiver_has_no_generated_token(write):
    config = write(
        PEOPLE
        + "policies: { default: { steps: [{ call: ana }] } }\n"
        + "receivers: { alertmanager: { type: alertmanager } }\n"
    ).config

    assert config.receivers["alertmanager"].generated_token is False


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        ("", {}, "/var/lib/escalator/escalator.db"),
        ("", {"STATE_DIRECTORY": "/srv/state:/srv/other"}, "/srv/state/escalator.db"),
        ("storage: { path: /srv/a.db }\n", {"STATE_DIRECTORY": "/srv/state"}, "/srv/a.db"),
    ],
    ids=["nowhere said", "by systemd", "by the file"],
)
def test_the_database_stands_where_the_file_or_systemd_says(write, text, environ, expected):
    loaded = write(PEOPLE + "policies: { default: { steps: [{ call: ana }] } }\n" + text, **environ)

    assert str(loaded.config.storage.path) == expected


def test_a_relative_path_begins_at_the_folder_of_the_file(write, tmp_path):
    loaded = write(
        PEOPLE
        + "policies: { default: { steps: [{ call: ana }] } }\n"
        + "storage: { path: data/a.db }\n"
    )

    assert loaded.config.storage.path == tmp_path / "data" / "a.db"


def test_a_trailing_slash_of_the_public_url_is_dropped(write):
    config = write(PEOPLE + "policies: { default: { steps: [{ call: ana }] } }\n").config

    assert config.public_url == "https://pager.example.net"


def test_yaml_resolves_nothing_behind_the_readers_back(write):
    """(C10): what YAML 1.1 would make False, 493, 1.1 and 630 of stays what was written."""
    loaded = write(
        "people: { no: { name: 1.10, phone: +491713920012 } }\n"
        "policies: { default: { steps: [{ call: no }] } }\n"
        "severities: [no, 0755, 1.10, 10:30]\n"
    )

    assert loaded.rules.severities == ("no", "0755", "1.10", "10:30")
    assert loaded.rules.people["no"].name == "1.10"
    assert loaded.rules.people["no"].phones == ("+491713920012",)


@pytest.mark.parametrize(
    ("web", "is_open"),
    [
        ("{}", True),
        ("{ hosts: [pager.example.net] }", True),
        ("{ tokens: { ops: { env: T } } }", False),
        ("{ proxy_user: { from: 127.0.0.1 } }", False),
    ],
    ids=["nothing", "hosts alone", "a token", "a proxy"],
)
def test_the_board_is_open_until_somebody_can_log_in(write, web, is_open):
    config = write(
        PEOPLE + f"policies: {{ default: {{ steps: [{{ call: ana }}] }} }}\nweb: {web}\n"
    ).config

    assert config.web.is_open is is_open
