"""Makes the pictures of docs/images again, of the demo as it runs: `.venv/bin/python tests/browser/screenshots.py`.

One evening is played: a warning that Ana has taken, a database that Ana declines and Ben hears of. A picture that is
too heavy for a page of documentation is an error.
"""

import asyncio
import shutil
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.async_api import Browser, async_playwright

from escalator.cli.acts import acts, facts, links
from escalator.cli.demo_config import Plan
from escalator.cli.past import lay_out_past
from escalator.cli.stage import Stage, raised
from escalator.clock import SystemClock
from escalator.simulator import Script, SimCall
from escalator.simulator.scene import ANA, BEN
from escalator.simulator.show import Owner

IMAGES = Path(__file__).parents[2] / "docs" / "images"
BYTES_MAX = 120_000
PLAN = Plan(speed=2, wait=5, has_past=True)
SMALL, LARGE = {"width": 360, "height": 740}, {"width": 1280, "height": 720}
WITHIN_SECONDS = 20
# What a page may still be doing once it is loaded: it joins the stream and draws what that tells.
DRAWN_MS = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture to take: its file, the page, and the browser's window and colours."""

    name: str
    url: str
    window: dict[str, int]
    scheme: str = "light"


async def take(browser: Browser, picture: Picture) -> None:
    """Take it. Raises `ValueError` when it is too heavy."""
    context = await browser.new_context(
        viewport=picture.window,
        color_scheme=picture.scheme,
        reduced_motion="reduce",
        timezone_id="UTC",
        locale="en-GB",
    )
    page = await context.new_page()
    await page.goto(picture.url)
    await page.wait_for_timeout(DRAWN_MS)
    file = IMAGES / f"{picture.name}.png"
    await page.screenshot(path=file)
    await context.close()
    weight = file.stat().st_size
    if weight > BYTES_MAX:
        raise ValueError(f"{file} has {weight} bytes, {BYTES_MAX} is the limit: a smaller window?")


async def play(stage: Stage, browser: Browser) -> None:
    """Let the evening happen, and take the pictures on the way."""
    board, demo = stage.url, f"{stage.simulator.url}/demo"
    show = stage.simulator.show
    show.links, show.acts, show.facts = links(stage), acts(stage), lambda: facts(stage)
    await act(stage, "watchdog-beats")
    stage.simulator.people[ANA.number] = Script.answers("4", rings=2)
    await act(stage, "disk")
    await seen(stage, ANA, "completed")
    stage.simulator.people[ANA.number] = Script.declines(rings=3)
    incident = await stage.break_database()
    call = await seen(stage, BEN, "ringing")
    await take(browser, Picture(name="board-now-360-dark", url=board, window=SMALL, scheme="dark"))
    await take(browser, Picture(name="board-now-1280", url=board, window=LARGE))
    call.answer()
    await stage.simulator.wait_for(lambda: call.heard, WITHIN_SECONDS)
    await take(browser, Picture(name="phone-360", url=f"{demo}/phone/ben", window=SMALL))
    await take(browser, Picture(name="stage-1280", url=demo, window=LARGE))
    await take(
        browser,
        Picture(name="incident-1280", url=f"{board}/incidents/{incident}", window=LARGE),
    )
    # The schedules of the demo begin today: next week is the first one that is whole.
    week = f"{SystemClock().wall() + timedelta(days=7):%Y-%m-%d}"
    calendar = f"{board}/calendar?week={week}&weeks=2"
    await take(browser, Picture(name="calendar-1280", url=calendar, window=LARGE))


async def seen(stage: Stage, owner: Owner, status: str) -> SimCall:
    """The call of this evening to that phone, once it is so far."""

    def found() -> SimCall | None:
        calls = (call for call in stage.calls() if call.to == owner.number)
        return next((call for call in calls if call.status == status), None)

    call: SimCall = await stage.simulator.wait_for(found, WITHIN_SECONDS)
    return call


async def act(stage: Stage, key: str) -> None:
    """Press a button of the stage."""
    found: Any = stage.simulator.show.act(key)
    await found.play()


async def main() -> None:
    """Raise the demo, play, take the pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        sys.exit("Chromium is not installed: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        with TemporaryDirectory(prefix="escalator-pictures-") as folder:
            async with raised(Path(folder), PLAN, lambda _: None) as stage:
                await lay_out_past(stage)
                stage.begin()
                narrator = asyncio.ensure_future(stage.narrate())
                try:
                    await play(stage, browser)
                finally:
                    narrator.cancel()
                    await asyncio.gather(narrator, return_exceptions=True)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
