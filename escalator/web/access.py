"""Who may ask what: the listener's own logins, the open door on loopback, and requests a browser was talked into.

As soon as the config names a token, a user or a proxy, everybody has to be somebody. Until then the door is open to
this machine alone, and neither a foreign `Host` (a web page that had its name point here) nor a proxy in front gets
through. Secrets are compared in constant time.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from aiohttp import web

from escalator.config.access import ProxyUser, Web
from escalator.config.model import Config
from escalator.config.values import is_loopback
from escalator.web import bodies
from escalator.web.answers import Refusal, invalid
from escalator.web.bodies import Fields
from escalator.web.who import name_behind

NAME_CHARS_MAX = 200
NAMELESS = "api"
_KNOWN_MAX = 1000
_OF_A_PROXY = ("forwarded", "x-forwarded-")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FOREIGN_SITES = frozenset({"cross-site", "same-site"})


class Access:
    """The logins of the config in force. A password that was right once is known again without bcrypt's work."""

    def __init__(self, config: Callable[[], Config]):
        self._config = config
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, None] = {}
        self._at_work = asyncio.Semaphore(1)

    async def admit(self, request: web.Request) -> str:
        """The name behind a request, "" when nobody has to say. Raises `Refusal` 401 or 403."""
        config = self._config()
        if config.web.is_open:
            guard_open_door(request, config.web.hosts)
            return ""
        name = await self._name(request, config.web)
        if not name:
            raise _unauthorized(config.web)
        return actor_of(config, name)

    async def _name(self, request: web.Request, logins: Web) -> str:
        if logins.proxy_user is not None and (name := _from_proxy(request, logins.proxy_user)):
            return name
        scheme, _, credentials = _one_header(request, "Authorization").partition(" ")
        if scheme.lower() == "bearer":
            return _token_name(logins, credentials.strip())
        if scheme.lower() == "basic":
            return await self._user_name(logins, credentials.strip())
        return ""

    async def _user_name(self, logins: Web, credentials: str) -> str:
        try:
            user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return ""
        if not logins.users:
            return ""
        # A user that does not exist costs as much time as one that does.
        is_user = user in logins.users
        hashed = logins.users[user if is_user else next(iter(logins.users))].reveal()
        proof = hmac.digest(self._key, f"{user}\0{hashed}\0{password}".encode(), "sha256")
        if is_user and proof in self._known:
            return user
        # One at a time: guessing passwords must not keep the processor from placing calls.
        async with self._at_work:
            is_right = await asyncio.to_thread(_check_password, password, hashed)
        if not (is_user and is_right):
            return ""
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        self._known[proof] = None
        return user


def guard_open_door(request: web.Request, hosts: tuple[str, ...]) -> None:
    """While nobody has to log in: only from this machine, by its own name, with no proxy in between.

    `hosts` are further names that a `Host` may have. Raises `Refusal` 403.
    """
    remote = _address(request.remote or "")
    if request.remote and (remote is None or not remote.is_loopback):
        raise _forbidden("nobody has to log in here, so only this machine may ask; set web.tokens")
    for name in request.headers:
        if name.lower().startswith(_OF_A_PROXY):
            raise _forbidden(
                "this came through a proxy while nobody has to log in; set web.tokens, web.users"
                " or web.proxy_user"
            )
    host = _host_name(_one_header(request, "Host"))
    if not _is_loopback(host) and host not in hosts:
        raise _forbidden("this Host is not known here; if it is right, add it to web.hosts")


def guard_against_forgery(request: web.Request, hosts: tuple[str, ...]) -> None:
    """Refuse what a foreign web page made a browser send, where it would change something (X11)."""
    if request.method not in _SAFE_METHODS:
        guard_change(request, hosts)


def guard_change(request: web.Request, hosts: tuple[str, ...]) -> None:
    """The same for a request that changes something whatever its method."""
    if request.headers.get("Sec-Fetch-Site", "").strip().lower() in _FOREIGN_SITES:
        raise _forbidden("a page of another site asked for this")
    origin = request.headers.get("Origin")
    if origin is None:
        return
    authority = origin.partition("://")[2].lower()
    is_ours = authority == _one_header(request, "Host").lower()
    if not authority or not (is_ours or _host_name(authority) in hosts):
        raise _forbidden("a page of another origin asked for this; if it is ours, see web.hosts")


def actor_of(config: Config, name: str) -> str:
    """The key of the person that a name or an alias stands for, else the name itself."""
    if name in config.people:
        return name
    for key, person in config.people.items():
        if name in person.aliases:
            return key
    return name


def asking(config: Config, request: web.Request, fields: Fields | None = None) -> str:
    """Who wants it: the body's `by`, else the name behind the login, else `api`; a person's key where there is one.

    Raises `Refusal` (400) for a `by` that is no name.
    """
    given = bodies.text(fields or {}, "by", NAME_CHARS_MAX)
    if given and not given.isprintable():
        raise invalid("by", "must be a name")
    return actor_of(config, given or name_behind(request) or NAMELESS)


def _token_name(logins: Web, token: str) -> str:
    """The name whose token this is. Every token is compared, whichever it may be."""
    found = ""
    given = token.encode(errors="surrogateescape")
    for name, secret in logins.tokens.items():
        if hmac.compare_digest(_digest(given), _digest(secret.reveal().encode())):
            found = name
    return found


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def _check_password(password: str, hashed: str) -> bool:
    try:
        import bcrypt  # an extra, which the config demands where there are users
    except ImportError:
        return False
    try:
        return bcrypt.checkpw(password.encode(), hashed.encode())
    except ValueError:  # longer than the 72 bytes that bcrypt looks at
        return False


def _from_proxy(request: web.Request, proxy: ProxyUser) -> str:
    """The user that a proxy names, if the request comes from one that is believed."""
    remote = _address(request.remote or "")
    if remote is None or not any(remote in network for network in _networks(proxy.from_)):
        return ""
    name = _one_header(request, proxy.header).strip()
    return name if name.isprintable() and len(name) <= NAME_CHARS_MAX else ""


@lru_cache(maxsize=8)
def _networks(written: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(one) for one in written)


_is_loopback = lru_cache(maxsize=256)(is_loopback)


@lru_cache(maxsize=256)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _one_header(request: web.Request, name: str) -> str:
    """The header's value; "" when it is missing or there are several."""
    values = request.headers.getall(name, [])
    return values[0] if len(values) == 1 else ""


def _host_name(authority: str) -> str:
    try:
        return (urlsplit(f"//{authority}").hostname or "").lower()
    except ValueError:
        return ""


def _forbidden(message: str) -> Refusal:
    return Refusal(403, message)


def _unauthorized(logins: Web) -> Refusal:
    ways = []
    if logins.users:
        ways.append('Basic realm="escalator", charset="UTF-8"')
    if logins.tokens or not ways:
        ways.append('Bearer realm="escalator"')
    return Refusal(401, "log in to do this", headers={"WWW-Authenticate": ", ".join(ways)})
