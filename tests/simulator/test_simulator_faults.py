"""Each fault, as the customer sees it, and whether the call was made all the same."""

import time

import aiohttp
import pytest
from twilio.request_validator import RequestValidator

from escalator.simulator import AUTH_TOKEN, CallbackFault, Fault, Script

ANA = "+447700900123"
HELLO = "<Response><Say>Hello.</Say></Response>"


@pytest.mark.parametrize(
    ("fault", "status", "code", "made"),
    [
        (Fault.TOO_MANY, 429, 20429, False),
        (Fault.ERROR_BEFORE, 500, 20500, False),
        (Fault.ERROR_AFTER, 500, 20500, True),
        (Fault.UNAVAILABLE, 503, 20503, False),
        (Fault.SUSPENDED, 401, 20003, False),
        (Fault.REFUSED, 400, 21211, False),
    ],
)
async def test_errors_with_a_code(customer, fault, status, code, made):
    customer.simulator.faults.request(fault)

    answer = await customer.create()

    assert (answer[0], answer[1]["code"]) == (status, code)
    assert len(customer.simulator.calls) == made
    assert (await customer.create())[0] == 201


@pytest.mark.parametrize(("fault", "made"), [(Fault.BAD_GATEWAY, 0), (Fault.BAD_GATEWAY_AFTER, 1)])
async def test_a_gateway_answers_html(customer, fault, made):
    customer.simulator.faults.request(fault)

    status, body = await customer.create()

    assert status == 502
    assert body.startswith("<html>")
    assert len(customer.simulator.calls) == made


@pytest.mark.parametrize(("fault", "made"), [(Fault.CLOSED_BEFORE, 0), (Fault.CLOSED_AFTER, 1)])
async def test_the_connection_is_closed_without_an_answer(customer, fault, made):
    customer.simulator.faults.request(fault)

    with pytest.raises(aiohttp.ClientConnectionError):
        await customer.create()

    assert len(customer.simulator.calls) == made
    assert [(r.fault, r.status) for r in customer.simulator.requests] == [(fault, None)]


async def test_an_answer_is_broken_off_after_the_call_was_made(customer):
    customer.simulator.faults.request(Fault.TRUNCATED)

    with pytest.raises(aiohttp.ClientPayloadError):
        await customer.create()

    assert len(customer.simulator.calls) == 1


async def test_an_answer_is_late_and_the_call_is_made_at_once(customer, application):
    application.pages["/answer"] = HELLO
    customer.simulator.people[ANA] = Script.answers()
    customer.simulator.faults.request("slow", seconds=0.3)
    began = time.perf_counter()

    status, body = await customer.create()

    assert status == 201
    assert time.perf_counter() - began >= 0.3
    assert body["status"] == "queued"
    assert customer.simulator.calls[0].status == "completed"


async def test_the_api_redirects(customer):
    customer.simulator.faults.request(Fault.REDIRECTED)

    status, _ = await customer.create()

    assert (status, customer.simulator.calls) == (307, [])


@pytest.mark.parametrize(("fault", "status"), [("too-many", 429), ("unavailable", 503)])
async def test_retry_after_is_sent_when_asked_for(customer, simulator, fault, status):
    simulator.faults.request(fault, retry_after=7)
    simulator.faults.request(fault)
    headers = []
    for _ in range(2):
        async with customer.session.post(
            f"{simulator.url}/2010-04-01/Accounts/x/Calls.json",
            headers={"Authorization": aiohttp.encode_basic_auth("SK" + "1" * 32, "key-secret")},
        ) as answer:
            assert answer.status == status
            headers.append(answer.headers.get("Retry-After"))

    assert headers == ["7", None]


async def test_a_fault_hits_as_many_requests_as_it_is_told(customer, simulator):
    simulator.faults.request("unavailable", times=2)

    assert [(await customer.create())[0] for _ in range(3)] == [503, 503, 201]


async def test_a_fault_hits_the_operation_it_is_meant_for(customer, simulator):
    call = await customer.place()
    simulator.faults.request("unavailable", on="list", times=None)
    simulator.faults.request("error-before", on="read")
    simulator.faults.request("refused", on="message", code=21611)

    assert [(await customer.request("GET", "/Calls.json"))[0] for _ in range(3)] == [503] * 3
    assert (await customer.request("GET", f"/Calls/{call.sid}.json"))[0] == 500
    assert (await customer.request("POST", "/Messages.json"))[1]["code"] == 21611
    assert (await customer.create())[0] == 201
    simulator.faults.clear()
    assert (await customer.request("GET", "/Calls.json"))[0] == 200


async def test_a_suspended_account_can_do_nothing(customer, simulator):
    simulator.faults.suspended = True

    assert (await customer.create())[1]["code"] == 20003
    assert (await customer.request("GET", "/Calls.json"))[1]["code"] == 20003


