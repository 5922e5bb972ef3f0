"""The page of what is open, over real HTTP and a real database: its order, its words, its forms, without a script."""

import re
from datetime import timedelta
from html import unescape

import pytest

from escalator.escalation.events import Action, Asked
from escalator.escalation.rules import Rules
from escalator.web.board.frame import HEADERS

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARTIAL = {"HX-Request": "true"}


async def page_of(listener, path="/", **headers):
    answer = await listener.get(path, headers=headers)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return answer.body.decode()


async def send(listener, path, headers=(), **fields):
    return await listener.ask(
        "POST", path, data={"back": "now", **fields}, headers=dict(headers or {})
    )


def titles(page):
    return [unescape(one) for one in re.findall(r'<h2 id="t-.*?<bdi>(.*?)</bdi>', page, re.S)]


async def act(listener, incident, action, **fields):
    answer = await listener.post(f"/api/v1/incidents/{incident}/{action}", fields)
    assert answer.status == 200


async def test_without_incidents_it_is_quiet(listener):
    assert "All quiet" in await page_of(listener)


async def test_the_oldest_that_nobody_has_taken_comes_first(listener):
    names = ["taken", "old", "snoozed", "young"]
    incidents = {}
    for name in names:
        incidents[name] = await listener.fire(name)
        await listener.clock.advance(1)
    await act(listener, incidents["taken"], "acknowledge", by="ben")
    await act(listener, incidents["snoozed"], "snooze")

    page = await page_of(listener)

    assert titles(page) == ["old", "young", "taken", "snoozed"]
    assert "2 not acknowledged</strong>, 4 open" in page
    assert "Taken by <bdi>Ben Shah</bdi>" in page


async def test_a_resolved_incident_is_gone(listener):
    incident = await listener.fire()
    await act(listener, incident, "resolve")

    assert titles(await page_of(listener)) == []


async def test_a_row_tells_what_happens_next_and_when(listener):
    await listener.fire()

    page = await page_of(listener)

    assert "step 2 of round 1: Ben Shah" in page
    assert ">09:05:00</time>" in page
    assert "in 5 min" in page


async def test_how_long_ago_goes_on_while_nothing_changes(listener):
    """A row is made once, its ages each time."""
    await listener.fire()
    await page_of(listener)
    await listener.clock.advance(180)

    page = await page_of(listener)

    assert "3 min ago" in page
    assert "in 2 min" in page


async def test_what_made_a_row_is_seen_in_it(listener):
    """Made again when its incident, and when the rules change."""
    incident = await listener.fire()
    await page_of(listener)
    await act(listener, incident, "escalate")
    assert "step 1 of round 2: Ana Ortega" in await page_of(listener)

    rules: Rules = listener.engine.rules
    people = {**rules.people}
    listener.engine.rules = Rules(people={}, policies=rules.policies)

    assert "Ana Ortega" not in titles_and_words(await page_of(listener))
    assert people


def titles_and_words(page):
    return page[page.index('<main id="live"') :]


@pytest.mark.parametrize(
    ("action", "phase"),
    [("acknowledge", "acknowledged"), ("snooze", "snoozed"), ("resolve", "resolved")],
)
async def test_a_form_acts_and_leads_back(listener, action, phase):
    incident = await listener.fire()

    answer = await send(listener, f"/incidents/{incident}/{action}")

    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert listener.engine.reader.incident(incident).phase == phase


async def test_from_its_own_page_it_leads_back_to_that(listener):
    incident = await listener.fire()

    answer = await send(listener, f"/incidents/{incident}/acknowledge", back="incident")

    assert answer.headers["Location"] == f"/incidents/{incident}"


async def test_passing_on_begins_the_next_step(listener):
    incident = await listener.fire()

    await send(listener, f"/incidents/{incident}/escalate")

    assert listener.engine.reader.incident(incident).step == 1


async def test_a_script_gets_the_live_part_at_once_and_a_word_on_what_was_done(listener):
    incident = await listener.fire()

    answer = await send(listener, f"/incidents/{incident}/acknowledge", PARTIAL)

    assert answer.status == 200
    assert answer.body.decode().lstrip().startswith('<main id="live"')
    assert b"phase-acknowledged" in answer.body
    assert answer.headers["Board-Told"] == "Acknowledged."


async def test_what_changed_nothing_says_so(listener):
    incident = await listener.fire()
    await act(listener, incident, "resolve")

    answer = await send(listener, f"/incidents/{incident}/acknowledge", PARTIAL)

    assert answer.headers["Board-Told"] == "Nothing changed: it is resolved."


