"""The board in a real browser: two of them live, without a script, by keyboard alone, and with the worst of texts."""

import re
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

sys.path.append(str(Path(__file__).parents[1] / "web"))

from loopback_listener import GENERATED_TOKEN, opened

from escalator.clock import SystemClock
from escalator.web.events import STREAMS_MAX

pytestmark = pytest.mark.asyncio(loop_scope="session")

RECEIVERS = "receivers: { hook: { type: webhook } }"
NARROW = {"width": 360, "height": 740}
WIDE = {"width": 1280, "height": 860}
ZOO = [
    "<script>window.evil = 1</script>",
    '"><img src=x onerror="window.evil = 1">',
    "'-window.evil=1-'",
    "{{ 7 * 7 }}{% for x in y %}${window.evil = 1}",
    "javascript:window.evil=1",
    "<svg/onload=window.evil=1>",
    '</textarea></title></style><iframe srcdoc="<script>parent.evil = 1</script>">',
    "<a href=javascript:window.evil=1 id=live autofocus onfocus=window.evil=1>x",
    "<form action=/who method=post><input name=person><base href=//evil.example>",
    '<b hx-get="/metrics" hx-trigger="load" hx-on:click="window.evil=1" data-live>x',
    "\u202egnp.exe \u0000 \ud83d\ude31 Z\u0335\u0337\u031b\u0309" + "\u0335\u0337\u031b" * 200,
    "W" * 3000,
    "𒐫" * 300 + "\n" * 50 + "﷽" * 100,
]


@pytest_asyncio.fixture(loop_scope="session")
async def listener(tmp_path):
    """The daemon's listener with nothing in it."""
    async with AsyncExitStack() as stack:
        one = opened(tmp_path, RECEIVERS, SystemClock(), GENERATED_TOKEN)
        yield await stack.enter_async_context(one)


def row(page, incident):
    return page.locator(f"#i-{incident}")


async def board(open_page, listener, path="/", **options):
    page = await open_page(**options)
    await page.goto(listener.url + path)
    if options.get("java_script_enabled", True):
        await expect(page.locator("#link")).to_have_text("live" if path != "/reports" else "")
    return page


async def zoo(listener):
    """An incident of the worst texts, by their every way in. Returns their ids."""
    found = []
    for n, text in enumerate(ZOO):
        alert = {
            "key": str(n),
            "summary": text,
            "url": text,
            "labels": {"alertname": text, "severity": text[:60], f"l{n}": text},
            "annotations": {"summary": text, "runbook_url": text, text[:50]: "x"},
        }
        answer = await listener.post("/receive/hook", alert)
        found.append(answer.json["incidents"][0]["id"])
        await listener.post(f"/api/v1/incidents/{found[-1]}/note", {"text": text[:900]})
    return found


async def test_two_boards_show_the_same_without_being_asked(listener, open_page):
    here = await board(open_page, listener)
    there = await board(open_page, listener)
    await expect(there.locator(".sum")).to_contain_text("All quiet")

    incident = await listener.fire("DiskFull", severity="critical")
    await expect(row(there, incident)).to_contain_text("triggered")
    await expect(there).to_have_title("(1) Now · escalator")
    await row(here, incident).get_by_role("button", name="Acknowledge").click()

    await expect(row(here, incident)).to_contain_text("acknowledged")
    await expect(row(there, incident)).to_contain_text("acknowledged")
    await expect(here.locator("#told")).to_have_text("Acknowledged.")
    await expect(there).to_have_title("Now · escalator")
    assert here.url == f"{listener.url}/"


async def test_what_somebody_types_survives_what_others_do(listener, open_page):
    first = await listener.fire("A")
    page = await board(open_page, listener)
    await row(page, first).locator("summary").click()
    note = row(page, first).get_by_label("Note")
    await note.fill("half a sentence")

    second = await listener.fire("B")
    await expect(row(page, second)).to_be_visible()

    await expect(note).to_have_value("half a sentence")
    await expect(note).to_be_focused()
    await page.keyboard.type(", and the rest")
    await row(page, first).get_by_role("button", name="Add the note").click()
    await expect(page.locator("#told")).to_have_text("The note is in the timeline.")
    await expect(note).to_have_value("")
    assert "half a sentence, and the rest" in (await shown(listener, first))


async def shown(listener, incident):
    return (await listener.get(f"/incidents/{incident}")).body.decode()


async def test_the_page_of_an_incident_lives_too(listener, open_page):
    incident = await listener.fire("DiskFull")
    page = await board(open_page, listener, f"/incidents/{incident}")
    await page.evaluate("window.same = document.querySelector('.timeline li')")

    await listener.post(f"/api/v1/incidents/{incident}/acknowledge", {"by": "ben"})

    await expect(page.locator(".facts").first).to_contain_text("acknowledged")
    await expect(page.locator(".timeline")).to_contain_text("acknowledged by Ben Shah")
    assert await page.evaluate("window.same.isConnected"), "the page is morphed, not made anew"


async def test_the_countdown_runs(listener, open_page):
    await listener.fire()
    page = await board(open_page, listener)

    await expect(page.locator("[data-until]")).to_have_text(re.compile(r"^in 4:5\d$"))
    before = await page.locator("[data-until]").inner_text()
    await expect(page.locator("[data-until]")).not_to_have_text(before)


