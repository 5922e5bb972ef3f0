"""The pages over HTTP: what they answer, to whom, and that what comes from outside stays text."""

import asyncio
import json
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import aiohttp
import aiohttp.web
import pytest
from aiohttp.client_exceptions import ClientError

from escalator.simulator import Script, Simulator
from escalator.simulator.journal import Journal
from escalator.simulator.live import STREAMS_MAX, Live
from escalator.simulator.pages import Pages
from escalator.simulator.phones import ASKED_FOR_MAX
from escalator.simulator.scene import ANA, BEN, CAST
from escalator.simulator.show import Act, ActError, Fact, Line, Link, Owner, Show

NASTY = "<img src=x onerror=alert(1)>\"'"
MENU = (
    "<Response><Gather action='/key' numDigits='1'>"
    "<Say language='de-DE' voice='alice'>Bitte drücken.</Say></Gather></Response>"
)
PAGES = ["/demo", "/demo/phone/ana", "/demo/phone/15005550109", "/demo/state", "/demo/nowhere"]


@pytest.fixture
def played():
    """The acts that were played."""
    return []


@pytest.fixture
def show(simulator, played):
    """A show with the cast, a link, and three acts: one that works, one that does not, one with odd words."""

    async def works():
        played.append("works")
        return "It was done."

    async def cannot():
        raise ActError("Not now.")

    def act(key, play, label):
        return Act(key=key, label=label, about=NASTY, group=NASTY, play=play)

    simulator.show = Show(
        title=NASTY,
        owners=CAST,
        links=[Link(label=NASTY, url="http://127.0.0.1:1/")],
        acts=[act("works", works, "Do"), act("cannot", cannot, "Try"), act("odd", works, NASTY)],
        facts=lambda: [Fact("Carrier", "down" if simulator.faults.down else "up")],
    )
    return simulator.show


@pytest.fixture
def get(simulator, customer):
    """Status, headers and text of a page."""

    async def ask(path, **headers):
        async with customer.session.get(simulator.url + path, headers=headers) as answer:
            return answer.status, answer.headers, await answer.text()

    return ask


@pytest.fixture
def post(simulator, customer):
    """Status and JSON of a POST."""

    async def ask(path, body, **headers):
        async with customer.session.post(
            simulator.url + path, json=body, headers=headers
        ) as answer:
            return answer.status, await answer.json()

    return ask


# ---- which pages there are


@pytest.mark.parametrize(
    "path", ["ana", "491713920012", "+491713920012", "%2B491713920012"], ids=str
)
async def test_a_named_phone_is_found_by_name_and_by_number(show, get, path):
    status, _, text = await get(f"/demo/phone/{path}")

    assert status == 200
    assert "<h1>Ana Ortega</h1>" in text
    assert 'data-person="ana"' in text


async def test_any_number_has_a_phone_and_whatever_is_none_has_not(get):
    status, _, text = await get("/demo/phone/%2B15005550109")

    assert status == 200
    assert "<h1>+15005550109</h1>" in text
    for nobody in (
        "0123",
        "ana",
        "150055501091234567",
        "%2B%2B15005550109",
        "１５００５５５０１０９",
    ):
        assert (await get(f"/demo/phone/{quote(nobody, safe='%')}"))[0] == 404


@pytest.mark.parametrize("name", [NASTY, "../../etc/passwd", "ana\0", "%00", "{{7*7}}", "a" * 4000])
async def test_a_hostile_name_is_no_phone_and_is_not_repeated(show, get, name):
    status, _, text = await get(f"/demo/phone/{quote(name, safe='')}")

    assert status == 404
    assert "<img" not in text
    assert "49" not in text.replace("491713920012", "")