@pytest.mark.parametrize(("fields", "hours"), [({"for": "1h"}, 1), ({"for": "4h"}, 4)])
async def test_a_snooze_lasts_as_long_as_its_button_says(listener, fields, hours):
    incident = await listener.fire()

    await send(listener, f"/incidents/{incident}/snooze", **fields)

    until = listener.engine.reader.incident(incident).until
    assert until == listener.clock.now() + timedelta(hours=hours)


async def test_a_snooze_until_a_time_is_meant_in_the_zone_beside_the_field(listen):
    listener = await listen("receivers: { hook: { type: webhook } }\ntimezone: Europe/Berlin\n")
    incident = await listener.fire()
    assert 'Snooze until <span class="quiet">(Europe/Berlin)' in await page_of(listener)

    await send(listener, f"/incidents/{incident}/snooze", until="2026-11-02T12:30")

    until = listener.engine.reader.incident(incident).until
    assert until.isoformat() == "2026-11-02T11:30:00+00:00"


@pytest.mark.parametrize(
    ("action", "fields", "told"),
    [
        ("note", {"text": "  "}, "Write the note first."),
        ("snooze", {"until": ""}, "Choose until when."),
        ("snooze", {"until": "2026-11-02T08:00"}, "Must be ahead, and at most 30 days."),
        ("snooze", {"until": "soon & <b>"}, "Must be a time"),
        ("snooze", {"for": "soon"}, "30s"),
    ],
)
async def test_what_cannot_be_used_is_told_at_its_field_and_nothing_typed_is_lost(
    listener, action, fields, told
):
    incident = await listener.fire()

    for headers in ({}, PARTIAL):
        answer = await send(listener, f"/incidents/{incident}/{action}", headers, **fields)
        page = answer.body.decode()

        assert answer.status == 400
        assert told in page
        assert 'aria-invalid="true"' in page
        assert "<details" in page
        assert '<details class="more" open>' in page
        typed = unescape(page)
        assert fields.get("until", "") in typed
    assert listener.engine.reader.incident(incident).phase == "triggered"


async def test_what_was_typed_into_a_note_that_is_too_long_is_kept(listener):
    incident = await listener.fire()
    text = "all of this was typed " * 60

    answer = await send(listener, f"/incidents/{incident}/note", text=text)

    assert answer.status == 400
    assert text in answer.body.decode()


async def test_a_note_is_in_the_timeline_of_who_wrote_it(listener):
    incident = await listener.fire()

    await send(listener, f"/incidents/{incident}/note", text="the switch", back="incident")

    page = await page_of(listener, f"/incidents/{incident}")
    assert "<bdi>the switch</bdi>" in page


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil"}])
async def test_a_form_of_another_site_does_nothing(listener, headers):
    """(X11)"""
    incident = await listener.fire()

    answer = await send(listener, f"/incidents/{incident}/acknowledge", headers)

    assert answer.status == 403
    assert listener.engine.reader.incident(incident).phase == "triggered"


async def test_reading_changes_nothing(listener):
    incident = await listener.fire()

    answer = await listener.get(f"/incidents/{incident}/acknowledge")

    assert answer.status == 405


async def test_a_body_that_is_no_form_is_refused(listener):
    incident = await listener.fire()

    answer = await listener.post(f"/incidents/{incident}/acknowledge", {"back": "now"})

    assert answer.status == 415
    assert b"<h1>" in answer.body


async def test_an_incident_that_is_not_there_is_a_page(listener):
    for answer in (
        await listener.get("/incidents/0123"),
        await send(listener, "/incidents/0123/acknowledge"),
    ):
        assert answer.status == 404
        assert b"There is nothing here" in answer.body


async def test_pages_forbid_everything_that_is_not_ours(listener):
    """(X12, X13)"""
    for path in ("/", "/reports", "/incidents/0123"):
        answer = await listener.get(path)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        page = answer.body.decode()
        assert not re.search(r"<script(?! src=\"/static/)|<style|\son\w+=|\sstyle=", page)
        assert not re.search(r"(src|href)=\"(?!/|#|data:image/svg)", page)


async def test_text_of_senders_is_only_ever_text(listener):
    """(X12, X13)"""
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}'
    await listener.fire(evil, severity='"><img src=x>')

    page = await page_of(listener)

    assert "<script>" not in page
    assert "<img" not in page
    assert evil in unescape(page)


# ---- who


async def test_nobody_in_particular_acts_as_the_board(listener):
    incident = await listener.fire()

    await send(listener, f"/incidents/{incident}/acknowledge")

    assert listener.engine.reader.incident(incident).acknowledged_by == "board"