async def test_a_slip_is_told_at_its_field(listener, open_page, watched):
    watched.expected.append("400")
    incident = await listener.fire()
    page = await board(open_page, listener)
    await row(page, incident).locator("summary").click()

    await row(page, incident).get_by_role("button", name="Add the note").click()

    note = row(page, incident).get_by_label("Note")
    await expect(note).to_have_attribute("aria-invalid", "true")
    await expect(note).to_have_accessible_description("Write the note first.")
    await expect(note).to_be_focused()


async def test_everything_can_be_read_and_acknowledged_without_a_script(
    listener, open_page, watched
):
    watched.expected.append("400")
    incident = await listener.fire("DiskFull", severity="critical")
    page = await board(open_page, listener, java_script_enabled=False)
    await page.get_by_label("I am").select_option("ben")
    await page.get_by_role("button", name="Save").click()

    await row(page, incident).get_by_role("button", name="Acknowledge").click()

    assert page.url == f"{listener.url}/"
    await expect(row(page, incident)).to_contain_text("Taken by Ben Shah")
    await row(page, incident).get_by_role("link", name="DiskFull").click()
    await expect(page.locator(".timeline")).to_contain_text("acknowledged by Ben Shah")
    await page.locator("summary", has_text="More").click()
    await page.get_by_label("Snooze until").fill("2001-01-01T00:00")
    await page.get_by_role("button", name="Snooze", exact=True).click()
    await expect(page.get_by_label("Snooze until")).to_have_value("2001-01-01T00:00")
    await expect(page.locator(".problem")).to_contain_text("Must be ahead")
    await page.get_by_role("button", name="Snooze 1 h").click()
    await expect(page.locator(".facts").first).to_contain_text("snoozed")


@pytest.mark.parametrize("width", [NARROW, WIDE], ids=["360", "1280"])
async def test_the_worst_of_texts_is_text(listener, open_page, no_sideways_scrolling, width):
    incidents = await zoo(listener)
    page = await board(open_page, listener, viewport=width)
    await page.evaluate("window.evil = 0")

    for path in ("/", *(f"/incidents/{one}" for one in incidents)):
        await page.goto(listener.url + path)
        await page.evaluate(
            "document.querySelectorAll('details').forEach((one) => (one.open = true))"
        )
        await no_sideways_scrolling(page)
        assert not await page.evaluate("window.evil"), path
        assert await page.locator("main script, main img, main iframe, main base").count() == 0
        links = await page.locator("main a").evaluate_all("all => all.map((one) => one.protocol)")
        assert set(links) <= {"http:", "https:"}
        assert await page.locator("#live").count() == 1


async def test_the_worst_of_texts_is_text_when_it_comes_by_itself(listener, open_page):
    """What a script puts in goes another way than what the page began with."""
    page = await board(open_page, listener)

    incidents = await zoo(listener)
    await expect(row(page, incidents[-1])).to_be_visible()

    assert not await page.evaluate("window.evil")
    assert await page.locator("main script, main img, main iframe, main base").count() == 0
    assert await page.locator("#live").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_serious_stands_in_anybodys_way(
    listener, open_page, must_be_accessible, scheme
):
    incident = await listener.fire("DiskFull", severity="critical")
    taken = await listener.fire("BackupFailed", severity="warning")
    await listener.post(f"/api/v1/incidents/{taken}/acknowledge", {"by": "ben"})
    listener.not_ready.append("the store cannot be written")
    page = await board(open_page, listener, color_scheme=scheme, reduced_motion="reduce")

    for path in ("/", f"/incidents/{incident}", f"/incidents/{taken}", "/reports"):
        await page.goto(listener.url + path)
        await page.evaluate(
            "document.querySelectorAll('details').forEach((one) => (one.open = true))"
        )
        await must_be_accessible(page)


async def test_thumbs_find_every_button(listener, open_page):
    await listener.fire()
    page = await board(open_page, listener, viewport=NARROW)
    await page.locator("summary").first.click()

    boxes = await page.locator(
        "button, select, summary, input:not([type=hidden]), nav a"
    ).evaluate_all("all => all.map((one) => [one.outerHTML, one.getBoundingClientRect().height])")

    assert len(boxes) > 8
    assert [one for one in boxes if one[1] < 44] == []


async def test_an_incident_is_worked_on_by_keyboard_alone(listener, open_page):
    first, second = await listener.fire("First"), await listener.fire("Second")
    page = await board(open_page, listener)

    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="First")).to_be_focused()
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Acknowledge First")).to_be_focused()
    await page.keyboard.press("Enter")

    await expect(row(page, first)).to_contain_text("acknowledged")
    inside = f"document.activeElement.closest('#i-{first}') !== null"
    assert await page.evaluate(inside), "the focus stays with the incident, wherever that goes"
    await row(page, second).locator("summary").focus()
    await page.keyboard.press("Space")
    await row(page, second).get_by_label("Note").focus()
    await page.keyboard.type("by keyboard")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#told")).to_have_text("The note is in the timeline.")


async def test_a_board_that_finds_no_room_to_listen_says_so(listener, open_page, watched):
    watched.expected.append("503")
    headers = {"Accept": "text/event-stream"}
    streams = [
        await listener.session.get(f"{listener.url}/events", headers=headers)
        for _ in range(STREAMS_MAX)
    ]
    page = await open_page()

    await page.goto(listener.url)

    await expect(page.locator("#link")).to_have_text("asking now and then")
    for stream in streams:
        stream.close()
