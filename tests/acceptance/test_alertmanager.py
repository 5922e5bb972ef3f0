"""A real Alertmanager pages: it speaks as it speaks, and what it means is what happens."""

import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from real_alertmanager import Alertmanager, alert, alertmanager, config_around
from real_daemon import Daemon, acknowledge, daemon_with_carrier, events, until

from escalator.simulator import Script

pytestmark = [pytest.mark.acceptance, pytest.mark.asyncio(loop_scope="module")]

ANA, BEN, CHI, DEE = "+491713920012", "+447700900123", "+442079460123", "+491713920013"
CONFIG = f"""
people:
  ana: {{ name: Ana Ortega, phone: "{ANA}" }}
  ben: {{ name: Ben Shah, phone: "{BEN}" }}
  chi: {{ name: Chi Wong, phone: "{CHI}" }}
  dee: {{ name: Dee Doe, phone: "{DEE}" }}
policies:
  default: {{ steps: [{{ call: ana, retry: 1s, wait: 5m }}] }}
  ben: {{ steps: [{{ call: ben, retry: 1s, wait: 5m }}] }}
  chi: {{ steps: [{{ call: chi, retry: 1s, wait: 5m }}] }}
  dee: {{ steps: [{{ call: dee, retry: 1s, wait: 5m }}] }}
routes:
  - {{ matchers: 'who="ben"', policy: ben }}
  - {{ matchers: 'who="chi"', policy: chi }}
  - {{ matchers: 'who="dee"', policy: dee }}
"""
ODD = {
    "summary": '<Response><Say>pwned & "quoted"</Say></Response><!-- ]]> --> <![CDATA[x]]> end of markup',
    "description": "never told, as there is a summary",
}
ODD_NAME = (
    "Größe \u202etxt.exe\u2066 磁盘已满 🧑🏿\u200d🚀 \u0001\u0007\u001b[31mred\u001b[0m \u0085line\nbreak\ttab"
    " \u200b{{ x }}"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Daemon]:
    """The daemon with the receiver that is there when the config names none."""
    async with daemon_with_carrier(tmp_path_factory.mktemp("daemon"), CONFIG) as daemon:
        await daemon.start()
        yield daemon


async def snippet_of(daemon: Daemon) -> str:
    """What an operator pastes into alertmanager.yml."""
    status, text = await daemon.run("receiver", "snippet", "-c", str(daemon.file))
    assert status == 0, text
    return text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def snippet(daemon: Daemon) -> str:
    return await snippet_of(daemon)


async def titled(daemon: Daemon, title: str) -> Any:
    """The incident of that title, whole, or None while there is none."""
    for one in await daemon.incidents():
        if one["title"] == title:
            return await daemon.incident(one["id"])
    return None


async def counted(daemon: Daemon, title: str, firing: int, resolved: int) -> Any:
    """The incident of that title once so many of its alerts fire and so many are over."""

    async def reached() -> Any:
        found = await titled(daemon, title)
        wanted = {"firing": firing, "resolved": resolved}
        return found if found is not None and found["alert_counts"] == wanted else None

    return await until(reached, why=lambda: daemon.log)


async def seen_again(daemon: Daemon, title: str, before: Any) -> Any:
    """The incident once every firing alert of it has come again since `before`."""

    def seen(incident: Any) -> dict[str, str]:
        return {
            one["key"]: one["last_seen"] for one in incident["alerts"] if one["status"] == "firing"
        }

    async def repeated() -> Any:
        found = await titled(daemon, title)
        then, now = seen(before), seen(found)
        return found if all(now[key] > then[key] for key in now) else None

    return await until(repeated, why=lambda: daemon.log)


async def test_three_alerts_of_a_group_are_one_incident_and_one_call_to_the_end(
    daemon, snippet, tmp_path
):
    simulator = daemon.simulator
    simulator.people[ANA] = Script.manual()
    async with alertmanager(tmp_path, config_around(snippet)) as am:
        await am.post(*(alert("DiskFull", f"db{n}") for n in (1, 2, 3)))
        call = await simulator.wait_call(ANA, status="ringing")
        await counted(daemon, "DiskFull", 3, 0)
        await acknowledge(call)
        acknowledged = await titled(daemon, "DiskFull")
        repeated = await seen_again(daemon, "DiskFull", acknowledged)
        await am.post(alert("DiskFull", "db2", is_over=True))
        partly = await counted(daemon, "DiskFull", 2, 1)
        await am.post(*(alert("DiskFull", f"db{n}", is_over=True) for n in (1, 3)))
        over = await counted(daemon, "DiskFull", 0, 3)

    assert (acknowledged["phase"], acknowledged["acknowledged_by"]) == ("acknowledged", "ana")
    assert events(repeated) == events(acknowledged), "a repeat is no news"
    assert partly["phase"] == "acknowledged"
    assert {one["labels"]["instance"]: one["status"] for one in partly["alerts"]} == {
        "db1": "firing",
        "db2": "resolved",
        "db3": "firing",
    }
    assert (over["phase"], over["resolved_by"]) == ("resolved", None)
    assert over["receiver"] == "alertmanager"
    story = events(over)
    assert story[0] == "triggered"
    assert story.count("alert_fired") == 2
    assert story.count("call_placed") == story.count("acknowledged") == 1
    assert story.count("alert_resolved") == 3
    assert story[-1] == "resolved"
    assert simulator.calls_to(ANA) == [call]
    assert any("3 alerts are firing in it" in text for text in call.heard)
    assert [one["title"] for one in await daemon.incidents()].count("DiskFull") == 1


