"""A real Alertmanager as a process of its own, whose only receiver is what `receiver snippet` prints."""

import contextlib
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from prometheus_client.parser import text_string_to_metric_families
from real_daemon import STOP_SECONDS, free_port, until
from tools import require_tool

START_SECONDS = 10.0


@dataclass
class Alertmanager:
    """A running Alertmanager."""

    url: str
    http: aiohttp.ClientSession
    log_file: Path

    async def post(self, *alerts: dict[str, Any]) -> None:
        """Tell it these alerts."""
        async with self.http.post(f"{self.url}/api/v2/alerts", json=list(alerts)) as answer:
            assert answer.status == 200, await answer.text()

    async def metric(self, name: str) -> float:
        """The sum of the webhook samples of one of its own metrics."""
        async with self.http.get(f"{self.url}/metrics") as answer:
            text = await answer.text()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and sample.labels.get("integration") == "webhook"
        )


def alert(name: str, instance: str, *, is_over: bool = False, **more: Any) -> dict[str, Any]:
    """An alert for its API; `more` are further labels, `annotations` apart."""
    now = datetime.now(UTC)  # noqa: TID251 - the sender has a clock of its own
    annotations = more.pop("annotations", {"summary": f"{instance} does not answer"})
    times = {"endsAt": (now - timedelta(seconds=1)).isoformat()} if is_over else {}
    return {
        "labels": {"alertname": name, "instance": instance, "severity": "critical", **more},
        "annotations": annotations,
        "startsAt": (now - timedelta(seconds=90)).isoformat(),
        **times,
    }


def config_around(snippet: str, **webhook: Any) -> dict[str, Any]:
    """An impatient config with the receiver of the snippet; `webhook` changes its one webhook."""
    config = yaml.safe_load(snippet)
    [receiver] = config["receivers"]
    receiver["webhook_configs"][0].update(webhook)
    config["route"] = {
        "receiver": receiver["name"],
        "group_by": ["alertname"],
        "group_wait": "200ms",
        "group_interval": "400ms",
        "repeat_interval": "800ms",
    }
    return config


@contextlib.asynccontextmanager
async def alertmanager(folder: Path, config: dict[str, Any]) -> AsyncIterator[Alertmanager]:
    """An Alertmanager with this config, ready. Its process ends with the block."""
    file, log, port = folder / "alertmanager.yml", folder / "alertmanager.log", free_port()
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    process = _started(folder, file, log, port)
    try:
        async with aiohttp.ClientSession(trust_env=False) as http:
            running = Alertmanager(f"http://127.0.0.1:{port}", http, log)

            async def is_ready() -> bool:
                assert process.poll() is None, log.read_text()
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    async with http.get(f"{running.url}/-/ready") as answer:
                        return answer.status == 200
                return False

            await until(is_ready, START_SECONDS, log.read_text)
            yield running
    finally:
        process.kill()
        process.wait(STOP_SECONDS)


def _started(folder: Path, file: Path, log: Path, port: int) -> subprocess.Popen[bytes]:
    program = require_tool("prometheus-alertmanager", "alertmanager")
    words = [
        program,
        f"--config.file={file}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with log.open("ab") as out:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=folder)
