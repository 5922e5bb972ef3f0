"""`make bench-quick`: how near the daemon is to what the machine allows, as ratios measured in one run.

Starts the real daemon as a process, loads it over sockets, and puts each figure beside its yardstick from the same
minute: raw SQLite commits on the same disk, a bare httpx POST to the same stub, the imports without the daemon. The
disk is made repeatable by a preloaded 2 ms sync with the data on tmpfs, where a C compiler and /dev/shm are there.
"""

import argparse
import asyncio
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles

import httpx
from aiohttp import web
from load import Measured, alert_body, measure
from oncall import (
    EXPLAIN_AIM,
    LOOK_UP_AIM,
    SPAN_AIM,
    explain_seconds,
    look_up_seconds,
    span_seconds,
)

HERE = Path(__file__).parent
PEOPLE = 60
PROBES = 50
WARM_UP = 5  # the first ones find cold connections, on both sides
IMPORTS = (
    "import aiohttp.web, httpx, apscheduler.schedulers.asyncio, prometheus_client, sqlite_utils, structlog, pydantic, "
    "yaml, jinja2, phonenumbers, jmespath, click"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ratio` is ours to the yardstick, `aim` what it should be."""

    what: str
    ours: str
    yardstick: str
    ratio: float
    aim: str


def number_of(person: int) -> str:
    """A number from the range for fiction."""
    return f"+1202555{100 + person:04d}"


def write_config(directory: Path, api_url: str, ports: tuple[int, int]) -> Path:
    """A config with many people, so that each probe rings a phone of its own."""
    token = directory / "auth-token"
    token.write_text(secrets.token_hex(16))
    token.chmod(0o600)
    people = "\n".join(f"  p{n}: {{ phone: {number_of(n)} }}" for n in range(PEOPLE))
    policies = "\n".join(
        f"  p{n}: {{ steps: [{{ call: p{n}, wait: 1h, retry: 30m }}] }}" for n in range(PEOPLE)
    )
    routes = "\n".join(
        f"""  - {{ name: p{n}, policy: p{n}, matchers: ['person="p{n}"'] }}"""
        for n in range(PEOPLE)
    )
    path = directory / "escalator.yml"
    path.write_text(
        f"""version: 1
public_url: http://127.0.0.1:{ports[1]}
listen: {{ internal: 127.0.0.1:{ports[0]}, public: 127.0.0.1:{ports[1]} }}
storage: {{ path: {directory / "escalator.db"} }}
twilio:
  account_sid: AC{"0" * 32}
  auth_token: {{ file: {token} }}
  api_url: {api_url}
  from: +15005550006
  limits: {{ calls_per_second: 1000, concurrent_calls: 1000, calls_per_person: 9999/h, calls_per_day: 99999 }}
people:
{people}
policies:
  default: {{ steps: [{{ call: p0, wait: 1h, retry: 30m }}] }}
{policies}
routes:
  - {{ name: load, policy: default, matchers: ['person=""'] }}
{routes}
  - {{ name: rest, policy: default }}
receivers:
  bench: {{ type: alertmanager }}
"""
    )
    return path


def free_ports() -> tuple[int, int]:
    """Two ports that nobody uses now."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


class Stub:
    """A carrier that accepts every call and remembers when it was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, float] = {}
        self.bell = asyncio.Event()
        self.url = ""

    async def accept(self, request: web.Request) -> web.Response:
        """Answer as the carrier would."""
        form = await request.post()
        self.asked[str(form["To"])] = time.perf_counter()
        self.bell.set()
        sid = f"CA{secrets.token_hex(16)}"
        return web.json_response({"sid": sid, "status": "queued"}, status=201)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Stub"]:
        """Listen on loopback."""
        app = web.Application()
        app.router.add_post("/2010-04-01/Accounts/{sid}/Calls.json", self.accept)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()


@asynccontextmanager
async def daemon(config: Path, port: int, preload: str) -> AsyncIterator[int]:
    """The real daemon as a process of its own, ready; yields its pid."""
    command = (sys.executable, "-m", "escalator", "serve", "-c", str(config))
    environment = {**os.environ, **({"LD_PRELOAD": preload} if preload else {})}
    process = await asyncio.create_subprocess_exec(
        *command, "--log.level", "error", env=environment
    )
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            while not await is_ready(client, port):
                if process.returncode is not None:
                    raise SystemExit(f"the daemon ended with {process.returncode}")
                await asyncio.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


async def is_ready(client: httpx.AsyncClient, port: int) -> bool:
    """Whether the daemon takes alerts."""
    try:
        return (await client.get(f"http://127.0.0.1:{port}/-/ready")).status_code == 200
    except httpx.TransportError:
        return False


def memory(pid: int) -> float:
    """The process's share of memory, in MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.split("Pss:")[1].split()[0]) / 1024


def memory_of_imports() -> float:
    """What the libraries alone take."""
    script = f"{IMPORTS}; print(open('/proc/self/smaps_rollup').read().split('Pss:')[1].split()[0])"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    return int(printed) / 1024


def raw_rates(directory: Path, preload: str, seconds: float) -> dict[str, float]:
    """Rows a second of plain SQLite on the same disk."""
    environment = {**os.environ, **({"LD_PRELOAD": preload} if preload else {})}
    command = [sys.executable, str(HERE / "raw_sqlite.py"), str(directory), str(seconds)]
    printed = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    rates: dict[str, float] = json.loads(printed)
    return rates


async def probe(stub: Stub, port: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the accepted webhook to the POST at the carrier, and of a bare httpx POST, interleaved."""
    ours, bare = [], []
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"http://127.0.0.1:{port}/receive/bench"
        for person in range(1, PROBES + WARM_UP + 1):
            body = alert_body(
                10**6 + person, group=f"probe-{person}", labels={"person": f"p{person}"}
            )
            answered = await client.post(
                url, content=body, headers={"Content-Type": "application/json"}
            )
            accepted = time.perf_counter()
            assert answered.status_code == 202, answered.text
            while number_of(person) not in stub.asked:
                stub.bell.clear()
                await asyncio.wait_for(stub.bell.wait(), 10)
            ours.append((stub.asked[number_of(person)] - accepted) * 1000)
            await asyncio.sleep(0.02)
            form = {"To": "+12025550199", "From": "+15005550006", "Url": "http://127.0.0.1:1/x"}
            started = time.perf_counter()
            await client.post(f"{stub.url}/2010-04-01/Accounts/AC0/Calls.json", data=form)
            bare.append((time.perf_counter() - started) * 1000)
    return ours[WARM_UP:], bare[WARM_UP:]


def numbered_body(offset: int, group: str, number: int) -> bytes:
    """The body of one request: in the one group, or in a group of its own."""
    return alert_body(offset + number, group=group or f"g{number}")


async def ingest(
    stub: Stub, home: Path, preload: str, seconds: float
) -> tuple[dict[str, Measured], float]:
    """Load the daemon: the figures, and its memory when idle."""
    directory = Path(tempfile.mkdtemp(dir=home))
    ports = free_ports()
    config = write_config(directory, stub.url, ports)
    figures: dict[str, Measured] = {}
    async with daemon(config, ports[0], preload) as pid:
        await asyncio.sleep(0.5)
        idle = memory(pid)
        for name, connections, group in (
            ("one group, 1 connection", 1, "{}:{}"),
            ("one group, 32 connections", 32, "{}:{}"),
            ("an incident each, 32 connections", 32, ""),
        ):
            offset = len(figures) * 10**8
            figures[name] = await measure(
                ("127.0.0.1", ports[0]),
                "/receive/bench",
                connections=connections,
                seconds=seconds,
                body=partial(numbered_body, offset, group),
            )
    return figures, idle


def slow_disk(home: Path) -> str:
    """The preloaded 2 ms disk; empty when there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return ""
    library = home / "slow_disk.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "slow_disk.c")],
        check=True,
    )
    return str(library)


def ingest_rows(disk: str, figures: dict[str, Measured], raw: dict[str, float]) -> list[Row]:
    """The ingest figures beside raw SQLite's."""
    rows = []
    for name, found in figures.items():
        yardstick = raw["group"] if "32" in name else raw["single"]
        kind = "raw group commit" if "32" in name else "raw commits"
        aim = ">= 0.50" if disk == "2 ms disk" and name.startswith("one group, 32") else ""
        ours = f"{found.rate:,.0f}/s (p50 {found.p50:.1f}, p99 {found.p99:.1f} ms, {found.refused} refused)"
        rows.append(
            Row(f"{disk}: {name}", ours, f"{yardstick:,.0f}/s {kind}", found.rate / yardstick, aim)
        )
        if name.startswith("one group, 32"):
            rate = raw["single"]
            rows.append(
                Row(f"{disk}: {name}", ours, f"{rate:,.0f}/s a commit each", found.rate / rate, "")
            )
    return rows


async def run(seconds: float) -> list[Row]:
    """Everything, in one run."""
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory() as real,
        tempfile.TemporaryDirectory(dir=shared_memory()) as fast,
    ):
        preload = slow_disk(Path(real))
        async with Stub().running() as stub:
            figures, idle = await ingest(stub, Path(real), "", seconds)
            rows += ingest_rows("this disk", figures, raw_rates(Path(real), "", seconds / 2))
            if preload:
                figures, _ = await ingest(stub, Path(fast), preload, seconds)
                rows += ingest_rows(
                    "2 ms disk", figures, raw_rates(Path(fast), preload, seconds / 2)
                )
            rows += await latency_rows(stub, Path(real))
    imports = memory_of_imports()
    rows.append(
        Row(
            "idle memory",
            f"{idle:.0f} MB",
            f"{imports:.0f} MB imports alone",
            idle / imports,
            "<= 1.5",
        )
    )
    return [*rows, *oncall_rows()]


def oncall_rows() -> list[Row]:
    """Who is on call, beside what it may cost at most: there is no yardstick to measure."""
    span, look_up, told = span_seconds(), look_up_seconds(), explain_seconds()
    return [
        Row(
            "on call, 90 days of 20 schedules of 5 layers",
            f"{span * 1000:.0f} ms",
            f"{SPAN_AIM * 1000:.0f} ms allowed",
            span / SPAN_AIM,
            "<= 1",
        ),
        Row(
            "on call, one look-up",
            f"{look_up * 1e6:.0f} us",
            f"{LOOK_UP_AIM * 1e6:.0f} us allowed",
            look_up / LOOK_UP_AIM,
            "<= 1",
        ),
        Row(
            "one alert explained, a hundred calls",
            f"{told * 1000:.0f} ms",
            f"{EXPLAIN_AIM * 1000:.0f} ms allowed",
            told / EXPLAIN_AIM,
            "<= 1",
        ),
    ]


async def latency_rows(stub: Stub, home: Path) -> list[Row]:
    """Accepted webhook to the POST at the carrier, beside a bare POST."""
    directory = Path(tempfile.mkdtemp(dir=home))
    ports = free_ports()
    config = write_config(directory, stub.url, ports)
    async with daemon(config, ports[0], ""):
        ours, bare = await probe(stub, ports[0])
    return [
        Row(
            f"accepted -> POST at the carrier, {name}",
            f"{of(ours):.2f} ms",
            f"{of(bare):.2f} ms bare httpx POST",
            of(ours) / of(bare),
            aim,
        )
        for name, of, aim in (
            ("p50", median, "<= 2.5"),
            ("p99", lambda values: quantiles(values, n=100)[98], "<= 4"),
        )
    ]


def shared_memory() -> str | None:
    """A place whose syncs cost nothing, for the made disk."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.5, help="how long each load lasts")
    arguments = parser.parse_args()
    rows = asyncio.run(run(arguments.seconds))
    width = max(len(row.what) for row in rows)
    for row in rows:
        print(f"{row.what:{width}}  {row.ratio:5.2f}x  {row.aim:8}  {row.ours}  :  {row.yardstick}")


if __name__ == "__main__":
    main()
