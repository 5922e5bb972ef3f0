"""Calendar, silences and explain in a real browser: drawn, by keyboard, without a script, and with hostile names."""

import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

sys.path.append(str(Path(__file__).parents[1] / "web"))

from loopback_listener import GENERATED_TOKEN, opened

from escalator.clock import SystemClock

pytestmark = pytest.mark.asyncio(loop_scope="session")

MORE = """
timezone: Europe/Berlin
receivers: { hook: { type: webhook } }
schedules:
  primary:
    layers:
      - { rotate: { every: 1 week, at: mon 09:00, starting: 2026-01-05 }, people: [ana, ben] }
      - { rotate: { every: 1 day, starting: 2026-01-05 }, people: [ben], only: ["mon-fri 01:00-08:00"] }
    overrides: [{ person: ana, from: 2026-10-22 18:00, to: 2026-10-24 09:00, reason: a concert }]
  platform:
    timezone: Asia/Tokyo
    layers: [{ rotate: { every: 1 day, starting: 2026-01-05 }, people: [ben], only: ["mon-fri 09:00-18:00"] }]
"""
NARROW = {"width": 360, "height": 740}
WIDE = {"width": 1280, "height": 860}
AUTUMN = "/calendar?week=2026-10-19"
ASKED = "/explain?labels=alertname%3DDiskFull&at=2026-10-25T03:00"
CONTROLS = "main :is(button, select, summary, textarea, input:not([type=hidden])), nav a, .turn a"
EVIL = """</title></text></svg><script>window.evil = 1</script>"onfocus='window.evil=1'"""


@pytest_asyncio.fixture(loop_scope="session")
async def listener(tmp_path):
    """The daemon's listener with two schedules."""
    async with AsyncExitStack() as stack:
        one = opened(tmp_path, MORE, SystemClock(), GENERATED_TOKEN)
        yield await stack.enter_async_context(one)


async def see(open_page, listener, path, **options):
    page = await open_page(**options)
    await page.goto(listener.url + path)
    return page


async def unfold(page):
    await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")


async def everything(listener):
    """An incident, a silence, an override; the paths of all pages that show them."""
    incident = await listener.fire("DiskFull", severity="critical")
    silence = {"matchers": ["alertname=DiskFull"], "for": "1h", "comment": "new disks"}
    await listener.post("/api/v1/silences", silence)
    override = {"schedule": "primary", "person": "ben", "from": "2030-01-01", "to": "2030-01-02"}
    await listener.post("/api/v1/overrides", {**override, "reason": "swap"})
    return [
        "/",
        AUTUMN,
        f"/silences?incident={incident}",
        ASKED,
        f"/explain?incident={incident}",
        "/calendar?week=soon&zone=x",
        "/explain?labels=x",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_serious_stands_in_anybodys_way_here(
    listener, open_page, watched, must_be_accessible, scheme
):
    watched.expected.append("400")
    page = await open_page(color_scheme=scheme, reduced_motion="reduce")

    for path in await everything(listener):
        await page.goto(listener.url + path)
        await unfold(page)
        await must_be_accessible(page)


@pytest.mark.parametrize("width", [NARROW, WIDE], ids=["360", "1280"])
async def test_nothing_is_wider_than_the_window_or_lower_than_a_thumb(
    listener, open_page, watched, no_sideways_scrolling, width
):
    watched.expected.append("400")
    page = await open_page(viewport=width)

    for path in await everything(listener):
        await page.goto(listener.url + path)
        controls = page.locator(CONTROLS)
        heights = "all => all.map((one) => [one.outerHTML, one.getBoundingClientRect().height])"
        low = [one for one in await controls.evaluate_all(heights) if 0 < one[1] < 44]
        assert low == [], f"too low for a thumb, on {path}"
        await unfold(page)
        await no_sideways_scrolling(page)


async def test_a_bar_is_where_its_time_is(listener, open_page):
    """The override is from Thursday 18:00 to Saturday 09:00 of a week with 169 hours."""
    page = await see(open_page, listener, f"{AUTUMN}&schedule=primary", viewport=WIDE)
    week = page.get_by_role("img", name="Week 43, 19 Oct to 25 Oct 2026: Ana Ortega, Ben Shah")

    whole = await week.bounding_box()
    bar = await week.locator(".bar-override").bounding_box()

    assert (bar["x"] - whole["x"]) / whole["width"] == pytest.approx((3 * 24 + 18) / 169, abs=0.004)
    assert bar["width"] / whole["width"] == pytest.approx(39 / 169, abs=0.004)
    names = await page.locator(".week .names").first.locator("span").all_inner_texts()
    row = await page.locator(".week .names").first.get_by_text("Ana Ortega").bounding_box()
    assert "Ana Ortega" in names
    middles = [one["y"] + one["height"] / 2 for one in (row, bar)]
    assert abs(middles[0] - middles[1]) < 4, "the bar stands beside its name"


async def test_looks_can_be_told_apart_without_colours(listener, open_page):
    page = await see(open_page, listener, AUTUMN, viewport=WIDE)
    await page.evaluate(
        """document.querySelectorAll("[class^='bar-']").forEach((one) => {
            one.style.setProperty("--look", "black");
            one.style.setProperty("--pale", "white");
        })"""
    )

    looks = ("layer-1", "layer-2", "override", "nobody")
    shots = [await page.locator(f".legend .bar-{one}").first.screenshot() for one in looks]

    assert len(set(shots)) == len(looks)


async def test_the_overrides_of_the_calendar_work_without_a_script(listener, open_page, watched):
    watched.expected.append("400")
    page = await see(open_page, listener, "/calendar?schedule=primary", java_script_enabled=False)
    form = page.locator("form[action='/calendar/overrides']")
    await form.get_by_label("Who").select_option("ben")
    await form.get_by_label("From").fill("2030-02-05T18:00")
    await form.get_by_label("To").fill("2030-02-04T09:00")
    await form.get_by_label("Reason").fill("swap with Ana")
    await form.get_by_role("button").click()

    await expect(form.get_by_label("To")).to_have_attribute("aria-invalid", "true")
    await expect(form.get_by_label("To")).to_be_focused()
    await expect(form.get_by_label("To")).to_have_accessible_description(
        "2030-02-04 09:00 is not after 2030-02-05 18:00: the span is empty."
    )
    await expect(form.get_by_label("Reason")).to_have_value("swap with Ana")
    await expect(form.get_by_label("From")).to_have_value("2030-02-05T18:00")
    await form.get_by_label("To").fill("2030-02-06T09:00")
    await form.get_by_role("button").click()

    await expect(page.get_by_role("status").filter(has_text="Saved")).to_contain_text("Ben Shah")
    await expect(page.get_by_role("img", name="Week 6, 4 Feb to 10 Feb 2030")).to_be_visible()
    await page.get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("button", name="Remove")).to_have_count(0)
    assert listener.engine.rules.schedules["primary"].overrides[1:] == ()


