"""Direct calls over HTTP: what is asked for, what is answered, when, and once."""

import asyncio
from dataclasses import replace

import pytest

from escalator.escalation.call_events import (
    CallAccepted,
    CallIntended,
    CallPrompted,
    CallRefused,
    CallReported,
)
from escalator.escalation.calls import AnswerRequest
from escalator.escalation.rules import Caps

TO = "+819012345678"
SHAPE = (
    "id kind person to from sid state outcome incidents created_at answered_at ended_at duration error answer_request"
).split()
ASKED = {"to": TO, "say": "こんにちは", "voice": "alice", "language": "ja-JP", "loop": 3}


async def posted(listener, call):
    """Let the dialer have written down that it is about to POST."""
    await listener.engine.submit(
        CallIntended(
            call_id=call, to=TO, from_="+15005550006", person="", token_hash="hash", lasts=685
        )
    )


async def picked_up(listener, call):
    """Let the call be placed and answered, as the phone side would."""
    engine, token = listener.engine, "hash"
    await posted(listener, call)
    await engine.submit(CallAccepted(call_id=call, token_hash=token, sid="CA1"))
    await prompted(listener, call)


async def prompted(listener, call):
    """Let the carrier ask what is to be said."""
    request = AnswerRequest(
        at=listener.clock.wall(),
        content_type="application/x-www-form-urlencoded",
        body="CallSid=CA1",
    )
    await listener.engine.submit(
        CallPrompted(call_id=call, token_hash="hash", sid="CA1", request=request)
    )


async def ended(listener, call):
    await listener.engine.submit(
        CallReported(call_id=call, token_hash="hash", sid="CA1", status="completed", duration=12)
    )


async def test_a_call_is_on_file_when_it_is_answered_202(listener):
    answer = await listener.post("/api/v1/calls", ASKED)

    assert answer.status == 202
    assert list(answer.json) == SHAPE
    assert answer.headers["Location"] == f"/api/v1/calls/{answer.json['id']}"
    assert answer.json["state"] == "planned"
    assert answer.json["kind"] == "direct"
    assert answer.json["sid"] is None
    call = listener.engine.reader.call(answer.json["id"])
    assert (call.to, call.person, call.lasts) == (TO, "", 25 + 600 + 60)
    speech = call.speech
    assert (speech.say, speech.voice, speech.language, speech.loop) == (
        "こんにちは",
        "alice",
        "ja-JP",
        3,
    )


@pytest.mark.parametrize(
    ("fields", "voice", "language"),
    [
        ({"to": TO}, "Polly.Vicki-Neural", "de-DE"),  # the config's language
        ({"to": "ana"}, "Polly.Tomoko-Neural", "ja-JP"),  # the person's
        ({"to": "ana", "language": "de-DE"}, "Polly.Vicki-Neural", "de-DE"),
        ({"to": TO, "language": "sv-SE"}, "", "sv-SE"),
        ({"to": TO, "voice": "man"}, "man", "de-DE"),
    ],
)
async def test_what_is_left_out_comes_from_the_person_else_the_config(
    listener, fields, voice, language
):
    answer = await listener.post("/api/v1/calls", {**fields, "say": "hello"})

    speech = listener.engine.reader.call(answer.json["id"]).speech
    assert (speech.voice, speech.language, speech.loop) == (voice, language, 3)


async def test_a_person_is_rung_at_the_first_phone(listener):
    answer = await listener.post("/api/v1/calls", {"to": "ana", "say": "hello"})

    assert (answer.json["to"], answer.json["person"]) == ("+491713920012", "ana")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"to": "+123"}, "to"),
        ({"to": "0171 3920012"}, "to"),
        ({"to": "+99912345678"}, "to"),
        ({"to": "nobody"}, "to"),
        ({"to": ""}, "to"),
        ({"to": None}, "to"),
        ({"to": 491713920012}, "to"),
        ({"to": "+15005550006"}, "to"),  # one of our own (W30)
        ({"say": ""}, "say"),
        ({"say": "\u0007\u200b"}, "say"),
        ({"say": "あ" * 501}, "say"),
        ({"say": "x" * 20_000}, "say"),
        ({"loop": 0}, "loop"),
        ({"loop": 11}, "loop"),
        ({"loop": "3"}, "loop"),
        ({"loop": True}, "loop"),
        ({"loop": 1.5}, "loop"),
        ({"voice": 'alice" onload="'}, "voice"),
        ({"language": "Japanese!"}, "language"),
        ({"url": "https://evil.example"}, "url"),
    ],
)
async def test_a_call_that_cannot_be_is_400_and_not_placed(listener, fields, path):
    answer = await listener.post("/api/v1/calls", {**ASKED, **fields})

    assert answer.error == (400, "invalid_field", path)
    assert listener.engine.reader.open_calls() == []


