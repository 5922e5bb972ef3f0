"""Who may send: bearer, basic and HMAC, each refusing everything but the right thing."""

import base64
import hashlib
import hmac

import pytest

from escalator.intake.auth import Auth, BasicAuth, BearerAuth, HmacAuth, check

BEARER = BearerAuth("open sesame")
BASIC = BasicAuth("grafana", "pässwörd:with colon")
HMAC = HmacAuth("shared", "X-Hub-Signature-256")
BODY = b'{"key": "a"}'
DIGEST = hmac.new(b"shared", BODY, hashlib.sha256).hexdigest()


def basic(credentials: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(credentials).decode()}


RIGHT = basic("grafana:pässwörd:with colon".encode())


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        (BEARER, {"Authorization": "Bearer open sesame"}),
        (BEARER, {"authorization": "bearer  open sesame "}),
        (BASIC, RIGHT),
        (BASIC, {"AUTHORIZATION": RIGHT["Authorization"].replace("Basic", "BASIC")}),
        (HMAC, {"X-Hub-Signature-256": f"sha256={DIGEST}"}),
        (HMAC, {"x-hub-signature-256": DIGEST}),
        (HMAC, {"X-Hub-Signature-256": f"SHA256={DIGEST.upper()}"}),
        (BearerAuth("schlüssel"), {"Authorization": "Bearer schlüssel"}),
    ],
)
def test_the_right_credentials_let_a_sender_in(auth: Auth, headers: dict[str, str]) -> None:
    assert check(auth, headers, BODY)


@pytest.mark.parametrize("auth", [BEARER, BASIC, HMAC], ids=["bearer", "basic", "hmac"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer open sesame!"},
        {"Authorization": "open sesame"},
        {"Authorization": "Basic open sesame"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic ====="},
        {"Authorization": "Basic é"},
        {"Authorization": RIGHT["Authorization"] + "!"},
        {"Authorization": "Bearer \udcff"},
        {"Authorization": "Bearer open sesame", "authorization": "Bearer open sesame"},
        basic(b"grafana:wrong"),
        basic(b"grafana"),
        basic("grafana:pässwörd:with colon".encode("latin-1")),
        {"Authorization": "Bearer " + RIGHT["Authorization"][6:]},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": f"sha1={DIGEST}"},
        {"X-Hub-Signature-256": DIGEST[:-1]},
        {"X-Hub-Signature-256": hmac.new(b"", BODY, hashlib.sha256).hexdigest()},
        {"X-Other": DIGEST},
    ],
)
def test_nothing_else_does(auth: Auth, headers: dict[str, str]) -> None:
    assert not check(auth, headers, BODY)


def test_an_hmac_covers_every_byte_of_the_body() -> None:
    assert not check(HMAC, {"X-Hub-Signature-256": DIGEST}, BODY + b" ")


def test_only_an_hmac_needs_the_body() -> None:
    assert (BEARER.needs_body, BASIC.needs_body, HMAC.needs_body) == (False, False, True)
    assert check(BASIC, RIGHT)


@pytest.mark.parametrize("auth", [BEARER, BASIC, HMAC], ids=["bearer", "basic", "hmac"])
def test_no_secret_shows(auth: Auth) -> None:
    shown = repr(auth) + str(auth)

    assert all(secret not in shown for secret in ("sesame", "pässwörd", "shared"))


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="empty bearer token"):
        BearerAuth("")
    with pytest.raises(ValueError, match="empty password"):
        BasicAuth("grafana", "")
    with pytest.raises(ValueError, match="empty HMAC secret"):
        HmacAuth("", "X-Signature")
