"""Checks the form of a request that creates or changes a call, as strictly as the real API or more
so.

A wrong value is refused with the code that belongs to it; an unknown name is only reported, as
warning 20001.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from multidict import MultiMapping

from escalator.simulator.errors import ApiError
from escalator.simulator.line import Source

EVENTS = ("initiated", "ringing", "answered", "completed")
_METHODS = ("GET", "POST")
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_ADDRESS = re.compile(r"(sip|sips|client):\S+")
_DIGITS = re.compile(r"[0-9A-D*#wW]{1,32}")
_APPLICATION = re.compile(r"AP[0-9a-fA-F]{32}")
_URL_MAX = 4000
_TWIML_MAX = 4000
_MACHINE_RANGES = {
    "MachineDetectionTimeout": (3, 59),
    "MachineDetectionSpeechThreshold": (1000, 6000),
    "MachineDetectionSpeechEndThreshold": (500, 5000),
    "MachineDetectionSilenceTimeout": (2000, 10000),
}
_UPDATE = (
    "Url Method Twiml Status FallbackUrl FallbackMethod StatusCallback StatusCallbackMethod "
    "TimeLimit"
)
_CREATE_ONLY = (
    "To From ApplicationSid StatusCallbackEvent SendDigits Timeout Record RecordingChannels "
    "RecordingTrack Trim RecordingStatusCallback RecordingStatusCallbackMethod "
    "RecordingStatusCallbackEvent RecordingConfigurationId SipAuthUsername SipAuthPassword "
    "MachineDetection AsyncAmd AsyncAmdStatusCallback AsyncAmdStatusCallbackMethod CallerId "
    "CallReason CallToken Byoc ClientNotificationUrl Passports"
)
UPDATE_NAMES = frozenset(_UPDATE.split())
CREATE_NAMES = (UPDATE_NAMES - {"Status"}) | set(_CREATE_ONLY.split()) | set(_MACHINE_RANGES)

Form = MultiMapping[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """What was asked for. Seconds are simulated; empty text means not given."""

    to: str
    from_: str
    source: Source
    fallback_url: str
    fallback_method: str
    status_callback: str
    status_callback_method: str
    events: frozenset[str]
    ring_seconds: int
    time_limit: int
    send_digits: str
    machine_detection: str
    async_amd: bool
    machine_callback: str
    machine_callback_method: str
    form: tuple[tuple[str, str], ...]

    @property
    def detects_machines(self) -> bool:
        """Whether machine detection runs; digits to send switch it off."""
        return bool(self.machine_detection) and not self.send_digits


def call_request(form: Form, numbers: Collection[str] | None) -> CallRequest:
    """The form of a create, checked. `numbers`: those of the account, None for any. Raises
    `ApiError`.
    """
    to, caller = _numbers(form, numbers)
    source = _source(form)
    if source is None:
        raise ApiError(21205)
    return CallRequest(
        to=to,
        from_=caller,
        source=source,
        fallback_url=_url(form, "FallbackUrl", 11100),
        fallback_method=method(form, "FallbackMethod"),
        status_callback=_url(form, "StatusCallback", 21609),
        status_callback_method=method(form, "StatusCallbackMethod"),
        events=_events(form.getall("StatusCallbackEvent", [])),
        ring_seconds=_whole(form, "Timeout", 21208, 60, (1, 600)),
        time_limit=_whole(form, "TimeLimit", 20422, 14400, (1, 86400)),
        send_digits=_send_digits(form),
        machine_detection=_machine_detection(form),
        async_amd=form.get("AsyncAmd", "false").lower() == "true",
        machine_callback=_url(form, "AsyncAmdStatusCallback", 11100),
        machine_callback_method=method(form, "AsyncAmdStatusCallbackMethod"),
        form=tuple(form.items()),
    )


def unknown_names(form: Iterable[str], known: Collection[str]) -> list[str]:
    """The names that this resource does not have, each once, sorted."""
    return sorted(set(form) - set(known))


def update_source(form: Form) -> Source | None:
    """The TwiML that an update diverts a call to, None if it does not. Raises `ApiError`."""
    return _source(form)


def method(form: Form, name: str) -> str:
    """An HTTP method, POST if not given. Raises `ApiError` 21209."""
    value = form.get(name, "POST").upper()
    if value not in _METHODS:
        raise ApiError(21209, f"{name} must be GET or POST, it is {value!r}.")
    return value


def callback_url(form: Form, code: int = 21609) -> str:
    """The StatusCallback, empty if not given. Raises `ApiError`."""
    return _url(form, "StatusCallback", code)


def is_number(text: str) -> bool:
    """Whether the text is an E.164 phone number."""
    return _E164.fullmatch(text) is not None


def is_http_url(text: str) -> bool:
    """Whether the text is an absolute http or https URL with a host name the carrier accepts."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    known = parts.scheme in ("http", "https") and bool(host) and "_" not in (host or "")
    return known and port != 0 and not re.search(r"\s", text) and len(text) <= _URL_MAX


