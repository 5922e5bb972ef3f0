"""Who is on call stands in a calendar elsewhere; that calendar turns bad, the daemon dies, the network is gone."""

from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from real_daemon import acknowledge, daemon_with_carrier, until

from escalator.simulator import Script

pytestmark = [pytest.mark.acceptance]

ANA, BEN = "+491713920012", "+447700900123"
CONFIG = f"""
people: {{ ana: {{ name: Ana Ortega, phone: "{ANA}" }}, ben: {{ phone: "{BEN}" }} }}
schedules: {{ platform: {{ ical: {{ url: {{ file: calendar.url }} }} }} }}
policies: {{ default: {{ steps: [{{ call: platform, retry: 1m, wait: 5m }}], fallback: {{ call: ben }} }} }}
receivers: {{ hook: {{ type: webhook }} }}
"""
GOOD = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//example//EN\r
BEGIN:VEVENT\r
UID:1@example.net\r
SUMMARY:[L1] Ana Ortega\r
DTSTART;VALUE=DATE:20200101\r
DTEND;VALUE=DATE:20990101\r
END:VEVENT\r
END:VCALENDAR\r
"""
BAD = GOOD.replace(b"SUMMARY", b"RRULE:FREQ=SECONDLY\r\nSUMMARY")
SUCCESS = "escalator_calendar_last_success_timestamp_seconds"
FETCHES = "escalator_calendar_fetches_total"


@asynccontextmanager
async def server_of(body):
    """The link of a calendar; `body[0]` is what it answers."""

    async def answer(_):
        return web.Response(body=body[0])

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/s3cret-link.ics"
    await runner.cleanup()


async def test_whom_a_calendar_names_is_rung_before_and_after_it_and_the_daemon_are_gone(tmp_path):
    body = [GOOD]
    async with daemon_with_carrier(tmp_path, CONFIG) as daemon:
        phone = daemon.simulator
        phone.people[ANA] = Script.manual()

        async def fetched(result):
            return await daemon.metric(FETCHES, result=result) >= 1

        async with server_of(body) as link:
            (tmp_path / "calendar.url").write_text(link)
            await daemon.start()
            await until(lambda: fetched("ok"), 20, lambda: daemon.log)
            incident = await daemon.fire("DiskFull")
            await acknowledge(await phone.wait_call(ANA, status="ringing", within=10))
            await daemon.phase(incident, "acknowledged")
            daemon.kill()

            body[0] = BAD
            await daemon.start()
            await until(lambda: fetched("refused"), 20, lambda: daemon.log)
            daemon.kill()

        await daemon.start()
        await until(lambda: fetched("failed"), 20, lambda: daemon.log)
        before = len(phone.calls)
        await daemon.fire("Another", who="somebody")
        await until(lambda: len(phone.calls) > before, 15, lambda: daemon.log)

        assert {one.to for one in phone.calls} == {ANA}
        assert await daemon.metric(SUCCESS, schedule="platform") > 0
        [ana] = [
            one
            for one in (await daemon.get("/api/v1/calendars")).json["calendars"]
            if one["name"] == "ana"
        ]
        feed = await daemon.get(ana["path"])
        assert "SUMMARY:On call: platform" in feed.text
        assert "s3cret" not in daemon.log
        assert ana["path"].split("/")[2][:20] not in daemon.log
