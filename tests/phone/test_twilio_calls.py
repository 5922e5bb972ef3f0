import asyncio
from datetime import UTC, datetime

import pytest
from loopback_carrier import (
    OK,
    SHORT,
    SID,
    answering,
    carrier,
    loopback,
    never_answer,
    reset_after_reading,
)

from escalator.phone.carrier import (
    AlreadyOver,
    CarrierCall,
    Ended,
    Gone,
    Listed,
    Spoken,
    Unreadable,
)

TO, FROM = "+447700900123", "+15005550006"
FULL = {
    "sid": SID,
    "to": TO,
    "from": FROM,
    "status": "completed",
    "direction": "outbound-api",
    "date_created": "Tue, 31 Aug 2010 20:36:28 +0000",
    "duration": "15",
    "answered_by": "machine_start",
    "unheard_of": {"a": []},
}
READ = CarrierCall(
    sid=SID,
    to=TO,
    from_=FROM,
    status="completed",
    direction="outbound-api",
    created_at=datetime(2010, 8, 31, 20, 36, 28, tzinfo=UTC),
    duration=15,
    answered_by="machine_start",
)


def row(number):
    return {"sid": f"CA{number}", "status": "queued"}


async def outcome_of(behaviour, ask, patience=None):
    """What one request came to, after checking that exactly one was sent."""
    async with loopback(behaviour) as server:
        client = carrier(server.url, patience)
        outcome = await ask(client)
        await client.aclose()
    assert len(server.requests) == 1
    return outcome, server.requests[0]


def listing(client):
    return client.list_calls(TO, FROM)


def reading(client):
    return client.read(SID)


def ending(client):
    return client.end(SID, "canceled")


def speaking(client):
    return client.speak(SID, "<Response><Hangup/></Response>")


# Reading one call


async def test_a_call_is_read_as_it_stands():
    outcome, request = await outcome_of(answering(200, FULL), reading)

    assert outcome == READ
    assert (request.method, request.path.rpartition("/")[2]) == ("GET", f"{SID}.json")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"duration": 7}, {"duration": 7}),
        ({"duration": "soon"}, {"duration": None}),
        ({"date_created": None, "duration": None, "answered_by": None}, {}),
        ({"date_created": "yesterday", "to": 5}, {}),
        ({"date_created": "Tue, 31 Aug 2010 20:36:28 -0000"}, {"created_at": READ.created_at}),
        ({"date_created": "Tue, 31 Aug 2010 22:36:28 +0200"}, {"created_at": READ.created_at}),
        ({"date_created": "Fri, 31 Dec 9999 23:59:00 -0100"}, {}),
    ],
    ids=repr,
)
async def test_odd_fields_are_absent_rather_than_fatal(fields, expected):
    outcome, _ = await outcome_of(answering(200, {"sid": SID} | fields), reading)

    assert outcome == CarrierCall(sid=SID, **expected)


async def test_a_call_that_the_carrier_does_not_know_is_gone():
    assert (await outcome_of(answering(404, {"code": 20404}), reading))[0] == Gone()


async def test_a_sid_cannot_leave_its_path():
    async def ask(client):
        return await client.read("../Messages?x#")

    _, request = await outcome_of(answering(200, FULL), ask)

    assert request.target.endswith("/Calls/..%2FMessages%3Fx%23.json")


# Ending, speaking


@pytest.mark.parametrize(
    ("ask", "done", "form"),
    [
        (ending, Ended(), [("Status", "canceled")]),
        (speaking, Spoken(), [("Twiml", "<Response><Hangup/></Response>")]),
    ],
    ids=["end", "speak"],
)
async def test_a_call_is_changed(ask, done, form):
    outcome, request = await outcome_of(answering(200, FULL), ask)

    assert outcome == done
    assert (request.method, request.form) == ("POST", form)
    assert request.path.endswith(f"/Calls/{SID}.json")


@pytest.mark.parametrize("ask", [ending, speaking])
async def test_a_call_that_is_over_says_so(ask):
    over = {"code": 21220, "message": "Invalid call state", "status": 400}

    assert (await outcome_of(answering(400, over), ask))[0] == AlreadyOver()


