"""The page of one incident: what is on file in words, links that are links, who was called, and who was not and why."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from escalator.escalation.call_events import (
    CallAccepted,
    CallIntended,
    CallPrompted,
    CallReported,
    KeyPressed,
    Wanted,
)
from escalator.escalation.calls import (
    AnswerRequest,
    Call,
    CallKind,
    CallOutcome,
    CallPage,
    CallState,
    Speech,
)
from escalator.web.board.said import said_in
from escalator.web.board.whys import whys
from escalator.web.board.wording import local_time, masked, pieces, roughly, span, web_address

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SID = "CA" + "0" * 32


async def page_of(listener, incident):
    answer = await listener.get(f"/incidents/{incident}")
    assert answer.status == 200
    return answer.body.decode()


async def post(listener, **alert):
    answer = await listener.post("/receive/hook", alert)
    return answer.json["incidents"][0]["id"]


def call_about(incident, **more):
    page = CallPage(n=1, incident_id=incident, person="ana", told=True)
    values = {
        "id": "1",
        "kind": CallKind.PAGE,
        "to": "+491713920012",
        "person": "ana",
        "created_at": AT,
        "lasts": 385.0,
        "pages": (page,),
    }
    return Call(**{**values, **more})


async def called(listener, incident, *, key="4"):
    """Ana is called about the incident and presses a key."""
    engine, now = listener.engine, listener.clock.now()
    [page] = engine.reader.due_pages()
    await engine.submit(
        CallIntended(
            call_id="c1",
            to="+491713920012",
            from_="+15005550006",
            person="ana",
            token_hash="t",
            lasts=385.0,
            pages=(Wanted(incident_id=page.incident_id, person=page.person),),
        ),
        CallAccepted(call_id="c1", token_hash="t", sid=SID),
    )
    request = AnswerRequest(at=now, content_type="", body="")
    await engine.submit(CallPrompted(call_id="c1", token_hash="t", sid=SID, request=request))
    if key:
        await engine.submit(KeyPressed(call_id="c1", token_hash="t", sid=SID, key=key, heard=1))
    await engine.submit(
        CallReported(call_id="c1", token_hash="t", sid=SID, status="completed", duration=75)
    )


async def test_what_came_in_is_shown(listener):
    incident = await post(
        listener,
        key="a",
        summary="The disk of db1 is full",
        labels={"alertname": "DiskFull", "severity": "critical", "instance": "db1"},
        url="https://prometheus.example.net/graph",
    )

    page = await page_of(listener, incident)

    assert "<bdi>DiskFull</bdi></h1>" in page
    assert "<dt><bdi>instance</bdi></dt><dd><bdi>db1</bdi></dd>" in page
    assert "DiskFull fires; route default, policy default" in page
    assert '<a href="https://prometheus.example.net/graph" rel="noreferrer noopener">' in page
    raw = re.search(r"Raw payload.*?<pre[^>]*><bdi>(.*?)</bdi>", page, re.S)[1]
    assert '"instance"' in unescape(raw)


async def test_only_addresses_of_the_web_are_links(listener):
    incident = await post(
        listener,
        key="a",
        url="javascript:alert(1)",
        annotations={
            "runbook": "javascript:alert(2)",
            "data": "data:text/html,<script>alert(3)</script>",
            "text": 'see https://runbooks.example.net/disk?a=1&b="x", then act',
            "odd": "https://[::1 and HTTPS://Runbooks.example.net/UP",
        },
    )

    page = await page_of(listener, incident)

    links = re.findall(r'<a href="([^"]*)" rel', page)
    assert [unescape(one) for one in links] == [
        "https://runbooks.example.net/disk?a=1&b=",
        "HTTPS://Runbooks.example.net/UP",
    ]
    assert "javascript:alert(1)" in page


async def test_a_hundred_alerts_are_shown_and_the_rest_counted(listener):
    alerts = [{"labels": {"alertname": "Up", "n": str(n)}} for n in range(103)]
    listed = {"alerts": alerts, "groupKey": "g", "version": "4"}
    answer = await listener.post("/receive/hook", listed)

    page = await page_of(listener, answer.json["incidents"][0]["id"])

    assert page.count('<article class="card alert"') == 100
    assert "And 3 more" in page


async def test_a_call_is_told_with_its_end_and_a_number_nobody_can_ring(listener):
    incident = await listener.fire()
    await called(listener, incident)

    page = await page_of(listener, incident)

    assert '<bdi>Ana Ortega</bdi></strong> <span class="quiet">…012</span>' in page
    assert "call-acknowledged" in page
    assert "lasted 1 min 15 s" in page
    assert "+491713920012" not in page[page.index("<main") :]
    assert "Taken by <bdi>Ana Ortega</bdi>" in page


async def test_what_was_said_is_made_again_and_says_so(listener):
    incident = await listener.fire("DiskFull")
    await called(listener, incident)

    page = await page_of(listener, incident)

    assert "as it would be said now" in page
    said = re.findall(r'<p class="said" lang="ja-JP"><bdi>(.*?)</bdi>', page)
    assert any("DiskFull" in sentence for sentence in said)


async def test_words_on_file_are_the_words(listener):
    speech = Speech(say="the building is on fire", voice="", language="en-GB", loop=1)
    call = call_about("i", kind=CallKind.DIRECT, pages=(), speech=speech, answered_at=AT)

    said = said_in(listener.engine.rules, call, [])

    assert said.is_stored
    assert [(one.text, one.language) for one in said.sentences] == [
        ("the building is on fire", "en-GB")
    ]


@pytest.mark.parametrize("outcome", [CallOutcome.NO_ANSWER, CallOutcome.UNHEARD, CallOutcome.LOST])
async def test_a_call_that_nobody_heard_said_nothing(listener, outcome):
    incident = listener.engine.reader.incident(await listener.fire())
    call = call_about(incident.id, state=CallState.ENDED, outcome=outcome)

    assert said_in(listener.engine.rules, call, [incident]) is None


async def test_a_machine_heard_what_machines_hear(listener):
    incident = listener.engine.reader.incident(await listener.fire("DiskFull"))
    call = call_about(incident.id, state=CallState.ENDED, outcome=CallOutcome.MACHINE)

    [sentence] = said_in(listener.engine.rules, call, [incident]).sentences

    assert "DiskFull" not in sentence.text


async def why(listener, incident, calls=()):
    found = listener.engine.reader.incident(incident)
    answers = whys(listener.engine.rules, found, calls, ())
    return {one.person: (one.was_called, *one.reasons) for one in answers}


async def test_why_follows_the_steps(listener):
    incident = await listener.fire()

    assert await why(listener, incident) == {
        "ana": (
            False,
            "a call is due and will be placed as soon as the carrier and the limits allow",
        ),
        "ben": (False, "step 2 rings them; it has not begun yet"),
    }


async def test_why_names_what_came_before_the_step(listener):
    incident = await listener.fire()
    await called(listener, incident)
    call = listener.engine.reader.call("c1")

    assert await why(listener, incident, [call]) == {
        "ana": (True, "the call ended as acknowledged"),
        "ben": (False, "step 2 rings them; it was acknowledged before it began"),
    }


async def test_why_knows_who_is_in_no_step(listener):
    incident = await listener.fire()
    rules = listener.engine.rules
    default = rules.policies["default"]
    solo = replace(default, steps=default.steps[:1], fallback=("ana",))
    listener.engine.rules = replace(rules, policies={**rules.policies, "default": solo})

    found = await why(listener, incident)

    assert found["ben"] == (False, "no step of policy default rings them")


async def test_the_page_of_what_is_over_has_no_buttons(listener):
    incident = await listener.fire()
    await listener.post(f"/api/v1/incidents/{incident}/resolve", {"by": "ben"})

    page = await page_of(listener, incident)

    assert "Resolved by <bdi>Ben Shah</bdi>" in page
    assert "<button class=" not in page[page.index("<main") :]


async def test_a_long_timeline_says_what_it_leaves_out(listener):
    incident = await listener.fire()
    await listener.engine.change(
        "INSERT INTO timeline (incident_id, at, event, text) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
        "FROM n WHERE i < 1200) SELECT ?, 0, 'note', 'line ' || i FROM n",
        (incident,),
    )

    page = await page_of(listener, incident)

    assert "202 lines are left out here" in page


# ---- words


@pytest.mark.parametrize(
    ("text", "is_link"),
    [
        ("https://a.example/x?y=1#z", True),
        ("HTTP://A.example", True),
        ("javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("//a.example", False),
        ("https://", False),
        ("https://[", False),
        ("https://a.example/x y", False),
        (' https://a.example/"onclick=', False),
        ("", False),
    ],
)
def test_an_address_is_one_of_the_web(text, is_link):
    assert web_address(text) == (text if is_link else "")


def test_pieces_put_together_are_the_text():
    text = "a https://b.example/c). d https:// e http://f.example"

    found = list(pieces(text))

    assert "".join(part for part, _ in found) == text
    assert [link for _, link in found if link] == ["https://b.example/c", "http://f.example"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (134, "2 min 14 s"),
        (3600, "1 h"),
        (90061, "1 d 1 h"),
        (-5, "0 s"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(seconds, words):
    assert span(seconds) == words


def test_a_rough_span_has_one_unit():
    assert [roughly(timedelta(seconds=one)) for one in (5, 119, 7199, 200_000)] == [
        "5 s",
        "1 min",
        "1 h",
        "2 d",
    ]


def test_a_number_keeps_its_last_three_digits():
    assert masked("+491713920012") == "…012"


def test_a_time_of_another_day_bears_its_date():
    from zoneinfo import ZoneInfo

    berlin = ZoneInfo("Europe/Berlin")
    assert local_time(AT, AT, berlin) == "10:00:00"
    assert local_time(AT, AT + timedelta(days=1), berlin) == "2 Nov 10:00:00"
    assert local_time(AT, AT + timedelta(days=300), berlin) == "2 Nov 2026 10:00:00"
