"""What becomes of the database file: a log that grows, damage found by the daily check, a copy of old times."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from cast import cleared, fired
from structlog.testing import capture_logs
from test_engine import stage

from escalator.caretaker import OLD_BEAT, check, note, tell
from escalator.engine import LOG_LARGE_BYTES
from escalator.escalation.incidents import Phase
from escalator.store.opening import Prepared
from escalator.store.reading import list_incidents

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
CYCLE = 10.0
PAGE = 4096
TABLE_LEAF = 13


async def own_incidents(on):
    found = await on.reader.in_thread(lambda db: list_incidents(db, list(Phase), 99, None))
    return [one for one in found if one.receiver == "escalator"]


def said(logs, event):
    return [one for one in logs if one["event"] == event]


async def test_a_log_that_cannot_be_folded_in_is_told_once_and_measured_all_the_while(tmp_path):
    """(D6) Above 256 MiB; and again when it has been small meanwhile. The file is sparse: it takes no room."""
    async with stage(tmp_path / "e.db") as on:
        await on.until(lambda: on.cycles == 1)
        log = on.path.with_name("e.db-wal")
        small = log.stat().st_size
        for size, told in ((LOG_LARGE_BYTES, 0), (LOG_LARGE_BYTES + 1, 1), (2**29, 1)):
            os.truncate(log, size)
            await cycle(on)
            assert on.count("store_log_size_bytes") == size
            assert len(said(on.logs, "store_log_large")) == told

        os.truncate(log, small)
        await cycle(on)
        os.truncate(log, 2**29)
        await cycle(on)

        assert [one["bytes"] for one in said(on.logs, "store_log_large")] == [
            LOG_LARGE_BYTES + 1,
            2**29,
        ]
        os.truncate(log, small)


async def cycle(on):
    before = on.cycles
    await on.clock.advance(CYCLE)
    await on.until(lambda: on.cycles > before)


async def test_the_daily_check_of_a_sound_file_tells_nobody(tmp_path):
    """(D8)"""
    async with stage(tmp_path / "e.db", runs=False) as on:
        await on.engine.submit(fired())

        assert await check(on.engine, on.path)

        assert await own_incidents(on) == []
        assert not on.path.with_name("e.db.suspect").exists()


async def test_the_daily_check_finds_damage_while_all_still_works_and_the_fallback_is_rung(
    tmp_path,
):
    """(D8) It works on for as long as it can; the next start reads the whole file before it trusts it."""
    async with stage(tmp_path / "e.db", runs=False) as on:
        await on.engine.submit(*(fired(f"{n}", text="x" * 3000) for n in range(60)))
        await on.engine.submit(*(cleared(f"{n}", text="x" * 3000) for n in range(60)))
        await on.engine.change("PRAGMA wal_checkpoint(TRUNCATE)")
        harm(on.path)

        with capture_logs() as logs:
            assert not await check(on.engine, on.path)

        assert said(logs, "store_damaged")[0]["faults"]
        (told,) = await own_incidents(on)
        assert (told.title, told.phase) == ("StoreDamaged", Phase.EXHAUSTED)
        assert [page.person for page in on.incident(told.id).pages] == ["dee"]
        assert on.path.with_name("e.db.suspect").exists()
        await on.engine.submit(fired("after"))


def harm(path):
    """Zeros over one page of timelines, which nothing reads while it pages."""
    data = path.read_bytes()
    pages = (data[at : at + PAGE] for at in range(PAGE, len(data), PAGE))
    leaf = next(page for page in pages if page[0] == TABLE_LEAF and b"alert_resolved" in page)
    path.write_bytes(data.replace(leaf, b"\0" * PAGE))


@pytest.mark.parametrize(("age", "is_old"), [(OLD_BEAT, False), (OLD_BEAT * 1.1, True)])
def test_a_copy_of_old_times_or_a_long_downtime_is_told(age, is_old):
    """(D10) Ten minutes without a sign of life in the file itself."""
    with capture_logs() as logs:
        note(Prepared(last_beat=AT), AT + age)

    assert [one["last_write"] for one in said(logs, "store_is_old")] == [AT.isoformat()] * is_old


def test_a_new_database_is_not_old():
    """(D10)"""
    with capture_logs() as logs:
        note(Prepared(), AT)

    assert logs == []


async def test_what_was_lost_is_paged_about_and_then_forgotten(tmp_path):
    """(D7) The mark goes once the page about it is committed, so that a death in between repeats it."""
    async with stage(tmp_path / "e.db", runs=False) as on:
        mark = on.path.with_name("e.db.lost")
        mark.write_text("e.db.damaged-1: it lies")

        await tell(on.engine, on.path, Prepared(lost="e.db.damaged-1: it lies"), has_room=True)

        (told,) = await own_incidents(on)
        assert told.title == "StoreLost"
        assert not mark.exists()


async def test_what_cannot_be_told_now_is_told_by_the_next_start(tmp_path):
    """(D7)"""
    async with stage(tmp_path / "e.db", runs=False) as on:
        mark = on.path.with_name("e.db.lost")
        mark.write_text("lost")
        await on.engine.change("ALTER TABLE incidents RENAME TO gone")

        await tell(on.engine, on.path, Prepared(lost="lost"), has_room=False)

        assert mark.exists()
        assert said(on.logs, "not_told")
        await on.engine.change("ALTER TABLE gone RENAME TO incidents")


def test_ten_minutes_are_what_the_manual_says():
    assert timedelta(minutes=10) == OLD_BEAT
