"""The words of the config file: how each kind of scalar is written, read, refused and shown again.

Every scalar arrives as text. A reader here gives the typed value or raises `ValueError` with a
sentence that says how to write it. Each type can be written back in the same grammar, and tells
a JSON Schema what editors may expect.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from pydantic import BeforeValidator, PlainSerializer, ValidationInfo, WithJsonSchema

from escalator.config.problems import did_you_mean
from escalator.config.secret import Surroundings

RESERVED = frozenset({"everyone", "none", "next"})
TIMER_MAX = timedelta(days=30)
_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"([0-9]{1,9})([smhdw])")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_LABEL_NAME_MAX = 200
_TEXT_MAX = 4000
_YES = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def written(value: object) -> str:
    """The value as text. Raises when a list or a mapping stands in its place, or nothing does."""
    if isinstance(value, dict):
        raise ValueError("text is needed here, not keys; text that begins with { needs quotes")  # noqa: TRY004 - pydantic gathers no other
    if isinstance(value, list):
        raise ValueError(  # noqa: TRY004 - as above
            "one value is needed here, not a list; text that begins with [ needs quotes"
        )
    if not isinstance(value, str) or not value.strip():
        raise ValueError("this may not be empty")
    if len(value) > _TEXT_MAX:
        raise ValueError(f"this is longer than {_TEXT_MAX} characters")
    return value


def read_duration(
    least: timedelta = timedelta(seconds=1), most: timedelta = timedelta(days=3660)
) -> Callable[[object], timedelta]:
    """A reader of durations between two bounds."""

    def read(value: object) -> timedelta:
        found = _DURATION.fullmatch(written(value))
        if found is None:
            raise ValueError("not a duration; write 30s, 5m, 2h, 7d or 1w")
        seconds = int(found[1]) * _UNITS[found[2]]
        if seconds < least.total_seconds():
            raise ValueError(f"too short; at least {show_duration(least)}")
        if seconds > most.total_seconds():
            raise ValueError(f"too long; at most {show_duration(most)}")
        return timedelta(seconds=seconds)

    return read


def show_duration(value: timedelta) -> str:
    """A duration in the largest unit that says it exactly."""
    seconds = int(value.total_seconds())
    unit = next(unit for unit, size in _UNITS.items() if seconds % size == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def read_name(value: object) -> str:
    """A name of something in the config: `[a-z0-9][a-z0-9_-]*`."""
    name = written(value)
    if not _NAME.fullmatch(name):
        raise ValueError("not a name; use a-z, 0-9, - and _, beginning with a letter or digit")
    return name


def read_free_name(value: object) -> str:
    """A name that is none of the reserved words."""
    name = read_name(value)
    if name in RESERVED:
        raise ValueError(f"{name!r} is a reserved word; choose another name")
    return name


def read_phone(value: object) -> str:
    """A phone number in E.164 that could exist. Whether it is one that is in use, `is_doubtful`
    says.
    """
    number = written(value)
    if not _PHONE.fullmatch(number):
        bare = "+" + re.sub(r"[^0-9]", "", number)
        hint = f"; write {bare}" if number.startswith("+") and _PHONE.fullmatch(bare) else ""
        raise ValueError(
            f"not a phone number in international form (E.164), as +491713920012{hint}"
        )
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        raise ValueError("no country has this calling code") from None
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise ValueError("this number cannot exist: too short or too long for its country")
    return number


def is_doubtful(number: str) -> bool:
    """Whether a number is of a range that its country has not given out (as numbers for fiction
    are).
    """
    return not phonenumbers.is_valid_number(phonenumbers.parse(number))


def read_url(value: object) -> str:
    """An https URL without query; http only to a loopback host. A trailing slash is dropped."""
    url = written(value)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or re.search(r"\s", url):
        raise ValueError("not a URL; write https://host.example.net")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("must begin with https://; http is for 127.0.0.1 and localhost only")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError("may hold a host, a port and a path only: no user, no ? and no #")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone. Names are not looked up; `localhost` is known."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def read_timezone(value: object) -> str:
    """A zone of the time zone database, as `Europe/Berlin`."""
    name = written(value)
    if name not in _zones():
        raise ValueError(
            "not a time zone; write one as Europe/Berlin or UTC" + did_you_mean(name, _zones())
        )
    ZoneInfo(name)
    return name


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def read_language(value: object) -> str:
    """A language tag, as `en-GB`."""
    tag = written(value)
    if not _LANGUAGE.fullmatch(tag):
        raise ValueError("not a language tag; write one as en-GB, de-DE or ja-JP")
    return tag


def read_boolean(value: object) -> bool:
    """`true` or `false`; YAML's other spellings are understood."""
    word = written(value).lower()
    if word not in _YES:
        raise ValueError("write true or false")
    return _YES[word]


def read_count(most: int) -> Callable[[object], int]:
    """A reader of whole numbers from 1."""

    def read(value: object) -> int:
        number = written(value)
        if not re.fullmatch(r"[0-9]{1,9}", number) or not 1 <= int(number) <= most:
            raise ValueError(f"write a whole number from 1 to {most}")
        return int(number)

    return read


