"""A calendar is read by a process of its own: what it cannot bear ends that process and nothing else."""

import asyncio
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from calendar_texts import calendar, event, feed, roster

from escalator.calendars.reading import CalendarReader, Refused, entries_of

WALL = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ENDLESS = calendar(
    *event(
        "SUMMARY:ana",
        "DTSTART:00010103T000000Z",
        "DTEND:00010103T010000Z",
        "RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
    )
)
TOO_OLD = calendar(*event("DTSTART:00010103T000000Z", "DTEND:20261231T000000Z"))


async def test_events_come_back_as_values_from_a_month_before_to_thirteen_ahead():
    read = await CalendarReader().read(feed("google"), "Europe/Berlin", WALL)
    entries = entries_of(read.told)

    assert entries[0].end > datetime(2026, 10, 22, 3, 0, tzinfo=UTC) >= entries[0].start
    assert entries[-1].start < datetime(2027, 12, 27, 3, 0, tzinfo=UTC) <= entries[-1].end
    assert {entry.title for entry in entries} == {
        "Ana",
        "ben@example.net",
        "Chi + Ana",
        "Team lunch",
    }


async def test_a_calendar_is_refused_in_words():
    with pytest.raises(Refused, match="it is no calendar"):
        await CalendarReader().read(b"<html>", "UTC", WALL)
    with pytest.raises(Refused, match="it cannot be read: OverflowError"):
        await CalendarReader().read(TOO_OLD, "UTC", WALL)


async def test_a_rule_that_would_be_looked_through_for_ever_ends_with_its_process():
    started = time.monotonic()

    with pytest.raises(Refused, match="longer than 2 s"):
        await CalendarReader(seconds=2).read(ENDLESS, "UTC", WALL)

    assert time.monotonic() - started < 10


async def test_the_loop_goes_on_while_a_calendar_is_read():
    turns = 0
    reading = asyncio.ensure_future(CalendarReader(seconds=1).read(ENDLESS, "UTC", WALL))
    while not reading.done():
        await asyncio.sleep(0.01)
        turns += 1

    assert isinstance(reading.exception(), Refused)
    assert turns > 20


async def test_whoever_stops_waiting_ends_the_process():
    reading = asyncio.ensure_future(CalendarReader().read(ENDLESS, "UTC", WALL))
    children = await begun()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert not children & readers()


async def test_the_process_sees_no_secret_of_the_environment(monkeypatch):
    monkeypatch.setenv("TWILIO_TOKEN", "s3cret")
    reading = asyncio.ensure_future(CalendarReader(seconds=5).read(ENDLESS, "UTC", WALL))
    environments = [environment_of(pid) for pid in await begun()]
    reading.cancel()
    await asyncio.wait([reading])

    assert environments
    assert all(b"s3cret" not in one for one in environments)


async def test_one_is_read_at_a_time_and_each_gets_its_own_answer():
    reader = CalendarReader()

    read = await asyncio.gather(
        *(reader.read(roster(name), "UTC", WALL) for name in ("ana", "ben"))
    )

    assert [entries_of(one.told)[0].title for one in read] == ["ana", "ben"]


async def begun():
    """The processes that read a calendar, once there is one."""
    while not (children := readers()):  # noqa: ASYNC110 - another process sets no event
        await asyncio.sleep(0.02)
    return children


def environment_of(pid):
    return Path(f"/proc/{pid}/environ").read_bytes()


def readers():
    """The processes of ours that read a calendar now."""
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
    return {
        pid
        for pid in children
        if b"calendars/expand.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    }
