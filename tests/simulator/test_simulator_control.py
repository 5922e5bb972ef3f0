"""The control API, and the command that runs a simulator on its own."""

import asyncio
import re
import signal
import sys

import aiohttp
import pytest
from click.testing import CliRunner

from escalator.cli.simulator import narrate
from escalator.cli.simulator import simulator as command
from escalator.simulator import ACCOUNT_SID, Script

ANA = "+447700900123"
MENU = "<Response><Gather action='/key' numDigits='1'><Say>Press.</Say></Gather></Response>"


@pytest.fixture
def control(customer, simulator):
    """Status and JSON of a request to the control API."""

    async def ask(method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict]:
        options = {"json": body} if body is not None else {}
        url = f"{simulator.url}/simulator{path}"
        async with customer.session.request(method, url, headers=headers, **options) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else {}

    return ask


async def test_a_number_is_given_a_person_and_the_call_is_seen(control, customer, application):
    application.pages |= {"/answer": MENU, "/key": "<Response><Say>Done.</Say></Response>"}
    assert await control("PUT", f"/people/{ANA}", {"presses": ["4"]}) == (200, {ANA: "answers"})
    call = await customer.call_through()

    _, calls = await control("GET", "/calls")
    _, people = await control("GET", "/people")
    _, requests = await control("GET", "/requests")

    assert people == {ANA: "answers"}
    assert calls["calls"] == [(await control("GET", f"/calls/{call.sid}"))[1]]
    shown = calls["calls"][0]
    assert (shown["status"], shown["pressed"], shown["heard"]) == (
        "completed",
        "4",
        ["Press.", "Done."],
    )
    assert [c["kind"] for c in shown["callbacks"] if c["kind"] != "status"] == ["answer", "key"]
    assert requests["requests"][0]["status"] == 201


async def test_a_person_is_forgotten(control, simulator):
    simulator.people[ANA] = Script.busy()

    assert (await control("DELETE", f"/people/{ANA}"))[0] == 204
    assert (await control("DELETE", f"/people/{ANA}"))[0] == 404
    assert ANA not in simulator.people


async def test_a_live_call_is_acted_on(control, customer, application, simulator):
    application.pages["/answer"] = MENU
    application.pages["/key"] = "<Response><Pause length='600'/></Response>"
    simulator.pace.speed = 20
    await control("PUT", f"/people/{ANA}", {"outcome": "manual"})
    call = await customer.place()
    await simulator.wait_call(status="ringing")

    assert (await control("POST", f"/calls/{call.sid}/hang-up", {}))[0] == 409
    assert (await control("POST", f"/calls/{call.sid}/answer", {}))[0] == 200
    await call.listening()
    assert (await control("POST", f"/calls/{call.sid}/press", {"keys": "x"}))[0] == 400
    assert (await control("POST", f"/calls/{call.sid}/press", {"keys": "4"}))[0] == 200
    await simulator.wait_for(lambda: "/key" in application.paths())
    assert (await control("POST", f"/calls/{call.sid}/hang-up", {}))[0] == 200
    await call.ended()
    assert (call.status, call.pressed) == ("completed", "4")


async def test_faults_are_set_shown_and_cleared(control, customer, simulator):
    await control("POST", "/faults", {"request": "too-many", "times": 2})
    await control("POST", "/faults", {"callback": "drop", "event": "ringing"})
    _, shown = await control("POST", "/faults", {"suspended": True, "list_lag": 5})

    assert shown["requests"] == [{"kind": "too-many", "on": "create", "times": 2}]
    assert shown["callbacks"][0]["event"] == "ringing"
    assert (shown["suspended"], shown["list_lag"], shown["down"]) == (True, 5.0, False)
    assert (await control("DELETE", "/faults"))[0] == 204
    assert (await customer.create())[0] == 201


