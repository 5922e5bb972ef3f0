"""Calendars are fetched in their time and never let go of: whatever comes, somebody is on call as before."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from calendar_keeper import CONFIG, NOON, SCHEDULES, keeper
from calendar_server import dripping, endless
from calendar_texts import calendar, event, feed, roster, shift
from structlog.testing import capture_logs

from escalator.escalation.live import Live
from escalator.escalation.oncall import next_after
from escalator.escalation.schedules import Override
from escalator.store.live import add_override


@pytest.fixture
def logged():
    """What is logged, as it grows."""
    with capture_logs() as lines:
        yield lines


def told(lines, event):
    return [line for line in lines if line["event"] == event]


async def test_whom_a_calendar_names_is_on_call_once_it_has_come(keep, server):
    server.says(feed("google"))
    keeper = await keep()
    assert keeper.on_call() == ()

    await keeper.calendars.refresh_due()

    assert keeper.on_call() == ("ana",)
    assert keeper.on_call(NOON + timedelta(days=2)) == ("ben",)
    assert keeper.on_call(datetime(2026, 12, 25, tzinfo=UTC)) == ("ben", "chi", "ana")
    rules = keeper.engine.rules
    assert next_after(rules.schedules["platform"], rules.people, NOON) == ("ben",)
    assert keeper.standing.checked_at == NOON
    assert not keeper.standing.error


async def test_it_is_asked_for_in_its_time_and_not_before(keep, server):
    server.says(roster("ana"))
    keeper = await keep()

    for wait in (0, 600, 299, 1, 900):
        await keeper.clock.advance(wait)
        await keeper.calendars.refresh_due()

    assert len(server.asked) == 3


async def test_an_unchanged_one_is_current_without_coming_again(keep, server):
    server.says(roster("ana"), etag='"v1"')
    keeper = await keep()
    await keeper.calendars.refresh_due()
    await keeper.clock.advance(900)

    await keeper.calendars.refresh_due()

    assert server.asked[1].headers["If-None-Match"] == '"v1"'
    assert keeper.standing.checked_at == NOON + timedelta(minutes=15)
    assert keeper.metric("escalator_calendar_fetches_total", result="ok") == 2


async def test_a_changed_one_is_in_force_at_once(keep, server):
    server.says(roster("ana"))
    keeper = await keep()
    await keeper.calendars.refresh_due()
    server.says(roster("ben"))
    await keeper.clock.advance(900)

    await keeper.calendars.refresh_due()

    assert keeper.on_call() == ("ben",)


LONG = ("SUMMARY:ben", "DTSTART:20261102T090000Z", "DTEND:20261102T170000Z")
HOSTILE = {
    "a page to log in": (b"<!doctype html><html><body>Sign in</body></html>", "refused"),
    "nothing": (b"", "refused"),
    "packed": (b"\x1f\x8b\x08" + bytes(100), "refused"),
    "cut off": (roster("ben")[:-30], "refused"),
    "no start": (calendar(*event("SUMMARY:ben")), "refused"),
    "each second": (calendar(*event(*LONG, "RRULE:FREQ=SECONDLY")), "refused"),
    "each hour for ever": (
        calendar(
            *(line for n in range(9) for line in event(*LONG, "RRULE:FREQ=HOURLY", uid=str(n)))
        ),
        "refused",
    ),
    "looked through for ever": (
        calendar(
            *event(
                "SUMMARY:ben",
                "DTSTART:00010103T000000Z",
                "DURATION:PT1H",
                "RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
            )
        ),
        "refused",
    ),
    "too much": (b"BEGIN:VCALENDAR\r\n" + b"X" * (6 << 20) + b"\r\nEND:VCALENDAR", "refused"),
    "endless": (endless, "refused"),
    "no answer": (404, "failed"),
    "nobody there": (None, "failed"),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_bad_feed_changes_nobody_on_call(kind, keep, server, logged):
    server.says(roster("ana"))
    keeper = await keep(seconds=2)
    await keeper.calendars.refresh_due()
    what, result = HOSTILE[kind]
    if callable(what):
        server.answer = what
    elif isinstance(what, int):
        server.says(status=what)
    elif what is None:
        await server.stop()
    else:
        server.says(what)
    await keeper.clock.advance(900)
    logged.clear()

    await keeper.calendars.refresh_due()

    assert keeper.on_call() == ("ana",)
    assert keeper.standing.checked_at == NOON
    assert keeper.standing.error
    assert keeper.metric("escalator_calendar_fetches_total", result=result) == 1
    assert keeper.metric("escalator_calendar_last_success_timestamp_seconds") == NOON.timestamp()
    [line] = logged
    assert (line["event"], line["log_level"]) == ("calendar_not_fetched", "warning")
    assert line["why"] == keeper.standing.error
    assert "s3cret" not in str(line)
    assert "127.0.0.1" not in str(line)


async def test_after_a_failure_it_is_asked_for_sooner_and_recovers(keep, server):
    server.says(status=500)
    keeper = await keep()
    await keeper.calendars.refresh_due()
    assert keeper.on_call() == ()
    server.says(roster("ben"))
    await keeper.clock.advance(300)

    await keeper.calendars.refresh_due()

    assert keeper.on_call() == ("ben",)
    assert keeper.standing.error == ""


async def test_a_start_without_a_network_knows_who_is_on_call(keep, server):
    server.says(roster("ana"))
    first = await keep()
    await first.calendars.refresh_due()
    await server.stop()

    second = await keep(at=NOON + timedelta(days=2))

    assert second.on_call() == ("ana",)
    assert second.standing.checked_at == NOON
    assert second.metric("escalator_calendar_last_success_timestamp_seconds") == NOON.timestamp()
    await second.calendars.refresh_due()
    assert second.on_call() == ("ana",)
    assert second.standing.error == "it could not be reached: ClientConnectorError"


async def test_what_the_server_knew_it_by_is_known_after_a_start_too(keep, server):
    server.says(roster("ana"), etag='"v1"')
    await (await keep()).calendars.refresh_due()

    second = await keep()
    await second.calendars.refresh_due()

    assert server.asked[-1].headers["If-None-Match"] == '"v1"'
    assert second.on_call() == ("ana",)


async def test_another_link_is_asked_at_once_and_not_by_what_the_old_one_said(keep, server):
    server.says(roster("ana"), etag='"v1"')
    keeper = await keep()
    await keeper.calendars.refresh_due()
    keeper.reload(CONFIG + SCHEDULES.replace("LINK", "OTHER"))

    await keeper.calendars.refresh_due()

    assert len(server.asked) == 2
    assert "If-None-Match" not in server.asked[1].headers


async def test_events_are_expanded_anew_each_day_also_from_the_copy(keep, server):
    weekly = ("SUMMARY:ana", "DTSTART:20261102T000000Z", "DTEND:20261109T000000Z")
    server.says(calendar(*event(*weekly, "RRULE:FREQ=WEEKLY")), etag='"v1"')
    first = await keep()
    await first.calendars.refresh_due()
    late = NOON + timedelta(days=420)
    assert first.on_call(late) == ()

    second = await keep(at=NOON + timedelta(days=40))
    await second.calendars.refresh_due()
    assert second.on_call(late) == ("ana",)

    await server.stop()
    third = await keep(at=NOON + timedelta(days=700))
    assert third.on_call() == ()
    await third.calendars.refresh_due()
    assert third.on_call() == ("ana",)


async def test_another_zone_of_the_schedule_moves_days_at_once(keep, server):
    body = calendar(
        *event("SUMMARY:ana", "DTSTART;VALUE=DATE:20261123", "DTEND;VALUE=DATE:20261124")
    )
    server.says(body, etag='"v1"')
    keeper = await keep()
    await keeper.calendars.refresh_due()
    at = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert keeper.on_call(at) == ("ana",)

    keeper.reload(CONFIG + SCHEDULES.replace("platform: {", "platform: { timezone: UTC,"))
    await keeper.calendars.refresh_due()

    assert keeper.on_call(at) == ()


async def test_a_title_that_names_nobody_is_told_once_and_counted(keep, server, logged):
    server.says(feed("google"))
    keeper = await keep()

    await keeper.calendars.refresh_due()
    server.says(feed("google") + roster("ana"))
    await keeper.clock.advance(900)
    await keeper.calendars.refresh_due()

    assert told(logged, "calendar_title_unknown") == []  # the lunch is over
    await keeper.clock.advance(900)
    server.says(calendar(*shift("Zoe", "20261123T000000Z", "20261124T000000Z")))
    await keeper.calendars.refresh_due()
    await keeper.clock.advance(900)
    server.says(calendar(*shift("Zoe", "20261123T000000Z", "20261125T000000Z")))
    await keeper.calendars.refresh_due()
    [line] = told(logged, "calendar_title_unknown")
    assert line["title"] == "Zoe"
    assert keeper.metric("escalator_calendar_unknown_titles") == 1
    assert keeper.standing.unknown == ("Zoe",)


async def test_a_reload_that_knows_more_names_finds_their_people(keep, server):
    server.says(roster("Zoe"))
    keeper = await keep()
    await keeper.calendars.refresh_due()
    assert keeper.on_call() == ()

    keeper.reload(CONFIG.replace("chi: {", "chi: { aliases: [zoe],") + SCHEDULES)
    await keeper.calendars.refresh_due()

    assert keeper.on_call() == ("chi",)
    assert len(server.asked) == 1


async def test_one_that_left_the_config_is_not_asked_for_any_more(keep, server):
    server.says(roster("ana"))
    keeper = await keep()
    await keeper.calendars.refresh_due()
    keeper.reload(CONFIG.replace("platform", "ben"))
    await keeper.clock.advance(1000)

    await keeper.calendars.refresh_due()

    assert len(server.asked) == 1
    assert keeper.calendars.standing() == []
    assert keeper.metric("escalator_calendar_last_success_timestamp_seconds") is None


async def test_a_calendar_and_an_override_do_not_lose_each_other(keep, server):
    server.says(roster("ana"))
    keeper = await keep()
    override = Override(
        schedule="platform",
        person="ben",
        start=NOON,
        end=NOON + timedelta(hours=2),
        id="1",
        created_at=NOON,
    )

    await asyncio.gather(
        keeper.calendars.refresh_due(),
        *(keeper.engine.change_live(lambda db: None) for _ in range(20)),
        keeper.engine.change_live(lambda db: add_override(db, override, "ana")),
    )

    assert keeper.on_call() == ("ben",)
    assert keeper.on_call(NOON + timedelta(hours=3)) == ("ana",)
    assert keeper.engine.rulebook.live != Live()


async def test_events_wait_for_a_change_that_is_being_written(keep):
    keeper = await keep()
    go_on = threading.Event()

    def slow(db):
        assert go_on.wait(10)

    changing = asyncio.ensure_future(keeper.engine.change_live(slow))
    using = asyncio.ensure_future(keeper.engine.use_calendars({"platform": ()}))
    await asyncio.sleep(0.05)
    assert keeper.engine.rulebook.live.calendars == {}
    go_on.set()
    await asyncio.gather(changing, using)

    assert keeper.engine.rulebook.live.calendars == {"platform": ()}


async def test_one_is_stale_after_three_times_and_an_hour_told_once(keep, server, logged):
    server.says(roster("ana"))
    keeper = await keep()
    await keeper.calendars.refresh_due()
    server.says(status=503)
    stale = []
    for _ in range(4):
        await keeper.clock.advance(timedelta(minutes=30))
        await keeper.calendars.refresh_due()
        stale.append(keeper.standing.is_stale)

    assert stale == [False, False, True, True]
    [line] = told(logged, "calendar_stale")
    assert line["why"] == "it answered 503"
    server.says(roster("ana"))
    await keeper.clock.advance(900)
    await keeper.calendars.refresh_due()
    assert not keeper.standing.is_stale


async def test_one_that_never_came_is_stale_too(keep, server):
    server.says(status=503)
    keeper = await keep()
    await keeper.calendars.refresh_due()
    assert not keeper.standing.is_stale

    await keeper.clock.advance(timedelta(minutes=61))

    assert keeper.standing.is_stale
    assert keeper.standing.checked_at is None


async def test_a_slow_one_does_not_hold_up_another(keep, server):
    both = SCHEDULES.replace(
        "schedules: {", "schedules: { slow: { ical: { url: { env: OTHER } } },"
    )
    keeper = await keep(text=CONFIG + both)

    async def by_link(request):
        if "other" in request.path_qs:
            return await dripping(request)
        return web.Response(body=roster("ana"))

    server.answer = by_link
    looking = asyncio.ensure_future(keeper.calendars.refresh_due())
    async with asyncio.timeout(10):
        while keeper.calendars.standing()[1].checked_at is None:  # noqa: ASYNC110 - a process sets no event
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)

    assert not looking.done()
    await keeper.clock.advance(900)
    await keeper.calendars.refresh_due()
    assert sum("other" in request.path_qs for request in server.asked) == 1
    assert len(server.asked) == 3
    looking.cancel()
    await asyncio.wait([looking])


async def test_a_copy_that_is_spoilt_is_told_and_fetched_anew(tmp_path, server, logged):
    server.says(roster("ana"), etag='"v1"')
    async with keeper(tmp_path, server) as first:
        await first.calendars.refresh_due()
    spoil(tmp_path, "UPDATE calendars SET events = x'00'")

    async with keeper(tmp_path, server) as second:
        assert second.on_call() == ()
        await second.calendars.refresh_due()
        assert second.on_call() == ("ana",)
    assert len(told(logged, "calendar_copy_lost")) == 1


async def test_a_copy_without_its_text_comes_whole_the_next_time(tmp_path, server):
    server.says(roster("ana"), etag='"v1"')
    async with keeper(tmp_path, server) as first:
        await first.calendars.refresh_due()
    spoil(tmp_path, "UPDATE calendars SET body = x'00'")

    async with keeper(tmp_path, server, at=NOON + timedelta(days=2)) as second:
        await second.calendars.refresh_due()
        assert second.standing.error == "the copy on file cannot be read; it is fetched anew"
        await second.clock.advance(300)
        await second.calendars.refresh_due()
        assert second.standing.error == ""
        assert second.on_call() == ("ana",)


async def test_a_copy_that_nobody_wants_goes_after_a_month(tmp_path, server):
    server.says(roster("ana"))
    async with keeper(tmp_path, server) as first:
        await first.calendars.refresh_due()
    gone = CONFIG.replace("platform", "ben")

    for days, left in ((30, 1), (32, 0)):
        async with keeper(tmp_path, server, text=gone, at=NOON + timedelta(days=days)):
            pass
        with closing(sqlite3.connect(tmp_path / "escalator.db")) as db:
            assert db.execute("SELECT count(*) FROM calendars").fetchone() == (left,)


async def test_the_link_is_not_on_file(tmp_path, server):
    server.says(roster("ana"))
    async with keeper(tmp_path, server) as one:
        await one.calendars.refresh_due()

    assert all(b"s3cret" not in file.read_bytes() for file in tmp_path.glob("escalator.db*"))


def spoil(folder, statement):
    with closing(sqlite3.connect(folder / "escalator.db")) as db, db:
        assert db.execute(statement).rowcount == 1
