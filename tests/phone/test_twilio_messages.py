"""Twilio's Messages: what goes out, and what each answer proves."""

from datetime import UTC, datetime

import pytest
from loopback_carrier import (
    SHORT,
    answering,
    carrier,
    loopback,
    never_answer,
    reset_after_reading,
)

from escalator.phone.carrier import (
    Accepted,
    CarrierMessage,
    Gone,
    ListedMessages,
    NewMessage,
    NotSent,
    Refused,
    Scope,
    Unclear,
    Unreadable,
)

SID = "SM" + "0" * 31 + "1"
TO, FROM = "+447700900123", "+15005550006"
URL = "https://pager.example.net/t/token/sms"
MESSAGE = NewMessage(
    to=TO, from_=FROM, body="Disk full\nä €", status_callback=URL, validity_seconds=1800
)
FULL = {
    "sid": SID,
    "to": TO,
    "from": FROM,
    "body": "Disk full",
    "status": "undelivered",
    "direction": "outbound-api",
    "date_created": "Tue, 31 Aug 2010 20:36:28 +0000",
    "error_code": 30003,
}
AT = datetime(2010, 8, 31, 20, 36, 28, tzinfo=UTC)
READ = CarrierMessage(
    sid=SID,
    to=TO,
    from_=FROM,
    body="Disk full",
    status="undelivered",
    direction="outbound-api",
    created_at=AT,
    error_code=30003,
)


async def outcome_of(behaviour, ask, patience=None):
    async with loopback(behaviour) as server:
        client = carrier(server.url, patience)
        outcome = await ask(client.messages)
        await client.aclose()
    return outcome, server.requests


def sending(messages):
    return messages.send(MESSAGE)


def reading(messages):
    return messages.read(SID)


def listing(messages):
    return messages.list_messages(TO, AT)


async def test_a_request_says_all_that_it_must():
    outcome, [request] = await outcome_of(answering(201, {"sid": SID, "status": "queued"}), sending)
    assert outcome == Accepted(SID, "queued")
    assert (request.method, request.path.rpartition("/")[2]) == ("POST", "Messages.json")
    assert dict(request.form) == {
        "To": TO,
        "From": FROM,
        "Body": "Disk full\nä €",
        "StatusCallback": f"{URL}#rc=3&rp=ct,rt,5xx",
        "ValidityPeriod": "1800",
    }
    assert "token" not in repr(MESSAGE)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, {"code": 20429, "message": "slow down"}, NotSent),
        (400, {"code": 21611, "message": "queue full"}, NotSent),
        (400, {"code": 21610, "message": "opted out"}, Refused),
        (400, {"code": 21614, "message": "no mobile"}, Refused),
        (400, {"code": 21408, "message": "country"}, Refused),
        (401, {"code": 20003, "message": "who"}, Refused),
        (201, {"sid": SID, "status": "failed", "error_code": 30034}, Refused),
        (500, {"code": 20500, "message": "oops"}, Unclear),
        (503, {}, Unclear),
        (302, {}, Unclear),
        (400, {"odd": 1}, Unclear),
        (201, {"sid": 7}, Unclear),
    ],
)
async def test_what_an_answer_proves(status, body, kind):
    outcome, _ = await outcome_of(answering(status, body), sending)
    assert isinstance(outcome, kind)
    if kind is Unclear:
        assert outcome.reason.endswith("a message may have been made")


@pytest.mark.parametrize(
    ("code", "scope"),
    [
        (21610, Scope.NUMBER),
        (21614, Scope.NUMBER),
        (21408, Scope.CONFIGURATION),
        (20003, Scope.ACCOUNT),
    ],
)
async def test_whom_a_refusal_concerns(code, scope):
    outcome, _ = await outcome_of(answering(400, {"code": code, "message": "no"}), sending)
    assert outcome.scope is scope


@pytest.mark.parametrize("behaviour", [never_answer, reset_after_reading])
async def test_no_answer_is_unclear(behaviour):
    outcome, _ = await outcome_of(behaviour, sending, SHORT)
    assert isinstance(outcome, Unclear)


async def test_no_connection_is_proof():
    client = carrier("http://127.0.0.1:9", SHORT)
    outcome = await client.messages.send(MESSAGE)
    await client.aclose()
    assert isinstance(outcome, NotSent)


async def test_a_message_is_read():
    assert (await outcome_of(answering(200, FULL), reading))[0] == READ
    assert (await outcome_of(answering(404, {}), reading))[0] == Gone()
    assert isinstance((await outcome_of(answering(200, []), reading))[0], Unreadable)
    assert isinstance((await outcome_of(never_answer, reading, SHORT))[0], Unreadable)


async def test_a_list_is_read_to_its_end():
    outcome, [request] = await outcome_of(answering(200, {"messages": [FULL, 7, {}]}), listing)
    assert outcome == ListedMessages([READ])
    assert request.query == [("To", TO), ("PageSize", "100")]
    assert isinstance((await outcome_of(answering(500, {}), listing))[0], Unreadable)
    assert isinstance((await outcome_of(answering(200, {"calls": []}), listing))[0], Unreadable)


async def test_a_list_is_left_where_it_gets_too_old_and_after_five_pages():
    older = {**FULL, "date_created": "Tue, 31 Aug 2010 20:36:27 +0000"}
    more = {"next_page_uri": "/Messages.json?Page=1&PageToken=x"}
    outcome, requests = await outcome_of(
        answering(200, {"messages": [FULL, older], **more}), listing
    )
    assert outcome.complete
    assert len(requests) == 1

    outcome, requests = await outcome_of(answering(200, {"messages": [FULL], **more}), listing)
    assert not outcome.complete
    assert len(requests) == 5
    assert requests[1].query == [("Page", "1"), ("PageToken", "x")]
