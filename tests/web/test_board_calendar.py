"""The page of who is on call in which weeks, over real HTTP: the drawing, the table, the zones, the forms."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape
from time import process_time
from zoneinfo import ZoneInfo

import pytest

from escalator.escalation.oncall import shifts
from escalator.web.board.weeks import Setting, rulers, told, week_of

MORE = """
timezone: Europe/Berlin
receivers: { hook: { type: webhook } }
schedules:
  primary:
    layers:
      - { rotate: { every: 1 week, at: mon 09:00, starting: 2026-01-05 }, people: [ana, ben] }
      - { rotate: { every: 1 day, starting: 2026-01-05 }, people: [ben], only: ["mon-fri 01:00-08:00"] }
    overrides: [{ person: ana, from: 2026-11-10, to: 2026-11-11, reason: written }]
  platform:
    timezone: Asia/Tokyo
    layers:
      - { rotate: { every: 1 day, starting: 2026-01-05 }, people: [ben], only: ["mon-fri 09:00-18:00"] }
"""
VIEW = {"shown": "primary", "week": "2026-11-02", "weeks": "2", "zone": "Europe/Berlin"}
NEW = {
    "schedule": "primary",
    "person": "ben",
    "from": "2026-11-04T18:00",
    "to": "2026-11-05T09:00",
    "reason": "swap",
}


@pytest.fixture
async def planned(listen):
    """It is Monday 2 November 2026, 10:00 in Berlin."""
    return await listen(MORE)


async def page_of(listener, query="", status=200):
    answer = await listener.get(f"/calendar{query}")
    assert answer.status == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return answer.body.decode()


async def send(listener, path="/calendar/overrides", **fields):
    return await listener.ask("POST", path, data=fields)


def table(page, name):
    """The rows of a schedule's table as lists of text."""
    found = re.search(rf"<caption>{name}, .*?</table>", page, re.S)
    assert found
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", found[0], re.S)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows]
    return [[unescape(re.sub("<[^>]+>", "", one)).strip() for one in row] for row in cells]


def field(page, name):
    return next(
        one for one in re.findall(r"<(?:input|select|textarea) [^>]*>", page) if f'"{name}"' in one
    )


def live_overrides(listener, name="primary"):
    return [one for one in listener.engine.rules.schedules[name].overrides if one.id]


async def test_it_shows_two_weeks_from_this_monday_on(planned):
    page = await page_of(planned)

    assert "Week 45, 2 Nov to 8 Nov 2026: Ana Ortega, Ben Shah" in page
    assert "Week 46, 9 Nov to 15 Nov 2026: Ana Ortega, Ben Shah" in page
    assert "Week 47" not in page
    assert ">now</text>" in page


async def test_the_table_says_the_same_as_the_arithmetic(planned):
    page = await page_of(planned, "?schedule=primary&week=2026-11-09&weeks=3")

    rules, zone = planned.engine.rules, ZoneInfo("Europe/Berlin")
    start, end = (datetime(2026, 11, day, tzinfo=zone) for day in (9, 30))
    expected = shifts(rules.schedules["primary"], rules.people, start, end)
    rows = table(page, "primary")
    assert [row[2] for row in rows] == [rules.people[one.people[0]].name for one in expected]
    assert rows[0] == ["Mon 9 Nov 00:00", "Mon 9 Nov 01:00", "Ben Shah", "layer 1"]
    assert ["Tue 10 Nov 00:00", "Thu 12 Nov 00:00", "Ana Ortega"] in [row[:3] for row in rows]


async def test_a_gap_is_hatched_and_says_nobody(planned):
    page = await page_of(planned, "?schedule=platform")

    assert 'class="bar-nobody" fill="url(#nobody)"' in page
    assert ">nobody</text>" in page
    assert '<span class="nobody"><bdi>nobody</bdi></span>' in page
    assert "Ben Shah, nobody at times" in page
    assert "nobody" in [row[2] for row in table(page, "platform")]


