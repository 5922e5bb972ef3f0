"""How long the board's server takes with 500 open incidents of 100,000 stored, and what ten open boards cost.

Builds such a database by SQL in a few seconds, serves it as the daemon does, and asks over loopback. Figures are of
this machine; the ratios beside them (a page to a bare answer of the same server) are what to compare.

    .venv/bin/python tests/bench/board.py
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import aiohttp

sys.path.append(str(Path(__file__).parents[1] / "web"))

from loopback_listener import GENERATED_TOKEN, Listener, opened

from escalator.clock import SystemClock
from escalator.store.connection import open_for_writing

RECEIVERS = "receivers: { hook: { type: webhook } }"
SPACING = 300_000_000  # microseconds between two incidents: 100,000 of them are a year
FILL = (
    """
    INSERT INTO incidents (id, receiver, policy, route, group_key, title, summary, severity, phase, firing, resolved,
        step, round, until, due_at, baseline, before, last_placed_at, acknowledged_at, acknowledged_by, resolved_at,
        resolved_by, created_at, updated_at)
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :stored),
        one AS (SELECT i, :now - (:stored - i) * :spacing AS at, i >= :stored - :open AS is_open FROM n)
    SELECT printf('%012x%014d', at / 1000, i), 'hook', 'default', 'default', 'group ' || i,
        'Disk full on db' || (i % 97) || '.example.net', 'The disk of db' || (i % 97) || ' is full',
        CASE i % 4 WHEN 0 THEN 'critical' WHEN 1 THEN 'error' WHEN 2 THEN 'warning' ELSE 'info' END,
        CASE WHEN NOT is_open THEN 'resolved' WHEN i % 5 = 0 THEN 'acknowledged' ELSE 'triggered' END,
        is_open, NOT is_open, 0, 1, CASE WHEN is_open AND i % 5 THEN :now + 3600000000 END,
        CASE WHEN is_open AND i % 5 THEN :now + 3600000000 END, '', 'triggered', NULL,
        CASE WHEN i % 3 = 0 OR i % 5 = 0 THEN at + (i % 900) * 1000000 END,
        CASE WHEN i % 3 = 0 OR i % 5 = 0 THEN 'ana' END,
        CASE WHEN NOT is_open THEN at + 1800000000 END, NULL, at, at
    FROM one
    """,
    """
    INSERT INTO timeline (incident_id, at, event, text)
    SELECT id, created_at + step.column1 * 1000000, step.column2, step.column3 FROM incidents,
        (VALUES (0, 'triggered', 'Disk full fires; route default, policy default'),
            (0, 'step', 'step 1 of round 1: Ana'),
            (5, 'call_placed', 'calling Ana, try 1')) step
    """,
    """
    INSERT INTO calls (id, kind, "to", from_, person, state, outcome, sid, lasts, created_at, posted_at, answered_at,
        ended_at, duration, error_message, not_sent, acted, machine, prompts, ambiguous, endings)
    SELECT 'c' || id, 'page', '+491713920012', '+15005550006',
        CASE WHEN created_at / 300000000 % 3 THEN 'ana' ELSE 'ben' END,
        'ended', 'acknowledged', 'CA' || id, 385, created_at, created_at, created_at + 9000000, created_at + 40000000,
        31, '', 0, 1, 0, 1, 0, '[]'
    FROM incidents
    """,
    """
    INSERT INTO call_pages (call_id, n, incident_id, person, is_open, told, joined, also)
    SELECT 'c' || id, 1, id, 'ana', 0, 1, 0, 0 FROM incidents
    """,
    """
    INSERT INTO alerts (receiver, key, incident_id, is_current, status, severity, labels, annotations, url, raw,
        first_seen, last_seen, seen)
    SELECT receiver, group_key, id, 1, CASE WHEN firing THEN 'firing' ELSE 'resolved' END, severity,
        json_object('alertname', title, 'severity', severity), json_object('summary', summary), '', '{}', created_at,
        created_at, 1
    FROM incidents
    """,
)


def fill(path: Path, stored: int, still_open: int) -> None:
    """Put so many incidents into a fresh database, the youngest of them open."""
    now = int(datetime.now(UTC).timestamp() * 1e6)  # noqa: TID251 - this is no part of the daemon
    with closing(open_for_writing(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        values = {"stored": stored, "open": still_open, "now": now, "spacing": SPACING}
        for statement in FILL:
            connection.execute(
                statement,
                {name: value for name, value in values.items() if f":{name}" in statement},
            )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@asynccontextmanager
async def served(stored: int, still_open: int) -> AsyncIterator[Listener]:
    """The listener over such a database."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        fill(Path(folder) / "escalator.db", stored, still_open)
        print(f"{stored} incidents stored in {time.perf_counter() - began:.1f} s")
        async with opened(Path(folder), RECEIVERS, SystemClock(), GENERATED_TOKEN) as listener:
            yield listener