async def test_young_calls_are_missing_from_a_list_that_lags(customer, simulator):
    simulator.pace.speed = 10
    simulator.faults.list_lag = 1
    await customer.place()

    early = (await customer.request("GET", "/Calls.json"))[1]["calls"]
    simulator.calls[0].created_clock -= 1
    late = (await customer.request("GET", "/Calls.json"))[1]["calls"]

    assert (len(early), len(late)) == (0, 1)


async def test_switched_down_it_hangs_up_on_everybody_and_does_nothing(customer, simulator):
    simulator.faults.down = True

    with pytest.raises(aiohttp.ClientConnectionError):
        await customer.create()

    simulator.faults.down = False
    assert simulator.calls == []
    assert (await customer.create())[0] == 201


async def test_gone_down_it_refuses_connections_until_it_comes_back(customer, simulator):
    assert (await customer.create())[0] == 201
    url = simulator.url
    await simulator.go_down()

    with pytest.raises(aiohttp.ClientConnectionError):
        await customer.create()
    with pytest.raises(aiohttp.ClientConnectorError):
        await customer.create()
    await simulator.come_back()

    assert simulator.url == url
    assert (await customer.create())[0] == 201


@pytest.mark.parametrize("make", ["request", "callback"])
def test_a_fault_that_does_not_exist_is_an_error(simulator, make):
    with pytest.raises(ValueError, match="meteor"):
        getattr(simulator.faults, make)("meteor")
    with pytest.raises(ValueError, match="lunch"):
        simulator.faults.request("slow", on="lunch")


@pytest.fixture
def statuses(customer, application):
    """Ana answers; the statuses as they arrived, when the call is over."""
    customer.simulator.people[ANA] = Script.answers()
    application.pages["/answer"] = HELLO

    async def arrived() -> list[str]:
        await customer.call_through()
        return [got["CallStatus"] for got in application.got if got.raw_path == "/status"]

    return arrived


ALL = ["initiated", "ringing", "in-progress", "completed"]


async def test_a_status_callback_is_dropped(simulator, statuses):
    simulator.faults.callback(CallbackFault.DROP, event="ringing")

    assert await statuses() == ["initiated", "in-progress", "completed"]
    assert simulator.calls[0].status_callbacks()[1].fault == "drop"
    assert simulator.calls[0].problems() == []


async def test_all_status_callbacks_are_dropped(simulator, statuses):
    simulator.faults.callback("drop", times=None)

    assert await statuses() == []


async def test_a_status_callback_comes_twice_with_the_same_token(simulator, statuses, application):
    simulator.faults.callback(CallbackFault.DUPLICATE, event="completed")

    assert await statuses() == [*ALL, "completed"]
    twice = application.got[-2:]
    assert twice[0].form == twice[1].form
    assert len({got.headers["I-Twilio-Idempotency-Token"] for got in twice}) == 1


async def test_a_status_callback_is_overtaken_by_the_next(simulator, statuses, application):
    simulator.faults.callback(CallbackFault.REORDER, event="ringing")

    assert await statuses() == ["initiated", "in-progress", "ringing", "completed"]
    numbers = [got["SequenceNumber"] for got in application.got if got.raw_path == "/status"]
    assert numbers == ["0", "2", "1", "3"]


async def test_the_last_status_callback_cannot_be_overtaken_and_still_comes(simulator, statuses):
    simulator.faults.callback(CallbackFault.REORDER, event="completed")

    assert await statuses() == ALL


async def test_a_status_callback_is_late(simulator, statuses):
    simulator.faults.callback(CallbackFault.DELAY, event="initiated", seconds=0.2)

    assert await statuses() == [*ALL[1:], "initiated"]


async def test_a_status_callback_is_forged(simulator, statuses, application):
    simulator.faults.callback(CallbackFault.FORGE, event="ringing")
    await statuses()

    validator = RequestValidator(AUTH_TOKEN)
    genuine = {
        got["CallStatus"]: validator.validate(
            f"{application.url}/status", dict(got.form), got.headers["X-Twilio-Signature"]
        )
        for got in application.got
        if got.raw_path == "/status"
    }
    assert genuine == dict.fromkeys(ALL, True) | {"ringing": False}


async def test_the_twiml_is_never_fetched(customer, simulator, statuses, application):
    simulator.faults.callback(CallbackFault.DROP, on="answer")

    assert await statuses() == ALL
    assert "/answer" not in application.paths()
    assert simulator.calls[0].problems() == [11200]


async def test_a_key_press_arrives_twice(customer, simulator, application):
    simulator.people[ANA] = Script.answers("4")
    simulator.faults.callback(CallbackFault.DUPLICATE, on="key")
    application.pages |= {
        "/answer": "<Response><Gather action='/key' numDigits='1'/></Response>",
        "/key": HELLO,
    }

    call = await customer.call_through()

    assert application.paths().count("/key") == 2
    assert call.heard == ["Hello."]
