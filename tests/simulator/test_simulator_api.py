"""The REST API, with the official SDK as the judge."""

import asyncio
from asyncio import to_thread
from datetime import date, timedelta

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from escalator.simulator import ACCOUNT_SID, AUTH_TOKEN, CallQueued, Script, Simulator

ANA = "+447700900123"
BEN = "+491713920012"
FROM = "+15005550006"
URL = "http://127.0.0.1:9/answer"


def encoded(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(name, secret)}


def sdk_for(simulator: Simulator, *credentials: str) -> Client:
    client = Client(*credentials, http_client=TwilioHttpClient(pool_connections=False))
    client.api.base_url = simulator.url
    return client


@pytest.fixture
def sdk(simulator: Simulator) -> Client:
    return sdk_for(simulator, ACCOUNT_SID, AUTH_TOKEN)


async def test_a_created_call_is_queued_and_has_no_dates(sdk, simulator):
    simulator.pace.speed = 0.001

    call = await to_thread(sdk.calls.create, to=ANA, from_=FROM, url=URL)

    assert (call.status, call.direction) == ("queued", "outbound-api")
    assert call.sid.startswith("CA")
    assert len(call.sid) == 34
    assert (call.to, call._from, call.from_formatted) == (ANA, FROM, "(500) 555-0006")
    assert call.start_time is call.end_time is call.duration is call.price is None


async def test_nothing_of_the_request_comes_back(customer):
    _, body = await customer.create(Url=URL + "?secret=1")

    assert "secret" not in str(body)
    assert body["uri"] == f"/2010-04-01/Accounts/{ACCOUNT_SID}/Calls/{body['sid']}.json"
    assert body["subresource_uris"]["notifications"].endswith(f"{body['sid']}/Notifications.json")


async def test_a_call_that_is_over_shows_when_and_how_long(sdk, simulator):
    simulator.people[ANA] = Script.answers(hangs_up_after=7)
    created = await to_thread(
        sdk.calls.create, to=ANA, from_=FROM, twiml='<Response><Pause length="60"/></Response>'
    )
    await simulator.settle()

    call = await to_thread(sdk.calls(created.sid).fetch)

    assert (call.status, call.duration) == ("completed", "7")
    assert call.end_time >= call.start_time >= call.date_created


async def test_listing_is_newest_first_and_follows_the_pages(sdk, simulator):
    sids = [(await to_thread(sdk.calls.create, to=ANA, from_=FROM, url=URL)).sid for _ in range(5)]

    listed = await to_thread(sdk.calls.list, page_size=2)

    assert [call.sid for call in listed] == sids[::-1]
    assert len([r for r in simulator.requests if r.method == "GET"]) == 3


async def test_listing_has_only_the_paging_keys_beside_the_calls(customer):
    for _ in range(3):
        await customer.create()

    _, body = await customer.request("GET", "/Calls.json?PageSize=2&Page=1")

    assert set(body) == {
        *("calls", "first_page_uri", "next_page_uri", "previous_page_uri"),
        *("page", "page_size", "start", "end", "uri"),
    }
    assert (body["page"], body["page_size"], body["start"], body["end"]) == (1, 2, 2, 2)
    assert body["next_page_uri"] is None
    assert body["previous_page_uri"].startswith("/2010-04-01/")


async def test_listing_filters_by_numbers_status_and_day(sdk, simulator):
    simulator.people[ANA] = Script.busy()
    today = simulator.pace.now().date()
    await to_thread(sdk.calls.create, to=ANA, from_=FROM, url=URL)
    await to_thread(sdk.calls.create, to=BEN, from_=FROM, url=URL, timeout=1)
    await simulator.settle()

    async def found(**filters: object) -> set[str]:
        return {call.to for call in await to_thread(sdk.calls.list, **filters)}

    assert await found(to=BEN) == {BEN}
    assert await found(status="busy") == {ANA}
    assert await found(from_=BEN) == set()
    assert await found(start_time=today) == {ANA, BEN}
    assert await found(start_time_after=today) == {ANA, BEN}
    assert await found(start_time_before=today) == set()
    assert await found(start_time_after=today + timedelta(days=1)) == set()
    assert await found(end_time=date(2020, 1, 1)) == set()


