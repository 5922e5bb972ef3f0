"""The box of who is on call on the first page: who, until when, why, who is next, and nobody in red."""

import asyncio
import json
import re
from html import unescape

import pytest

MORE = """
timezone: Europe/Berlin
receivers: { hook: { type: webhook } }
schedules:
  primary:
    layers: [{ rotate: { every: 1 week, at: mon 09:00, starting: 2026-01-05 }, people: [ana, ben] }]
  standby:
    layers: [{ rotate: { every: 1 day, starting: 2026-01-05 }, people: [ana], only: ["20:00-06:00"] }]
"""


@pytest.fixture
async def planned(listen):
    """It is Monday 2 November 2026, 10:00 in Berlin."""
    return await listen(MORE)


async def box_of(listener):
    page = unescape((await listener.get("/")).body.decode())
    found = re.search(r'<details class="oncall".*?</details>', page, re.S)
    assert found
    return found[0]


def words(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


async def test_it_says_who_until_when_why_and_who_is_next(planned):
    box = words(await box_of(planned))

    assert "primary Ben Shah until Mon 9 Nov 09:00 in 6 d , then Ana Ortega layer 1" in box


async def test_nobody_is_said_in_red_and_first(planned):
    box = await box_of(planned)

    assert '<strong class="nobody">nobody</strong> <span class="quiet">(<bdi>standby</bdi>)' in box
    assert "On call: nobody ( standby ) , Ben Shah ( primary )" in words(box)
    assert "standby nobody until Mon 2 Nov 20:00 in 10 h , then Ana Ortega" in words(box)


async def test_it_is_open_while_all_is_quiet_and_closed_beside_incidents(planned):
    assert '<details class="oncall" open>' in await box_of(planned)

    await planned.fire()

    assert '<details class="oncall">' in await box_of(planned)


async def test_each_schedule_leads_to_its_calendar(planned):
    assert 'href="/calendar?schedule=standby"' in await box_of(planned)


async def test_times_and_reasons_are_in_the_readers_zone(listen):
    one = await listen(MORE.replace("Europe/Berlin", "Asia/Tokyo", 1))
    new = {"schedule": "primary", "person": "ana", "from": "2026-11-02T08:00:00Z"}
    await one.post("/api/v1/overrides", {**new, "to": "2026-11-02T12:00:00Z", "reason": "swap"})

    box = words(await box_of(one))

    assert "until Mon 2 Nov 21:00 in 3 h , then Ben Shah override: swap until 2 Nov 21:00" in box


async def test_an_override_is_seen_at_once(planned):
    await box_of(planned)
    new = {"schedule": "primary", "person": "ana", "from": "2026-11-02 09:00"}
    await planned.post("/api/v1/overrides", {**new, "to": "2026-11-02 12:00"})

    assert "primary Ana Ortega until Mon 2 Nov 12:00" in words(await box_of(planned))


async def test_a_handoff_is_seen_on_the_page(planned):
    await box_of(planned)
    await planned.clock.advance(10 * 3600)

    assert "standby Ana Ortega until Tue 3 Nov 06:00" in words(await box_of(planned))


async def test_a_reason_is_seen_when_it_begins_though_the_same_person_stays(planned):
    new = {"schedule": "primary", "person": "ben", "from": "2026-11-02 12:00"}
    await planned.post("/api/v1/overrides", {**new, "to": "2026-11-02 13:00", "reason": "asked"})
    assert "asked" not in await box_of(planned)
    await planned.clock.advance(2 * 3600)

    assert "override: asked until 2 Nov 13:00" in await box_of(planned)


async def test_open_boards_hear_of_a_handoff(planned):
    """Nothing happened to an incident; the pages that show who is on call are old all the same."""
    await planned.clock.advance(10 * 3600 - 30)
    url = f"{planned.url}/events"
    async with planned.session.get(url, headers={"Accept": "text/event-stream"}) as stream:
        assert await stream.content.readuntil(b"\n\n") == b": here\n\n"
        await asyncio.sleep(0.05)
        await planned.clock.advance(40)
        event = b": here\n\n"
        while event == b": here\n\n":
            event = await asyncio.wait_for(stream.content.readuntil(b"\n\n"), 2)

    assert json.loads(event.split(b"data: ")[1]) == {"incidents": [], "all": True}


async def test_how_many_silences_hold_is_said(planned):
    assert "silence holds" not in (await planned.get("/")).body.decode()
    new = {"matchers": ["alertname=DiskFull"], "for": "1h"}
    await planned.post("/api/v1/silences", new)

    assert "1 silence holds alerts back." in (await planned.get("/")).body.decode()
    await planned.clock.advance(3601)
    assert "silence holds" not in (await planned.get("/")).body.decode()


async def test_without_schedules_there_is_no_box(listener):
    assert 'class="oncall"' not in (await listener.get("/")).body.decode()


MANY = "schedules:\n" + "".join(
    f"  s{n}: {{ layers: [{{ rotate: {{ every: 1 week, starting: 2026-01-05 }}, people: [{who}] }}] }}\n"
    for n, who in enumerate(["ana"] * 6)
)


async def test_of_many_schedules_some_are_named_and_all_are_listed(listen):
    box = words(await box_of(await listen(MANY)))

    assert "and 2 more" in box
    assert all(f" s{n} Ana Ortega" in box for n in range(6))