async def test_layers_and_overrides_differ_in_colour_and_pattern(planned):
    page = await page_of(planned, "?schedule=primary&week=2026-11-09&weeks=1")

    for look, kind in (("layer-1", "layer 1"), ("layer-2", "layer 2"), ("override", "override")):
        assert f'class="bar-{look}" fill="url(#{look})"' in page
        assert f'<pattern id="{look}"' in page
        assert re.search(rf"<li><svg[^>]*>.*?bar-{look}.*?</svg> {kind}</li>", page)
    assert ">written</text>" in page, "a wide bar of an override says why"


async def test_what_is_planned_elsewhere_is_told_in_both_zones(planned):
    page = await page_of(planned, "?schedule=platform&week=2026-11-02")

    assert "drawn in Europe/Berlin, planned in Asia/Tokyo" in page
    assert [
        "Mon 2 Nov 01:00",
        "Mon 2 Nov 10:00",
        "Ben Shah",
        "layer 1",
        "Mon 2 Nov 09:00",
    ] in table(page, "platform")


async def test_it_can_be_seen_in_the_zone_of_the_schedule(planned):
    page = await page_of(planned, "?schedule=platform&week=2026-11-02&zone=Asia/Tokyo")

    assert ["Mon 2 Nov 09:00", "Mon 2 Nov 18:00", "Ben Shah", "layer 1"] in table(page, "platform")
    assert '<option value="Asia/Tokyo" selected>Asia/Tokyo (platform)</option>' in page
    assert '<option value="Europe/Berlin">Europe/Berlin (yours, primary)</option>' in page


async def test_days_on_which_the_clock_changes_are_marked_with_a_word(planned):
    autumn = await page_of(planned, "?schedule=primary&week=2026-10-19&weeks=1")
    spring = await page_of(planned, "?schedule=primary&week=2026-03-23&weeks=1")
    usual = await page_of(planned, "?schedule=primary&week=2026-11-02&weeks=1")

    assert "Sun 25 Oct has 25 hours: the clock goes back from 03:00 to 02:00." in autumn
    assert ">25 h</text>" in autumn
    assert "Sun 29 Mar has 23 hours: the clock goes forward from 02:00 to 03:00." in spring
    assert ">23 h</text>" in spring
    assert "the clock goes" not in usual


def drawn(rules, name, first, zone, count=1):
    setting = Setting(
        zone=ZoneInfo(zone), people=rules.people, now=datetime(2026, 11, 2, tzinfo=UTC)
    )
    lines = list(rulers(first, count, setting))
    parts = told(rules.schedules[name], lines[0].start, lines[-1].end, setting)
    return [week_of(parts, one, setting) for one in lines]


async def test_a_week_is_filled_without_a_hole_however_long_it_is(planned):
    """Bars of one row or several: laid end to end they are the week, and a day of 25 hours is wider."""
    for first in (date(2026, 10, 19), date(2026, 3, 23), date(2026, 11, 2)):
        [week] = drawn(planned.engine.rules, "primary", first, "Europe/Berlin")
        at = 0.0
        for bar in week.bars:
            assert float(bar.x) == pytest.approx(at, abs=0.02)
            at = float(bar.x) + float(bar.width)
        assert at == pytest.approx(100, abs=0.02)
        assert sum(float(day.width) for day in week.ruler.days) == pytest.approx(100, abs=0.1)
    [week] = drawn(planned.engine.rules, "primary", date(2026, 10, 19), "Europe/Berlin")
    assert float(week.ruler.days[6].width) / float(week.ruler.days[0].width) == pytest.approx(
        25 / 24, abs=0.001
    )


async def test_a_zone_that_left_out_a_day_has_a_week_without_it(planned):
    [week] = drawn(planned.engine.rules, "primary", date(2011, 12, 26), "Pacific/Apia")

    assert [day.number for day in week.ruler.days] == ["26", "27", "28", "29", "31", "1 Jan"]


