"""Alertmanager's webhook message, and the list of alerts that Prometheus posts to an Alertmanager.

Each alert is judged by its own status. The status of the whole message is never believed: it is
worked out over the listed alerts only, and `max_alerts` may have left out some that still fire. An
alert that is absent has not resolved. Since users may template the whole message, every field may
be missing or of another type; an entry that cannot be read pages with an excerpt and is not lost.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from escalator.escalation.alerts import Alert, AlertStatus
from escalator.intake.payload import (
    ANNOTATION_BYTES_MAX,
    LABEL_BYTES_MAX,
    URL_BYTES_MAX,
    Reading,
    Remark,
    as_text,
    cut,
    digest,
    fingerprint,
    identity,
    labels_text,
    raw_of,
    text_field,
)

_ALERT_FIELDS = frozenset(
    {"labels", "annotations", "fingerprint", "status", "startsAt", "endsAt", "generatorURL"}
)
_POSTED_FIELDS = frozenset({"fingerprint", "startsAt", "endsAt", "generatorURL"})
_WEBHOOK_KEYS = frozenset({"key", "dedup_key"})
_MESSAGE_FIELDS = frozenset({"groupKey", "groupLabels", "commonLabels", "truncatedAlerts"})

# An alert without labels is known by the rest of it, save for what changes from one message to the
# next.
_CHANGING_FIELDS = frozenset({"status", "startsAt", "endsAt"})


def recognises(value: object) -> bool:
    """Whether this is a message with alerts, a list of alerts, or one alert as Prometheus sends."""
    if isinstance(value, dict):
        return isinstance(value.get("alerts"), list) or _is_posted_alert(value)
    return isinstance(value, list) and any(_is_posted_alert(entry) for entry in value)


def is_message_without_alerts(value: object) -> bool:
    """Whether this is a message, by its other fields, that lists no alerts."""
    return (
        isinstance(value, dict)
        and not isinstance(value.get("alerts"), list)
        and not _MESSAGE_FIELDS.isdisjoint(value)
    )


def read(value: object, reading: Reading) -> Iterator[Alert]:
    """The alerts of anything that `recognises` or `is_message_without_alerts` says yes to."""
    if isinstance(value, list):
        yield from (_alert(entry, "", reading) for entry in reading.entries(value))
    elif isinstance(value, dict) and isinstance(value.get("alerts"), list):
        yield from _message(value, reading)
    elif isinstance(value, dict) and is_message_without_alerts(value):
        yield _whole(value, reading)
    else:
        yield _alert(value, "", reading)


def _is_posted_alert(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("labels"), dict)
        and not _POSTED_FIELDS.isdisjoint(value)
        and _WEBHOOK_KEYS.isdisjoint(value)
    )


def _message(message: dict[str, object], reading: Reading) -> Iterator[Alert]:
    left_out = _left_out(message, reading)
    group = _group(message, reading)
    entries = message["alerts"]
    assert isinstance(entries, list)
    alerts = (_alert(entry, group, reading) for entry in reading.entries(entries))
    if left_out:
        alerts = (replace(alert, left_out=left_out) for alert in alerts)
    yield from alerts


def _whole(message: dict[str, object], reading: Reading) -> Alert:
    """A message that lists no alerts, as one alert.

    Its status is all there is to go by, yet resolved only where it says that nothing was left out.
    """
    _left_out(message, reading)
    reading.remarks[Remark.OTHER_FORMAT] += 1
    says_resolved = text_field(message.get("status")).lower() == "resolved"
    is_over = says_resolved and text_field(message.get("truncatedAlerts")) == "0"
    labels = {
        **reading.fields(message.get("groupLabels"), LABEL_BYTES_MAX),
        **reading.fields(message.get("commonLabels"), LABEL_BYTES_MAX),
    }
    group = _group(message, reading)
    key = group or fingerprint(labels)
    return Alert(
        receiver=reading.receiver,
        key=key,
        status=AlertStatus.RESOLVED if is_over else AlertStatus.FIRING,
        group=group or key,
        labels=labels,
        annotations=reading.fields(message.get("commonAnnotations"), ANNOTATION_BYTES_MAX),
        starts_at=reading.received_at,
        ends_at=reading.received_at if is_over else None,
        url=_url(message.get("externalURL")),
        raw=raw_of(message),
    )


def _left_out(message: dict[str, object], reading: Reading) -> int:
    """How many alerts of the group `max_alerts` kept out of the message."""
    text = text_field(message.get("truncatedAlerts"))
    left_out = int(text[:18]) if text.isascii() and text.isdecimal() else 0
    if left_out:
        reading.remarks[Remark.TRUNCATED_BY_SENDER] += left_out
    return left_out


def _group(message: dict[str, object], reading: Reading) -> str:
    key = text_field(message.get("groupKey"))
    if key:
        return identity(key)
    labels = reading.fields(message.get("groupLabels"), LABEL_BYTES_MAX)
    return identity(labels_text(labels)) if labels else ""


def _alert(entry: object, group: str, reading: Reading) -> Alert:
    if not isinstance(entry, dict) or _ALERT_FIELDS.isdisjoint(entry):
        return reading.unreadable(entry, group)
    key = _key(entry)
    ends_at = reading.time(entry.get("endsAt"))
    status = _status(entry.get("status"), ends_at, reading)
    if ends_at is None and status is AlertStatus.RESOLVED:
        ends_at = reading.received_at
    return Alert(
        receiver=reading.receiver,
        key=key,
        status=status,
        group=group or key,
        labels=reading.fields(entry.get("labels"), LABEL_BYTES_MAX),
        annotations=reading.fields(entry.get("annotations"), ANNOTATION_BYTES_MAX),
        starts_at=reading.time(entry.get("startsAt")) or reading.received_at,
        ends_at=ends_at,
        url=_url(entry.get("generatorURL")),
        raw=raw_of(entry),
    )


def _status(value: object, ends_at: datetime | None, reading: Reading) -> AlertStatus:
    """Its own word for it; where it says nothing, an end in the past means resolved."""
    match text_field(value).lower():
        case "resolved":
            return AlertStatus.RESOLVED
        case "firing":
            return AlertStatus.FIRING
        case "" if value is None or value == "":
            over = ends_at is not None and ends_at <= reading.received_at
            return AlertStatus.RESOLVED if over else AlertStatus.FIRING
        case _:
            reading.remarks[Remark.UNKNOWN_STATUS] += 1
            return AlertStatus.FIRING


def _key(entry: dict[str, object]) -> str:
    given = text_field(entry.get("fingerprint"))
    if given:
        return identity(given)
    labels = entry.get("labels")
    if isinstance(labels, dict) and labels:
        return fingerprint({name: as_text(value) for name, value in labels.items()})
    return digest({name: entry[name] for name in entry.keys() - _CHANGING_FIELDS})


def _url(value: object) -> str:
    return cut(text_field(value), URL_BYTES_MAX)
