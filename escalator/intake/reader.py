"""Which reader a body goes to.

The receiver's type says what to expect, yet what a body clearly is weighs more: a sender that was
set up against the wrong type still pages, and the remark says so. Refused is only what can never be
valid.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, TypeAlias

from escalator.escalation.alerts import Alert
from escalator.intake import alertmanager, webhook
from escalator.intake.body import content_type_of, json_of, text_of
from escalator.intake.payload import Intake, PayloadError, Reading, Remark

Kind: TypeAlias = Literal["alertmanager", "webhook"]


def read(
    receiver: str, kind: Kind, body: bytes, content_type: str, received_at: datetime
) -> Intake:
    """The alerts in a body that was sent to a receiver of that kind.

    `content_type` is the header as it came ("" for none), `received_at` the aware wall time, which
    stands in for times that the sender left out or got wrong. Raises `PayloadError` for what can
    never be valid.
    """
    reading = Reading(receiver, received_at)
    try:
        if kind == "alertmanager":
            return reading.intake(_for_alertmanager(body, reading))
        return reading.intake(_for_webhook(body, content_type, reading))
    except RecursionError as error:
        raise PayloadError(
            "invalid_json", "the body is nested more deeply than any alert; flatten it"
        ) from error


def _for_alertmanager(body: bytes, reading: Reading) -> Iterator[Alert]:
    value = json_of(text_of(body))
    if value == []:
        return iter(())
    if alertmanager.recognises(value) or alertmanager.is_message_without_alerts(value):
        return alertmanager.read(value, reading)
    if isinstance(value, dict) and value.get("alerts") is not None:
        raise PayloadError("invalid_field", "`alerts` must be a list of alerts", "alerts")
    if isinstance(value, (dict, list)) and webhook.recognises(value):
        reading.remarks[Remark.OTHER_FORMAT] += 1
        return webhook.read(value, reading)
    raise PayloadError(
        "unrecognised_payload",
        "this is neither an Alertmanager message nor a list of alerts; "
        "point an Alertmanager webhook here, or make the receiver's type `webhook`",
    )


def _for_webhook(body: bytes, content_type: str, reading: Reading) -> Iterator[Alert]:
    value = webhook.value_of(body, content_type_of(content_type))
    if alertmanager.recognises(value):
        reading.remarks[Remark.OTHER_FORMAT] += 1
        return alertmanager.read(value, reading)
    return webhook.read(value, reading)