async def test_numbers_that_are_asked_for_are_shown_and_not_for_ever(simulator, get):
    for number in range(ASKED_FOR_MAX + 3):
        await get(f"/demo/phone/150055501{number:02}")
    shown = json.loads((await get("/demo/state"))[2])["shown"]

    numbers = [part["number"] for part in shown if part["kind"] == "phone"]
    assert len(numbers) == ASKED_FOR_MAX
    assert "+15005550152" in numbers
    assert "+15005550100" not in numbers


async def test_the_stage_shows_what_it_was_given_as_text(show, get):
    status, _, text = await get("/demo")

    assert status == 200
    assert "<img" not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") >= 5
    assert [owner.name in text for owner in CAST] == [True] * len(CAST)


async def test_every_page_says_that_nothing_leaves_the_machine(show, get):
    for path in ("/demo", "/demo/phone/ana", "/demo/phone/nobody"):
        assert "nothing leaves it" in (await get(path))[2]


async def test_pages_load_their_own_files_and_nothing_else(show, get):
    texts = [(await get(path))[2] for path in ("/demo", "/demo/phone/ana")]
    names = [file.name for file in (files("escalator.simulator") / "static").iterdir()]

    assert names
    for name in names:
        status, headers, text = await get(f"/demo/static/{name}")
        assert status == 200
        assert headers["Content-Type"].split(";")[0] in (
            "text/css",
            "text/javascript",
            "image/svg+xml",
        )
        assert "//" not in text.replace("http://www.w3.org/2000/svg", "").replace("// ", "")
    for text in texts:
        assert "<script>" not in text
        assert "style=" not in text
        assert " on" + "click" not in text
    assert (await get("/demo/static/..%2fpages.py"))[0] == 404