async def test_who_sits_there_is_kept_in_a_cookie_that_no_other_site_can_use(listener):
    incident = await listener.fire()

    answer = await listener.ask("POST", "/who", data={"person": "ben", "back": "/reports"})
    cookie = answer.headers["Set-Cookie"]
    assert (answer.status, answer.headers["Location"]) == (303, "/reports")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    await send(listener, f"/incidents/{incident}/acknowledge", {"Cookie": cookie.partition(";")[0]})

    assert listener.engine.reader.incident(incident).acknowledged_by == "ben"


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/\\evil", "javascript:1"]
)
async def test_who_leads_to_pages_of_ours_alone(listener, back):
    answer = await listener.ask("POST", "/who", data={"person": "", "back": back})

    assert answer.headers["Location"] == "/"


async def test_a_person_that_is_none_is_refused(listener):
    answer = await listener.ask("POST", "/who", data={"person": "eve"})

    assert answer.status == 400
    assert "Set-Cookie" not in answer.headers


async def test_a_cookie_that_names_nobody_is_nobody(listener):
    incident = await listener.fire()

    await send(listener, f"/incidents/{incident}/acknowledge", {"Cookie": "escalator_who=eve"})

    assert listener.engine.reader.incident(incident).acknowledged_by == "board"


LOGINS = """
receivers: { hook: { type: webhook } }
web: { users: { ben: { env: HASH } }, tokens: { ops: { env: OPS } } }
"""


async def test_a_login_is_who_acts_whatever_the_cookie_says(listen):
    listener = await listen(LOGINS)
    incident = await listener.fire()
    basic = {"Authorization": "Basic YmVuOmNvcnJlY3QgaG9yc2U=", "Cookie": "escalator_who=ana"}

    page = await page_of(listener, **basic)
    await send(listener, f"/incidents/{incident}/acknowledge", basic)

    assert "<bdi>Ben Shah</bdi>" in page
    assert 'action="/who"' not in page
    assert listener.engine.reader.incident(incident).acknowledged_by == "ben"


async def test_a_token_that_is_no_person_acts_by_its_name(listen):
    listener = await listen(LOGINS)
    incident = await listener.fire()

    await send(
        listener, f"/incidents/{incident}/acknowledge", {"Authorization": "Bearer ops-secret"}
    )

    assert listener.engine.reader.incident(incident).acknowledged_by == "ops"


async def test_without_a_login_nothing_is_shown(listen):
    listener = await listen(LOGINS)

    for path in ("/", "/reports", "/events", "/static/board.css"):
        assert (await listener.get(path)).status == 401


# ---- the pager itself


async def test_a_pager_that_is_unwell_says_so_in_red(listener):
    assert 'role="alert"' not in await page_of(listener)

    listener.not_ready.append("the store cannot be written")

    page = await page_of(listener)
    assert "The pager itself is unwell" in page
    assert "No alert can be taken: the store cannot be written." in page


async def test_a_page_that_waits_for_its_call_is_told(listener):
    """No dialer runs here: what is due stays due."""
    await listener.fire()
    await listener.clock.advance(61)

    page = await page_of(listener)

    assert "Calls are late: 1 page waits for a call" in page


async def test_a_config_that_does_not_load_is_told(listener):
    metrics = listener.engine.metrics
    metrics.config_loaded(b"123456", listener.clock.wall())
    assert "does not load" not in await page_of(listener)

    metrics.config_refused()

    assert "does not load" in await page_of(listener)


# ---- many


async def test_five_hundred_are_shown_and_the_rest_counted(listener):
    alerts = [
        {"key": str(n), "labels": {"alertname": f"Alert {n}"}, "status": "firing"}
        for n in range(502)
    ]
    await listener.post("/receive/hook", alerts)

    page = await page_of(listener)

    assert titles(page) == [f"Alert {n}" for n in range(500)]
    assert "And 2 more" in page
    assert page.count("<details") == 50


async def test_boards_that_ask_for_the_same_get_what_was_made_once(listener):
    await listener.fire()
    first = await listener.get("/?since=1", headers=PARTIAL)
    await listener.clock.advance(4)

    again = await listener.get("/?since=1", headers=PARTIAL)
    await listener.clock.advance(2)
    later = await listener.get("/?since=1", headers=PARTIAL)

    assert again.body == first.body
    assert later.body != first.body  # its ages are too old to be good


async def test_what_is_asked_for_after_a_change_is_newer_than_it(listener):
    incident = await listener.fire()
    before = await listener.get("/?since=1", headers=PARTIAL)
    await listener.engine.submit(Asked(incident_id=incident, action=Action.ACKNOWLEDGE, by="ana"))

    asked = await listener.get("/?since=3", headers=PARTIAL)

    assert b"phase-triggered" in before.body
    assert b"phase-acknowledged" in asked.body


async def test_a_title_of_any_length_and_script_stays_in_its_row(listener):
    name = "‮evil\u0000" + "Z̷̛͉" * 400 + "x" * 5000

    await listener.fire(name)

    page = await page_of(listener)
    assert len(titles(page)[0]) <= 300
