"""What the pages load: the vendored script is the one it says, it is kept by browsers, and all of it is small."""

import hashlib
import re
from importlib.resources import files

import pytest

VENDORED = files("escalator.web").joinpath("static", "vendor")
# htmx.org 4.0.1 of the npm registry, dist/htmx.min.js
HTMX_SHA256 = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
FIRST_PAGE_MAX = 60_000


def test_htmx_is_the_release_that_it_is_said_to_be():
    script = VENDORED.joinpath("htmx.min.js").read_bytes()

    assert hashlib.sha256(script).hexdigest() == HTMX_SHA256
    assert b'this.version="4.0.1"' in script
    assert "Permission to use, copy, modify" in VENDORED.joinpath("htmx.LICENSE.txt").read_text()


async def loaded(listener, **headers):
    """The first page, and everything that it loads, by address. The client unpacks what came packed."""
    page = await listener.get("/", headers=headers)
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.body.decode())
    return {"/": page} | {one: await listener.get(one, headers=headers) for one in addresses}


def sent(found):
    """How many bytes went over the wire for it."""
    return sum(int(one.headers["Content-Length"]) for one in found.values())


async def test_the_first_page_is_under_sixty_kilobytes_even_unpacked(listener):
    found = await loaded(listener, **{"Accept-Encoding": "identity"})

    assert len(found) == 4
    assert all(one.status == 200 for one in found.values())
    assert sent(found) < FIRST_PAGE_MAX


async def test_a_browser_gets_half_of_that_for_a_bad_night(listener):
    for n in range(20):
        await listener.fire(f"Alert {n}")
    plain = await loaded(listener, **{"Accept-Encoding": "identity"})

    packed = await loaded(listener, **{"Accept-Encoding": "br, gzip"})

    for address, one in packed.items():
        assert one.headers["Content-Encoding"] == "gzip"
        assert address == "/" or one.body == plain[address].body
    assert sent(packed) < FIRST_PAGE_MAX / 2


async def test_a_file_asked_for_by_its_digest_is_kept_and_another_is_not(listener):
    found = await loaded(listener)
    [address] = [one for one in found if "board.css" in one]

    assert "immutable" in found[address].headers["Cache-Control"]
    for path in ("/static/board.css", "/static/board.css?v=0"):
        assert (await listener.get(path)).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["none.css", "..%2fboard.css", "vendor%2fhtmx.min.js", "%00"])
async def test_there_are_no_other_files(listener, name):
    assert (await listener.get(f"/static/{name}")).status == 404


def test_our_own_scripts_and_styles_load_nothing_from_elsewhere():
    for name in ("board.css", "board.js"):
        text = files("escalator.web").joinpath("static", name).read_text()
        assert not re.search(r"https?:|url\(|@import|eval|innerHTML", text)
