"""What `escalator demo` plays on: the real daemon and a simulated carrier, on loopback, in a folder
that goes away.

Nothing is faked but the telephones. Alerts come in over HTTP with the receiver's token, calls are
ordered from the carrier's API, callbacks are signed, every decision is on disk before it is told.
"""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from escalator.app import Daemon, token_path
from escalator.cli.alerts import DEFAULT_RECEIVER, notification
from escalator.clock import SystemClock
from escalator.config.loading import load
from escalator.simulator import ACCOUNT_SID, Script, SimEvent, Simulator
from escalator.simulator.scene import ANA, BEN, CALLER, CAST, Told, tell

START_SECONDS = 10.0
_LOOK_SECONDS = 0.2
_REQUEST_SECONDS = 5.0
# What the phones tell anyhow.
_TOLD_BY_PHONES = frozenset(
    {"call_placed", "call_ended", "ringing", "answered", "heard", "alert_resolved"}
)
Say = Callable[[Told], None]


class StageError(Exception):
    """The demo cannot go on. The sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the demo is played. `speed`: simulated seconds per real one; `wait`: seconds that Ana has
    before Ben is rung; `listen`: HOST:PORT of the internal listener.
    """

    speed: float
    wait: int
    listen: str = "127.0.0.1:0"
    language: str = "en-GB"


class Stage:
    """The running demo. `say` is called with each line of the scene, in order."""

    def __init__(self, daemon: Daemon, simulator: Simulator, http: aiohttp.ClientSession, say: Say):
        self.simulator = simulator
        host, port = daemon.internal_address
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._token = token_path(daemon.config.storage.path).read_text(encoding="ascii").strip()
        self._http = http
        self._say = say
        self._phones: asyncio.Queue[SimEvent] = asyncio.Queue()
        self._told: dict[str, int] = {}
        self._broken: list[dict[str, str]] = []
        self._count = 0
        self._telling = asyncio.Lock()
        simulator.listeners.append(self._phones.put_nowait)

    async def break_database(self) -> str:
        """A database goes down: an alert is sent. Returns the id of its incident."""
        self._count += 1
        labels = {
            "alertname": "DatabaseDown",
            "severity": "critical",
            "instance": f"db{self._count}",
        }
        self._say(Told("alert", f"DatabaseDown on {labels['instance']}, critical"))
        incident = await self._send(labels, is_over=False)
        self._broken.append(labels)
        return incident

    async def mend_database(self) -> bool:
        """The database that broke last is well again: its sender says so. False if none is broken."""
        if not self._broken:
            return False
        labels = self._broken.pop()
        self._say(Told("alert", f"DatabaseDown on {labels['instance']} no longer fires"))
        await self._send(labels, is_over=True)
        return True

    async def incident(self, incident: str) -> dict[str, Any]:
        """An incident as the API shows it."""
        return await self._ask("GET", f"/api/v1/incidents/{incident}")

    async def narrate(self) -> None:
        """Tell what happens, until canceled: the phones at once, the timeline soon after."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    event = await self._phones.get()
            except TimeoutError:
                await self._tell_timelines()
            else:
                await self._tell_phone(event)

    async def catch_up(self) -> None:
        """Tell whatever has happened up to now."""
        while not self._phones.empty():
            await self._tell_phone(self._phones.get_nowait())
        await self._tell_timelines()

    async def _tell_phone(self, event: SimEvent) -> None:
        # What is said on the phone was on disk before: so it is told before.
        await self._tell_timelines()
        line = tell(event)
        if line is not None:
            self._say(line)

    async def _tell_timelines(self) -> None:
        async with self._telling:
            for incident in list(self._told):
                await self._tell_timeline(incident)

    async def _tell_timeline(self, incident: str) -> None:
        timeline = (await self.incident(incident))["timeline"]
        for line in timeline[self._told[incident] :]:
            if line["event"] not in _TOLD_BY_PHONES:
                self._say(Told("escalator", _said(line)))
        self._told[incident] = len(timeline)

    async def _send(self, labels: dict[str, str], *, is_over: bool) -> str:
        annotations = {"summary": f"{labels['instance']} of the shop does not answer"}
        message = notification(
            DEFAULT_RECEIVER, labels, annotations, now=SystemClock().wall(), is_over=is_over
        )
        answer = await self._ask("POST", f"/receive/{DEFAULT_RECEIVER}", message)
        incident = str(answer["incidents"][0]["id"])
        self._told.setdefault(incident, 0)
        return incident

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}"} if method == "POST" else None
        try:
            async with self._http.request(
                method, self.url + path, json=body, headers=headers
            ) as answer:
                found: dict[str, Any] = await answer.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StageError(f"{method} {path}: no answer from the daemon ({error!r})") from error
        if answer.status >= 400:
            raise StageError(f"{method} {path}: the daemon answered {answer.status}: {found}")
        return found


@asynccontextmanager
async def raised(folder: Path, plan: Plan, say: Say) -> AsyncIterator[Stage]:
    """The daemon and the carrier, up while the block lasts. The block is canceled if one dies.

    Raises an `ExceptionGroup` with what killed it, `StageError` when the daemon does not start.
    """
    token = secrets.token_hex(16)
    simulator = Simulator(ACCOUNT_SID, token, speed=plan.speed)
    simulator.people.default = Script.manual()
    timeout = aiohttp.ClientTimeout(total=_REQUEST_SECONDS)
    async with (
        simulator.run(),
        aiohttp.ClientSession(timeout=timeout, trust_env=False) as http,
        asyncio.TaskGroup() as tasks,
    ):
        file = _write_config(folder, plan, simulator, token)
        daemon = Daemon(file, load(file))
        tasks.create_task(daemon.run(), name="daemon")
        try:
            await _ready(daemon)
            yield Stage(daemon, simulator, http, say)
        finally:
            daemon.stop()


def _said(line: dict[str, Any]) -> str:
    """A line of a timeline, so that the end of an incident is told by name."""
    text = str(line["text"])
    is_end = line["event"] == "resolved" and not text.startswith("resolved")
    return f"resolved: {text}" if is_end else text


async def _ready(daemon: Daemon) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            await daemon.ready.wait()
    except TimeoutError:
        raise StageError(f"the daemon was not ready within {START_SECONDS:g} s") from None


def _write_config(folder: Path, plan: Plan, simulator: Simulator, token: str) -> Path:
    """A config like anybody's, but for the carrier's address."""
    secret = folder / "auth-token"
    secret.touch(mode=0o600)
    secret.write_text(token, encoding="ascii")
    public = f"127.0.0.1:{_free_port()}"
    people = "\n".join(
        f"  {player.key}: {{ name: {player.name}, phone: {player.number} }}" for player in CAST
    )
    file = folder / "escalator.yml"
    file.write_text(
        f"""version: 1
public_url: http://{public}
language: {plan.language}
listen: {{ internal: "{plan.listen}", public: "{public}" }}
storage: {{ path: escalator.db }}
twilio:
  account_sid: {ACCOUNT_SID}
  auth_token: {{ file: {secret.name} }}
  api_url: {simulator.url}
  from: {CALLER}
  ring: 15s
people:
{people}
policies:
  default:
    steps:
      - {{ call: {ANA.key}, retry: 1m, wait: {plan.wait}s }}
      - {{ call: {BEN.key}, retry: 1m, wait: 45s }}
    fallback: {{ call: everyone, every: 1m }}
""",
        encoding="utf-8",
    )
    return file


def _free_port() -> int:
    """A port that nobody listens on. The carrier has to be told it before the daemon listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
