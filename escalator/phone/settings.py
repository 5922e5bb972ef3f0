"""What the phone side needs of the config, as a value. A reload puts another one in its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import phonenumbers

RING_LIMIT_SECONDS = 300
DIRECT_LIMIT_SECONDS = 600
_NEVER_MOBILE = frozenset(
    {
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.UAN,
        phonenumbers.PhoneNumberType.VOICEMAIL,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSettings:
    """How calls are placed and messages sent. `…_per_second` and `concurrent_…` bound what the carrier sees of us."""

    public_url: str
    from_numbers: tuple[str, ...]
    auth_tokens: tuple[str, ...] = field(repr=False, default=())
    shared_keys: Mapping[str, str] = field(repr=False, default_factory=dict)
    ring_seconds: int = 25
    machine_detection: bool = False
    calls_per_second: float = 1.0
    concurrent_calls: int = 10
    messages_per_second: float = 1.0
    concurrent_messages: int = 5

    def from_number(self, to: str) -> str:
        """The first of our numbers with the callee's country code, else the first."""
        code = country_code(to)
        return next(
            (number for number in self.from_numbers if country_code(number) == code),
            self.from_numbers[0],
        )

    def callback_url(self, token: str, name: str) -> str:
        """Where the carrier reaches us about one call (`answer`, `key`, `status` or `machine`, with a query or not), or
        about one message (`sms`).
        """
        return f"{self.public_url.rstrip('/')}/t/{token}/{name}"


@cache
def texting_number(phones: tuple[str, ...]) -> str:
    """The first of a person's numbers that can be a mobile phone's, else the first; "" for none."""
    return next(
        (number for number in phones if _may_be_mobile(number)), phones[0] if phones else ""
    )


def _may_be_mobile(number: str) -> bool:
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False
    return kind not in _NEVER_MOBILE


@cache
def country_code(number: str) -> int | None:
    """The country code of an E.164 number; None when it has none we know."""
    try:
        return phonenumbers.parse(number).country_code
    except phonenumbers.NumberParseException:
        return None