async def test_links_lead_to_the_weeks_before_and_after(planned):
    page = unescape(await page_of(planned, "?schedule=primary&weeks=4&week=2027-01-06"))

    assert (
        "week=2026-12-07&weeks=4&zone=Europe%2FBerlin"
        in re.search(r'rel="prev" href="(.*?)"', page)[1]
    )
    assert "week=2027-02-01" in re.search(r'rel="next" href="(.*?)"', page)[1]
    assert ">This week</a>" in page
    assert ">This week</a>" not in await page_of(planned)


@pytest.mark.parametrize(
    ("query", "name", "problem"),
    [
        ("week=soon", "week", "Must be a day of the first week"),
        ("week=1999-01-01", "week", "Must be a day"),
        ("week=2199-12-31", "week", "beyond this calendar"),
        ("weeks=9", "weeks", "from 1 to 8"),
        ("weeks=0", "weeks", "from 1 to 8"),
        ("zone=Berlin", "zone", "Must be a time zone"),
        ("schedule=nope", "schedule", "no schedule of this name"),
    ],
)
async def test_what_cannot_be_shown_is_told_at_its_field(planned, query, name, problem):
    page = await page_of(planned, f"?{query}", 400)

    assert f'id="{name}" name="{name}" aria-invalid="true" aria-describedby="{name}-wrong"' in page
    assert problem in page
    assert "Week 4" in page, "the rest is shown all the same"
    if name == "week":
        assert f'type="{"text" if query == "week=soon" else "date"}" value="{query[5:]}"' in page


async def test_the_form_makes_an_override_and_leads_back_to_where_it_is_seen(planned):
    answer = await send(planned, **NEW, **VIEW)

    [made] = live_overrides(planned)
    assert answer.status == 303
    assert answer.headers["Location"] == (
        "/calendar?schedule=primary&week=2026-11-02&weeks=2&zone=Europe%2FBerlin"
        f"&made={made.id}#overrides"
    )
    assert (made.person, made.reason) == ("ben", "swap")
    assert (made.start, made.end) == (
        datetime(2026, 11, 4, 17, tzinfo=UTC),
        datetime(2026, 11, 5, 8, tzinfo=UTC),
    )
    page = await page_of(planned, answer.headers["Location"].removeprefix("/calendar"))
    assert "Saved: <bdi>Ben Shah</bdi> is on call" in page
    assert ["Wed 4 Nov 18:00", "Thu 5 Nov 09:00", "Ben Shah"] in [
        one[:3] for one in table(page, "primary")
    ]


async def test_what_is_typed_is_meant_in_the_zone_of_the_page(planned):
    await send(planned, **NEW, **{**VIEW, "zone": "Asia/Tokyo"})

    assert live_overrides(planned)[0].start == datetime(2026, 11, 4, 9, tzinfo=UTC)


async def test_one_beyond_these_weeks_leads_to_its_own(planned):
    later = {**NEW, "from": "2027-02-03T18:00", "to": "2027-02-04T09:00", "schedule": "platform"}

    answer = await send(planned, **later, **VIEW)

    assert "schedule=platform&week=2027-02-01&weeks=2" in answer.headers["Location"]


@pytest.mark.parametrize(
    ("change", "name", "problem"),
    [
        ({"to": ""}, "to", "Is missing"),
        ({"from": ""}, "from", "Is missing"),
        ({"to": "2026-11-04T17:00"}, "to", "the span is empty"),
        ({"from": "2020-11-04T18:00", "to": "2020-11-05T18:00"}, "to", "is over already"),
        ({"from": "tomorrow"}, "from", "Not a moment"),
        ({"person": ""}, "person", "There is no person"),
        ({"person": "ann"}, "person", "ana, ben"),
        ({"schedule": "nope"}, "schedule", "There is no schedule"),
        ({"reason": "x" * 501}, "reason", "longer than 500"),
    ],
)
async def test_a_slip_in_the_form_is_told_at_its_field_and_nothing_typed_is_lost(
    planned, change, name, problem
):
    typed = {**NEW, **change}

    answer = await send(planned, **typed, **VIEW)

    page = unescape(answer.body.decode())
    assert answer.status == 400
    assert live_overrides(planned) == []
    assert 'aria-invalid="true"' in field(page, f"new-{name}")
    assert "autofocus" in field(page, f"new-{name}")
    assert problem in re.search(rf'id="new-{name}-wrong">(.*?)</span>', page, re.S)[1]
    assert f'value="{typed["reason"]}"' in field(page, "new-reason")
    assert f'value="{typed["from"]}"' in field(page, "new-from")
    kind = "text" if typed["from"] == "tomorrow" else "datetime-local"
    assert f'type="{kind}"' in field(page, "new-from"), "a field for times would drop the word"
    if typed["person"] == "ben":
        assert '<option value="ben" selected>' in page
    assert "<title>Not saved" in page


