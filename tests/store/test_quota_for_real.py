"""A limit that the kernel sets on the file, as a quota does: refused writes, no restart, nothing half stored (D13)."""

import subprocess
import sys

SCRIPT = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from cast import RULES, fired
from escalator.store.errors import StoreFull
from escalator.store.sqlite import SqliteStore
from escalator.telemetry import Metrics

at, path = datetime(2026, 11, 22, 3, 0, tzinfo=UTC), Path(sys.argv[1])
store = SqliteStore(path, Metrics())
store.apply([fired("before")], RULES, at)
count = lambda: store.change("UPDATE incidents SET title = title")
size = path.with_name("e.db-wal").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
for n in range(3):
    try:
        store.apply([fired(f"during-{n}")], RULES, at)
    except StoreFull as error:
        print(error)
    else:
        sys.exit("it was taken")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
assert count() == 1, "half stored"
store.apply([fired("after")], RULES, at)
assert count() == 2
store.close()
"""


def test_writes_that_a_limit_refuses_are_told_and_go_on_once_it_is_lifted(tmp_path):
    """(D13)"""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "e.db")],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("could not be written") == 3
