"""The magic numbers of test credentials: what a test account answers without doing anything.

Only calls and messages may be created; nothing is dialled and nothing is called back.
"""

from escalator.simulator.errors import ApiError
from escalator.simulator.parameters import Form

_GOOD_SENDER = "+15005550006"
_SENDERS = {"+15005550001": 21212}
_CALLEES = {
    "+15005550001": 21217,
    "+15005550002": 21214,
    "+15005550003": 21215,
    "+15005550004": 21216,
}
_RECIPIENTS = {"+15005550001": 21211, "+15005550004": 21610, "+15005550009": 21614}


def check_call(form: Form) -> None:
    """Raises `ApiError` if the numbers of a call stand for a refusal."""
    _check(form, 21210, _CALLEES)


def check_message(form: Form) -> None:
    """Raises `ApiError` if the numbers of a message stand for a refusal."""
    _check(form, 21606, _RECIPIENTS)


def _check(form: Form, not_owned: int, numbers: dict[str, int]) -> None:
    sender, to = form.get("From", ""), form.get("To", "")
    if sender and sender != _GOOD_SENDER:
        raise ApiError(_SENDERS.get(sender, not_owned))
    if to in numbers:
        raise ApiError(numbers[to])