async def test_five_hundred_japanese_letters_fit(listener):
    answer = await listener.post("/api/v1/calls", {**ASKED, "say": "あ" * 500})

    assert answer.status == 202


async def test_the_answer_request_is_shown_as_it_was_received(listener):
    call = (await listener.post("/api/v1/calls", ASKED)).json["id"]
    await picked_up(listener, call)
    await ended(listener, call)

    shown = (await listener.get(f"/api/v1/calls/{call}")).json

    assert shown["answer_request"] == {
        "at": "2026-11-02T09:00:00.000Z",
        "content_type": "application/x-www-form-urlencoded",
        "body": "CallSid=CA1",
    }
    assert (shown["state"], shown["outcome"], shown["duration"]) == ("ended", "heard", 12)
    assert (shown["sid"], shown["from"], shown["error"]) == ("CA1", "+15005550006", None)


async def test_a_refusal_of_the_carrier_is_shown(listener):
    call = (await listener.post("/api/v1/calls", ASKED)).json["id"]
    await posted(listener, call)
    await listener.engine.submit(CallRefused(call_id=call, code=21211, message="bad number"))

    shown = (await listener.get(f"/api/v1/calls/{call}")).json

    assert shown["outcome"] == "refused"
    assert shown["error"] == {"code": 21211, "message": "bad number"}


async def test_an_unknown_call_is_404(listener):
    assert (await listener.get("/api/v1/calls/123")).error == (404, "not_found", None)


async def test_the_answer_waits_until_the_phone_is_picked_up(listener):
    asking = asyncio.ensure_future(listener.post("/api/v1/calls?wait=answered", ASKED))
    call = await placed(listener)
    await asyncio.sleep(0.02)
    assert not asking.done()

    await picked_up(listener, call)

    answer = await asyncio.wait_for(asking, 2)
    assert (answer.status, answer.json["state"]) == (202, "in-progress")


async def test_the_carriers_word_alone_is_no_answer_yet(listener):
    """Its request for instructions comes beside the status, and its body is what a workflow waits for."""
    asking = asyncio.ensure_future(listener.post("/api/v1/calls?wait=answered", ASKED))
    call = await placed(listener)
    await posted(listener, call)
    await listener.engine.submit(
        CallReported(call_id=call, token_hash="hash", sid="CA1", status="in-progress")
    )
    await asyncio.sleep(0.02)
    assert not asking.done()

    await prompted(listener, call)

    answer = await asyncio.wait_for(asking, 2)
    assert answer.json["answer_request"]["body"] == "CallSid=CA1"


async def test_the_answer_waits_until_the_call_is_over(listener):
    call = (await listener.post("/api/v1/calls", ASKED)).json["id"]
    asking = asyncio.ensure_future(listener.get(f"/api/v1/calls/{call}?wait=ended"))
    await picked_up(listener, call)
    await asyncio.sleep(0.02)
    assert not asking.done()

    await ended(listener, call)

    answer = await asyncio.wait_for(asking, 2)
    assert (answer.status, answer.json["state"]) == (200, "ended")


async def test_a_call_that_nobody_answers_ends_the_wait_for_an_answer(listener):
    call = (await listener.post("/api/v1/calls", ASKED)).json["id"]
    asking = asyncio.ensure_future(listener.get(f"/api/v1/calls/{call}?wait=answered"))
    await asyncio.sleep(0.02)

    await posted(listener, call)
    await listener.engine.submit(CallRefused(call_id=call, code=21211, message="bad number"))

    assert (await asyncio.wait_for(asking, 2)).json["outcome"] == "refused"


async def test_after_the_timeout_the_call_is_answered_as_it_is(listener):
    call = (await listener.post("/api/v1/calls", ASKED)).json["id"]
    asking = asyncio.ensure_future(listener.get(f"/api/v1/calls/{call}?wait=ended&timeout=30s"))
    await waiting(listener)
    await listener.clock.advance(29)
    await asyncio.sleep(0.02)
    assert not asking.done()

    await listener.clock.advance(1)

    assert (await asyncio.wait_for(asking, 2)).json["state"] == "planned"


