"""Storms against the real daemon over sockets (L1, L2, L5, L8, L10): bounded, on loopback, and nobody is called twice.

One daemon takes them one after the other. Its slow visitors stay throughout: a thousand connections that dribble.
"""

import asyncio
import contextlib
import io
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from real_daemon import Daemon, daemon_with_carrier

from escalator.simulator import Script

pytestmark = [pytest.mark.acceptance, pytest.mark.asyncio(loop_scope="module")]

ANA, BEN, CHI = "+491713920012", "+447700900123", "+442079460123"
CONFIG = f"""
people:
  ana: {{ name: Ana Ortega, phone: "{ANA}" }}
  ben: {{ name: Ben Shah, phone: "{BEN}" }}
  chi: {{ name: Chi Wong, phone: "{CHI}" }}
policies:
  default: {{ steps: [{{ call: ana, retry: 2m, wait: 10m }}] }}
  ben: {{ steps: [{{ call: ben, retry: 2m, wait: 10m }}] }}
  chi: {{ steps: [{{ call: chi, retry: 2m, wait: 10m }}] }}
receivers: {{ hook: {{ type: webhook }}, am: {{ type: alertmanager }} }}
routes:
  - {{ name: for-ben, matchers: 'who="ben"', policy: ben }}
  - {{ name: for-chi, matchers: 'who="chi"', policy: chi }}
"""
MANY, SENDERS, TOGETHER = 10_000, 10, 5
SLOW = 1_000
RSS_MIB_MAX = 300
"""What the daemon may take at most, storms and slow visitors included."""