@pytest.mark.parametrize("ask", [ending, speaking])
async def test_a_call_that_is_not_found_is_not_taken_for_over(ask):
    outcome, _ = await outcome_of(answering(404, {"code": 20404}), ask)

    assert isinstance(outcome, Unreadable)


# No answer, or none that we can read


@pytest.mark.parametrize("ask", [listing, reading, ending, speaking])
@pytest.mark.parametrize(
    "behaviour",
    [
        answering(500, {"code": 20500}),
        answering(503, "<html>"),
        answering(302, "", Location="/"),
        answering(401, {"code": 20003}),
        answering(429, {"code": 20429}),
        reset_after_reading,
        never_answer,
    ],
    ids=["500", "503", "302", "401", "429", "reset", "never"],
)
async def test_trouble_is_told_and_nothing_is_tried_again(ask, behaviour):
    outcome, _ = await outcome_of(behaviour, ask, SHORT)

    assert isinstance(outcome, Unreadable)
    assert outcome.reason
    assert "a call may have been made" not in outcome.reason


@pytest.mark.parametrize("ask", [listing, reading])
@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"calls": {}}', '{"sid": 1}', "\x00"])
async def test_a_yes_that_we_cannot_read_is_no_answer(ask, body):
    assert isinstance((await outcome_of(answering(200, body), ask))[0], Unreadable)


@pytest.mark.parametrize("ask", [listing, reading, ending, speaking])
async def test_no_connection_is_told(ask):
    async with loopback(answering(200, OK)) as server:
        url = server.url
    client = carrier(url)

    assert isinstance(await ask(client), Unreadable)
    await client.aclose()


# Lists


async def test_the_list_is_asked_for_by_both_numbers_and_never_by_time():
    outcome, request = await outcome_of(answering(200, {"calls": [FULL]}), listing)

    assert outcome == Listed((READ,))
    assert request.path.endswith("/Calls.json")
    assert request.query == [("To", TO), ("From", FROM), ("PageSize", "100")]


async def test_rows_that_are_no_calls_are_left_out():
    rows = [None, 5, {}, {"sid": "x y"}, row(1), [], {"sid": SID}]

    outcome, _ = await outcome_of(answering(200, {"calls": rows}), listing)

    assert [call.sid for call in outcome.calls] == ["CA1", SID]
    assert outcome.complete


def paging(pages):
    """Answers page after page; the carrier's links name another host and path than ours."""

    async def behave(request, connection):
        number = int(dict(request.query).get("Page", "0"))
        link = f"https://evil.example/other?To=%2B447700900123&Page={number + 1}&PageToken=PA%2B1"
        last = number + 1 >= pages
        body = {"calls": [row(number)], "next_page_uri": None if last else link}
        await connection.answer(200, body)

    return behave


async def listed(behaviour, patience=None):
    async with loopback(behaviour) as server:
        client = carrier(server.url, patience)
        outcome = await client.list_calls(TO, FROM)
        await client.aclose()
    return outcome, server.requests


async def test_a_list_is_read_to_its_end_and_only_from_our_carrier():
    outcome, requests = await listed(paging(3))

    assert [call.sid for call in outcome.calls] == ["CA0", "CA1", "CA2"]
    assert outcome.complete
    assert {request.path for request in requests} == {requests[0].path}
    assert requests[1].query == [("To", TO), ("Page", "1"), ("PageToken", "PA+1")]


async def test_a_list_without_end_is_left_after_five_pages():
    outcome, requests = await listed(paging(1000))

    assert (len(outcome.calls), outcome.complete, len(requests)) == (5, False, 5)


async def test_what_was_read_before_a_failure_is_kept_and_marked():
    pages = paging(3)

    async def second_fails(request, connection):
        if "Page" in dict(request.query):
            await connection.answer(500, "")
        else:
            await pages(request, connection)

    outcome, _ = await listed(second_fails)

    assert ([call.sid for call in outcome.calls], outcome.complete) == (["CA0"], False)


async def test_all_pages_together_end_within_the_time_limit():
    pages = paging(3)

    async def slowly(request, connection):
        await asyncio.sleep(0.2)
        await pages(request, connection)

    outcome, requests = await listed(slowly, SHORT)

    assert ([call.sid for call in outcome.calls], outcome.complete) == (["CA0"], False)
    assert len(requests) == 2
