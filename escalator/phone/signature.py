"""Decides whether a callback was signed by the carrier.

The signed text is the URL as the carrier used it, then each form field's name and value, sorted.
The URL comes from the configured public address and the raw path of the request, never from its
headers. Carriers disagree with themselves on whether a port belongs into it, so both forms count;
a user name and password in it, and a fragment, never do.

Two schemes exist: HMAC-SHA1 with the account's auth token, and HMAC-SHA256 with a named shared key,
which the request then announces in a header of its own.
"""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

SIGNATURE_HEADER = "X-Twilio-Signature"
SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"
HMAC_SHA1 = "HMAC_SHA1"
HMAC_SHA256 = "HMAC_SHA256"

_HASHES = {HMAC_SHA1: "sha1", HMAC_SHA256: "sha256"}
_DEFAULT_PORTS = {"https": "443", "http": "80"}
_URL = re.compile(r"(?P<scheme>[a-z]+)://(?P<authority>[^/?#]*)(?P<rest>[^#]*)", re.IGNORECASE)
_PORT = re.compile(r"(?P<host>.*?)(?::(?P<port>\d*))?", re.DOTALL)

Params = Sequence[tuple[str, str]]


class Verdict(StrEnum):
    """What became of one signature."""

    OK = "ok"
    BAD = "bad"
    UNKNOWN_KEY = "unknown_key"
    """Signed with a shared key that the config does not name: worth a line in the log."""


def sign(url: str, params: Params, key: str, algorithm: str = HMAC_SHA1) -> str:
    """The signature, in base64, of a form POST with these fields to exactly this URL.

    A field given twice with one value counts once. `ValueError` for an algorithm we do not know.
    """
    try:
        digest = _HASHES[algorithm.upper()]
    except KeyError:
        raise ValueError(f"{algorithm!r} is not a way to sign callbacks that we know") from None
    signed = url + "".join(name + value for name, value in sorted(set(params)))
    return base64.b64encode(hmac.digest(_bytes(key), _bytes(signed), digest)).decode("ascii")


class Verifier:
    """Holds the keys that callbacks may be signed with.

    `auth_tokens` are all good at once, so that one can be rotated without losing a call;
    `shared_keys` go by the id that the carrier names. Empty secrets are refused with `ValueError`:
    anybody could sign with those.
    """

    def __init__(self, auth_tokens: Sequence[str], shared_keys: Mapping[str, str]) -> None:
        if not all(auth_tokens) or not all(shared_keys.values()):
            raise ValueError(
                "an empty secret would let anybody sign callbacks; set it or leave it out"
            )
        self._auth_tokens = tuple(auth_tokens)
        self._shared_keys = dict(shared_keys)

    def check(
        self, urls: str | Sequence[str], params: Params, headers: Mapping[str, str]
    ) -> Verdict:
        """Judge one callback by any of the URLs it may have been signed for. Never raises."""
        signature = _header(headers, SIGNATURE_HEADER)
        settings = _settings(_header(headers, SETTINGS_HEADER))
        algorithm = settings.get("algorithm", HMAC_SHA1).upper()
        key_id = settings.get("key")
        if key_id is not None and key_id not in self._shared_keys:
            return Verdict.UNKNOWN_KEY
        if not signature or algorithm not in _HASHES:
            return Verdict.BAD
        keys = self._auth_tokens if key_id is None else (self._shared_keys[key_id],)
        forms = [
            form for url in ([urls] if isinstance(urls, str) else urls) for form in forms_of(url)
        ]
        # Every combination is tried: the time taken must not tell which key or form was right.
        hits = [
            hmac.compare_digest(_bytes(sign(form, params, key, algorithm)), _bytes(signature))
            for key in keys
            for form in forms
        ]
        return Verdict.OK if any(hits) else Verdict.BAD


def forms_of(url: str) -> tuple[str, ...]:
    """How a carrier may have written this URL when it signed: without and with a port."""
    found = _URL.fullmatch(url.partition("#")[0])
    if found is None:
        return (url,)
    scheme, rest = found["scheme"], found["rest"]
    authority = found["authority"].rpartition("@")[2]
    split = _PORT.fullmatch(authority)
    assert split is not None, "the pattern matches any text"
    host = split["host"]
    port = split["port"] or _DEFAULT_PORTS.get(scheme.lower(), "")
    return (f"{scheme}://{host}{rest}", f"{scheme}://{host}:{port}{rest}")


def _settings(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}


def _header(headers: Mapping[str, str], name: str) -> str:
    """Header names have no case, whatever mapping they come in."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")


def _bytes(text: str) -> bytes:
    """Text off the wire may hold lone surrogates, which plain UTF-8 refuses."""
    return text.encode("utf-8", "surrogatepass")
