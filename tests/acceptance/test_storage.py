"""The disk under the real daemon: full, damaged, deleted. The pager goes on, and somebody hears of it."""

import contextlib
import secrets
from pathlib import Path

import pytest
from real_daemon import Daemon, daemon_with_carrier, events, until
from tools import require_mounts

from escalator.simulator import Script

pytestmark = [pytest.mark.acceptance]

ANA, DEE = "+491713920012", "+447700900123"
CONFIG = f"""\
people:
  ana: {{ phone: "{ANA}" }}
  dee: {{ phone: "{DEE}" }}
policies:
  default: {{ steps: [{{ call: ana, retry: 2s, wait: 30m }}], fallback: {{ call: dee }} }}
receivers: {{ hook: {{ type: webhook }} }}
"""


@contextlib.asynccontextmanager
async def daemon(folder, **more):
    async with daemon_with_carrier(folder, CONFIG, **more) as on:
        on.simulator.people[ANA] = on.simulator.people[DEE] = Script.busy()
        yield on


async def told(on: Daemon, title: str):
    """The incident of that title that escalator has raised about itself."""

    async def found():
        own = [one for one in await on.incidents() if one["receiver"] == "escalator"]
        return next((one for one in own if one["title"] == title), None)

    return await until(found, 25.0, lambda: on.log)


async def test_a_damaged_database_is_set_aside_and_the_fallback_is_rung_about_it(tmp_path):
    """(D7) Fail open: it starts, pages about the loss, and takes alerts."""
    path = tmp_path / "escalator.db"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 20_000)
    async with daemon(tmp_path) as on:
        await on.start()

        await on.simulator.wait_call(DEE, within=10)
        incident = await on.fire("disk")
        await on.simulator.wait_call(ANA, within=10)

        assert "step" in events(await on.incident(incident))
        assert (await told(on, "StoreLost"))["phase"] == "exhausted"
        (aside,) = tmp_path.glob("escalator.db.damaged-*")
        assert aside.read_bytes().endswith(b"\xff" * 20_000)
        assert not (tmp_path / "escalator.db.lost").exists()


async def test_a_deleted_database_ends_the_process_and_the_next_one_has_it_all(tmp_path):
    """(D9, K18) Within a minute, with a status that has systemd start it again."""
    async with daemon(tmp_path) as on:
        await on.start()
        incident = await on.fire("disk")
        for file in tmp_path.glob("escalator.db*"):
            if file.suffix in (".db", ".db-wal", ".db-shm"):
                file.unlink()

        assert await on.ended(30) == 1
        assert "it was written anew" in on.log

        await on.start()
        assert (await on.incident(incident))["phase"] == "triggered"


class SmallDisk(Daemon):
    """A daemon whose database lies on a disk of forty megabytes, which only its process has."""

    def command(self, *words):
        script = 'mount -t tmpfs -o size=40m,mode=0700 tmpfs "$0" && exec "$@"'
        alone = [require_mounts(), "--user", "--map-root-user", "--mount", "sh", "-c", script]
        return [*alone, str(self.disk), *super().command(*words)]

    def write_config(self, more=""):
        super().write_config(more)
        text = self.file.read_text(encoding="utf-8")
        self.file.write_text(text.replace("path: escalator.db", "path: disk/escalator.db"))

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    @property
    def inside(self) -> Path:
        """That disk, as it is seen from outside its process."""
        return Path(f"/proc/{self.process.pid}/root") / self.disk.relative_to("/")

    def fill(self) -> None:
        """Write until nothing fits any more."""
        with contextlib.suppress(OSError), (self.inside / "filler").open("wb", 0) as file:
            while file.write(b"\0" * 4096):
                pass

    def make_room(self) -> None:
        (self.inside / "filler").unlink()

    async def tries_to_fire(self, name: str) -> int:
        """What a sender is answered."""
        alert = {"key": name, "labels": {"alertname": name}}
        return (await self.post("/receive/hook", alert)).status

    async def is_answered(self, status: int) -> bool:
        """Whether an alert is answered so; each is another one, with a body that takes room."""
        return await self.tries_to_fire(secrets.token_hex(20_000)) == status


async def test_a_full_disk_refuses_alerts_goes_on_calling_and_recovers_by_itself(tmp_path):
    """(D2) For real: a small disk, filled to the last page."""
    (tmp_path / "disk").mkdir()
    async with daemon(tmp_path) as plain:
        on = SmallDisk(tmp_path, plain.simulator, plain.http, CONFIG)
        try:
            await on.start()
            incident = await on.fire("before")
            on.fill()
            await until(lambda: on.is_answered(503), 20, lambda: on.log)

            rung = len(on.simulator.calls_to(ANA))
            await on.simulator.wait_call(ANA, rung + 2, within=20)
            await on.simulator.wait_call(DEE, within=20)
            assert (await told(on, "DiskFull"))["phase"] == "exhausted"
            assert not (on.inside / "escalator.db.ballast").exists()

            on.make_room()
            await until(lambda: on.is_answered(202), 25, lambda: on.log)
            assert (on.inside / "escalator.db.ballast").exists()
            await on.phase((await told(on, "DiskFull"))["id"], "resolved", 15)
            assert (await on.incident(incident))["phase"] == "triggered"
            assert on.process.poll() is None
        finally:
            on.kill()
