"""The page of silences, over real HTTP: what holds, the form, and what goes on ringing all the same."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest

from escalator.escalation.matchers import parse_matcher
from escalator.web.board.silences import as_matchers

NEW = {"matchers": 'alertname="DiskFull"\nenv=~"prod|test"', "comment": "new disks", "for": "1h"}
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
MORE = "timezone: Europe/Berlin\nreceivers: { hook: { type: webhook } }"


async def page_of(listener, query="", status=200):
    answer = await listener.get(f"/silences{query}")
    assert answer.status == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return unescape(answer.body.decode())


async def send(listener, path="/silences", **fields):
    return await listener.ask("POST", path, data=fields)


def text_area(page):
    return re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)[1]


async def test_without_silences_it_says_so(listener):
    assert "There are none: everything that comes in rings." in await page_of(listener)


async def test_the_form_makes_one_that_holds_the_next_alert(listener):
    answer = await send(listener, **NEW)

    [made] = listener.engine.rules.silences
    assert (answer.status, answer.headers["Location"]) == (303, f"/silences?made={made.id}")
    assert (made.start, made.end) == (NOW, NOW.replace(hour=10))
    assert [str(one) for one in made.matchers] == ['alertname="DiskFull"', 'env=~"prod|test"']
    assert (made.comment, made.by) == ("new disks", "board")
    held = await listener.fire("DiskFull", env="prod")
    assert listener.engine.reader.incident(held).phase == "snoozed"


async def test_until_is_meant_in_the_zone_of_the_page(listen):
    berlin = await listen(MORE)

    await send(
        berlin, matchers="env=prod", **{"from": "2026-11-02T12:00", "to": "2026-11-02T18:30"}
    )

    [made] = berlin.engine.rules.silences
    assert (made.start, made.end) == (NOW.replace(hour=11), NOW.replace(hour=17, minute=30))


async def test_a_button_with_a_length_wins_over_a_time_that_was_typed(listener):
    await send(listener, **{**NEW, "for": "4h", "to": "2026-12-01T00:00"})

    assert listener.engine.rules.silences[0].end == NOW.replace(hour=13)


async def test_what_is_open_goes_on_and_can_be_snoozed_beside_it(listener):
    ringing = await listener.fire("DiskFull", env="prod")
    await listener.fire("CpuHot", env="prod")

    answer = await send(listener, **NEW)

    page = await page_of(listener, answer.headers["Location"].removeprefix("/silences"))
    assert "It holds back what comes until Mon 2 Nov 10:00." in page
    told = page[page.index('class="made"') : page.index("In force and to come")]
    assert re.findall(r'href="/incidents/(\w+)"', told) == [ringing]
    assert "An open incident fits and goes on all the same." in told
    assert listener.engine.reader.incident(ringing).phase == "triggered"
    until = re.search(r'name="until" value="(.*?)"', told)[1]
    snoozed = await send(listener, f"/incidents/{ringing}/snooze", back="incident", until=until)
    assert snoozed.headers["Location"] == f"/incidents/{ringing}"
    incident = listener.engine.reader.incident(ringing)
    assert (incident.phase, incident.until) == ("snoozed", NOW.replace(hour=10))


async def test_each_that_is_listed_says_which_open_incidents_it_fits(listener):
    ringing = await listener.fire("DiskFull", env="prod")
    await send(listener, **NEW)
    await send(listener, matchers="alertname=Other", **{"for": "1h"})

    page = await page_of(listener)

    assert page.count("1 open incident fits") == 1
    assert f'action="/incidents/{ringing}/snooze"' in page


async def test_active_and_pending_are_told_apart_and_what_is_over_is_gone(listener):
    await send(listener, **NEW)
    later = {"from": "2026-11-03T09:00", "to": "2026-11-03T10:00"}
    await send(listener, matchers="alertname=Later", **later)

    page = await page_of(listener)

    assert re.findall(r'class="chip (active|pending)"', page) == ["pending", "active"]
    assert "Tue 3 Nov 09:00 to Tue 3 Nov 10:00" in page
    assert "new disks" in page
    assert "by <bdi>board</bdi>" in page
    await listener.clock.advance(3601)
    assert re.findall(r'class="chip (active|pending)"', await page_of(listener)) == ["pending"]


async def test_one_can_be_ended_now_and_the_next_alert_rings(listener):
    await send(listener, **NEW)
    [made] = listener.engine.rules.silences

    answer = await send(listener, f"/silences/{made.id}/end")

    assert (answer.status, answer.headers["Location"]) == (303, "/silences")
    assert 'class="chip active"' not in await page_of(listener)
    other = {"key": "other", "labels": {"alertname": "DiskFull", "env": "prod"}}
    rings = (await listener.post("/receive/hook", other)).json["incidents"][0]["id"]
    assert listener.engine.reader.incident(rings).phase == "triggered"
    gone = await send(listener, "/silences/nothing/end")
    assert gone.status == 404
    assert gone.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("change", "name", "problem"),
    [
        ({"matchers": ""}, "matchers", "Must be a list of matchers"),
        ({"matchers": "alertname"}, "matchers", "is not a matcher"),
        ({"matchers": 'a=~"("'}, "matchers", "not a regular expression"),
        ({"matchers": 'a!="b"'}, "matchers", "Would silence everything"),
        ({"for": ""}, "to", "Write when it ends"),
        ({"for": "", "to": "2020-01-01T00:00"}, "to", "would be over before it begins"),
        ({"for": "", "to": "2029-01-01T00:00"}, "to", "at most a year"),
        ({"for": "", "to": "soon"}, "to", "Not a moment"),
        ({"for": "soon"}, "to", "Not a duration"),
        ({"from": "soon"}, "from", "Not a moment"),
        ({"comment": "x" * 501}, "comment", "longer than 500"),
    ],
)
async def test_a_slip_is_told_at_its_field_and_nothing_typed_is_lost(
    listener, change, name, problem
):
    typed = {**NEW, "from": "", "to": "", **change}

    answer = await send(listener, **typed)

    page = unescape(answer.body.decode())
    assert answer.status == 400
    assert listener.engine.rules.silences == ()
    assert f'name="{name}" aria-invalid="true" aria-describedby="{name}-wrong" autofocus' in page
    told = re.search(rf'id="{name}-wrong">(.*?)</span>', page, re.S)[1]
    assert problem in told
    assert text_area(page) == typed["matchers"]
    assert f'value="{typed["comment"]}"' in page
    assert f'name="to"{" aria" if name == "to" else ""}' in page
    for word in (typed["from"], typed["to"]):
        assert f'value="{word}"' in page


async def test_from_an_incident_its_labels_stand_in_the_form(listener):
    incident = await listener.fire("DiskFull", env="prod", path='C:\\ "x", y')

    page = await page_of(listener, f"?incident={incident}")

    lines = text_area(page).splitlines()
    assert lines == ['alertname="DiskFull"', 'env="prod"', 'path="C:\\\\ \\"x\\", y"']
    assert "Silence what is like <bdi>DiskFull</bdi>" in page
    assert "is open and goes on ringing; to stop that, snooze it" in page
    assert f'action="/incidents/{incident}/snooze"' in page
    await send(listener, matchers=text_area(page), incident=incident, **{"for": "1h"})
    assert listener.engine.rules.silences[0].holds(
        {"alertname": "DiskFull", "env": "prod", "path": 'C:\\ "x", y'}, NOW
    )


async def test_of_several_alerts_only_what_they_have_in_common(listen):
    one = await listen(
        "receivers: { hook: { type: webhook } }\nroutes: [{ name: all, group_by: [env] }]"
    )
    incident = await one.fire("DiskFull", env="prod", host="a", team="db")
    await one.fire("CpuHot", env="prod", host="b", team="db")

    page = await page_of(one, f"?incident={incident}")

    assert text_area(page).splitlines() == ['env="prod"', 'team="db"']


async def test_a_slip_keeps_the_incident_beside_it(listener):
    incident = await listener.fire("DiskFull")

    answer = await send(listener, matchers="x", incident=incident, **{"for": "1h"})

    page = answer.body.decode()
    assert answer.status == 400
    assert f'name="incident" value="{incident}"' in page
    assert f'action="/incidents/{incident}/snooze"' in page


async def test_the_pages_of_incidents_lead_here(listener):
    incident = await listener.fire()

    for path in ("/", f"/incidents/{incident}"):
        page = (await listener.get(path)).body.decode()
        assert f'href="/silences?incident={incident}"' in page
    assert (await listener.get("/silences?incident=nothing")).status == 404


async def test_what_strangers_wrote_is_text(listener):
    evil = "</textarea><script>x</script>\n'\""
    incident = await listener.fire(evil, **{evil: evil})
    await send(
        listener, matchers=as_matchers({"alertname": evil}), comment=evil[:-1], **{"for": "1h"}
    )

    for query in ("", f"?incident={incident}"):
        page = (await listener.get(f"/silences{query}")).body.decode()
        assert "<script>x" not in page


def test_matchers_made_of_labels_are_read_back_one_a_line():
    labels = {"a": 'x "y" \\', "b c": "line\nline", "d": "plain"}

    lines = as_matchers(labels).split("\n")

    assert len(lines) == 3
    assert all(parse_matcher(line).matches(labels) for line in lines)
