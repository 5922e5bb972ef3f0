"""A real browser for the tests in this folder: Debian's Chromium, driven by Playwright.

All of it lives on one event loop, the session's, so that a test can serve its pages itself: mark a module of such
tests `pytest.mark.asyncio(loop_scope="session")`, and make its own asynchronous fixtures with
`pytest_asyncio.fixture(loop_scope="session")`. Every page fails its test by an error on the console, by an exception
in a script, and by a request to anywhere but this machine.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright
from tools import require_tool

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ACTION_SECONDS = 10
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
WITHOUT_NETWORK = {"data", "blob", "about"}
GRAVE = {"serious", "critical"}

OpenPage = Callable[..., Awaitable[Page]]


@dataclass
class Watched:
    """What went wrong in the pages of one test. `expected` are parts of console errors that are meant to come."""

    troubles: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note every trouble of a page from now on."""
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("pageerror", lambda error: self.troubles.append(f"exception: {error}"))
        page.on("request", self._request)

    def _console(self, kind: str, text: str) -> None:
        if kind == "error" and not any(part in text for part in self.expected):
            self.troubles.append(f"console: {text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in WITHOUT_NETWORK and parts.hostname not in LOOPBACK:
            self.troubles.append(f"asked elsewhere: {request.url}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, one for all tests of the session. Skipped, or in CI failed, where it is not installed."""
    path = require_tool("chromium", "chromium-browser", "google-chrome")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        await chromium.close()


@pytest.fixture
def watched() -> Watched:
    """What went wrong in the test's pages; the test fails if there is anything at its end."""
    return Watched()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, watched: Watched) -> AsyncIterator[OpenPage]:
    """Opens pages, each in a context of its own, as if in the browser of somebody else; options are the context's.

    `beside=page` opens it in that page's context instead: another tab of the same browser.
    """
    contexts: list[BrowserContext] = []

    async def open_one(*, beside: Page | None = None, **options: object) -> Page:
        context = beside.context if beside is not None else await browser.new_context(**options)
        if beside is None:
            contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(ACTION_SECONDS * 1000)
        watched.watch(page)
        return page

    yield open_one
    for context in contexts:
        await context.close()
    assert not watched.troubles, "in the browser:\n" + "\n".join(watched.troubles)


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page: OpenPage) -> Page:
    """One page in a context of its own."""
    return await open_page()


@pytest.fixture
def must_be_accessible() -> Callable[[Page], Awaitable[None]]:
    """Fails with everything serious or critical that axe finds in a page as it is shown."""

    async def check(page: Page) -> None:
        found = (await Axe().run(page)).response["violations"]
        grave = [
            f"{one['id']} ({one['impact']}): {one['help']}\n  {node['html']}\n  {node['failureSummary']}"
            for one in found
            if one["impact"] in GRAVE
            for node in one["nodes"]
        ]
        assert not grave, "\n".join(grave)

    return check


@pytest.fixture
def no_sideways_scrolling() -> Callable[[Page], Awaitable[None]]:
    """Fails for a page that is wider than its window."""

    async def check(page: Page) -> None:
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{wide} pixels too wide"

    return check
