"""The page that answers who would be rung: labels as people type them, the way of an alert, each ring."""

import re
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from escalator.web.board.labels import read_labels, write_labels

MORE = """
timezone: Europe/Berlin
receivers: { hook: { type: webhook } }
schedules:
  primary:
    layers: [{ rotate: { every: 1 week, at: mon 09:00, starting: 2026-01-05 }, people: [ana, ben] }]
    overrides: [{ person: ben, from: 2026-10-25, to: 2026-10-25, reason: a concert }]
routes:
  - { name: muted, matchers: ['severity=~"info|none"'], policy: none }
  - { name: tickets, matchers: ['severity="warning"', 'env!="prod"'], policy: none }
  - { name: rest, policy: paging }
heartbeats: { prometheus: { matchers: ['alertname="Watchdog"'], every: 1m } }
"""
POLICIES = """
  paging: { steps: [{ call: primary }, { call: [primary.next] }], repeat: 2, fallback: { call: ana, every: 10m } }
"""


@pytest.fixture
async def ruled(listen):
    return await listen(POLICIES + MORE)


def words(page):
    """The text of a page as somebody reads it."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


async def ask(listener, status=200, **query):
    answer = await listener.get(f"/explain?{urlencode(query)}")
    assert answer.status == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return answer.body.decode()


async def test_without_a_question_there_is_the_form_alone(ruled):
    page = await ask(ruled)

    assert '<textarea id="labels"' in page
    assert "alertname=DiskFull severity=critical" in page
    assert "If nobody acknowledges" not in page


async def test_who_is_rung_at_three_on_the_25th_of_october(ruled):
    page = await ask(ruled, labels="alertname=DiskFull severity=critical", at="2026-10-25T03:00")

    text = words(page)
    assert "Ben Shah is rung first, at 03:00." in text
    assert "If it fires on Sun 25 Oct 2026 03:00" in text
    assert "03:00 Ben Shah …123 , again 03:02, 03:04" in text
    assert "primary: override: a concert until 26 Oct 00:00" in text
    assert "03:05 +5m Ana Ortega …012" in text
    assert 'value="2026-10-25T03:00"' in page
    assert "+447700900123" not in page, "numbers are masked"


async def test_the_route_taken_and_why_the_earlier_ones_were_not(ruled):
    text = words(await ask(ruled, labels="alertname=DiskFull severity=warning env=prod"))

    assert "rest (3 of 3)" in text
    assert 'not muted : severity=~"info|none": the alert has severity="warning"' in text
    assert 'not tickets : env!="prod": the alert has env="prod"' in text
    assert "paging 2 steps, 2 rounds" in text


async def test_the_rounds_and_the_fallback_and_what_it_comes_to(ruled):
    page = await ask(ruled, labels="alertname=A", at="2026-11-04T12:00")

    text = words(page)
    assert re.search(r"Worst case: \d+ calls; from 12:20 on the fallback is rung every 10m", text)
    assert re.search(r"<details><summary><span><strong>Round 2, 12:10</strong>: 6 calls", page)
    fallback = text[text.index("Fallback, 12:20") :]
    assert fallback.index("nobody acknowledged") < fallback.index("Ana Ortega …012")


async def test_a_ring_after_midnight_says_its_day(ruled):
    text = words(await ask(ruled, labels="alertname=A", at="2026-11-04T23:58"))

    assert "Thu 5 Nov 00:03 +5m" in text


async def test_what_a_silence_holds_rings_later_and_it_says_so(ruled):
    new = {"matchers": ["env=test"], "for": "2h", "comment": "new disks"}
    await ruled.post("/api/v1/silences", new)

    text = words(await ask(ruled, labels="alertname=A env=test"))

    assert "held silence" in text
    assert "(new disks) until Mon 2 Nov 12:00" in text
    assert "is rung first, at 12:00, 2h later." in text


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("alertname=Watchdog", "Nobody is rung: this is only a beat of prometheus."),
        ("severity=info", "Nobody is rung: policy none records and never calls."),
    ],
)
async def test_when_nobody_is_rung_it_says_why(ruled, labels, expected):
    page = await ask(ruled, labels=labels)

    assert expected in words(page)
    assert "If nobody acknowledges" not in page


async def test_warnings_are_told(listen):
    gap = """
  paging: { steps: [{ call: night }, { call: ana }] }
timezone: Europe/Berlin
schedules:
  night: { layers: [{ rotate: { every: 1 day, starting: 2026-01-05 }, people: [ben], only: ["22:00-06:00"] }] }
