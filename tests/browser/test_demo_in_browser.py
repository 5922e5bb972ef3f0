"""The demo in a real browser: a page is heard, declined, answered, acknowledged by people who look at a screen."""

import asyncio
import contextlib
import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from escalator.cli.acts import acts, facts, links
from escalator.cli.demo_config import WATCHDOG, Plan
from escalator.cli.stage import Trouble, raised
from escalator.simulator.scene import ANA, BEN

pytestmark = [pytest.mark.acceptance, pytest.mark.asyncio(loop_scope="session")]

# Rings and talk are three times as fast as in life; the daemon gives Ana two seconds.
# The Watchdog's silence is not awaited here.
PLAN = Plan(speed=3, wait=2, beat=3600)
SMALL, LARGE = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
expect.set_options(timeout=10_000)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def stage(tmp_path_factory):
    """The demo as `escalator demo` has it, its daemon a process of its own; one for all tests here."""
    async with raised(tmp_path_factory.mktemp("demo"), PLAN, lambda _: None) as stage:
        show = stage.simulator.show
        show.links, show.acts = links(stage), acts(stage, dead_seconds=0.5)
        show.facts = lambda: facts(stage)
        stage.begin()
        narrator = asyncio.ensure_future(stage.narrate())
        yield stage
        narrator.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await narrator


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def cleared(stage):
    """Nothing is broken any more, and no phone rings, when a test is over."""
    yield
    stage.simulator.pace.speed = PLAN.speed
    stage.simulator.faults.clear()
    for owner in (ANA, BEN):
        if owner.number in stage.simulator.people:
            del stage.simulator.people[owner.number]
    for trouble in list(stage.troubles):
        await stage.mend(trouble)
    for call in stage.simulator.calls:
        with contextlib.suppress(RuntimeError):
            call.hang_up()
    await stage.simulator.settle(10)


async def phone_of(person, stage, page):
    await page.goto(f"{stage.simulator.url}/demo/phone/{person}")
    return page


async def says(page, state):
    await expect(page.locator("#state")).to_have_text(state)


async def acknowledged(stage, incident, by):
    await stage.wait_phase(incident, "acknowledged")
    assert (await stage.incident(incident))["acknowledged_by"] == by


async def test_ana_declines_and_ben_hears_it_and_acknowledges(stage, open_page):
    floor = await open_page()
    await floor.goto(f"{stage.simulator.url}/demo")
    ana = await phone_of("ana", stage, await open_page())
    ben = await phone_of("ben", stage, await open_page(viewport=SMALL))
    await expect(ana.locator("#about")).to_have_text("Waiting for a call.")
    await ana.get_by_role("button", name="Turn the ringer on").click()
    await ben.get_by_role("button", name="Turn the ringer on").click()

    await floor.get_by_role("button", name="A database is down").click()
    await says(ana, "Ringing")
    await expect(ana.get_by_role("alert")).to_contain_text("Ana Ortega's phone rings")
    assert "Ringing: Ana Ortega" in await ana.title() or await ana.title() == "Ana Ortega: phone"
    await ana.get_by_role("button", name="Decline").click()
    await expect(ana.locator("#about")).to_have_text("Declined.")
    await says(ben, "Ringing")
    await ben.get_by_role("button", name="Answer").click()
    await says(ben, "In a call")
    await expect(ben.locator("#said")).to_contain_text("DatabaseDown")
    await expect(ben.locator("#said [aria-current]").first).to_be_visible()
    await expect(ben.locator("#hint")).to_have_text("Keys are being listened for.")
    await ben.get_by_role("button", name="4", exact=True).click()
    await expect(ben.locator("#said")).to_contain_text("Acknowledged.")
    await says(ben, "Ended")

    await expect(ben.locator("#pressed")).to_have_text("4")
    await expect(ben.locator("#cost")).to_have_text("$0.05")
    await expect(ana.locator("#cost")).to_have_text("$0.00")
    await expect(ben.locator("#said li").first).to_have_attribute("lang", "en-GB")
    await expect(floor.locator("#story")).to_contain_text("acknowledged by Ben Shah")
    await expect(floor.locator("#said")).to_contain_text("A critical alert is in")
    await ben.get_by_text("On the wire").click()
    await ben.locator("#wire summary", has_text="answer").first.click()
    await expect(ben.locator("#wire")).to_contain_text("<Gather")
    await expect(ben.locator("#wire")).to_contain_text("CallStatus=in-progress")