@pytest.mark.parametrize("path", PAGES)
async def test_every_answer_is_strict_about_what_a_page_may_do(show, get, path):
    _, headers, _ = await get(path)

    policy = dict(part.split(None, 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


# ---- who may ask


@pytest.mark.parametrize("path", [*PAGES[:4], "/demo/events", "/demo/phone/ana/wire"])
@pytest.mark.parametrize("host", ["evil.example", "192.0.2.1", "127.0.0.1.evil.example"])
async def test_a_name_that_was_made_to_point_here_opens_nothing(show, get, path, host):
    assert (await get(path, Host=host))[0] == 403


async def test_a_foreign_page_may_link_here_and_fetch_nothing(show, get):
    foreign = {"Sec-Fetch-Site": "cross-site"}

    assert (await get("/demo", **foreign, **{"Sec-Fetch-Mode": "navigate"}))[0] == 200
    assert (await get("/demo/state", **foreign, **{"Sec-Fetch-Mode": "cors"}))[0] == 403
    assert (await get("/demo/events", **foreign, **{"Sec-Fetch-Mode": "cors"}))[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Host": "evil.example"},
    ],
)
async def test_a_foreign_page_plays_no_act_and_changes_no_phone(
    show, simulator, post, played, headers
):
    assert (await post("/demo/acts/works", {}, **headers))[0] == 403
    assert (await post("/simulator/faults", {"down": True}, **headers))[0] == 403
    assert played == []
    assert not simulator.faults.down


async def test_an_act_is_played_and_says_what_it_did(show, simulator, post, played):
    assert await post("/demo/acts/works", {}, Origin=simulator.url) == (
        200,
        {"said": "It was done."},
    )
    assert played == ["works"]
    status, answer = await post("/demo/acts/cannot", {})
    assert (status, answer["error"]["message"]) == (409, "Not now.")
    assert (await post("/demo/acts/nothing", {}))[0] == 404


async def test_a_form_plays_no_act(show, simulator, customer, played):
    async with customer.session.post(f"{simulator.url}/demo/acts/works", data={"a": "b"}) as answer:
        assert answer.status == 415
    assert played == []


# ---- what is live


async def test_a_call_is_seen_from_ringing_to_its_end(show, simulator, customer, application, get):
    application.pages |= {"/answer": MENU, "/key": "<Response><Say>Danke.</Say></Response>"}
    simulator.people[ANA.number] = Script.manual()
    simulator.pace.speed = 20
    async with stream(simulator, customer) as seen:
        call = await customer.place(To=ANA.number)
        ringing = await seen.phone("ana", lambda phone: phone["call"]["state"] == "ringing")
        call.answer()
        talking = await seen.phone("ana", lambda phone: phone["call"]["lines"])
        call.press("4")
        ended = await seen.phone("ana", lambda phone: phone["call"]["state"] == "ended")

    assert ringing["call"]["from"] == "+15005550006"
    assert talking["call"]["state"] == "in-call"
    line = talking["call"]["lines"][0]
    assert (line["text"], line["lang"], line["voice"]) == ("Bitte drücken.", "de-DE", "alice")
    assert ended["call"]["pressed"] == "4"
    assert ended["call"]["ending"] == "The call has ended."
    assert [line["text"] for line in ended["call"]["lines"]] == ["Bitte drücken.", "Danke."]
    wire = json.loads((await get("/demo/phone/ana/wire"))[2])["wire"]
    by_kind = {entry["kind"]: entry for entry in wire}
    assert by_kind["answer"]["body"] == MENU
    assert ["Digits", "4"] in by_kind["key"]["fields"]


@pytest.mark.parametrize(
    ("script", "ending"),
    [
        (Script.declines(), "Declined."),
        (Script.no_answer(), "Nobody answered."),
        (Script.busy(), "The phone was busy."),
        (Script.unreachable(), "The phone could not be reached."),
    ],
)
async def test_how_a_call_ended_is_told(show, simulator, customer, get, script, ending):
    simulator.people[ANA.number] = script

    await customer.call_through(To=ANA.number)

    shown = json.loads((await get("/demo/state"))[2])["shown"]
    [ana] = [part for part in shown if part.get("person") == "ana"]
    assert ana["call"]["ending"] == ana["earlier"][0]["ending"] == ending


async def test_a_machine_that_answers_is_told_from_a_person(show, simulator, customer, application):
    application.pages["/answer"] = MENU
    simulator.people[ANA.number] = Script.voicemail(records_for=None)
    simulator.pace.speed = 50
    async with stream(simulator, customer) as seen:
        call = await customer.place(To=ANA.number)
        await seen.phone(
            "ana", lambda phone: phone["call"] and phone["call"]["state"] == "voicemail"
        )
        call.hang_up()


async def test_scripts_messages_facts_and_lines_are_live(show, simulator, customer, application):
    application.pages["/sms"] = "<Response/>"
    async with stream(simulator, customer) as seen:
        await seen.phone("ben", lambda phone: phone["script"] == "no-answer")
        simulator.people[BEN.number] = Script.busy()
        await seen.phone("ben", lambda phone: phone["script"] == "busy")
        await simulator.text(BEN.number, "+15005550006", NASTY, url=f"{application.url}/sms")
        ben = await seen.phone("ben", lambda phone: phone["messages"])
        simulator.faults.down = True
        show.lines.append(Line(simulator.pace.now(), "daemon", NASTY))
        simulator.changed()
        stage = await seen.next(lambda part: part["kind"] == "stage" and part["lines"])

    assert (ben["messages"][0]["body"], ben["messages"][0]["is_mine"]) == (NASTY, True)
    assert stage["facts"] == [{"name": "Carrier", "value": "down", "is_bad": False}]
    assert stage["lines"][0]["what"] == NASTY


async def test_streams_end_when_the_simulator_stops(customer):
    simulator = Simulator()
    await simulator.start()
    async with stream(simulator, customer) as seen:
        await seen.next(lambda part: part["kind"] == "stage")
        await simulator.stop()
        async with asyncio.timeout(2):
            assert await seen.rest() == b""


async def test_a_stream_ends_after_its_time(get):
    journal = Journal()
    live = Live(journal, lambda: {"": "{}"}, lasts=0.05)
    async with serving(live) as url, aiohttp.ClientSession() as session, session.get(url) as answer:
        async with asyncio.timeout(2):
            assert await answer.read() == b"data: {}\n\n"


async def test_a_stream_says_only_what_has_changed():
    journal, shown = Journal(), {"a": "1", "b": "1"}
    live = Live(journal, lambda: dict(shown), lasts=5)
    async with serving(live) as url, aiohttp.ClientSession() as session, session.get(url) as answer:
        assert await answer.content.readexactly(len(b"data: 1\n\n" * 2))
        shown["b"] = "2"
        journal.changed()
        assert await answer.content.readexactly(len(b"data: 2\n\n")) == b"data: 2\n\n"
        live.stop()
        assert await answer.read() == b""


async def test_there_are_only_so_many_streams_and_a_closed_one_makes_room(simulator, customer):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        url = f"{simulator.url}/demo/events"
        opened = [await session.get(url) for _ in range(STREAMS_MAX)]
        async with session.get(url) as one_more:
            assert one_more.status == 503
        opened.pop().close()

        status = 503
        async with asyncio.timeout(3):
            while status == 503:
                simulator.changed()
                await asyncio.sleep(0.02)
                async with session.get(url) as answer:
                    status = answer.status
        assert status == 200
        for answer in opened:
            answer.close()


async def test_a_speed_that_changes_does_not_turn_back_the_clock():
    pace = Simulator(speed=1000).pace
    before = pace.seconds()
    await asyncio.sleep(0.01)
    fast = pace.seconds()
    pace.speed = 1

    assert fast - before >= 10
    assert fast <= pace.seconds() < fast + 10
    with pytest.raises(ValueError, match="positive"):
        pace.speed = 0


def test_every_page_is_documented():
    manual = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
    routes = {
        f"{route.method} /demo{route.resource.canonical.removeprefix('/demo')}"
        for route in Pages(Simulator()).app().router.routes()
        if route.method != "HEAD"
    }

    assert routes
    assert {route for route in routes if f"`{route}`" not in manual} == set()


def test_a_phone_is_named_by_its_owner_and_found_by_number():
    show = Show(owners=[Owner(key="x", name="Xaver Yi", number="+15005550101")])

    assert show.owner_of("+15005550101").short == "Xaver"
    assert show.owner_of("+15005550102") is None


# ---- reading a stream


class stream:  # noqa: N801 - it reads as the word it is: `async with stream(...)`
    """A stream as a page reads it."""

    def __init__(self, simulator, customer):
        self._url = f"{simulator.url}/demo/events"
        self._session = customer.session

    async def __aenter__(self):
        self._answer = await self._session.get(self._url)
        assert self._answer.status == 200
        assert self._answer.content_type == "text/event-stream"
        return self

    async def __aexit__(self, *_):
        self._answer.close()

    async def next(self, fits):
        """The next part that fits."""
        async with asyncio.timeout(5):
            while True:
                line = await self._answer.content.readline()
                assert line, "the stream has ended"
                if line.startswith(b"data: ") and fits(part := json.loads(line[6:])):
                    return part

    async def phone(self, person, fits):
        """That phone, once it fits."""
        return await self.next(lambda part: part.get("person") == person and _or_not(fits, part))

    async def rest(self):
        """What is left of it, without blank lines."""
        try:
            return (await self._answer.content.read()).strip()
        except ClientError as error:
            return str(error).encode()


def _or_not(fits, part):
    try:
        return fits(part)
    except TypeError:  # no call yet
        return False


class serving:  # noqa: N801 - as above
    """A server with one stream and nothing else."""

    def __init__(self, live):
        self._live = live

    async def __aenter__(self):
        app = aiohttp.web.Application()
        app.router.add_get("/", self._live.stream)
        self._runner = aiohttp.web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        await aiohttp.web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def __aexit__(self, *_):
        await self._runner.cleanup()
