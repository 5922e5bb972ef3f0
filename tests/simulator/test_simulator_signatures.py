"""What the simulator signs is what the official SDK validates."""

import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator

from escalator.simulator import AUTH_TOKEN, Script, Simulator
from escalator.simulator.signature import Signer, sign, signed_url

ANA = "+447700900123"
P = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
MANY = [
    ("Sid", "CA123"),
    ("SidAccount", "AC123"),
    *[("Digits", d) for d in ("5678", "1234", "1234")],
]
JAPANESE = [("Body", "héllo 日本 ✓"), ("FromCity", ""), ("To", "+818012345678")]
HASHED = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
COMPANY = "https://mycompany.com/myapp.php?foo=1&bar=2"


@pytest.mark.parametrize(
    ("url", "fields", "signature"),
    [
        (COMPANY, P, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", P, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        ("https://mycompany.com:443/myapp.php?foo=1&bar=2", P, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com:80/myapp.php?foo=1&bar=2", P, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        (COMPANY, MANY, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        (f"{COMPANY}&bodySHA256={HASHED}", [], "a9nBmqA0ju/hNViExpshrM61xv4="),
        ("https://example.com/cb?t=a%20b", JAPANESE, "VCOb4nZjfYpHaosZ+0yKQ2nzKf4="),
        ("https://example.com/cb/TOKEN123?x=1", [], "v50zrzxmRscGfLhK8x/6tzlx76M="),
    ],
)
def test_known_signatures(url, fields, signature):
    assert sign(url, fields, "12345") == signature


def test_known_signature_of_a_shared_key():
    signature = "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="

    assert sign(COMPANY, P, "12345", "HMAC_SHA256") == signature


@pytest.mark.parametrize(
    ("url", "for_twiml", "for_events"),
    [
        ("https://h:8443/p?q#rc=2", "https://h/p?q", "https://h:8443/p?q"),
        ("http://h:8080/p", "http://h:8080/p", "http://h:8080/p"),
        ("https://u:p%40w@h/p", "https://h/p", "https://h/p"),
        ("https://[::1]:8443/p", "https://[::1]/p", "https://[::1]:8443/p"),
        ("https://h/a%7Eb%2fc+d", "https://h/a%7Eb%2fc+d", "https://h/a%7Eb%2fc+d"),
    ],
)
def test_the_signed_url_has_no_fragment_no_password_and_over_https_no_port(
    url, for_twiml, for_events
):
    assert signed_url(url, keep_port=False) == for_twiml
    assert signed_url(url, keep_port=True) == for_events


def test_a_forged_signature_is_not_ours():
    signer = Signer("token")

    honest = signer.headers(COMPANY, P, keep_port=True)
    forged = signer.headers(COMPANY, P, keep_port=True, forged=True)

    assert honest != forged
    assert honest.keys() == forged.keys()


def is_valid(application, got, token, algorithm=None) -> bool:
    url = application.url + got.raw_path
    signature = got.headers["X-Twilio-Signature"]
    return RequestValidator(token).validate(url, dict(got.form), signature, algorithm)


async def test_every_callback_of_a_call_validates_and_differs_in_its_unknown_field(
    customer, application, simulator
):
    simulator.people[ANA] = Script.answers("4")
    application.pages["/answer"] = (
        '<Response><Gather action="key%7E?a=b%2fc&amp;t=1" numDigits="1"><Say>hi</Say></Gather>'
        "</Response>"
    )
    application.pages["/key~"] = "<Response><Redirect>/more</Redirect></Response>"
    application.pages["/more"] = "<Response/>"

    await customer.call_through(
        MachineDetection="Enable",
        AsyncAmd="true",
        AsyncAmdStatusCallback=f"{application.url}/machine",
    )

    assert {path.partition("?")[0] for path in application.paths()} == {
        *("/answer", "/key%7E", "/more", "/status"),
    }
    assert all(is_valid(application, got, AUTH_TOKEN) for got in application.got)
    assert not any(is_valid(application, got, "other") for got in application.got)
    strange = [name for got in application.got for name, _ in got.form if name.startswith("Novel")]
    assert len(set(strange)) == len(application.got)


async def test_callbacks_by_get_carry_the_fields_in_the_query_and_validate(customer, application):
    call = await customer.call_through(StatusCallbackMethod="GET", Timeout="1")

    assert {got.method for got in application.got} == {"GET"}
    assert "CallStatus=no-answer" in application.got[-1].raw_path
    assert application.got[-1].form == []
    assert all(is_valid(application, got, AUTH_TOKEN) for got in application.got)
    assert call.status == "no-answer"


async def test_a_shared_key_signs_with_sha256_and_says_so(application, customer):
    customer.simulator = simulator = Simulator(
        speed=2000, shared_key=("webhooks_sharedkey_1", "shared-secret")
    )
    async with simulator.run():
        await customer.call_through(Timeout="1")

    settings = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    for got in application.got:
        assert got.headers["X-Twilio-Webhooks-Signature-Settings"] == settings
        assert is_valid(application, got, "shared-secret", "HMAC_SHA256")
        assert not is_valid(application, got, AUTH_TOKEN)


async def test_a_secondary_token_opens_the_api_and_signs_only_when_promoted(application, customer):
    customer.simulator = simulator = Simulator(speed=2000, secondary_token="second")
    async with simulator.run():
        await customer.call_through(Timeout="1")
        assert all(is_valid(application, got, AUTH_TOKEN) for got in application.got)
        application.got.clear()

        simulator.promote_secondary_token()
        await customer.call_through(Timeout="1")

    assert application.got
    assert all(is_valid(application, got, "second") for got in application.got)


async def test_callbacks_carry_the_usual_headers_and_empty_places(customer, application):
    await customer.call_through(Timeout="1")

    tokens = {got.headers["I-Twilio-Idempotency-Token"] for got in application.got}
    assert len(tokens) == len(application.got)
    got = application.got[0]
    assert got.headers["X-Home-Region"] == "us1"
    assert got["FromCity"] == got["CalledZip"] == ""
    assert (got["Caller"], got["Called"]) == (got["From"], got["To"])


async def test_a_password_in_the_url_is_kept_when_nobody_asks(customer, application):
    async def forbidden(_: web.Request) -> web.Response:
        return web.Response(status=401)

    application.pages["/answer"] = forbidden
    customer.simulator.people[ANA] = Script.answers()

    await customer.call_through(Url=application.url.replace("//", "//user:word@") + "/answer")

    answers = [got for got in application.got if got.raw_path == "/answer"]
    assert len(answers) == 1
    assert "Authorization" not in answers[0].headers


async def test_a_password_in_the_url_is_sent_only_when_asked_for(customer, application):
    seen = []

    async def locked(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        if seen[-1] is None:
            return web.Response(status=401, headers={"WWW-Authenticate": "Basic realm=x"})
        return web.Response(text="<Response/>", content_type="text/xml")

    application.pages["/answer"] = locked
    customer.simulator.people[ANA] = Script.answers()

    url = application.url.replace("http://", "http://user:pass%40word@") + "/answer"
    await customer.call_through(Url=url)

    assert seen == [None, "Basic dXNlcjpwYXNzQHdvcmQ="]
    answers = [got for got in application.got if got.raw_path == "/answer"]
    assert all(is_valid(application, got, AUTH_TOKEN) for got in answers)