async def test_what_max_alerts_cut_off_is_not_forgotten_when_all_that_was_listed_is_resolved(
    daemon, snippet, tmp_path
):
    """Alertmanager then says "resolved" of the group, although three alerts of it fire that it did not list."""
    simulator = daemon.simulator
    simulator.people[BEN] = Script.answers("4", rings=1.0)
    async with alertmanager(tmp_path, config_around(snippet, max_alerts=2)) as am:
        await am.post(*(alert("NodeDown", f"n{n}", who="ben") for n in range(1, 6)))
        listed = await counted(daemon, "NodeDown", 2, 0)
        await daemon.phase(listed["id"], "acknowledged")
        await am.post(*(alert("NodeDown", f"n{n}", is_over=True, who="ben") for n in (1, 2)))
        found = await counted(daemon, "NodeDown", 2, 2)

    assert {one["labels"]["instance"]: one["status"] for one in found["alerts"]} == {
        "n1": "resolved",
        "n2": "resolved",
        "n3": "firing",
        "n4": "firing",
    }
    assert (found["id"], found["phase"]) == (listed["id"], "acknowledged")
    assert len(simulator.calls_to(BEN)) == 1
    assert "max_alerts" in daemon.log


async def test_a_wrong_token_gets_nothing_in_and_the_right_one_heals_it(daemon, snippet, tmp_path):
    simulator = daemon.simulator
    simulator.people[CHI] = Script.answers("4", rings=1.0)
    token = tmp_path / "token"
    token.write_text("guessed")
    config = config_around(snippet)
    webhook = config["receivers"][0]["webhook_configs"][0]
    assert webhook["http_config"]["authorization"]["credentials_file"] == str(daemon.token_file)
    webhook["http_config"]["authorization"]["credentials_file"] = str(token)
    refused = {"receiver": "alertmanager", "reason": "unauthorized"}

    async def refusals() -> float:
        return await daemon.metric("escalator_alerts_invalid_total", **refused)

    before = await refusals()
    received = await daemon.metric("escalator_alerts_received_total")
    async with alertmanager(tmp_path, config) as am:
        await am.post(alert("WrongToken", "web1", who="chi"))
        await until(lambda: _more_than(refusals, before + 1))
        assert await titled(daemon, "WrongToken") is None
        assert await daemon.metric("escalator_alerts_received_total") == received
        assert simulator.calls_to(CHI) == []
        assert "unexpected status code 401" in am.log_file.read_text()

        token.write_text(daemon.token_file.read_text())
        await simulator.wait_call(CHI)
    assert (await titled(daemon, "WrongToken"))["alert_counts"]["firing"] == 1


async def _more_than(read: Any, number: float) -> bool:
    return bool(await read() > number)


async def test_text_from_anywhere_is_spoken_as_one_document_and_as_words(daemon, snippet, tmp_path):
    simulator = daemon.simulator
    simulator.people[DEE] = Script.manual()
    async with alertmanager(tmp_path, config_around(snippet)) as am:
        await am.post(alert(ODD_NAME, "db1", who="dee", annotations=ODD))
        call = await simulator.wait_call(DEE, status="ringing")
        await acknowledge(call)

    for document in call.documents:
        root = ET.fromstring(document)
        assert root.tag == "Response"
        assert {element.tag for element in root.iter()} <= {
            "Response",
            "Gather",
            "Say",
            "Redirect",
            "Hangup",
        }
    said = " ".join(call.heard)
    assert "Größe" in said
    assert "磁盘已满" in said
    assert 'pwned & "quoted"' in said
    assert "end of markup" in said
    assert "{{ x }}" in said
    assert {sign for sign in said if unicodedata.category(sign)[0] == "C"} <= {"\u200d"}
    assert call.problems() == []
    found = await titled(daemon, ODD_NAME)
    assert found["alerts"][0]["labels"]["alertname"] == ODD_NAME
    assert found["alerts"][0]["annotations"] == ODD


async def test_alerts_from_before_the_daemon_ran_arrive_when_it_does(tmp_path):
    """Alertmanager tries again by itself, and reads the token that was not there before."""
    async with daemon_with_carrier(tmp_path, CONFIG) as daemon:
        simulator = daemon.simulator
        simulator.people[ANA] = Script.answers("4", rings=1.0)
        daemon.write_config()
        config = config_around(await snippet_of(daemon))
        async with alertmanager(tmp_path, config) as am:
            await am.post(alert("EarlyBird", "db1"))
            await until(lambda: _more_than(lambda: failures(am), 0), why=am.log_file.read_text)
            assert not daemon.token_file.exists()

            await daemon.start()
            await simulator.wait_call(ANA, status="completed", within=12.0)

        found = await titled(daemon, "EarlyBird")
        assert (found["phase"], found["acknowledged_by"]) == ("acknowledged", "ana")
        assert mode_of(daemon.token_file) == 0o600


def mode_of(file: Path) -> int:
    """The permissions of a file."""
    return file.stat().st_mode & 0o777


async def failures(am: Alertmanager) -> float:
    """How many requests of Alertmanager to us have failed."""
    return await am.metric("alertmanager_notification_requests_failed_total")
