"""A daemon as people run it, `escalator serve` with a telephone company of its own, and the commands they type."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from escalator.cli import main
from escalator.simulator import ACCOUNT_SID, AUTH_TOKEN, Simulator

TOKEN = "laptop-token-for-tests"
SECRETS = {
    "auth-token": AUTH_TOKEN,
    "laptop.token": TOKEN,
    "prod.token": "prod-token-for-tests",
    "grafana.password": "grafana pass: for tests",
    "ci.secret": "ci-secret-for-tests",
}
CONFIG = """
version: 1
public_url: http://127.0.0.1:{public}
listen: {{ internal: "127.0.0.1:{internal}", public: "127.0.0.1:{public}" }}
storage: {{ path: escalator.db }}
web: {{ tokens: {{ laptop: {{ file: laptop.token }} }} }}
twilio:
  account_sid: {sid}
  auth_token: {{ file: auth-token }}
  api_url: {carrier}
  from: +15005550006
  limits: {{ calls_per_second: 100, concurrent_calls: 100, calls_per_person: 9999/h, calls_per_day: 99999 }}
people:
  ana: {{ name: Ana Ortega, phone: +491713920012 }}
  ben: {{ name: Ben Shah, phone: +447700900123 }}
policies:
  default:
    steps:
      - {{ call: ana, wait: 5m }}
      - {{ call: ben, wait: 5m }}
schedules:
  primary:
    timezone: Europe/Berlin
    layers: [{{ rotate: {{ every: 1 week, at: mon 09:00, starting: 2026-01-05 }}, people: [ana, ben] }}]
routes:
  - {{ name: bulk, matchers: ['bulk="yes"'], policy: default, group_by: each }}
  - {{ name: rest }}
receivers:
  prod: {{ type: alertmanager, auth: {{ bearer: {{ file: prod.token }} }} }}
  grafana: {{ type: alertmanager, auth: {{ basic: {{ user: grafana, password: {{ file: grafana.password }} }} }} }}
  ci: {{ type: webhook, auth: {{ hmac_sha256: {{ secret: {{ file: ci.secret }}, header: X-Signature }} }} }}
  open: {{ type: webhook }}
"""
_numbers = count(1)


@dataclass(frozen=True)
class House:
    """A daemon, its config and its simulated telephone company."""

    folder: Path
    url: str
    pid: int
    simulator: Simulator

    @property
    def config(self) -> Path:
        return self.folder / "escalator.yml"

    @property
    def database(self) -> Path:
        return self.folder / "escalator.db"

    def run(self, *arguments: object, exits: int = 0, **environ: str) -> Result:
        """Type a command about this daemon and see it exit so."""
        environ = {"ESCALATOR_CONFIG_FILE": str(self.config), **environ}
        result = CliRunner().invoke(main, [str(one) for one in arguments], env=environ)
        assert result.exit_code == exits, (result.output, result.exception)
        return result

    def json(self, *arguments: object, exits: int = 0) -> Any:
        return json.loads(self.run(*arguments, "-o", "json", exits=exits).stdout)

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Until this holds; the daemon has its own pace."""
        until = time.monotonic() + 15
        while not holds():
            assert time.monotonic() < until, "it never held"
            threading.Event().wait(0.05)

    def fire(self, *labels: str) -> str:
        """Send a new alert through the receiver `prod`; the id of its incident."""
        name = f"Alert{next(_numbers)}"
        sent = self.json("alert", "send", "--receiver", "prod", f"alertname={name}", *labels)
        return sent["incidents"][0]["id"]


@pytest.fixture(scope="session")
def house(tmp_path_factory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    for name, secret in SECRETS.items():
        (folder / name).write_text(secret + "\n")
        (folder / name).chmod(0o600)
    with telephone_company() as simulator:
        internal, public = free_port(), free_port()
        config = CONFIG.format(
            sid=ACCOUNT_SID, carrier=simulator.url, internal=internal, public=public
        )
        (folder / "escalator.yml").write_text(config)
        with serving(folder / "escalator.yml", folder / "log") as pid:
            yield House(folder, f"http://127.0.0.1:{internal}", pid, simulator)


@contextmanager
def serving(config: Path, log: Path) -> Iterator[int]:
    """`escalator serve` as a process of its own; its pid."""
    command = [sys.executable, "-m", "escalator", "serve", "-c", str(config)]
    with log.open("w") as stderr, subprocess.Popen(command, stderr=stderr) as daemon:
        try:
            until = time.monotonic() + 20
            while "msg=ready" not in log.read_text():
                assert daemon.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                threading.Event().wait(0.05)
            yield daemon.pid
        finally:
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(20) == 0, log.read_text()


@contextmanager
def telephone_company() -> Iterator[Simulator]:
    """A simulator that runs in a thread of its own, so that commands can be typed meanwhile."""
    simulator = Simulator(ACCOUNT_SID, AUTH_TOKEN, speed=50, calls_per_second=None)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(simulator.start(), loop).result(10)
    try:
        yield simulator
    finally:
        asyncio.run_coroutine_threadsafe(simulator.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Listener:
    """A web server that keeps what it is sent and answers as it is told to."""

    url: str = ""
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    # Asked instead, with method, path, headers and body; None closes the connection without a word.
    answer: Callable[[str, str, dict[str, str], bytes], tuple[int, bytes] | None] | None = None


@pytest.fixture
def listener() -> Iterator[Listener]:
    told = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = (self.command, self.path, dict(self.headers), body)
            told.got.append(request)
            answer = told.answer(*request) if told.answer else (told.status, told.body)
            if answer is None:
                return
            self.send_response(answer[0])
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        do_POST = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join(5)
