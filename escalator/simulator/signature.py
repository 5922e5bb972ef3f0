"""How a callback is signed: the URL as requested, the sorted parameters, a keyed hash.

With an auth token it is HMAC-SHA1; with a shared key HMAC-SHA256, and a second header says so. User
and password and the fragment of a URL are never signed. Fetches of TwiML over https are signed
without the port, status callbacks with it: that is what the real service does.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

SIGNATURE = "X-Twilio-Signature"
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"


def sign(
    url: str, fields: Iterable[tuple[str, str]], key: str, algorithm: str = "HMAC_SHA1"
) -> str:
    """The base64 signature. `fields` are the POST's form fields; a repeated pair counts once."""
    hashed = hashlib.sha1 if algorithm == "HMAC_SHA1" else hashlib.sha256
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashed).digest()).decode()


def signed_url(url: str, *, keep_port: bool) -> str:
    """The URL as it is signed."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "https" and not keep_port and parts.port is not None:
        host = host.removesuffix(f":{parts.port}")
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))


class Signer:
    """Signs in the name of one account. `shared_key`: its id and secret, None for the auth
    token.
    """

    def __init__(self, auth_token: str, shared_key: tuple[str, str] | None = None) -> None:
        self.auth_token = auth_token
        self.shared_key = shared_key

    def headers(
        self, url: str, fields: Iterable[tuple[str, str]], *, keep_port: bool, forged: bool = False
    ) -> dict[str, str]:
        """The headers to send with a request to this URL. `forged`: signed with a key that is
        not ours.
        """
        target = signed_url(url, keep_port=keep_port)
        if self.shared_key is None:
            key = "forged" if forged else self.auth_token
            return {SIGNATURE: sign(target, fields, key)}
        name, secret = self.shared_key
        key = "forged" if forged else secret
        return {
            SIGNATURE: sign(target, fields, key, "HMAC_SHA256"),
            SETTINGS: f"key={name},algorithm=HMAC_SHA256",
        }