async def test_whoever_waits_is_answered_when_the_listener_stops(listener):
    call = (await listener.post("/api/v1/calls", ASKED)).json["id"]
    asking = asyncio.ensure_future(listener.get(f"/api/v1/calls/{call}?wait=ended"))
    await waiting(listener)

    await asyncio.wait_for(listener.runner.cleanup(), 2)

    assert (await asking).status == 200


async def test_whoever_has_left_is_not_waited_for(listener):
    call = (await listener.post("/api/v1/calls", ASKED)).json["id"]
    asking = asyncio.ensure_future(listener.get(f"/api/v1/calls/{call}?wait=ended"))
    await waiting(listener)
    asking.cancel()
    await asyncio.sleep(0.02)

    listener.engine.ring()

    async with asyncio.timeout(2):
        while listener.clock.next_wake is not None:  # noqa: ASYNC110 - a clock tells nobody who sleeps
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("wait=ringing", "wait"),
        ("wait=ended&timeout=301s", "timeout"),
        ("wait=ended&timeout=60", "timeout"),
    ],
)
async def test_a_wait_that_means_nothing_is_400_before_anybody_is_rung(listener, query, path):
    answer = await listener.post(f"/api/v1/calls?{query}", ASKED)

    assert answer.error == (400, "invalid_field", path)
    assert listener.engine.reader.open_calls() == []


async def test_a_repeated_request_with_its_key_is_answered_with_the_first_call(listener):
    key = {"Idempotency-Key": "deploy-42"}

    first = await listener.post("/api/v1/calls", ASKED, headers=key)
    again = await listener.post("/api/v1/calls", ASKED, headers=key)

    assert (again.status, again.json) == (202, first.json)
    assert len(listener.engine.reader.open_calls()) == 1


async def test_requests_with_one_key_at_the_same_time_are_one_call(listener):
    key = {"Idempotency-Key": "deploy-42"}

    answers = await asyncio.gather(
        *(listener.post("/api/v1/calls", ASKED, headers=key) for _ in range(8))
    )

    assert len({answer.json["id"] for answer in answers}) == 1
    assert len(listener.engine.reader.open_calls()) == 1


async def test_a_crash_after_the_key_was_written_yields_the_call_of_that_key(listener):
    await listener.post("/api/v1/calls", ASKED, headers={"Idempotency-Key": "deploy-42"})
    reader = listener.engine.reader
    call, _ = reader.call_of_key("deploy-42")
    await listener.engine.change("DELETE FROM calls WHERE id = ?", (call,))

    again = await listener.post("/api/v1/calls", ASKED, headers={"Idempotency-Key": "deploy-42"})

    assert again.json["id"] == call
    assert [one.id for one in reader.open_calls()] == [call]


async def test_a_key_that_stood_for_another_request_is_409(listener):
    key = {"Idempotency-Key": "deploy-42"}
    await listener.post("/api/v1/calls", ASKED, headers=key)

    answer = await listener.post("/api/v1/calls", {**ASKED, "say": "something else"}, headers=key)

    assert answer.error == (409, "conflict", "Idempotency-Key")
    assert len(listener.engine.reader.open_calls()) == 1


async def test_requests_without_a_key_are_calls_of_their_own(listener):
    answers = [await listener.post("/api/v1/calls", ASKED) for _ in range(2)]

    assert len({answer.json["id"] for answer in answers}) == 2


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_none_is_400(listener, key):
    answer = await listener.post("/api/v1/calls", ASKED, headers={"Idempotency-Key": key})

    assert answer.error == (400, "invalid_field", "Idempotency-Key")


async def placed(listener) -> str:
    """The id of the call that a request under way has put on file."""
    async with asyncio.timeout(2):
        while not (calls := listener.engine.reader.open_calls()):  # noqa: ASYNC110 - another process would see no more
            await asyncio.sleep(0.005)
    return calls[0].id


async def waiting(listener) -> None:
    """Until somebody waits on the clock."""
    async with asyncio.timeout(2):
        while listener.clock.next_wake is None:  # noqa: ASYNC110 - a clock tells nobody who sleeps
            await asyncio.sleep(0.005)


async def test_the_calls_of_a_day_are_capped_and_it_is_said_how(listen):
    """(X19)"""
    listener = await listen()
    capped = Caps(per_day=1)
    listener.engine.rules = replace(listener.engine.rules, caps=capped)
    first = await listener.post("/api/v1/calls", ASKED)
    await posted(listener, first.json["id"])

    refused = await listener.post("/api/v1/calls", ASKED)

    assert refused.status == 429
    assert refused.json["error"]["code"] == "rate_limited"
    assert "calls_per_day" in refused.json["error"]["message"]
    assert int(refused.headers["Retry-After"]) > 0