async def test_a_queued_call_has_no_start_time_to_filter_by(application):
    slow = Simulator(calls_per_second=0.001)
    async with slow.run(), aiohttp.ClientSession() as session:
        auth = encoded(ACCOUNT_SID, AUTH_TOKEN)
        url = f"{slow.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Calls.json"
        form = {"To": ANA, "From": FROM, "Url": URL}
        for _ in range(2):
            await (await session.post(url, data=form, headers=auth)).json()
        await slow.wait_for(lambda: slow.calls[0].started_at)

        answer = await session.get(url + "?StartTime%3E=2020-01-01", headers=auth)

        assert [call["sid"] for call in (await answer.json())["calls"]] == [slow.calls[0].sid]
        assert int(slow.calls[1].resource()["queue_time"]) == pytest.approx(1_000_000, rel=0.01)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("PageSize=1001", 20007),
        ("PageSize=x", 20007),
        ("PageToken=PACA123", 21481),
        ("StartTime=yesterday", 20422),
    ],
)
async def test_a_list_with_wrong_parameters_is_refused(customer, query, code):
    status, body = await customer.request("GET", f"/Calls.json?{query}")

    assert (status, body["code"]) == (400, code)


async def test_the_call_can_be_completed_and_then_deleted(sdk, simulator):
    simulator.people[ANA] = Script.manual()
    simulator.pace.speed = 50
    created = await to_thread(
        sdk.calls.create, to=ANA, from_=FROM, twiml='<Response><Pause length="600"/></Response>'
    )
    call = await simulator.wait_call(to=ANA, status="ringing")
    call.answer()
    await simulator.wait_call(to=ANA, status="in-progress")
    with pytest.raises(TwilioRestException) as early:
        await to_thread(sdk.calls(created.sid).delete)

    ended = await to_thread(sdk.calls(created.sid).update, status="completed")

    assert (early.value.code, ended.status) == (20009, "completed")
    assert await to_thread(sdk.calls(created.sid).delete)
    with pytest.raises(TwilioRestException) as gone:
        await to_thread(sdk.calls(created.sid).fetch)
    assert (gone.value.status, gone.value.code) == (404, 20404)
    assert await to_thread(sdk.calls.list) == []


async def test_an_ended_call_cannot_be_updated(sdk, simulator):
    simulator.people[ANA] = Script.busy()
    created = await to_thread(sdk.calls.create, to=ANA, from_=FROM, url=URL)
    await simulator.settle()

    for change in ({"status": "canceled"}, {"status": "completed"}, {"url": URL}):
        with pytest.raises(TwilioRestException) as refused:
            await to_thread(sdk.calls(created.sid).update, **change)
        assert (refused.value.status, refused.value.code) == (400, 21220)


async def test_an_api_key_opens_the_account_of_the_path(simulator):
    client = sdk_for(simulator, "SK" + "1" * 32, "key-secret", ACCOUNT_SID)

    call = await to_thread(client.calls.create, to=ANA, from_=FROM, url=URL)

    assert call.account_sid == ACCOUNT_SID


@pytest.mark.parametrize(
    ("name", "secret"),
    [(ACCOUNT_SID, "wrong"), ("SK" + "1" * 32, AUTH_TOKEN), ("AC" + "9" * 32, AUTH_TOKEN)],
)
async def test_wrong_credentials_are_20003(customer, name, secret):
    auth = encoded(name, secret)

    status, body = await customer.request("GET", "/Calls.json", headers=auth)

    assert (status, body["code"], body["status"]) == (401, 20003, 401)
    assert body["more_info"].endswith("/20003")


async def test_no_credentials_are_20003(simulator):
    async with aiohttp.ClientSession() as session:
        url = f"{simulator.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Calls.json"
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic %%%"}):
            async with session.get(url, headers=headers) as answer:
                assert answer.status == 401


async def test_another_account_in_the_path_is_not_found(customer, simulator):
    auth = encoded(ACCOUNT_SID, AUTH_TOKEN)
    url = f"{simulator.url}/2010-04-01/Accounts/AC{'9' * 32}/Calls.json"

    async with customer.session.get(url, headers=auth) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, 20404)


async def test_unknown_addresses_and_methods_have_codes(customer):
    assert (await customer.request("GET", "/Calls"))[1]["code"] == 20404
    assert (await customer.request("GET", "/Nothing.json"))[1]["code"] == 20404
    assert (await customer.request("PUT", "/Calls.json"))[0] == 405