def read_rate(value: object) -> float:
    """A number above 0, decimals allowed, at most 1000."""
    number = written(value)
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", number) or not 0 < float(number) <= 1000:
        raise ValueError("write a number above 0 and up to 1000, as 1 or 0.5")
    return float(number)


def read_digit(value: object) -> str:
    """One key of a phone."""
    digit = written(value)
    if len(digit) != 1 or digit not in "0123456789*#":
        raise ValueError('write one key of a phone: "0" to "9", "*" or "#", in quotes')
    return digit


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen on. Port 0 leaves the choice to the system."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        """`HOST:PORT`, with brackets around IPv6."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_address(value: object) -> Address:
    """`HOST:PORT`; IPv6 in brackets."""
    if isinstance(value, Address):
        return value
    text = written(value)
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError("write HOST:PORT, as 127.0.0.1:8911")
    if not host:
        raise ValueError(
            f"the host is missing; for every address of this machine write 0.0.0.0:{port}"
        )
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if not _is_ipv6(host):
            raise ValueError(f"{host!r} is not an IPv6 address")
    elif not _HOST.fullmatch(host):
        raise ValueError(f"{host!r} is no host; IPv6 goes in brackets and quotes: '[::1]:8911'")
    return Address(host, _port(port))


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise ValueError(f"{text!r} is no port; write a number up to 65535")
    return int(text)


def read_label_name(value: object) -> str:
    """The name of a label; any text, as in Alertmanager."""
    name = written(value)
    if name == "...":
        raise ValueError("to page for each alert by itself, write group_by: each")
    if len(name) > _LABEL_NAME_MAX:
        raise ValueError(f"longer than {_LABEL_NAME_MAX} characters; that is no label's name")
    return name


def read_network(value: object) -> str:
    """An IP address or network."""
    text = written(value)
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("not an IP address or network; write 127.0.0.1 or 10.0.0.0/8") from None


def read_host(value: object) -> str:
    """A host name as browsers send it, without a port."""
    host = written(value)
    if not _HOST.fullmatch(host):
        raise ValueError("not a host name; write it without https:// and without a port")
    return host.lower()


def surroundings(info: ValidationInfo) -> Surroundings:
    """What the loader told the validators about the world."""
    assert isinstance(info.context, Surroundings)
    return info.context


def read_existing_file(value: object, info: ValidationInfo) -> Path:
    """A file that is there and can be read; not asked for when secrets are not read."""
    around = surroundings(info)
    path = around.resolve(written(value))
    if around.read_secrets:
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            raise ValueError(f"cannot read {path}: {error.strerror}") from None
    return path


def scalar(read: Callable[..., object], schema: dict[str, Any] | None = None) -> tuple[Any, ...]:
    """The metadata of a scalar type: its reader and what its JSON Schema says."""
    return BeforeValidator(read), WithJsonSchema({"type": "string", **(schema or {})})


def duration(read: Callable[[object], timedelta]) -> tuple[Any, ...]:
    """The metadata of a duration that is read so."""
    schema = {"pattern": r"^[0-9]+[smhdw]$", "description": "30s, 5m, 2h, 7d, 1w"}
    return *scalar(read, schema), PlainSerializer(show_duration)


read_timer = read_duration(most=TIMER_MAX)
Duration = Annotated[timedelta, *duration(read_duration())]
Timer = Annotated[timedelta, *duration(read_timer)]
RingTime = Annotated[
    timedelta, *duration(read_duration(timedelta(seconds=5), timedelta(seconds=600)))
]
Text = Annotated[str, *scalar(written)]
Name = Annotated[str, *scalar(read_name, {"pattern": f"^{_NAME.pattern}$"})]
FreeName = Annotated[str, *scalar(read_free_name, {"pattern": f"^{_NAME.pattern}$"})]
Phone = Annotated[str, *scalar(read_phone, {"description": "E.164, as +491713920012"})]
Url = Annotated[str, *scalar(read_url)]
Timezone = Annotated[str, *scalar(read_timezone)]
Language = Annotated[str, *scalar(read_language)]
Boolean = Annotated[bool, *scalar(read_boolean, {"type": "boolean"})]
Rounds = Annotated[int, *scalar(read_count(1000), {"type": "integer"})]
CallCount = Annotated[int, *scalar(read_count(10000), {"type": "integer"})]
Rate = Annotated[float, *scalar(read_rate, {"type": "number"})]
Digit = Annotated[str, *scalar(read_digit, {"pattern": "^[0-9*#]$"})]
ListenAddress = Annotated[
    Address, *scalar(read_address, {"description": "HOST:PORT"}), PlainSerializer(str)
]
LabelName = Annotated[str, *scalar(read_label_name)]
Network = Annotated[str, *scalar(read_network)]
Host = Annotated[str, *scalar(read_host)]
ExistingFile = Annotated[Path, *scalar(read_existing_file), PlainSerializer(str)]
