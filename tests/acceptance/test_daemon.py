"""The command `serve` as an operator meets it: how it starts, reloads, tells and refuses."""

import asyncio
import json
import re
import secrets
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from real_daemon import Daemon, acknowledge, daemon_with_carrier, until
from tools import require_tool

from escalator.simulator import AUTH_TOKEN, Script, SimCall
from escalator.telemetry.metric_table import DOCUMENTED

pytestmark = [pytest.mark.acceptance, pytest.mark.asyncio(loop_scope="module")]

ANA, BEN, CHI = "+491713920012", "+447700900123", "+442079460123"
STRANGER = "+15005550110"
CONFIG = f"""
people:
  ana: {{ name: Ana Ortega, phone: "{ANA}" }}
  ben: {{ name: Ben Shah, phone: "{BEN}" }}
  chi: {{ name: Chi Wong, phone: "{CHI}" }}
policies:
  default: {{ steps: [{{ call: ana, retry: 1s, wait: 5m }}] }}
  ben: {{ steps: [{{ call: ben, retry: 1s, wait: 5m }}] }}
  chi: {{ steps: [{{ call: chi, retry: 1s, wait: 5m }}] }}
routes:
  - {{ name: for-chi, matchers: 'who="chi"', policy: chi }}
"""
ANOTHER_ROUTE = "  - { name: for-all, policy: ben }"
BROKEN = "  - { name: broken, polcy: ben }"
SUCCESS = "escalator_config_last_reload_successful"


class ServiceManager:
    """The end of `NOTIFY_SOCKET` that systemd has."""

    def __init__(self) -> None:
        self._name = f"escalator-test-{secrets.token_hex(8)}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{self._name}")
        self._socket.setblocking(False)
        self.heard: list[str] = []

    @property
    def address(self) -> str:
        """What `NOTIFY_SOCKET` says."""
        return f"@{self._name}"

    def listen(self) -> list[str]:
        """All that was said up to now."""
        try:
            while True:
                self.heard += self._socket.recv(4096).decode().splitlines()
        except BlockingIOError:
            return self.heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def manager():
    manager = ServiceManager()
    yield manager
    manager.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(
    tmp_path_factory: pytest.TempPathFactory, manager: ServiceManager
) -> AsyncIterator[Daemon]:
    """A daemon with the receiver that is there when the config names none."""
    environ = {"NOTIFY_SOCKET": manager.address}
    folder = tmp_path_factory.mktemp("daemon")
    async with daemon_with_carrier(folder, CONFIG, environ=environ) as daemon:
        await daemon.start()
        yield daemon


@pytest_asyncio.fixture(loop_scope="module")
async def editable(daemon: Daemon) -> AsyncIterator[Daemon]:
    """The daemon, whose config is what it was once the test is over."""
    yield daemon
    daemon.write_config()
    assert (await daemon.post("/-/reload")).status == 200


async def send(daemon: Daemon, name: str, **labels: str) -> str:
    """Have the default receiver take an alert. Returns the id of its incident."""
    message = {
        "version": "4",
        "groupKey": f"{{}}:{name}",
        "truncatedAlerts": 0,
        "status": "firing",
        "alerts": [
            {"status": "firing", "labels": {"alertname": name, **labels}, "annotations": {}}
        ],
    }
    headers = {"Authorization": f"Bearer {daemon.token_file.read_text().strip()}"}
    answer = await daemon.post("/receive/alertmanager", message, headers=headers)
    assert answer.status == 202, answer.text
    return str(answer.json["incidents"][0]["id"])


# ---- start and stop


async def test_a_config_that_does_not_load_ends_with_78_and_says_where_and_opens_nothing(tmp_path):
    async with daemon_with_carrier(tmp_path, CONFIG) as daemon:
        daemon.write_config(BROKEN)
        line = daemon.file.read_text().splitlines().index(BROKEN) + 1

        daemon.process = daemon.spawn("serve", "-c", str(daemon.file))
        while daemon.process.poll() is None:
            for port in (daemon.internal, daemon.public):
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.05)

        assert daemon.process.returncode == 78
        column = BROKEN.index("polcy") + 1
        assert re.search(rf"escalator\.yml:{line}:{column}: .*polcy.*policy", daemon.log)
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "auth-token",
            "escalator.yml",
            "stderr",
        ]