async def test_from_an_incident_a_silence_is_made_and_the_incident_snoozed(
    listener, open_page, watched
):
    watched.expected.append("400")
    incident = await listener.fire("DiskFull", env="prod")
    page = await see(open_page, listener, "/", java_script_enabled=False)
    await page.locator("summary", has_text="More").click()
    await page.locator(f"#i-{incident}").get_by_role("link", name="Silence").click()
    matchers = page.get_by_label("Alerts that fit all of these")
    await expect(matchers).to_have_value('alertname="DiskFull"\nenv="prod"')
    await page.get_by_role("button", name="Silence until then").click()
    await expect(page.get_by_label("Until")).to_be_focused()
    await expect(matchers).to_have_value('alertname="DiskFull"\nenv="prod"')
    await page.get_by_label("Comment").fill("new disks")
    await page.get_by_role("button", name="For 1 h").click()

    told = page.get_by_role("status").filter(has_text="Saved")
    await expect(told).to_contain_text("An open incident fits and goes on all the same.")
    await told.get_by_role("button", name="Snooze DiskFull for 1 h").click()
    assert page.url == f"{listener.url}/incidents/{incident}"
    await expect(page.locator(".facts").first).to_contain_text("snoozed")
    await page.get_by_role("link", name="Silences").click()
    await page.get_by_role("button", name="End now").click()
    await expect(page.locator("main")).to_contain_text("There are none")


async def test_a_question_is_asked_and_answered_by_keyboard(listener, open_page):
    page = await see(open_page, listener, "/explain")
    await page.get_by_label("Labels of the alert").focus()
    await page.keyboard.type("alertname=DiskFull severity=critical")
    await page.keyboard.press("Tab")
    await page.get_by_label("When it fires").fill("2026-10-25T03:00")
    await page.keyboard.press("Enter")

    await expect(page.locator(".answer h2")).to_have_text("Ana Ortega is rung first, at 03:00.")
    await expect(page.get_by_label("When it fires")).to_have_value("2026-10-25T03:00")
    await expect(page.get_by_label("Labels of the alert")).to_have_value(
        "alertname=DiskFull severity=critical"
    )
    later = page.locator("summary", has_text="Round 2")
    await later.focus()
    await page.keyboard.press("Space")
    await expect(page.locator("details[open] .rings").first).to_contain_text("Ana Ortega")


async def test_every_schedule_can_be_read_as_a_table_by_keyboard(listener, open_page):
    page = await see(open_page, listener, f"{AUTUMN}&schedule=platform")
    await page.locator("summary", has_text="as a table").focus()
    await page.keyboard.press("Enter")

    table = page.get_by_role("table", name="platform, Mon 19 Oct 00:00 to")
    await expect(table).to_be_visible()
    await expect(table.get_by_role("columnheader")).to_have_text(
        ["From", "To", "On call", "Why", "From, in Asia/Tokyo"]
    )
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("region", name="Table of platform")).to_be_focused()


@pytest.mark.parametrize("width", [NARROW, WIDE], ids=["360", "1280"])
async def test_hostile_names_and_reasons_are_text(
    listener, open_page, no_sideways_scrolling, width
):
    rules = listener.engine.rules
    names = {"ana": EVIL, "ben": "W" * 300}
    people = {key: replace(one, name=names[key]) for key, one in rules.people.items()}
    listener.engine.rules = replace(rules, people=people)
    incident = await listener.fire(EVIL, **{EVIL: EVIL, "long": "W" * 3000})
    override = {"schedule": "primary", "person": "ana", "from": "2026-10-19", "to": "2030-01-02"}
    await listener.post("/api/v1/overrides", {**override, "reason": EVIL})
    silence = {"matchers": [f'x!="{"W" * 900}"', "alertname=~'.+'"], "for": "1h"}
    await listener.post("/api/v1/silences", {**silence, "comment": EVIL})
    page = await open_page(viewport=width)

    paths = [f"/silences?incident={incident}", f"/explain?incident={incident}", AUTUMN, "/"]
    for path in paths:
        await page.goto(listener.url + path)
        await unfold(page)
        assert not await page.evaluate("window.evil"), path
        assert await page.locator("main script, main iframe, main img").count() == 0
        assert await page.locator("#live").count() == 1
        await no_sideways_scrolling(page)
