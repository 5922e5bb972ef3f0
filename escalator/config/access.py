"""Who may speak to the internal listener: senders by their receiver's `auth`, people and programs
by `web`.
"""

import re
from importlib.util import find_spec
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from escalator.config.not_yet import MESSAGE, RECEIVER_TYPES
from escalator.config.secret import Secret
from escalator.config.section import NOT_EMPTY, ONE_OR_MANY, SecretValue, Section, choice
from escalator.config.values import Host, Name, Network, Text, scalar, written

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_BCRYPT = re.compile(r"\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}")


def _read_header(value: object) -> str:
    name = written(value)
    if not _HEADER.fullmatch(name):
        raise ValueError("not a header's name; write it as X-Hub-Signature-256")
    return name


Header = Annotated[str, *scalar(_read_header)]


class Basic(Section):
    """HTTP Basic: a user and a password."""

    user: Text
    password: SecretValue


class HmacSha256(Section):
    """A signature over the body, in hex, with or without `sha256=` before it."""

    secret: SecretValue
    header: Header


class Auth(Section):
    """How a sender proves itself; exactly one way."""

    bearer: SecretValue | None = None
    basic: Basic | None = None
    hmac_sha256: HmacSha256 | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("write exactly one of bearer, basic and hmac_sha256")
        return self


_KNOWN_TYPES = choice("alertmanager", "webhook")


def _read_type(value: object) -> object:
    if value in RECEIVER_TYPES:
        raise ValueError(f"{value}: {MESSAGE}")
    return value


ReceiverType = Annotated[str, *_KNOWN_TYPES, BeforeValidator(_read_type)]


class Receiver(Section):
    """An intake: a sender's format and how the sender proves itself.

    `generated_token`: nobody wrote this receiver; the app makes its bearer token, once, beside
    the database.
    """

    generated_token: ClassVar[bool] = False

    type: ReceiverType
    auth: Auth | None = None


class DefaultReceiver(Receiver):
    """The receiver `alertmanager` that exists when the file names none."""

    generated_token: ClassVar[bool] = True

    type: str = "alertmanager"


def _is_bcrypt(secret: Secret) -> Secret:
    if find_spec("bcrypt") is None:
        raise ValueError("needs the bcrypt library: pip install 'escalator-oncall[web-auth]'")
    if secret.was_read and not _BCRYPT.fullmatch(secret.reveal()):
        raise ValueError(
            f"the {secret.source} holds no bcrypt hash; make one with: htpasswd -nBC 10 NAME"
        )
    return secret


class ProxyUser(Section):
    """A proxy in front that names its user in a header; believed only from these addresses."""

    header: Header = "X-Forwarded-User"
    from_: Annotated[tuple[Network, ...], NOT_EMPTY, ONE_OR_MANY] = Field(alias="from")


class Web(Section):
    """Access to the API, the board and the metrics."""

    tokens: dict[Name, SecretValue] = Field(default_factory=dict)
    users: dict[Name, Annotated[SecretValue, AfterValidator(_is_bcrypt)]] = Field(
        default_factory=dict
    )
    proxy_user: ProxyUser | None = None
    hosts: tuple[Host, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether nobody has to say who they are."""
        return not (self.tokens or self.users or self.proxy_user)
