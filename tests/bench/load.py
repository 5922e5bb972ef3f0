"""A closed-loop load of webhooks over plain sockets: cheap enough not to be what is measured."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True, slots=True)
class Measured:
    """What one load came to: requests a second, latencies in milliseconds, and how many were not 202."""

    rate: float
    p50: float
    p99: float
    refused: int


def alert_body(number: int, *, group: str, labels: dict[str, str] | None = None) -> bytes:
    """One Alertmanager message with one alert of its own fingerprint, about 1.5 kB."""
    own = {
        "alertname": "DiskFull",
        "severity": "critical",
        "instance": f"db-{number}:9100",
        "cluster": "eu-1",
        "job": "node",
        **(labels or {}),
    }
    alert = {
        "status": "firing",
        "labels": own,
        "annotations": {
            "summary": f"the disk of db-{number} is full",
            "description": "there is no space left on the device " * 12,
            "runbook_url": "https://runbooks.example.net/disk-full",
        },
        "startsAt": "2026-11-22T15:56:03.078Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.net/graph?g0.expr=up",
        "fingerprint": f"{number:016x}",
    }
    message = {
        "receiver": "bench",
        "status": "firing",
        "alerts": [alert],
        "groupLabels": {"alertname": "DiskFull"},
        "commonLabels": own,
        "commonAnnotations": {},
        "externalURL": "http://127.0.0.1:9093",
        "version": "4",
        "groupKey": group,
        "truncatedAlerts": 0,
    }
    return json.dumps(message).encode()


class Connection:
    """One kept-alive HTTP/1.1 connection that posts to one path."""

    def __init__(self, address: tuple[str, int], path: str):
        self._address = address
        self._head = f"POST {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nContent-Type: application/json\r\n"

    async def open(self) -> "Connection":
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(*self._address)
        return self

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def post(self, body: bytes) -> int:
        """Post one body and return the status."""
        self._writer.write(f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await self._reader.readexactly(length)
        return int(head[9:12])


async def measure(
    address: tuple[str, int],
    path: str,
    *,
    connections: int,
    seconds: float,
    body: Callable[[int], bytes],
) -> Measured:
    """Post bodies one after the other on so many connections for so long."""
    numbers = iter(range(10**9))
    latencies: list[float] = []
    refused = 0
    end = time.perf_counter() + seconds

    async def one() -> None:
        nonlocal refused
        connection = await Connection(address, path).open()
        while (started := time.perf_counter()) < end:
            status = await connection.post(body(next(numbers)))
            latencies.append((time.perf_counter() - started) * 1000)
            refused += status != 202
        connection.close()

    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(one())
    took = time.perf_counter() - started
    cuts = quantiles(latencies, n=100)
    return Measured(len(latencies) / took, cuts[49], cuts[98], refused)
