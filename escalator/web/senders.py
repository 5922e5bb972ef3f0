"""How whoever sends to us proves who it is: one way for receivers and heartbeats."""

from collections.abc import Mapping

from escalator.config import access as config
from escalator.intake.auth import Auth, BasicAuth, BearerAuth, HmacAuth, check
from escalator.web.answers import Refusal

_HEX = frozenset("0123456789abcdef")
_SCHEMES = {BearerAuth: "Bearer", BasicAuth: "Basic", HmacAuth: "Signature"}


def auth_of(auth: config.Auth) -> Auth:
    """The config's auth with its secrets revealed."""
    if auth.bearer is not None:
        return BearerAuth(auth.bearer.reveal())
    if auth.basic is not None:
        return BasicAuth(auth.basic.user, auth.basic.password.reveal())
    assert auth.hmac_sha256 is not None, "exactly one of the three is written"
    return HmacAuth(auth.hmac_sha256.secret.reveal(), auth.hmac_sha256.header)


def may_be_read(auth: Auth, headers: Mapping[str, str]) -> bool:
    """Whether the headers make the body worth reading: they prove who sends, or hold what could be a signature."""
    if not isinstance(auth, HmacAuth):
        return check(auth, headers)
    given = headers.get(auth.header, "").strip().lower().removeprefix("sha256=")
    return len(given) == 64 and _HEX.issuperset(given)


def stranger(auth: Auth, what: str) -> Refusal:
    """401 for who did not prove it; `what` is what was asked for."""
    return Refusal(
        401,
        f"this {what} does not know you; compare its auth in the config with the sender's",
        headers={"WWW-Authenticate": f'{_SCHEMES[type(auth)]} realm="escalator"'},
    )