async def test_the_sdk_raises_the_code(sdk):
    with pytest.raises(TwilioRestException) as refused:
        await to_thread(sdk.calls.create, to="garbage", from_=FROM, url=URL)

    assert (refused.value.status, refused.value.code) == (400, 21211)


async def test_only_forms_are_read(customer):
    status, body = await customer.request("POST", "/Calls.json", json={"To": ANA, "From": FROM})

    assert (status, body["code"]) == (400, 21201)


async def test_a_caller_that_the_account_does_not_own_is_21210(application):
    async with Simulator(numbers=[FROM]).run() as simulator, aiohttp.ClientSession() as session:
        url = f"{simulator.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Calls.json"
        auth = encoded(ACCOUNT_SID, AUTH_TOKEN)
        form = {"To": ANA, "From": "+15005550109", "Url": URL}

        async with session.post(url, data=form, headers=auth) as answer:
            assert (await answer.json())["code"] == 21210


async def test_unknown_parameters_are_a_warning_of_the_call(customer):
    call = await customer.place(ValidityPeriod="60", statusCallback="http://x/")
    _, body = await customer.request("GET", f"/Calls/{call.sid}/Notifications.json")

    noted = [n for n in body["notifications"] if n["error_code"] == "20001"]
    assert {n["log"] for n in noted} == {"1"}
    assert sorted(n["message_text"].split()[0] for n in noted) == [
        "ValidityPeriod",
        "statusCallback",
    ]


async def test_events_open_a_quarter_of_an_hour_after_the_call(customer, simulator):
    simulator.people[ANA] = Script.busy()
    call = await customer.call_through()
    path = f"/Calls/{call.sid}/Events.json"
    _, early = await customer.request("GET", path)
    call.ended_clock -= 900

    _, late = await customer.request("GET", path)

    assert early["events"] == []
    assert late["events"][-1]["request"]["parameters"]["CallStatus"] == "busy"
    assert late["events"][-1]["response"]["response_code"] == 204


async def test_the_account_and_its_balance_can_be_read(sdk):
    account = await to_thread(sdk.api.v2010.accounts(ACCOUNT_SID).fetch)
    balance = await to_thread(sdk.api.v2010.accounts(ACCOUNT_SID).balance.fetch)

    assert (account.status, balance.currency) == ("active", "USD")


@pytest.mark.parametrize(
    ("sender", "to", "code"),
    [
        ("+15005550001", ANA, 21212),
        (BEN, ANA, 21210),
        (FROM, "+15005550001", 21217),
        (FROM, "+15005550002", 21214),
        (FROM, "+15005550003", 21215),
        (FROM, "+15005550004", 21216),
    ],
)
async def test_test_credentials_have_magic_numbers(sender, to, code):
    async with Simulator(magic_numbers=True).run() as simulator:
        client = sdk_for(simulator, ACCOUNT_SID, AUTH_TOKEN)

        with pytest.raises(TwilioRestException) as refused:
            await to_thread(client.calls.create, to=to, from_=sender, url=URL)
        accepted = await to_thread(client.calls.create, to=ANA, from_=FROM, url=URL)
        with pytest.raises(TwilioRestException) as unsupported:
            await to_thread(client.api.v2010.accounts(ACCOUNT_SID).fetch)

    assert refused.value.code == code
    assert accepted.status == "queued"
    assert (unsupported.value.status, unsupported.value.code) == (403, 20008)


async def test_over_rate_calls_wait_in_the_queue(application):
    queued: list[str] = []
    async with Simulator(speed=100, calls_per_second=1).run() as simulator:
        simulator.listeners.append(
            lambda event: queued.append(event.call.sid) if isinstance(event, CallQueued) else None
        )
        began = simulator.pace.now()
        async with aiohttp.ClientSession() as session:
            url = f"{simulator.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Calls.json"
            auth = encoded(ACCOUNT_SID, AUTH_TOKEN)
            forms = [{"To": ANA, "From": FROM, "Url": URL, "Timeout": "1"}] * 4
            await asyncio.gather(*(session.post(url, data=form, headers=auth) for form in forms))
        await simulator.settle()

        started = [call.started_at for call in simulator.calls]

    assert queued == [call.sid for call in simulator.calls]
    assert started == sorted(started)
    # Three more turns of a second each, at a hundred times the speed.
    assert (started[-1] - began).total_seconds() >= 0.03
