"""How fast this disk commits alert rows, as a yardstick: in groups, and one by one.

Run as a process of its own so that a slow disk can be preloaded: `python raw_sqlite.py DIRECTORY SECONDS`.
"""

import json
import sqlite3
import sys
import time
from pathlib import Path

GROUP = 16


def rate(path: Path, rows_per_commit: int, seconds: float) -> float:
    """Rows a second, WAL and synchronous=FULL, with the two indexes that an alert needs at least."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in (
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "PRAGMA wal_autocheckpoint=4000",
        "CREATE TABLE alerts "
        "(id INTEGER PRIMARY KEY, fingerprint TEXT, status TEXT, body TEXT, at INTEGER, due INTEGER)",
        "CREATE UNIQUE INDEX by_fingerprint ON alerts (fingerprint)",
        "CREATE INDEX by_due ON alerts (due) WHERE due IS NOT NULL",
    ):
        connection.execute(statement)
    body, number = "x" * 823, 0
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        rows = [
            (f"{number + n:016x}", "firing", body, number, number) for n in range(rows_per_commit)
        ]
        number += rows_per_commit
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO alerts (fingerprint, status, body, at, due) VALUES (?,?,?,?,?)", rows
        )
        connection.execute("COMMIT")
    took = time.perf_counter() - started
    connection.close()
    return number / took


if __name__ == "__main__":
    directory, seconds = Path(sys.argv[1]), float(sys.argv[2])
    print(
        json.dumps(
            {
                "single": rate(directory / "single.db", 1, seconds),
                "group": rate(directory / "group.db", GROUP, seconds),
            }
        )
    )