async def test_systemd_hears_ready_and_the_watchdog_is_fed(daemon, manager):
    """(K19)"""
    await until(lambda: {"READY=1", "WATCHDOG=1"} <= set(manager.listen()))


async def test_health_and_readiness_are_told_to_anybody(daemon):
    assert (await daemon.get("/-/healthy")).status == 200
    assert (await daemon.get("/-/ready")).status == 200


# ---- reload


async def routed(daemon: Daemon, name: str) -> str:
    """The route that an alert without a `who` takes now."""
    return str((await daemon.incident(await send(daemon, name)))["route"])


async def test_a_reload_puts_the_new_rules_in_force(editable):
    editable.simulator.people[BEN] = Script.no_answer()
    editable.write_config(ANOTHER_ROUTE)

    answer = await editable.post("/-/reload")

    assert (answer.status, answer.json) == (200, {"reloaded": True})
    assert await routed(editable, "AfterReload") == "for-all"
    assert await editable.metric(SUCCESS) == 1


async def test_a_broken_reload_is_refused_and_the_rules_stay(editable):
    """(C1) The line is named to whoever asked for it, and a metric tells."""
    editable.write_config(ANOTHER_ROUTE)
    await editable.post("/-/reload")
    editable.write_config(BROKEN)

    answer = await editable.post("/-/reload")

    assert answer.status == 400
    [problem] = answer.json["error"]["problems"]
    assert re.search(r"escalator\.yml:\d+:\d+: .*polcy", problem)
    assert await editable.metric(SUCCESS) == 0
    assert await routed(editable, "AfterBrokenReload") == "for-all"


async def test_sighup_reloads_too(editable):
    editable.write_config(BROKEN)
    editable.tell(signal.SIGHUP)
    await until(lambda: _is(editable, SUCCESS, 0))
    assert "reload_failed" in editable.log

    editable.write_config(ANOTHER_ROUTE)
    editable.tell(signal.SIGHUP)
    await until(lambda: _is(editable, SUCCESS, 1))
    assert await routed(editable, "AfterHup") == "for-all"


async def _is(daemon: Daemon, metric: str, value: float) -> bool:
    return await daemon.metric(metric) == value


# ---- what it tells


async def test_the_metrics_are_what_prometheus_reads_and_all_of_them_are_there(daemon):
    text = (await daemon.get("/metrics")).text

    assert complaints_of_promtool(text) == ""
    shown = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    assert {metric.name for metric in DOCUMENTED} <= shown
    assert "process_resident_memory_bytes" in shown


async def test_requests_are_counted_by_their_route_on_both_listeners(daemon):
    simulator, name = daemon.simulator, "escalator_http_request_duration_seconds_count"
    simulator.people[STRANGER] = Script.answers(rings=1.0)
    assert (await daemon.post("/receive/alertmanager", {"alerts": []})).status == 401
    await daemon.post("/api/v1/calls?wait=ended", {"to": STRANGER, "say": "hello", "loop": 1})

    refused = {"handler": "/receive/{receiver}", "method": "POST", "code": "401"}
    assert await daemon.metric(name, **refused) >= 1
    assert await daemon.metric(name, method="POST", code="204") >= 4, "four status callbacks came"
    text = (await daemon.get("/metrics")).text
    tokens = [token_of(call) for call in simulator.calls if call.callbacks]
    assert not any(token in text for token in tokens)


def token_of(call: SimCall) -> str:
    """The secret in a call's callback URLs."""
    return call.callbacks[0].url.split("/")[4]