async def test_the_control_stays_up_when_the_api_is_down(control, simulator):
    await control("POST", "/faults", {"down": True})

    assert (await control("GET", "/faults"))[1]["down"] is True


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/faults", {"request": "meteor"}),
        ("/faults", {"request": "slow", "colour": "red"}),
        ("/faults", {"up": True}),
        ("/faults", []),
        ("/messages", {"from": ANA}),
    ],
)
async def test_what_makes_no_sense_is_400_and_says_why(control, path, body):
    status, answer = await control("POST", path, body)

    assert status == 400
    assert answer["error"]["message"]


async def test_somebody_texts_through_the_control(control, application):
    application.pages["/sms"] = "<Response/>"
    text = {"from": ANA, "to": "+15005550006", "body": "4", "url": f"{application.url}/sms"}

    assert await control("POST", "/messages", text) == (200, {"status": 200, "body": "<Response/>"})
    assert (await control("POST", "/messages", text | {"url": "http://127.0.0.1:9/"}))[0] == 502
    assert (await control("GET", "/messages"))[1]["messages"][0]["direction"] == "inbound"


async def test_other_hosts_and_forms_are_turned_away(control, customer, simulator):
    assert (await control("GET", "/calls", Host="evil.example"))[0] == 403
    url = f"{simulator.url}/simulator/faults"
    async with customer.session.post(url, data={"down": "true"}) as answer:
        assert answer.status == 415
    assert (await control("GET", "/calls/CA404"))[0] == 404


@pytest.mark.parametrize("address", ["0.0.0.0:8913", "192.0.2.1:1", "example.com:80"])
def test_the_command_refuses_to_listen_elsewhere(address):
    result = CliRunner().invoke(command, ["--listen", address])

    assert result.exit_code == 2
    assert "not a loopback address" in result.output


@pytest.mark.parametrize("address", ["8913", "127.0.0.1:", "127.0.0.1:99999", ":80"])
def test_the_command_refuses_what_is_not_an_address(address):
    result = CliRunner().invoke(command, ["--listen", address])

    assert (result.exit_code, "is not HOST:PORT" in result.output) == (2, True)


def test_the_command_refuses_an_empty_token(tmp_path):
    (tmp_path / "token").write_text("\n")

    result = CliRunner().invoke(command, ["--auth-token-file", str(tmp_path / "token")])

    assert (result.exit_code, "is empty" in result.output) == (2, True)


async def test_the_events_of_a_call_are_narrated(customer, application, simulator):
    simulator.people[ANA] = Script.answers("4")
    application.pages |= {"/answer": MENU, "/key": "<Response/>"}
    lines: list[str] = []
    simulator.listeners.append(lambda event: lines.append(narrate(event)))

    await customer.call_through()

    assert [line.partition(": ")[2].split()[0] for line in lines] == [
        *("call", "ringing", "answered", "may", "hears", "presses", "completed"),
    ]


async def test_the_command_runs_prints_how_to_use_it_and_stops_on_sigterm(tmp_path):
    (tmp_path / "token").write_text("secret-of-this-test\n")
    code = "from escalator.cli.simulator import simulator; simulator()"
    arguments = ["--listen", "127.0.0.1:0", "--auth-token-file", str(tmp_path / "token")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    greeting = await process.stdout.readuntil(b"api_url: ")
    url = (await process.stdout.readline()).decode().strip()

    authorization = aiohttp.encode_basic_auth(ACCOUNT_SID, "secret-of-this-test")
    async with (
        aiohttp.ClientSession(headers={"Authorization": authorization}) as session,
        session.get(f"{url}/2010-04-01/Accounts/{ACCOUNT_SID}/Calls.json") as answer,
    ):
        assert answer.status == 200
    process.send_signal(signal.SIGTERM)
    rest = await process.stdout.read()

    assert await process.wait() == 0
    assert re.search(rb"account_sid: AC[0-9]{32}", greeting)
    assert b"secret-of-this-test" not in greeting + rest