async def measure(
    listener: Listener, path: str, rounds: int, *, change: bool = False
) -> list[float]:
    """Seconds of each answer. `change`: an incident changes before each, so that nothing made before is good."""
    took = []
    found = await listener.get("/api/v1/incidents?limit=1")
    incident = found.json["incidents"][0]["id"]
    for n in range(rounds):
        if change:
            await listener.post(f"/api/v1/incidents/{incident}/note", {"text": f"note {n}"})
        began = time.perf_counter()
        answer = await listener.get(path, headers={"Accept-Encoding": "gzip"})
        took.append(time.perf_counter() - began)
        assert answer.status == 200, answer.status
    return took


async def acknowledged_elsewhere(listener: Listener, rounds: int) -> list[float]:
    """Seconds from an acknowledgement on one board to its event on another."""
    took = []
    incidents = (await listener.get(f"/api/v1/incidents?phase=triggered&limit={rounds}")).json
    headers = {"Accept": "text/event-stream"}
    async with listener.session.get(f"{listener.url}/events", headers=headers) as stream:
        await stream.content.readuntil(b"\n\n")
        for one in incidents["incidents"]:
            await asyncio.sleep(0.3)
            began = time.perf_counter()
            acting = asyncio.ensure_future(
                listener.ask("POST", f"/incidents/{one['id']}/acknowledge", data={"back": "now"})
            )
            while b"event: change" not in await stream.content.readuntil(b"\n\n"):
                pass
            await listener.get("/?since=0", headers={"HX-Request": "true"})
            took.append(time.perf_counter() - began)
            await acting
    return took


async def cost_of_boards(listener: Listener, boards: int, seconds: float) -> float:
    """The share of one core that so many idle boards cost the server and this client together."""
    headers = {"Accept": "text/event-stream"}
    async with aiohttp.ClientSession() as session:
        streams = [
            await session.get(f"{listener.url}/events", headers=headers) for _ in range(boards)
        ]
        before = time.process_time()
        await asyncio.sleep(seconds)
        spent = time.process_time() - before
        for stream in streams:
            stream.close()
    return spent / seconds


def line(what: str, took: list[float], yardstick: float) -> str:
    """A row of the table, in milliseconds."""
    p99 = quantiles(took, n=100, method="inclusive")[98]
    return f"{what:44} {median(took) * 1e3:8.1f} {p99 * 1e3:8.1f} {median(took) / yardstick:8.1f}"


async def run(stored: int, still_open: int, rounds: int) -> None:
    """Measure, and print the table."""
    async with served(stored, still_open) as listener:
        bare = await measure(listener, "/-/healthy", rounds)
        yardstick = median(bare)
        incident = (await listener.get("/api/v1/incidents?limit=1")).json["incidents"][0]["id"]
        print(f"{'':44} {'p50 ms':>8} {'p99 ms':>8} {'to bare':>8}")
        print(line("a bare answer", bare, yardstick))
        [cold] = await measure(listener, "/", 1)
        print(f"{'/ for the first time since the start':44} {cold * 1e3:8.1f}")
        print(line("/ as it was made", await measure(listener, "/", rounds), yardstick))
        made = await measure(listener, "/", rounds, change=True)
        print(line("/ made anew each time", made, yardstick))
        path = f"/incidents/{incident}"
        print(
            line("/incidents/{id}", await measure(listener, path, rounds, change=True), yardstick)
        )
        print(
            line(
                "/reports, a year",
                await measure(listener, "/reports?from=2025-01-01", 5),
                yardstick,
            )
        )
        seen = await acknowledged_elsewhere(listener, 10)
        print(line("acknowledged here, fetched there", seen, yardstick))
        share = await cost_of_boards(listener, 10, 5.0)
        print(f"ten idle boards: {100 * share:.1f} % of one core")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stored", type=int, default=100_000)
    parser.add_argument("--open", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    asyncio.run(run(options.stored, options.open, options.rounds))


if __name__ == "__main__":
    main()
