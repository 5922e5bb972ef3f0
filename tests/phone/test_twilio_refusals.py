import asyncio

import pytest
from loopback_carrier import (
    OK,
    SID,
    answer,
    answering,
    outcome_of,
    sending,
)

from escalator.phone.carrier import Accepted, NotSent, Refused, Scope
from escalator.phone.twilio import Patience


async def test_a_slow_yes_is_a_yes():
    async def slowly(_request, connection):
        await asyncio.sleep(0.15)
        await connection.answer(201, OK)

    patience = Patience(connect_seconds=0.1, total_seconds=2)
    assert await outcome_of(slowly, patience=patience) == Accepted(SID, "queued", 1.5)


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, None),
        ({"queue_time": None}, None),
        ({"queue_time": 250}, 0.25),
        ({"queue_time": ""}, None),
    ],
    ids=repr,
)
async def test_other_carriers_sids_and_numbers_are_taken_too(fields, seconds):
    body = {"sid": "0b2a5c1e-8c6b-4a58-9f5e-aa0000000001", "status": "queued"} | fields

    assert await outcome_of(answering(201, body)) == Accepted(body["sid"], "queued", seconds)


@pytest.mark.parametrize(
    ("fields", "code", "scope"),
    [
        ({"status": "failed"}, 0, Scope.NUMBER),
        ({"status": "failed", "error_code": 13227}, 13227, Scope.CONFIGURATION),
        ({"error_code": "13224", "error_message": "no carrier"}, 13224, Scope.NUMBER),
        ({"error_code": 10001}, 10001, Scope.ACCOUNT),
    ],
    ids=repr,
)
async def test_a_yes_that_failed_at_once_is_a_no(fields, code, scope):
    outcome = await outcome_of(answering(201, OK | fields))

    assert (outcome.code, outcome.scope, outcome.sid) == (code, scope, SID)
    assert "failed it at once" in outcome.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "2"}, 2.0),
        ({"Retry_After": "0.5"}, 0.5),
        ({"Retry_After": "86400"}, 60.0),
        ({"Retry_After": "-3"}, 0.0),
        ({"Retry_After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
    ],
    ids=repr,
)
async def test_too_many_requests_is_a_not_yet(headers, seconds):
    outcome = await outcome_of(answering(429, {"code": 20429, "message": "slow down"}, **headers))

    assert isinstance(outcome, NotSent)
    assert outcome.retry_after == seconds
    assert "20429 slow down" in outcome.reason


@pytest.mark.parametrize(
    "behaviour",
    [
        answering(429, "<html>by a gateway</html>"),
        sending(answer(429, {"code": 20429})[:-5]),
        answering(400, {"code": 10004, "message": "concurrency"}),
        answering(403, {"code": 20429}),
    ],
    ids=["429 HTML", "429 cut off", "10004", "20429"],
)
async def test_too_much_in_any_words_is_a_not_yet(behaviour):
    assert isinstance(await outcome_of(behaviour), NotSent)


REFUSALS = [
    *((400, code, Scope.NUMBER) for code in (21211, 21214, 21216, 21217, 21202, 21203, 13224)),
    *((400, code, Scope.CONFIGURATION) for code in (21210, 21212, 21215, 21219, 21205, 21609)),
    (404, 20404, Scope.CONFIGURATION),
    (403, 20008, Scope.CONFIGURATION),
    (401, 20003, Scope.ACCOUNT),
    (403, 20005, Scope.ACCOUNT),
    (400, 10001, Scope.ACCOUNT),
    (403, 20403, Scope.ACCOUNT),
    (401, 20006, Scope.ACCOUNT),
    (400, 21999, Scope.NUMBER),
    (400, 20999, Scope.CONFIGURATION),
]


@pytest.mark.parametrize(("status", "code", "scope"), REFUSALS)
async def test_a_no_says_whom_it_concerns(status, code, scope):
    body = {"code": code, "message": "The number +447700900123\r\nis wrong", "status": status}

    outcome = await outcome_of(answering(status, body))

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.scope) == (code, scope)
    assert outcome.message.startswith(f"{code} The number …123 is wrong")


async def test_a_refused_country_says_which_setting_allows_it():
    """(W2)"""
    body = {"code": 21215, "message": "not allowed", "status": 400}

    outcome = await outcome_of(answering(400, body))

    assert "Geo permissions" in outcome.message


@pytest.mark.parametrize("status", [401, 403])
async def test_a_no_to_our_login_needs_no_code(status):
    outcome = await outcome_of(answering(status, "<html>no</html>"))

    assert (outcome.code, outcome.scope) == (status, Scope.ACCOUNT)