routes: [{ name: rest, policy: paging }]
"""
    one = await listen(gap)

    page = await ask(one, labels="alertname=A", at="2026-11-04T12:00")

    warnings = re.search(r'<ul class="warnings".*?</ul>', page, re.S)[0]
    assert "nobody is on call in night (4 Nov 06:00 to 4 Nov 22:00)" in words(warnings)
    assert "Ana Ortega is rung first, at 12:00." in words(page)


async def test_the_form_leads_to_an_address_that_asks_the_same(ruled):
    typed = {"labels": 'alertname="Disk & full"\nseverity=critical', "at": "2026-10-25T03:00"}

    answer = await ruled.ask("POST", "/explain", data=typed)

    assert answer.status == 303
    parts = urlsplit(answer.headers["Location"])
    assert parts.path == "/explain"
    assert {name: text for name, [text] in parse_qs(parts.query).items()} == typed
    assert "Ben Shah is rung first" in words(
        (await ruled.get(answer.headers["Location"])).body.decode()
    )


async def test_a_question_too_long_for_an_address_is_answered_where_it_is(ruled):
    answer = await ruled.ask(
        "POST", "/explain", data={"labels": f"alertname={'é' * 3000}", "at": ""}
    )

    assert answer.status == 200
    assert "is rung first" in words(answer.body.decode())


@pytest.mark.parametrize(
    ("labels", "at", "name", "problem"),
    [
        ("DiskFull", "", "labels", "“DiskFull” is no label"),
        ('severity=~"x"', "", "labels", "is a condition"),
        ("a=1 a=2", "", "labels", "twice"),
        ('a="1"b=2', "", "labels", "Write a space before “b=2”"),
        ('a="1', "", "labels", 'The quote that begins at “"1” has no end'),
        ("a=1", "tomorrow", "at", "not a moment"),
        ("a=1", "2026-02-30T10:00", "at", "does not exist"),
        ("a=1", "9" * 100, "at", "too long"),
    ],
)
async def test_what_cannot_be_read_is_told_at_its_field_and_stays(ruled, labels, at, name, problem):
    page = unescape(await ask(ruled, 400, labels=labels, at=at))

    assert f'name="{name}" aria-invalid="true" aria-describedby="{name}-wrong" autofocus' in page
    assert problem.lower() in re.search(rf'id="{name}-wrong">(.*?)</span>', page)[1].lower()
    assert re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)[1] == labels
    assert f'value="{at}"' in page


async def test_an_empty_form_asks_for_labels(ruled):
    answer = await ruled.ask("POST", "/explain", data={"labels": " ", "at": ""})

    assert answer.status == 400
    assert "Write the labels of an alert" in answer.body.decode()


async def test_from_an_incident_its_alert_is_asked_about(ruled):
    incident = await ruled.fire("DiskFull", severity="critical", path="C:\\ two")

    page = await ask(ruled, incident=incident)

    area = unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)[1])
    assert read_labels(area) == {
        "alertname": "DiskFull",
        "severity": "critical",
        "path": "C:\\ two",
    }
    assert "As if the alert of DiskFull came in now" in words(page)
    assert "is rung first, at 10:00." in words(page)
    assert 'value="2026-11-02T10:00"' in page
    for path in ("/", f"/incidents/{incident}"):
        assert f'href="/explain?incident={incident}"' in (await ruled.get(path)).body.decode()
    await ask(ruled, 404, incident="nothing")


async def test_nothing_is_stored_and_nobody_is_rung(ruled):
    await ask(ruled, labels="alertname=A")

    counts = ruled.engine.reader.at_once(
        lambda db: db.execute(
            "SELECT (SELECT count(*) FROM incidents), (SELECT count(*) FROM calls)"
        ).fetchone()
    )
    assert counts == (0, 0)


async def test_labels_are_text_wherever_they_stand(ruled):
    evil = '</textarea><script>x</script>"'

    page = await ask(ruled, labels=write_labels({"alertname": evil, "severity": evil}))

    assert "<script>x" not in page
    assert evil.replace('"', '\\"') in unescape(page)


@pytest.mark.parametrize(
    "text",
    [
        "alertname=DiskFull severity=critical",
        "alertname=DiskFull\nseverity=critical\n",
        '{alertname="DiskFull", severity="critical"}',
        'alertname = "DiskFull",severity=critical,',
        '  "alertname"="DiskFull"\tseverity=critical',
    ],
)
def test_labels_are_read_as_people_write_them(text):
    assert read_labels(text) == {"alertname": "DiskFull", "severity": "critical"}


@pytest.mark.parametrize(
    "labels",
    [
        {"a": ""},
        {"a": "x y", "b": "x,y", "c": 'say "x"', "d": "back\\slash", "e": "two\nlines"},
        {"url": "http://x/?a=1&b=2", "odd name": "{x}", "ü": "ß=~!"},
    ],
)
def test_labels_that_are_written_are_read_back(labels):
    assert read_labels(write_labels(labels)) == labels


def test_too_many_labels_are_refused():
    with pytest.raises(ValueError, match="at most 64"):
        read_labels(" ".join(f"l{n}=x" for n in range(65)))
