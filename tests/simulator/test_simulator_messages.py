"""Text messages, out and in."""

from asyncio import to_thread

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from escalator.simulator import ACCOUNT_SID, AUTH_TOKEN, Script
from escalator.simulator.messages import segments

ANA = "+447700900123"
FROM = "+15005550006"


@pytest.fixture
def sdk(simulator):
    http = TwilioHttpClient(pool_connections=False)
    client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=http)
    client.api.base_url = simulator.url
    return client


async def test_a_message_is_sent_delivered_and_reported(sdk, simulator, application):
    url = f"{application.url}/sms"

    sent = await to_thread(
        sdk.messages.create, to=ANA, from_=FROM, body="Disk full", status_callback=url
    )
    await simulator.settle()
    message = await to_thread(sdk.messages(sent.sid).fetch)

    assert (sent.status, sent.direction, sent.num_segments) == ("queued", "outbound-api", "1")
    assert (message.status, message.body, message.error_code) == ("delivered", "Disk full", None)
    assert [got["MessageStatus"] for got in application.got] == ["sent", "delivered"]
    assert {got["SmsSid"] for got in application.got} == {sent.sid}
    for got in application.got:
        signature = got.headers["X-Twilio-Signature"]
        assert RequestValidator(AUTH_TOKEN).validate(url, dict(got.form), signature)


async def test_a_message_to_a_phone_out_of_reach_is_undelivered(sdk, simulator, application):
    simulator.people[ANA] = Script.unreachable()
    url = f"{application.url}/sms"

    sent = await to_thread(sdk.messages.create, to=ANA, from_=FROM, body="x", status_callback=url)
    await simulator.settle()

    message = await to_thread(sdk.messages(sent.sid).fetch)
    assert (message.status, message.error_code) == ("undelivered", 30003)
    assert application.got[-1]["ErrorCode"] == "30003"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": FROM, "Body": "x"}, 21604),
        ({"To": ANA, "Body": "x"}, 21603),
        ({"To": ANA, "From": FROM}, 21602),
        ({"To": ANA, "From": FROM, "Body": "x" * 1601}, 21617),
        ({"To": "ana", "From": FROM, "Body": "x"}, 21211),
        ({"To": FROM, "From": FROM, "Body": "x"}, 21211),
        ({"To": ANA, "From": "escalator", "Body": "x"}, 21212),
        ({"To": ANA, "From": FROM, "Body": "x", "StatusCallback": "nowhere"}, 21609),
    ],
)
async def test_a_wrong_message_is_refused_with_its_code(customer, form, code):
    status, body = await customer.request("POST", "/Messages.json", data=form)

    assert (status, body["code"]) == (400, code)
    assert customer.simulator.messages == []


async def test_messages_are_listed_redacted_and_deleted(sdk, simulator):
    sids = [
        (await to_thread(sdk.messages.create, to=ANA, from_=FROM, body=str(n))).sid
        for n in range(3)
    ]
    listed = await to_thread(sdk.messages.list, page_size=2)
    redacted = await to_thread(sdk.messages(sids[0]).update, body="")
    assert await to_thread(sdk.messages(sids[1]).delete)

    assert [message.sid for message in listed] == sids[::-1]
    assert redacted.body == ""
    with pytest.raises(TwilioRestException) as gone:
        await to_thread(sdk.messages(sids[1]).fetch)
    assert gone.value.code == 20404
    assert len(await to_thread(sdk.messages.list, to=ANA)) == 2


async def test_somebody_texts_back(simulator, application):
    url = f"{application.url}/sms"
    application.pages["/sms"] = "<Response><Message>Noted.</Message></Response>"

    answer = await simulator.text(ANA, FROM, "4", url=url)

    got = application.got[0]
    assert (got["From"], got["To"], got["Body"], got["NumMedia"]) == (ANA, FROM, "4", "0")
    assert b"Noted." in answer.body
    signature = got.headers["X-Twilio-Signature"]
    assert RequestValidator(AUTH_TOKEN).validate(url, dict(got.form), signature)


async def test_whoever_texts_stop_is_not_written_to_until_start(customer, simulator, application):
    form = {"To": ANA, "From": FROM, "Body": "x"}
    url = f"{application.url}/sms"

    await simulator.text(ANA, FROM, " stop ", url=url)
    stopped = await customer.request("POST", "/Messages.json", data=form)
    await simulator.text(ANA, FROM, "Start", url=url)
    started = await customer.request("POST", "/Messages.json", data=form)

    assert (stopped[0], stopped[1]["code"], started[0]) == (400, 21610, 201)


@pytest.mark.parametrize(
    ("body", "count"),
    [("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 307, 3), ("日" * 70, 1), ("日" * 71, 2)],
)
def test_long_texts_are_sent_in_segments(body, count):
    assert segments(body) == count


@pytest.mark.parametrize(
    "page",
    [
        "<Response><Message>Noted. 4 &lt; 5</Message></Response>",
        "<Response><Message><Body>Noted. 4 &lt; 5</Body></Message></Response>",
    ],
)
async def test_what_the_webhook_says_is_texted_back(sdk, simulator, application, page):
    application.pages["/sms"] = page

    await simulator.text(ANA, FROM, "4", url=f"{application.url}/sms")
    await simulator.settle()

    asked, reply = simulator.messages
    assert (reply.to, reply.from_, reply.body) == (ANA, FROM, "Noted. 4 < 5")
    assert (asked.direction, reply.direction) == ("inbound", "outbound-reply")
    assert (await to_thread(sdk.messages(reply.sid).fetch)).status == "delivered"


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ("<Response><Message>Noted.</Message>", 12100),
        ("<Answer><Message>Noted.</Message></Answer>", 12102),
        ("<Response><Say>Noted.</Say></Response>", 12200),
    ],
)
async def test_words_that_are_no_answer_are_noted_and_not_texted(
    simulator, application, page, code
):
    application.pages["/sms"] = page

    await simulator.text(ANA, FROM, "4", url=f"{application.url}/sms")

    [asked] = simulator.messages
    assert [note.code for note in asked.notifications] == [code]


async def test_nothing_is_texted_back_to_whoever_said_stop(simulator, application):
    application.pages["/sms"] = "<Response><Message>Noted.</Message></Response>"

    await simulator.text(ANA, FROM, "stop", url=f"{application.url}/sms")

    assert [message.direction for message in simulator.messages] == ["inbound"]