def complaints_of_promtool(text: str) -> str:
    """What Prometheus's own check says of an exposition; "" when it is fine."""
    words = [require_tool("promtool"), "check", "metrics"]
    checked = subprocess.run(words, input=text, capture_output=True, text=True, timeout=20)
    assert checked.returncode == 0 or checked.stderr
    return checked.stderr


async def test_the_carrier_is_asked_for_a_call_within_two_seconds_of_the_202(daemon):
    simulator = daemon.simulator
    simulator.people[CHI] = Script.answers("4", rings=1.0)

    await send(daemon, "Quick", who="chi")
    answered_at = datetime.now(UTC)  # noqa: TID251 - the sender has a clock of its own
    call = await simulator.wait_call(CHI)

    assert (call.created_at - answered_at).total_seconds() < 2.0


async def test_the_log_holds_no_whole_phone_number_and_no_token(daemon):
    simulator = daemon.simulator
    simulator.people[ANA] = Script.manual()
    n = len(simulator.calls_to(ANA)) + 1
    await send(daemon, "Secretive")
    call = await simulator.wait_call(ANA, n, status="ringing")
    await acknowledge(call)
    simulator.people[STRANGER] = Script.answers(rings=1.0)
    await daemon.post("/api/v1/calls?wait=ended", {"to": STRANGER, "say": "hello", "loop": 1})
    async with daemon.http.post(call.callbacks[0].url, data={"CallSid": call.sid}) as forged:
        assert forged.status == 403

    log = daemon.log
    assert "call_requested" in log
    assert "callback_forged" in log
    tokens = [token_of(one) for one in simulator.calls if one.callbacks]
    assert all(len(token) == 43 for token in tokens)
    for secret in (ANA, BEN, STRANGER, AUTH_TOKEN, daemon.token_file.read_text().strip(), *tokens):
        assert secret not in log
        assert secret.removeprefix("+") not in log


# ---- a direct call


async def test_a_program_has_something_said_and_goes_on_when_it_was(daemon):
    simulator = daemon.simulator
    simulator.people[STRANGER] = Script.answers(rings=1.0)
    n = len(simulator.calls_to(STRANGER)) + 1
    body = {
        "to": STRANGER,
        "say": 'サーバー "db1" <停止> & 再起動',
        "voice": "alice",
        "language": "ja-JP",
        "loop": 3,
    }

    answer = await daemon.post("/api/v1/calls?wait=ended&timeout=20s", body)

    call = await simulator.wait_call(STRANGER, n, status="completed")
    assert answer.status == 202
    found = answer.json
    assert (found["kind"], found["state"], found["outcome"]) == ("direct", "ended", "heard")
    assert (found["to"], found["sid"], found["incidents"]) == (STRANGER, call.sid, [])
    assert found["answer_request"]["content_type"] == "application/x-www-form-urlencoded"
    assert call.heard == [body["say"]] * 3
    assert {(one.voice, one.language) for one in call.speech} == {("alice", "ja-JP")}
    [document] = call.documents
    assert document.count("<Say ") == 1
    assert 'loop="3"' in document
    [answered] = [one for one in call.callbacks if one.kind == "answer"]
    assert found["answer_request"]["body"] == urlencode(answered.fields)
    async with daemon.http.post(
        answered.url, data=list(answered.fields), headers=answered.headers
    ) as again:
        assert again.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert (await daemon.get(f"/api/v1/calls/{found['id']}")).json == found


async def test_the_verb_call_says_something_too(daemon):
    simulator = daemon.simulator
    simulator.people[STRANGER] = Script.answers(rings=1.0)
    n = len(simulator.calls_to(STRANGER)) + 1
    words = [
        "--say",
        "再起動",
        "--language",
        "ja-JP",
        "--loop",
        "2",
        "--wait",
        "ended",
        "-o",
        "json",
    ]

    status, said = await daemon.run("call", STRANGER, *words, "-c", str(daemon.file))

    assert status == 0, said
    call = await simulator.wait_call(STRANGER, n, status="completed")
    assert call.heard == ["再起動", "再起動"]
    assert json.loads(said)["sid"] == call.sid
