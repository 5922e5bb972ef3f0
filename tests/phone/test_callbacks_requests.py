"""Who may speak to the public listener, and what everybody else gets: nothing, in constant words."""

import re
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from cast import ANA
from rig import FOR_HANDS, Rig

from escalator.escalation.calls import CallState
from escalator.phone.tokens import new_token
from escalator.simulator import AUTH_TOKEN, CallbackFault, Script
from escalator.simulator.signature import SETTINGS, sign

IN_PROGRESS = ("CallStatus", "in-progress")

COUNTED = {"answer": "twiml", "key": "gather"}


async def ringing(rig):
    """A call that rings at Ana's."""
    rig.sim.people[ANA] = Script.manual()
    await rig.fire()
    call = await rig.sim.wait_call(ANA, status="ringing")
    await rig.until(lambda: rig.call().state is CallState.RINGING)
    return call


def fields(call, *more):
    return (("CallSid", call.sid), ("To", call.to), ("FromCity", ""), *more)


# ---- tokens


@pytest.mark.parametrize("kind", ["answer", "key", "status", "machine"])
async def test_an_unknown_token_is_not_found_whatever_it_looks_like(tmp_path, kind):
    """(X4) The words do not tell a good guess from a bad one, nor does the signature matter."""
    async with Rig(tmp_path) as rig:
        answers = set()
        for token in (new_token(), "x", "a" * 43, "a" * 5000, "%2e%2e", "%ff"):
            url = f"{rig.settings.public_url}/t/{token}/{kind}"
            status, body, headers = await rig.post(url, ("CallSid", "CA1"))
            answers.add((status, body, headers["Content-Type"]))

        assert answers == {(404, "not found\n", "text/plain")}
        assert (
            rig.count("callbacks_total", kind=COUNTED.get(kind, kind), result="unknown_token") > 3
        )


async def test_nothing_but_the_carriers_four_addresses_is_routed_here(tmp_path):
    """(X3, X10) Nor any method but POST."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await ringing(rig)
        base, token = rig.settings.public_url, rig.token(call)
        asked = [
            ("GET", "/"),
            ("GET", "/metrics"),
            ("GET", "/-/healthy"),
            ("POST", "/receive/alertmanager"),
            ("GET", f"/t/{token}/answer"),
            ("POST", f"/t/{token}"),
            ("POST", f"/t/{token}/"),
            ("POST", f"/t/{token}/answer/"),
            ("POST", f"/t/{token}/other"),
            ("POST", f"//t/{token}/answer"),
            ("POST", f"/T/{token}/answer"),
        ]
        for method, path in asked:
            url = aiohttp.client.URL(base + path, encoded=True)
            async with rig.http.request(method, url, allow_redirects=False) as answer:
                assert (answer.status, await answer.text()) == (404, "not found\n"), path


async def test_answers_are_not_kept_by_anybody_on_the_way(tmp_path):
    """(X13) Nor does the token leave with a link."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await ringing(rig)
        for url, status in ((rig.url(call, "status"), 204), (rig.url(call, "nothing"), 404)):
            got, _, headers = await rig.post(url, *fields(call, IN_PROGRESS))

            assert got == status
            assert headers["Cache-Control"] == "no-store"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["X-Content-Type-Options"] == "nosniff"


async def test_the_database_holds_no_token(tmp_path):
    """(X6) Who reads it can press no key."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await ringing(rig)
        await rig.answered(ANA)
        token = rig.token(call).encode()

        stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())

        assert call.sid.encode() in stored
        assert token not in stored


# ---- signatures


@pytest.mark.parametrize("kind", ["answer", "key", "status", "machine"])
async def test_a_request_without_the_carriers_signature_changes_nothing(tmp_path, kind):
    """(W16) The token alone does not suffice."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await ringing(rig)
        before = rig.call()
        url = rig.url(call, f"{kind}?n=1")
        form = fields(call, IN_PROGRESS, ("Digits", "4"))
        signature = sign(url, form, AUTH_TOKEN)
        for headers in (
            {},
            {"X-Twilio-Signature": ""},
            {"X-Twilio-Signature": sign(url, form, "another secret")},
            {"X-Twilio-Signature": ("A" if signature[0] != "A" else "B") + signature[1:]},
        ):
            async with rig.http.post(url, data=form, headers=headers) as answer:
                assert answer.status == 403

        for wrong in (
            sign(url.replace("n=1", "n=9"), form, AUTH_TOKEN),
            sign(url, form[1:], AUTH_TOKEN),
            sign(url, (*form, ("Digits", "6")), AUTH_TOKEN),
        ):
            async with rig.http.post(
                url, data=form, headers={"X-Twilio-Signature": wrong}
            ) as answer:
                assert answer.status == 403

        assert rig.call() == before
        assert rig.incident().phase == "triggered"
        assert (
            rig.count("callbacks_total", kind=COUNTED.get(kind, kind), result="bad_signature") == 7
        )


