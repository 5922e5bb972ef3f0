"""Whether a request comes from the sender that a receiver was set up for.

Secrets are compared in constant time and never shown. Bearer and Basic can be decided from the
headers alone, before a stranger's body is read; an HMAC covers the body and needs it.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

_HMAC_PREFIX = b"sha256="


@dataclass(frozen=True, slots=True)
class BearerAuth:
    """`Authorization: Bearer SECRET`."""

    secret: str = field(repr=False)
    needs_body = False

    def __post_init__(self) -> None:
        _demand(self.secret, "bearer token")


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """`Authorization: Basic …`, user and password in UTF-8."""

    user: str
    password: str = field(repr=False)
    needs_body = False

    def __post_init__(self) -> None:
        _demand(self.password, "password")


@dataclass(frozen=True, slots=True)
class HmacAuth:
    """A header with the hex HMAC-SHA256 of the body, with or without `sha256=` before it."""

    secret: str = field(repr=False)
    header: str
    needs_body = True

    def __post_init__(self) -> None:
        _demand(self.secret, "HMAC secret")


Auth: TypeAlias = BearerAuth | BasicAuth | HmacAuth


def check(auth: Auth, headers: Mapping[str, str], body: bytes = b"") -> bool:
    """Whether the request may come in. `body` counts only where `auth.needs_body`.

    Header names are compared without regard to case. Anything odd about the headers is a no.
    """
    match auth:
        case BearerAuth(secret):
            return _same(_credentials(headers, b"bearer"), secret.encode())
        case BasicAuth(user, password):
            expected = f"{user}:{password}".encode()
            return _same(_basic(headers), expected)
        case HmacAuth(secret, header):
            expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
            given = _header(headers, header).lower().removeprefix(_HMAC_PREFIX)
            return _same(given, expected)
        case _:
            assert_never(auth)


def _same(given: bytes, secret: bytes) -> bool:
    """Compare in a time that tells nothing, the secret's length included (X5)."""
    return hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(secret).digest())


def _demand(secret: str, what: str) -> None:
    if not secret:
        raise ValueError(f"an empty {what} would let anybody in; set one")


def _header(headers: Mapping[str, str], name: str) -> bytes:
    """The header's value as bytes; b"" when it is missing or there are several."""
    wanted = name.lower()
    values = [value for given, value in headers.items() if given.lower() == wanted]
    # HTTP libraries hand over bytes that are not UTF-8 as lone surrogates.
    return values[0].strip().encode(errors="surrogateescape") if len(values) == 1 else b""


def _credentials(headers: Mapping[str, str], scheme: bytes) -> bytes:
    given, _, credentials = _header(headers, "authorization").partition(b" ")
    return credentials.strip() if given.lower() == scheme else b""


def _basic(headers: Mapping[str, str]) -> bytes:
    try:
        return base64.b64decode(_credentials(headers, b"basic"), validate=True)
    except (binascii.Error, ValueError):
        return b""