async def test_a_phone_is_answered_and_keys_are_pressed_by_keyboard_alone(stage, page):
    await phone_of("ana", stage, page)
    incident = await stage.break_database()
    await says(page, "Ringing")

    await page.get_by_role("button", name="Answer").focus()
    await page.keyboard.press("Enter")
    await says(page, "In a call")
    await expect(page.locator("#keypad")).to_be_focused()
    await expect(page.locator("#hint")).to_be_visible()
    await page.keyboard.press("4")

    await acknowledged(stage, incident, "ana")
    await says(page, "Ended")


async def test_the_keyboard_can_be_kept_from_pressing_keys_and_writing_presses_none(stage, page):
    await phone_of("ana", stage, page)
    incident = await stage.break_database()
    await page.get_by_role("button", name="Answer").click()
    await expect(page.locator("#hint")).to_be_visible()

    await page.get_by_label("Your message").press("4")
    await page.get_by_label("The keyboard's keys").uncheck()
    await page.keyboard.press("4")

    await expect(page.get_by_label("Your message")).to_have_value("4")
    assert stage.calls()[-1].pressed == ""
    assert (await stage.incident(incident))["phase"] == "triggered"


async def test_voicemail_is_no_person_and_the_next_one_is_rung(stage, open_page):
    ana = await phone_of("ana", stage, await open_page())
    ben = await phone_of("ben", stage, await open_page())
    await ana.get_by_label("Voicemail answers").check()
    await stage.simulator.wait_for(lambda: ANA.number in stage.simulator.people)

    incident = await stage.break_database()
    await says(ana, "Voicemail has it")
    await expect(ana.get_by_role("button", name="4", exact=True)).to_be_disabled()
    await says(ben, "Ringing")

    assert (await stage.incident(incident))["phase"] == "triggered"
    await ana.get_by_label("It rings here").check()
    await stage.simulator.wait_for(
        lambda: stage.simulator.people[ANA.number].outcome == "manual",
    )


@pytest.mark.parametrize(
    ("choice", "ending"),
    [("It is busy", "The phone was busy."), ("It has no signal", "The phone could not be reached")],
)
async def test_a_phone_that_cannot_be_rung_says_so(stage, page, choice, ending):
    await phone_of("ana", stage, page)
    await page.get_by_label(choice).check()
    await stage.simulator.wait_for(lambda: ANA.number in stage.simulator.people)

    await stage.break_database()

    await expect(page.locator("#about")).to_contain_text(ending)


async def test_labels_that_look_like_markup_stay_text(stage, open_page):
    floor, ana = await open_page(), await phone_of("ana", stage, await open_page())
    await floor.goto(f"{stage.simulator.url}/demo")

    await floor.get_by_role("button", name="An alert with odd labels").click()
    await ana.get_by_role("button", name="Answer").click()

    await expect(ana.locator("#said")).to_contain_text("onerror=alert(1)", timeout=15_000)
    await expect(floor.locator("#story")).to_contain_text("onerror")
    for page in (floor, ana):
        assert await page.locator("main img, main script").count() == 0


async def test_the_daemon_dies_in_a_call_and_carries_on(stage, open_page):
    floor, ana = await open_page(), await phone_of("ana", stage, await open_page())
    await floor.goto(f"{stage.simulator.url}/demo")
    # As slow as life: the prompt outlasts the few seconds without a daemon.
    stage.simulator.pace.speed = 1
    before = len([call for call in stage.calls() if call.to == ANA.number])
    incident = await stage.break_database()
    await ana.get_by_role("button", name="Answer").click()
    await expect(ana.locator("#hint")).to_be_visible()
    first = stage.child.pid

    await floor.get_by_role("button", name="The daemon dies").click()
    await expect(floor.locator("#facts")).to_contain_text("is dead")
    await expect(floor.locator("#facts")).to_contain_text("runs as process", timeout=15_000)
    assert stage.child.pid != first
    await ana.keyboard.press("4")

    await acknowledged(stage, incident, "ana")
    stage.simulator.pace.speed = PLAN.speed
    await says(ana, "Ended")
    assert len([call for call in stage.calls() if call.to == ANA.number]) == before + 1