async def test_a_forged_callback_of_the_simulated_carrier_is_refused_too(tmp_path):
    """(W16)"""
    async with Rig(tmp_path) as rig:
        rig.tolerated.add(11200)
        rig.sim.faults.callback(CallbackFault.FORGE, event="completed")
        rig.sim.people[ANA] = Script.no_answer()
        await rig.fire()
        await rig.sim.wait_call(ANA, status="no-answer")
        await rig.sim.settle()

        assert rig.call().state is CallState.RINGING
        assert rig.sim.calls[0].status_callbacks()[-1].status == 403


async def test_no_header_of_the_request_can_say_what_address_was_signed(tmp_path):
    """(X10) Host and X-Forwarded-* are anybody's to write."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await ringing(rig)
        evil = f"https://evil.example/t/{rig.token(call)}/status"
        form = fields(call, ("CallStatus", "completed"))
        headers = {
            "Host": "evil.example",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "https",
            "X-Twilio-Signature": sign(evil, form, AUTH_TOKEN),
        }
        async with rig.http.post(rig.url(call, "status"), data=form, headers=headers) as answer:
            assert answer.status == 403

        good = {**headers, "X-Twilio-Signature": sign(rig.url(call, "status"), form, AUTH_TOKEN)}
        async with rig.http.post(rig.url(call, "status"), data=form, headers=good) as answer:
            assert answer.status == 204


async def test_a_shared_key_signs_too(tmp_path):
    """And one that the config does not name does not."""
    carrier = {"shared_key": ("WK1", "a shared secret")}
    async with Rig(tmp_path, carrier=carrier, shared_keys={"WK1": "a shared secret"}) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        await rig.fire()
        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()
        call = rig.sim.calls[0]
        assert call.callbacks[0].headers[SETTINGS] == "key=WK1,algorithm=HMAC_SHA256"

        url, form = rig.url(call, "status"), fields(call, IN_PROGRESS)
        for key, status in (("WK1", 204), ("WK2", 403)):
            headers = {
                SETTINGS: f"key={key},algorithm=HMAC_SHA256",
                "X-Twilio-Signature": sign(url, form, "a shared secret", "HMAC_SHA256"),
            }
            async with rig.http.post(url, data=form, headers=headers) as answer:
                assert answer.status == status


async def test_while_a_token_is_rotated_both_are_good(tmp_path):
    """(X16) No call is lost by it."""
    carrier = {"secondary_token": "the next auth token"}
    tokens = (AUTH_TOKEN, "the next auth token")
    async with Rig(tmp_path, speed=FOR_HANDS, carrier=carrier, auth_tokens=tokens) as rig:
        call = await ringing(rig)
        rig.sim.promote_secondary_token()
        call.answer()
        await call.listening()
        call.press("4")

        await rig.until(lambda: rig.incident().phase == "acknowledged")


async def test_an_address_below_a_path_is_signed_with_it_and_served_without(tmp_path):
    """A proxy strips the path; the carrier has signed what it was told."""

    async def strip(request):
        assert request.raw_path.startswith("/pager/")
        inner = f"http://127.0.0.1:{rig.port}{request.raw_path.removeprefix('/pager')}"
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                aiohttp.client.URL(inner, encoded=True),
                data=await request.read(),
                headers={k: v for k, v in request.headers.items() if k.lower() != "host"},
            ) as answer,
        ):
            kind = answer.headers.get("Content-Type")
            headers = {"Content-Type": kind} if kind else {}
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", strip)
    proxy = web.AppRunner(app, shutdown_timeout=0.1)
    await proxy.setup()
    await web.TCPSite(proxy, "127.0.0.1", 0).start()
    public_url = f"http://127.0.0.1:{proxy.addresses[0][1]}/pager/"
    rig = Rig(tmp_path, public_url=public_url)
    async with rig:
        rig.sim.people[ANA] = Script.answers(None, "4")
        await rig.fire()
        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()

        assert all("/pager/t/" in one.url for one in rig.sim.calls[0].callbacks)
        assert not re.search(r"[^:]//", rig.sim.calls[0].callbacks[0].url)
    await proxy.cleanup()


# ---- what is wrong otherwise


async def test_a_body_too_big_to_be_a_callback_is_refused(tmp_path):
    """(L4)"""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await ringing(rig)

        status, _, _ = await rig.post(rig.url(call, "status"), ("CallSid", "x" * 70_000))

        assert status == 413


async def test_a_callback_that_names_no_call_is_refused(tmp_path):
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await ringing(rig)

        status, _, _ = await rig.post(rig.url(call, "answer"), IN_PROGRESS)

        assert status == 400
        assert rig.call().state is CallState.RINGING


async def test_bytes_that_are_no_text_are_no_reason_to_fail(tmp_path):
    """(X1) What cannot have been signed is refused, what was signed is taken."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await ringing(rig)
        url = rig.url(call, "status")
        odd = fields(call, ("CallStatus", "ringing"), ("CallerName", "Zoë\r\n\x00 ✓ &=%"))

        assert (await rig.post(url, *odd))[0] == 204
        headers = {
            "X-Twilio-Signature": "AAAA",
            "Content-Type": "application/x-www-form-urlencoded; charset=nonsense",
        }
        body = urlencode(odd).encode() + b"&x=\xff\xfe%ff"
        async with rig.http.post(url, data=body, headers=headers) as answer:
            assert answer.status == 403