async def test_a_live_override_can_be_removed_and_one_of_the_file_cannot(planned):
    await send(planned, **NEW, **VIEW)
    [made] = live_overrides(planned)
    page = await page_of(planned)
    assert page.count("Remove: ") == 1
    assert page.count("in the config file") == 1

    answer = await send(
        planned, f"/calendar/overrides/{made.id}/remove", **VIEW, schedule="primary"
    )

    assert answer.status == 303
    assert answer.headers["Location"].startswith("/calendar?schedule=primary&week=2026-11-02")
    assert live_overrides(planned) == []
    again = await send(planned, f"/calendar/overrides/{made.id}/remove")
    assert again.status == 404
    assert again.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_overrides_that_are_over_are_not_listed(planned):
    assert "in the config file" in await page_of(planned)
    await planned.clock.advance(11 * 86400)

    assert "in the config file" not in await page_of(planned)


async def test_who_did_it_is_who_sits_there(planned):
    await planned.ask(
        "POST", "/calendar/overrides", data={**NEW, **VIEW}, headers={"Cookie": "escalator_who=ana"}
    )

    by = planned.engine.reader.at_once(lambda db: db.execute("SELECT by FROM overrides").fetchone())
    assert by == ("ana",)


async def test_without_schedules_it_says_so(listener):
    page = await page_of(listener)

    assert "There are no schedules in the config" in page
    assert "Save the override" not in page


async def test_the_calendars_to_subscribe_to_are_linked(planned):
    page = await page_of(planned, "?schedule=primary")

    links = re.findall(r'<li><a href="(/calendar/[\w-]+\.ics)"><bdi>(.*?)</bdi>', page)
    assert [name for _, name in links] == ["Ana Ortega", "Ben Shah", "primary"]
    feed = await planned.get(links[2][0])
    assert feed.status == 200
    assert feed.body.startswith(b"BEGIN:VCALENDAR")


async def test_names_and_reasons_are_text_wherever_they_stand(planned):
    evil = """<script>x</script>"&'></title></svg>"""
    rules = planned.engine.rules
    people = {key: replace(one, name=evil) for key, one in rules.people.items()}
    planned.engine.rules = replace(rules, people=people)
    await send(planned, **{**NEW, "reason": evil}, **VIEW)

    page = await page_of(planned)

    assert evil in unescape(page)
    assert evil not in page
    assert "<script>x" not in page
    assert page.count("<title>") == page.count("</title>")


async def test_a_page_of_one_schedule_is_light(planned):
    answer = await planned.get(
        "/calendar?schedule=primary", headers={"Accept-Encoding": "identity"}
    )

    assert len(answer.body) < 60_000


MANY = "timezone: Europe/Berlin\nschedules:\n" + "".join(
    f"""
  s{n}:
    layers:
      - {{ rotate: {{ every: 1 week, at: mon 09:00, starting: 2026-01-05 }}, people: [ana, ben] }}
      - {{ rotate: {{ every: 1 day, starting: 2026-01-05 }}, people: [ben], only: ["mon-fri 01:00-08:00"] }}
"""
    for n in range(22)
)


async def test_eight_weeks_of_many_schedules_are_drawn_and_the_rest_is_counted(listen):
    many = await listen(MANY)

    page = await page_of(many, "?weeks=8")

    assert page.count('<svg class="plan"') == 8 * 20
    assert "And 2 more schedules" in page
    before = process_time()
    await page_of(many, "?weeks=8")
    assert process_time() - before < 2, "it is a tenth of a second; this is against squares"