async def test_twilio_goes_down_and_comes_back_and_only_once_each(stage, page, watched):
    watched.expected.append("409 (Conflict)")
    await page.goto(f"{stage.simulator.url}/demo")

    await page.get_by_role("button", name="Twilio is down").click()
    await expect(page.locator("#facts .bad")).to_have_text("Twilio: is down")
    await page.get_by_role("button", name="Twilio is down").click()
    await expect(page.locator("#said")).to_have_text("Twilio is down already.")
    await page.get_by_role("button", name="Twilio is back").click()

    await expect(page.locator("#facts .bad")).to_have_count(0)
    assert not stage.simulator.faults.down


async def test_a_small_phone_on_the_stage_is_a_whole_one(stage, page):
    await page.goto(f"{stage.simulator.url}/demo")
    incident = await stage.break_database()

    await page.get_by_role("button", name="Answer Ana Ortega's phone").click()
    await page.get_by_role("button", name="Press 4 on Ana Ortega's phone").click()

    await acknowledged(stage, incident, "ana")


async def test_tabs_of_one_browser_share_a_stream(stage, open_page):
    first = await phone_of("ana", stage, await open_page())
    tabs = [await phone_of("ana", stage, await open_page(beside=first)) for _ in range(6)]

    await stage.break_database()
    for tab in (first, tabs[-1]):
        await says(tab, "Ringing")
    await tabs[-1].get_by_role("button", name="Decline").click()

    await expect(first.locator("#about")).to_have_text("Declined.")


async def test_chika_answers_a_message_with_its_code_and_is_answered(stage, page):
    await phone_of("chika", stage, page)
    box = page.get_by_label("Your message")
    await expect(page.locator("#no-texts")).to_be_visible()

    # Its sender says that it is over: that is missed at once.
    await stage._send(Trouble([{"alertname": WATCHDOG}], ""), is_over=True)
    written = page.locator("#texts .theirs").first
    await expect(written).to_contain_text("delivered")
    code = re.search(r"4 (\d{6})", await written.inner_text()).group(1)
    await box.fill(f"4 {code}")
    await page.get_by_role("button", name="Send").click()

    await expect(page.locator("#texts .mine")).to_contain_text(f"4 {code}")
    answer = page.locator("#texts li").nth(2)
    await expect(answer).to_contain_text("in answer")
    await expect(answer).to_contain_text("delivered")
    await expect(box).to_have_value("")
    listed = await stage._ask("GET", "/api/v1/incidents?phase=open")
    assert [one["acknowledged_by"] for one in listed["incidents"]] == ["chika"]
    await stage.watchdog.start()
    stage.watchdog.stop()
    await stage.wait_phase(listed["incidents"][0]["id"], "resolved")


async def test_a_message_that_cannot_be_sent_stays_in_the_box(stage, page, watched):
    watched.expected.append("502 (Bad Gateway)")
    await page.goto(f"{stage.simulator.url}/demo/phone/15005550107")
    box = page.get_by_label("Your message")

    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#reply-trouble")).to_have_text("Write something first.")
    await box.fill("on my way")
    await page.evaluate("document.getElementById('reply-url').value = 'http://127.0.0.1:9/'")
    await page.get_by_role("button", name="Send").click()

    await expect(page.locator("#reply-trouble")).to_contain_text("It was not taken")
    await expect(box).to_have_value("on my way")


@pytest.mark.parametrize(("scheme", "window"), [("dark", SMALL), ("light", LARGE)])
async def test_both_pages_are_for_everybody(
    stage, open_page, must_be_accessible, no_sideways_scrolling, scheme, window
):
    options = {"color_scheme": scheme, "viewport": window, "reduced_motion": "reduce"}
    floor, ana = (
        await open_page(**options),
        await phone_of("ana", stage, await open_page(**options)),
    )
    await floor.goto(f"{stage.simulator.url}/demo")
    await stage.break_database()
    await says(ana, "Ringing")
    await must_be_accessible(ana)
    await ana.get_by_role("button", name="Answer").click()
    await expect(ana.locator("#said li")).not_to_have_count(0)
    await ana.get_by_text("On the wire").click()
    await ana.locator("#wire summary", has_text="answer").first.click()

    for page in (floor, ana):
        await must_be_accessible(page)
        await no_sideways_scrolling(page)
