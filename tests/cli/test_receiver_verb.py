"""`escalator receiver snippet`: what is pasted works as it is."""

import subprocess

import pytest
import yaml
from tools import require_tool


def pasted(house, *arguments):
    return yaml.safe_load(house.run("receiver", "snippet", *arguments).stdout)["receivers"][0]


def test_a_bearer_receiver_reads_its_token_from_the_file_of_the_config(house):
    receiver = pasted(house, "prod")

    assert receiver["name"] == "escalator-prod"
    assert receiver["webhook_configs"] == [
        {
            "url": f"{house.url}/receive/prod",
            "send_resolved": True,
            "http_config": {
                "authorization": {
                    "type": "Bearer",
                    "credentials_file": str(house.folder / "prod.token"),
                }
            },
        }
    ]


def test_a_basic_receiver_has_its_user_and_the_file_of_its_password(house):
    assert pasted(house, "grafana")["webhook_configs"][0]["http_config"] == {
        "basic_auth": {
            "username": "grafana",
            "password_file": str(house.folder / "grafana.password"),
        }
    }


def test_the_receiver_that_nobody_wrote_has_the_file_that_the_daemon_makes(house, tmp_path):
    config = tmp_path / "escalator.yml"
    config.write_text(house.config.read_text().partition("receivers:")[0])

    receiver = pasted(house, "-c", config)
    text = house.run("receiver", "snippet", "-c", config).stdout

    authorization = receiver["webhook_configs"][0]["http_config"]["authorization"]
    assert receiver["name"] == "escalator"
    assert authorization["credentials_file"] == str(tmp_path / "receiver-alertmanager.token")
    assert "the daemon makes this file at its first start" in text


def test_a_secret_that_is_in_no_file_of_its_own_is_to_be_copied(house, tmp_path):
    config = tmp_path / "escalator.yml"
    config.write_text(house.config.read_text().replace("file: prod.token", "credential: am-prod"))

    text = house.run("receiver", "snippet", "prod", "-c", config).stdout

    assert "/etc/alertmanager/escalator-prod.secret" in text
    assert "the config has it as credential am-prod" in text


def test_no_secret_is_ever_printed(house):
    shown = house.run("receiver", "snippet").stdout

    for secret in ("prod-token-for-tests", "grafana pass", "ci-secret-for-tests"):
        assert secret not in shown
    assert shown.count("/receive/") == 4


def test_alertmanager_takes_the_block(house, tmp_path):
    amtool = require_tool("amtool")
    block = house.run("receiver", "snippet", "prod").stdout
    (tmp_path / "am.yml").write_text(f"route: {{ receiver: escalator-prod }}\n{block}")

    checked = subprocess.run(
        [amtool, "check-config", tmp_path / "am.yml"], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("receiver", ["ci", "open"])
def test_the_line_for_curl_sends_an_alert(house, receiver):
    require_tool("curl")
    require_tool("openssl")
    script = house.run("receiver", "snippet", receiver).stdout

    sent = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)

    assert '"accepted": 1' in sent.stdout or '"accepted":1' in sent.stdout, sent


def test_json_tells_the_same_to_programs(house):
    [shown] = house.json("receiver", "snippet", "ci")["receivers"]

    assert shown == {
        "name": "ci",
        "type": "webhook",
        "url": f"{house.url}/receive/ci",
        "auth": "hmac_sha256",
        "header": "X-Signature",
        "secret_file": str(house.folder / "ci.secret"),
        "note": "",
    }


def test_a_name_that_is_none_is_met_with_the_one_that_was_meant(house):
    assert "did you mean 'prod'?" in house.run("receiver", "snippet", "prd", exits=2).stderr


def test_the_address_that_senders_use_can_be_given(house):
    receiver = pasted(house, "prod", "--url", "https://pager.example.net/")

    assert receiver["webhook_configs"][0]["url"] == "https://pager.example.net/receive/prod"
