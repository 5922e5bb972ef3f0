"""The real command, started as a process of its own, with a simulated carrier that lives in the test.

Nothing is reached into: alerts go in over HTTP, calls are ordered over HTTP from the simulator, and what became of it
all is asked over HTTP. A process ends with the block that made it, however the test went.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from escalator.simulator import ACCOUNT_SID, AUTH_TOKEN, Script, SimCall, Simulator

T = TypeVar("T")

# Starting Python and reading all modules takes two seconds of a slow processor, and there may be company.
START_SECONDS = 25.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.02
TOKEN_FILE = "receiver-alertmanager.token"
CALLER = "+15005550006"
NO_PHONE = "+447700900199"
"""Whom the default policy rings: a test in which that phone rings has lost its way."""

# Below the ports that systems hand out by themselves, so that nobody is given ours between two starts.
_PORTS = range(10_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on now, that nobody is given by chance, and that this never gives again."""
    while True:
        port = secrets.choice(_PORTS)
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port


async def until(
    condition: Callable[[], T | Awaitable[T]],
    within: float = 8.0,
    why: Callable[[], str] = lambda: "",
) -> T:
    """The condition's first true value. Raises `TimeoutError`, with what `why` tells."""
    value: Any = None
    try:
        async with asyncio.timeout(within):
            while not (value := await _value(condition)):  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise TimeoutError(f"not within {within} s (last: {value!r})\n{why()}") from None
    return value


async def _value(condition: Callable[[], Any]) -> Any:
    value = condition()
    return await value if isinstance(value, Awaitable) else value


@dataclass
class Answer:
    """What the daemon answered."""

    status: int
    text: str
    json: Any


