"""The secret in one call's URLs.

Who holds a token may speak for that call and no other. It is made once, goes into the URLs of one
request to the carrier, and only its hash is kept: whoever reads the database can press no key.
"""

import hashlib
import re
import secrets

_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def new_token() -> str:
    """A fresh token: 256 random bits as 43 characters that need no escaping in a URL."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_hash(token: str) -> str:
    """What is stored and looked up instead of the token: SHA-256 in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def looks_like_token(text: str) -> bool:
    """Whether the text has a token's shape; anything else needs no look-up."""
    return _TOKEN.fullmatch(text) is not None