def _numbers(form: Form, numbers: Collection[str] | None) -> tuple[str, str]:
    to, caller = form.get("To", ""), form.get("From", "")
    if not to:
        raise ApiError(21201)
    if not caller:
        raise ApiError(21213)
    if not is_number(to) and not _ADDRESS.fullmatch(to):
        raise ApiError(21211, f"'To' {to} is not a valid phone number.")
    if is_number(to) and not is_number(caller):
        raise ApiError(21212, f"'From' {caller} is not a valid phone number.")
    if to == caller:
        raise ApiError(21211, "'To' and 'From' are the same number.")
    if numbers is not None and is_number(to) and caller not in numbers:
        raise ApiError(21210, f"'From' {caller} is not a number of this account.")
    return to, caller


def _source(form: Form) -> Source | None:
    if url := form.get("Url", ""):
        if not is_http_url(url):
            raise ApiError(21205, "Url is not an absolute http or https URL.")
        return Source(url=url, method=method(form, "Method"))
    if twiml := form.get("Twiml", ""):
        if len(twiml) > _TWIML_MAX:
            raise ApiError(20422, f"Twiml is longer than {_TWIML_MAX} characters.")
        return Source(twiml=twiml)
    if application := form.get("ApplicationSid", ""):
        known = "is unknown" if _APPLICATION.fullmatch(application) else "is malformed"
        raise ApiError(21218, f"ApplicationSid {known}: the simulator has no applications.")
    return None


def _url(form: Form, name: str, code: int) -> str:
    value = form.get(name, "")
    if value and not is_http_url(value):
        raise ApiError(code, f"{name} is not an absolute http or https URL.")
    return value


def _events(values: Collection[str]) -> frozenset[str]:
    wrong = [value for value in values if value not in EVENTS]
    if wrong:
        raise ApiError(
            21626, f"StatusCallbackEvent {wrong[0]!r} is not one of {', '.join(EVENTS)}."
        )
    return frozenset(values) or frozenset({"completed"})


def _whole(form: Form, name: str, code: int, default: int, limits: tuple[int, int]) -> int:
    text = form.get(name)
    if text is None:
        return default
    low, high = limits
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise ApiError(code, f"{name} must be a whole number from {low} to {high}, it is {text!r}.")
    return int(text)


def _send_digits(form: Form) -> str:
    value = form.get("SendDigits", "")
    if value and not _DIGITS.fullmatch(value):
        raise ApiError(21206)
    return value


def _machine_detection(form: Form) -> str:
    value = form.get("MachineDetection", "")
    if value not in ("", "Enable", "DetectMessageEnd"):
        raise ApiError(21234, "MachineDetection must be Enable or DetectMessageEnd.")
    for name, limits in _MACHINE_RANGES.items():
        _whole(form, name, 21234, limits[0], limits)
    return value