class SlowVisitors:
    """A thousand connections that never come to the point: half of them in the head, half in the body."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.since = time.monotonic()

    async def come(self) -> None:
        head = b"POST /receive/hook HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        for n in range(SLOW):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(head if n % 2 else head + b"Content-Length: 100\r\n\r\nhalf")
            self._streams.append((reader, writer))

    async def still_there(self) -> int:
        """How many have not been hung up on."""
        there = 0
        for reader, _ in self._streams:
            with contextlib.suppress(ConnectionResetError, TimeoutError):
                async with asyncio.timeout(0.001):
                    while await reader.read(65_536):
                        pass
                continue
            there += reader.exception() is None and not reader.at_eof()
        return there

    def go(self) -> None:
        for _, writer in self._streams:
            writer.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Daemon]:
    async with daemon_with_carrier(tmp_path_factory.mktemp("load"), CONFIG) as daemon:
        for phone in (ANA, BEN, CHI):
            daemon.simulator.people[phone] = Script.manual()
        await daemon.start()
        yield daemon


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slow(daemon: Daemon) -> AsyncIterator[SlowVisitors]:
    visitors = SlowVisitors(daemon.internal)
    await visitors.come()
    yield visitors
    visitors.go()


def alert(n: int, **labels: str) -> dict[str, Any]:
    return {
        "key": f"storm-{n}",
        "labels": {"alertname": f"Storm{n}", "instance": f"i{n}", **labels},
    }


def rss_mib(daemon: Daemon, which: str = "VmHWM") -> float:
    """The memory of the daemon: the most that it ever had (VmHWM), or what it has (VmRSS)."""
    assert daemon.process is not None
    lines = Path(f"/proc/{daemon.process.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1024


def processor_seconds(daemon: Daemon) -> float:
    """What the daemon has used of the processor so far."""
    assert daemon.process is not None
    stat = Path(f"/proc/{daemon.process.pid}/stat").read_text(encoding="ascii")
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def series(daemon: Daemon) -> set[str]:
    """The names and labels of all samples; those of requests come with the first answer of each kind."""
    text = (await daemon.get("/metrics")).text
    assert "Storm" not in text
    return {
        line.rpartition(" ")[0]
        for line in text.splitlines()
        if not line.startswith(("#", "escalator_http_request_duration_seconds"))
    }


async def seconds_for(daemon: Daemon, n: int) -> float:
    before = time.monotonic()
    answer = await daemon.post("/receive/hook", alert(n, who="chi"))
    assert answer.status == 202
    return time.monotonic() - before


async def test_a_thousand_slow_connections_do_not_delay_an_alert(daemon, slow):
    """(L5) Nor a probe, nor the carrier."""
    waits = sorted([await seconds_for(daemon, n) for n in range(20)])

    assert waits[10] < 0.5
    assert waits[-1] < 1.0
    assert (await daemon.get("/-/healthy")).status == 200
    nobody = f"http://127.0.0.1:{daemon.public}/t/nobody/answer"
    async with daemon.http.post(nobody) as answer:
        assert answer.status == 404


async def test_ten_thousand_alerts_of_one_sender_are_all_stored_and_ring_one_phone_once(
    daemon, slow
):
    """(L1, L10) And no label of a metric comes from them."""
    before = await series(daemon)
    waits: list[float] = []

    async def send(first: int) -> None:
        for start in range(first * TOGETHER, MANY, SENDERS * TOGETHER):
            started = time.monotonic()
            answer = await daemon.post(
                "/receive/hook", [alert(n) for n in range(start, start + TOGETHER)]
            )
            waits.append(time.monotonic() - started)
            assert answer.status == 202

    began, worked = time.monotonic(), processor_seconds(daemon)
    await asyncio.gather(*(send(first) for first in range(SENDERS)))
    lasted, worked = time.monotonic() - began, processor_seconds(daemon) - worked
    p99 = sorted(waits)[len(waits) * 99 // 100]

    print(f"{lasted:.1f} s, of one core {worked:.1f} s, p99 {p99:.2f} s, {rss_mib(daemon):.0f} MiB")
    # A minute's alerts must not take a minute of work; how long it lasted here depends on the company.
    assert worked < 40
    assert p99 < max(1.0, lasted / worked)
    assert await daemon.metric("escalator_alerts_received_total", receiver="hook") >= MANY
    assert await daemon.metric("escalator_incidents") >= MANY
    await daemon.simulator.wait_call(ANA, status="ringing", within=10)
    assert len(daemon.simulator.calls_to(ANA)) == 1
    assert await series(daemon) == before
    assert rss_mib(daemon) < RSS_MIB_MAX


async def test_ten_thousand_alerts_in_one_body_are_taken_and_ring_once(daemon):
    """(L2)"""
    text = {"summary": "s" * 500}
    alerts = [
        {"status": "firing", "labels": alert(n, who="ben")["labels"], "annotations": text}
        for n in range(MANY)
    ]
    body = json.dumps({"version": "4", "groupKey": "{}:{all}", "alerts": alerts}).encode()
    assert len(body) > 6_000_000

    answer = await daemon.ask("POST", "/receive/am", data=io.BytesIO(body))

    assert (answer.status, answer.json["accepted"], len(answer.json["incidents"])) == (202, MANY, 1)
    await daemon.simulator.wait_call(BEN, status="ringing", within=10)
    assert len(daemon.simulator.calls_to(BEN)) == 1
    print(f"{rss_mib(daemon):.0f} MiB")
    assert rss_mib(daemon) < RSS_MIB_MAX


async def test_an_alert_that_flaps_rings_once_and_ends_in_its_true_state(daemon):
    """(L8)"""
    flapping = {"key": "flapping", "labels": {"alertname": "Flapping", "who": "chi"}}
    incidents = set()
    for n in range(41):
        status = "resolved" if n % 2 else "firing"
        answer = await daemon.post("/receive/hook", {**flapping, "status": status})
        incidents |= {one["id"] for one in answer.json["incidents"]}

    (incident,) = incidents
    found = await daemon.incident(incident)
    assert found["phase"] == "triggered"
    assert found["alert_counts"]["firing"] == 1
    live = [call for call in daemon.simulator.calls_to(CHI) if not call.is_over]
    assert len(live) <= 1
    await daemon.post("/receive/hook", {**flapping, "status": "resolved"})
    assert (await daemon.incident(incident))["phase"] == "resolved"


async def test_slow_connections_have_been_hung_up_on(daemon, slow):
    """(L5) Ten seconds for a head, fifteen for a body, two for its sender to hear of it."""
    await asyncio.sleep(max(0.0, slow.since + 20 - time.monotonic()))

    assert await slow.still_there() == 0
