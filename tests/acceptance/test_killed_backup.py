"""A backup that is killed: no half copy bears its name, and the daemon notices nothing."""

import asyncio
import sqlite3

import pytest
from real_daemon import daemon_with_carrier

from escalator.simulator import Script
from escalator.store.upkeep import inspect

pytestmark = [pytest.mark.acceptance]

ANA = "+491713920012"
CONFIG = f"""
people: {{ ana: {{ phone: "{ANA}" }} }}
policies: {{ default: {{ steps: [{{ call: ana }}] }} }}
receivers: {{ hook: {{ type: webhook }} }}
"""
ROWS = 400
MOMENTS = (0.0, 0.002, 0.01)


async def test_a_killed_backup_is_whole_or_not_there_and_the_daemon_goes_on(tmp_path):
    """(K15) At some moments of its life; a copy that is there can be started from."""
    async with daemon_with_carrier(tmp_path, CONFIG) as daemon:
        daemon.simulator.people[ANA] = Script.no_answer()
        await daemon.start()
        alerts = [
            {
                "key": f"k{n}",
                "labels": {"alertname": "Big"},
                "annotations": {"summary": "x" * 9_000},
            }
            for n in range(ROWS)
        ]
        answers = await asyncio.gather(*(daemon.post("/receive/hook", one) for one in alerts))
        assert {one.status for one in answers} == {202}

        begun = 0
        for number, moment in enumerate(MOMENTS):
            target = tmp_path / f"copy-{number}.db"
            backup = daemon.spawn(
                "db", "backup", str(target), "--storage.path", str(tmp_path / "escalator.db")
            )
            while backup.poll() is None and not list(tmp_path.glob(".copy-*.partial")):  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(0.001)
            await asyncio.sleep(moment)
            backup.kill()
            backup.wait()
            begun += bool(list(tmp_path.glob(".copy-*.partial")))
            for left in tmp_path.glob(".copy-*.partial"):
                left.unlink()
            if target.exists():
                assert inspect(target).is_sound
                with sqlite3.connect(target) as copy:
                    assert copy.execute("SELECT count(*) FROM alerts").fetchone() == (ROWS,)

        assert begun, "no backup was killed in its midst"
        assert (await daemon.get("/-/ready")).status == 200
        assert await daemon.fire("after")
        assert inspect(tmp_path / "escalator.db").is_sound
