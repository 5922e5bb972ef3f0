from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, MultiDict
from twilio.request_validator import RequestValidator

from escalator.phone.signature import Verdict, Verifier, forms_of, sign

TOKEN = "12345"
P = parse_qsl(
    "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212"
    "&Caller=%2B14158675309"
)
CHANGED = [(name, "+14158675310" if name in ("From", "Caller") else value) for name, value in P]
REPEATED = parse_qsl("Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234")
BODY_URL = (
    "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256="
    "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
)
BASE = "https://mycompany.com/myapp.php?foo=1&bar=2"

VECTORS = {
    "plain": (BASE, P, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    "http with a port": (
        "http://mycompany.com:1234/myapp.php?foo=1&bar=2",
        P,
        "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
    ),
    "https with its port": (
        "https://mycompany.com:443/myapp.php?foo=1&bar=2",
        P,
        "kvajT1Ptam85bY51eRf/AJRuM3w=",
    ),
    "http with its port": (
        "http://mycompany.com:80/myapp.php?foo=1&bar=2",
        P,
        "0ZXoZLH/DfblKGATFgpif+LLRf4=",
    ),
    "repeated fields": (BASE, REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    "a body's hash in the URL": (BODY_URL, [], "a9nBmqA0ju/hNViExpshrM61xv4="),
    "other numbers": (
        "https://example.com/myapp.php?foo=1&bar=2",
        CHANGED,
        "L/OH5YylLD5NRKLltdqwSvS0BnU=",
    ),
    "letters of the world, and an empty field": (
        "https://example.com/cb?t=a%20b",
        [("Body", "héllo 日本 ✓"), ("FromCity", ""), ("To", "+818012345678")],
        "VCOb4nZjfYpHaosZ+0yKQ2nzKf4=",
    ),
    "no fields": ("https://example.com/cb/TOKEN123?x=1", [], "v50zrzxmRscGfLhK8x/6tzlx76M="),
}
SHA256_OF_PLAIN = "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="


def verdict(url, params, signature, *, tokens=(TOKEN,), shared=None, settings=None):
    headers = CIMultiDict({"X-Twilio-Signature": signature})
    if settings is not None:
        headers["X-Twilio-Webhooks-Signature-Settings"] = settings
    return Verifier(tokens, shared or {}).check(url, params, headers)


@pytest.mark.parametrize(("url", "params", "signature"), list(VECTORS.values()), ids=list(VECTORS))
def test_known_signatures_come_out_the_same(url, params, signature):
    assert sign(url, params, TOKEN) == signature
    assert verdict(url, params, signature) is Verdict.OK


def test_the_known_sha256_signature_comes_out_the_same():
    assert sign(BASE, P, TOKEN, "HMAC_SHA256") == SHA256_OF_PLAIN


@pytest.mark.parametrize("which", ["https with its port", "http with its port"])
def test_a_signature_made_with_the_port_holds_for_the_url_without(which):
    url, params, signature = VECTORS[which]

    assert verdict(url.replace(":443", "").replace(":80", ""), params, signature) is Verdict.OK


def test_a_signature_made_without_the_port_holds_for_the_url_with_any_port():
    url = "https://mycompany.com:8443/myapp.php?foo=1&bar=2"

    assert verdict(url, P, VECTORS["plain"][2]) is Verdict.OK


def test_user_name_and_password_and_fragment_are_not_signed():
    url = "https://user:pa@ss@mycompany.com/myapp.php?foo=1&bar=2#rc=3"

    assert verdict(url, P, VECTORS["plain"][2]) is Verdict.OK


def test_an_ipv6_address_keeps_its_brackets_in_both_forms():
    assert forms_of("http://[::1]:8911/t?a") == ("http://[::1]/t?a", "http://[::1]:8911/t?a")
    assert forms_of("http://[::1]/t") == ("http://[::1]/t", "http://[::1]:80/t")


def test_any_of_several_urls_may_be_the_one_that_was_signed():
    urls = ["https://old.example.net/t", BASE]

    assert verdict(urls, P, VECTORS["plain"][2]) is Verdict.OK
    assert verdict(urls[:1], P, VECTORS["plain"][2]) is Verdict.BAD


def test_while_a_token_is_rotated_both_are_good():
    new = sign(BASE, P, "second")

    assert verdict(BASE, P, VECTORS["plain"][2], tokens=(TOKEN, "second")) is Verdict.OK
    assert verdict(BASE, P, new, tokens=(TOKEN, "second")) is Verdict.OK
    assert verdict(BASE, P, new) is Verdict.BAD


@pytest.mark.parametrize(
    "change",
    [
        {"url": BASE + "&x=1"},
        {"url": BASE.replace("https", "http")},
        {"params": [*P, ("Extra", "")]},
        {"params": P[:-1]},
        {"params": [(name.lower(), value) for name, value in P]},
        {"signature": ""},
        {"signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8"},
        {"tokens": ()},
    ],
    ids=repr,
)
def test_whatever_was_changed_is_noticed(change):
    call = {"url": BASE, "params": P, "signature": VECTORS["plain"][2]} | change

    assert verdict(**call) is Verdict.BAD


def test_a_missing_signature_is_bad():
    assert Verifier([TOKEN], {}).check(BASE, P, {}) is Verdict.BAD


def test_header_names_have_no_case_in_any_mapping():
    assert (
        Verifier([TOKEN], {}).check(BASE, P, {"x-twilio-signature": VECTORS["plain"][2]})
        is Verdict.OK
    )


@pytest.mark.parametrize("odd", ["\udcff\udce9", "é" * 28, "\ud800", "日本", "\x00", "=" * 100000])
def test_odd_header_values_are_bad_and_nothing_worse(odd):
    assert verdict(BASE, P, odd) is Verdict.BAD
    assert verdict(BASE, P, odd, settings=odd) is Verdict.BAD


def test_lone_surrogates_in_fields_can_be_signed():
    assert verdict(BASE, [("a", "\udcff")], "x") is Verdict.BAD


SETTINGS = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"


def test_a_shared_key_signs_with_sha256():
    signature = sign(BASE, P, "s3cret", "HMAC_SHA256")
    shared = {"webhooks_sharedkey_1": "s3cret"}

    assert verdict(BASE, P, signature, shared=shared, settings=SETTINGS) is Verdict.OK
    assert verdict(BASE, P, signature, shared=shared) is Verdict.BAD
    assert (
        verdict(BASE, P, sign(BASE, P, "s3cret"), shared=shared, settings=SETTINGS) is Verdict.BAD
    )


def test_the_auth_token_does_not_stand_in_for_a_shared_key():
    signature = sign(BASE, P, TOKEN, "HMAC_SHA256")
    shared = {"webhooks_sharedkey_1": "s3cret"}

    assert verdict(BASE, P, signature, shared=shared, settings=SETTINGS) is Verdict.BAD


def test_a_shared_key_that_is_not_configured_is_told_apart():
    assert verdict(BASE, P, SHA256_OF_PLAIN, settings=SETTINGS) is Verdict.UNKNOWN_KEY


@pytest.mark.parametrize("settings", ["key=webhooks_sharedkey_1,algorithm=HMAC_MD5", "algorithm=x"])
def test_an_algorithm_we_do_not_know_is_bad(settings):
    shared = {"webhooks_sharedkey_1": "s3cret"}

    assert verdict(BASE, P, "x", shared=shared, settings=settings) is Verdict.BAD
    with pytest.raises(ValueError, match="HMAC_MD5"):
        sign(BASE, P, TOKEN, "HMAC_MD5")


@pytest.mark.parametrize(("tokens", "shared"), [([""], {}), ([TOKEN, ""], {}), ([], {"k": ""})])
def test_an_empty_secret_is_refused_at_the_start(tokens, shared):
    with pytest.raises(ValueError, match="anybody"):
        Verifier(tokens, shared)


def test_secrets_are_in_no_repr():
    assert "s3cret" not in repr(Verifier(["s3cret"], {"k": "s3cret"}))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
params_of_any_kind = st.lists(st.tuples(texts, texts), max_size=8)
paths = st.text("abcXYZ019-_.~%/", max_size=20)
urls = st.builds(
    "{}://{}{}/{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["pager.example.net", "127.0.0.1", "h"]),
    st.sampled_from(["", ":80", ":443", ":8443"]),
    paths,
    st.sampled_from(["", "?a=1&b=%20", "?n=3"]),
)
algorithms = st.sampled_from(["HMAC_SHA1", "HMAC_SHA256"])


@given(urls, params_of_any_kind, texts.filter(bool), algorithms)
def test_signatures_are_those_of_the_official_library(url, params, key, algorithm):
    theirs = RequestValidator(key).compute_signature(url, MultiDict(params), algorithm)

    assert sign(url, params, key, algorithm) == theirs


ports = st.sampled_from(["", ":80", ":443", ":8443"])
schemes = st.sampled_from(["http", "https"])


@given(schemes, ports, ports, st.sampled_from(["", "x"]), params_of_any_kind)
def test_verdicts_are_those_of_the_official_library(scheme, one, other, change, params):
    signature = sign(f"{scheme}://pager.example.net{one}/t?a=1", params, TOKEN)
    asked = f"{scheme}://pager.example.net{other}/t?a=1{change}"

    theirs = RequestValidator(TOKEN).validate(asked, MultiDict(params), signature)

    assert (verdict(asked, params, signature) is Verdict.OK) == theirs


@given(st.text(), params_of_any_kind, st.text(), st.text())
def test_no_callback_whatever_makes_the_verifier_raise(url, params, signature, settings):
    assert verdict(url, params, signature, settings=settings) is not Verdict.OK