@dataclass
class Daemon:
    """The command and its files. `config` is everything but listeners, storage and carrier."""

    folder: Path
    simulator: Simulator
    http: aiohttp.ClientSession
    config: str
    internal: int = field(default_factory=free_port)
    public: int = field(default_factory=free_port)
    environ: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    # ---- files

    @property
    def file(self) -> Path:
        """The config file."""
        return self.folder / "escalator.yml"

    @property
    def token_file(self) -> Path:
        """The bearer token of the receiver that nobody wrote; the daemon makes it."""
        return self.folder / TOKEN_FILE

    @property
    def log(self) -> str:
        """All that any process of this daemon has written to stderr."""
        return (self.folder / "stderr").read_text(encoding="utf-8")

    def write_config(self, more: str = "") -> None:
        """Write the config anew, with `more` at its end."""
        (self.folder / "auth-token").write_text(AUTH_TOKEN, encoding="ascii")
        self.file.write_text(
            f"""version: 1
public_url: http://127.0.0.1:{self.public}
listen: {{ internal: "127.0.0.1:{self.internal}", public: "127.0.0.1:{self.public}" }}
storage: {{ path: escalator.db }}
twilio:
  account_sid: {ACCOUNT_SID}
  auth_token: {{ file: auth-token }}
  api_url: {self.simulator.url}
  from: "{CALLER}"
  ring: 600s
  limits: {{ calls_per_second: 100, concurrent_calls: 50, calls_per_person: 9999/h, calls_per_day: 99999 }}
{self.config}
{more}
""",
            encoding="utf-8",
        )

    # ---- the process

    def command(self, *words: str) -> list[str]:
        """The command as a person types it."""
        return [sys.executable, "-m", "escalator", *words]

    def spawn(self, *words: str, into: str = "stderr") -> subprocess.Popen[bytes]:
        """Start the command; all it writes goes to the end of that file in the folder."""
        with (self.folder / into).open("ab") as stream:
            return subprocess.Popen(
                self.command(*words),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=self.folder,
                env={**_quiet_environ(), **self.environ},
            )

    async def run(self, *words: str) -> tuple[int, str]:
        """Run the command to its end. Returns its exit status and all that it wrote."""
        into = f"output-{secrets.token_hex(4)}"
        process = self.spawn(*words, into=into)
        try:
            await until(lambda: process.poll() is not None, START_SECONDS)
        finally:
            process.kill()
            process.wait(STOP_SECONDS)
        return process.returncode, (self.folder / into).read_text(encoding="utf-8")

    async def start(self) -> None:
        """Start the daemon and wait until it is ready."""
        if not self.file.exists():
            self.write_config()
        self.process = self.spawn("serve", "-c", str(self.file))
        await until(self._is_ready, START_SECONDS, lambda: self.log)

    async def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"it has ended\n{self.log}"
        with contextlib.suppress(aiohttp.ClientConnectionError):
            return (await self.get("/-/ready")).status == 200
        return False

    def kill(self) -> None:
        """`kill -9`, at once; harmless when it is gone. Usable within any listener."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(STOP_SECONDS)

    def tell(self, number: signal.Signals) -> None:
        """Send the daemon a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self, within: float = STOP_SECONDS) -> int:
        """Its exit status, once it has ended by itself."""
        assert self.process is not None
        process = self.process
        await until(lambda: process.poll() is not None, within, lambda: self.log)
        assert process.returncode is not None
        return process.returncode

    # ---- talking to it

    @property
    def url(self) -> str:
        """The internal listener."""
        return f"http://127.0.0.1:{self.internal}"

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        """One request to the internal listener."""
        async with self.http.request(method, self.url + path, **options) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json"
            return Answer(answer.status, text, await answer.json() if is_json else None)

    async def get(self, path: str) -> Answer:
        """GET."""
        return await self.ask("GET", path)

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        """POST some JSON, or nothing."""
        more = {} if body is None else {"json": body}
        return await self.ask("POST", path, **more, **options)

    async def fire(self, name: str, **labels: str) -> str:
        """Have the receiver `hook` take an alert. Returns the id of its incident."""
        alert = {"key": name, "labels": {"alertname": name, **labels}}
        answer = await self.post("/receive/hook", alert)
        assert answer.status == 202, answer.text
        return str(answer.json["incidents"][0]["id"])

    async def incident(self, incident: str) -> Any:
        """An incident with its alerts, calls and timeline."""
        answer = await self.get(f"/api/v1/incidents/{incident}")
        assert answer.status == 200, answer.text
        return answer.json

    async def incidents(self) -> list[Any]:
        """All incidents."""
        answer = await self.get("/api/v1/incidents?phase=all&limit=500")
        assert answer.status == 200, answer.text
        return list(answer.json["incidents"])

    async def phase(self, incident: str, wanted: str, within: float = 8.0) -> Any:
        """The incident, once it is in that phase."""

        async def reached() -> Any:
            found = await self.incident(incident)
            return found if found["phase"] == wanted else None

        return await until(reached, within, lambda: f"{self.simulator.story()}\n{self.log}")

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of one metric's samples that bear these labels."""
        answer = await self.get("/metrics")
        samples = [
            sample
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        assert samples, f"there is no {name} with {labels}"
        return sum(sample.value for sample in samples)


async def acknowledge(call: SimCall) -> None:
    """Answer a ringing phone, hear it out and press 4."""
    if call.status == "ringing":
        call.answer()
    await until(lambda: any("to acknowledge" in text for text in call.heard), why=call.story)
    call.press("4")
    await call.ended()


def events(incident: Any) -> list[str]:
    """What happened to an incident, in order."""
    return [line["event"] for line in incident["timeline"]]


@contextlib.asynccontextmanager
async def daemon_with_carrier(
    folder: Path, config: str, *, speed: float = 20.0, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Daemon]:
    """A daemon that is not started yet, and its carrier, which is."""
    connector = aiohttp.TCPConnector(
        force_close=True
    )  # a daemon that was killed is not asked again
    async with (
        Simulator(speed=speed, calls_per_second=None).run() as simulator,
        aiohttp.ClientSession(connector=connector, trust_env=False) as http,
    ):
        simulator.people.default = Script.no_answer()
        daemon = Daemon(folder, simulator, http, config, environ=environ or {})
        try:
            yield daemon
        finally:
            daemon.kill()


def _quiet_environ() -> dict[str, str]:
    """The environment without what would change how the daemon runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ESCALATOR_")}
    for name in ("NOTIFY_SOCKET", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY"):
        kept.pop(name, None)
    return kept
