"""Alerts from any sender that can name a few fields: JSON, a form, or plain text.

The fields are `key` (or `dedup_key`), `status`, `severity`, `summary`, `labels`, `annotations`,
`url`, `starts_at` and `ends_at`; one of the first six (or a text) makes an alert. A status that is
neither firing nor resolved in any usual word fires. Without a key the alert is known by its labels,
else by its summary. Each alert is a group of its own.
"""

from collections.abc import Iterator

from escalator.escalation.alerts import Alert, AlertStatus
from escalator.intake.body import ContentType, form_of, json_of, multipart_of, text_of
from escalator.intake.payload import (
    ANNOTATION_BYTES_MAX,
    LABEL_BYTES_MAX,
    RAW_BYTES_MAX,
    URL_BYTES_MAX,
    PayloadError,
    Reading,
    Remark,
    as_text,
    cut,
    digest,
    fingerprint,
    identity,
    raw_of,
    text_field,
)

_TELLING_FIELDS = (
    "key",
    "dedup_key",
    "status",
    "severity",
    "summary",
    "labels",
    "annotations",
)
_FIRING = (
    "firing fired triggered trigger alerting alert alarm problem open opened active down critical"
    " crit error warning warn failed failing failure fail unhealthy bad"
)
_RESOLVED = (
    "resolved resolve ok okay recovered recovery clear cleared closed close up healthy good success"
    " fixed normal"
)
_STATUSES = dict.fromkeys(_FIRING.split(), AlertStatus.FIRING) | dict.fromkeys(
    _RESOLVED.split(), AlertStatus.RESOLVED
)


def recognises(value: object) -> bool:
    """Whether this is text, an object with a telling field, or a list with such an object."""
    if isinstance(value, str):
        return bool(value.strip())
    if isinstance(value, list):
        return any(_is_alert(item) for item in value)
    return _is_alert(value)


def value_of(body: bytes, content_type: ContentType) -> object:
    """What the body holds: JSON whatever it is declared as, else a form, else text.

    Raises `PayloadError` where the sender promised JSON and sent none, and for an empty body.
    """
    text = text_of(body, content_type.charset)
    if not text.strip():
        raise _unrecognised("the body is empty")
    if content_type.is_multipart:
        return multipart_of(body, content_type)
    try:
        value = json_of(text)
    except PayloadError as error:
        if content_type.is_json or error.code != "invalid_json":
            raise
        return _form_or_text(text, content_type)
    if isinstance(value, (dict, list, str)) or content_type.is_json:
        return value
    return text


def read(value: object, reading: Reading) -> Iterator[Alert]:
    """The alerts of a value. Raises `PayloadError` at once when there is no telling field in it."""
    if value == []:
        return iter(())
    if not recognises(value):
        raise _unrecognised("the body names none of the fields of an alert")
    if isinstance(value, list):
        return (_item(item, reading) for item in reading.entries(value))
    return iter((_item(value, reading),))


def _unrecognised(what: str) -> PayloadError:
    fields = ", ".join(_TELLING_FIELDS)
    return PayloadError("unrecognised_payload", f"{what}; send at least one of {fields}, or text")


def _form_or_text(text: str, content_type: ContentType) -> object:
    # curl -d declares a form whatever it sends. A form that was encoded holds no blanks, so that
    # one with blanks and no known field is a sentence.
    if content_type.is_form:
        form = form_of(text)
        is_sentence = "=" not in text or len(text.split()) > 1
        return text if is_sentence and not recognises(form) else form
    if not content_type.media and "=" in text:
        form = form_of(text)
        return form if recognises(form) else text
    return text


def _is_alert(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    return any(item.get(name) not in (None, "", {}, []) for name in _TELLING_FIELDS)


def _item(item: object, reading: Reading) -> Alert:
    if isinstance(item, str) and item.strip():
        return _sentence(item, reading)
    if not isinstance(item, dict) or not _is_alert(item):
        return reading.unreadable(item)
    given_labels = _object(item.get("labels"))
    labels = reading.fields(given_labels, LABEL_BYTES_MAX)
    annotations = reading.fields(_object(item.get("annotations")), ANNOTATION_BYTES_MAX)
    summary = as_text(item.get("summary")).strip()
    given_key = text_field(item.get("key")) or text_field(item.get("dedup_key"))
    key = identity(given_key) or _derived_key(given_labels, summary or annotations)
    if severity := text_field(item.get("severity")):
        labels["severity"] = cut(severity, LABEL_BYTES_MAX)
    if summary:
        annotations["summary"] = cut(summary, ANNOTATION_BYTES_MAX)
    labels.setdefault("alertname", _headline(summary) or identity(given_key) or reading.receiver)
    status = _status(item.get("status"), reading)
    is_over = status is AlertStatus.RESOLVED
    return Alert(
        receiver=reading.receiver,
        key=key,
        status=status,
        group=key,
        labels=labels,
        annotations=annotations,
        starts_at=reading.time(item.get("starts_at")) or reading.received_at,
        ends_at=reading.time(item.get("ends_at")) or (reading.received_at if is_over else None),
        url=cut(text_field(item.get("url")), URL_BYTES_MAX),
        raw=raw_of(item),
    )


def _sentence(text: str, reading: Reading) -> Alert:
    summary = text.strip()
    key = digest(summary)
    return Alert(
        receiver=reading.receiver,
        key=key,
        status=AlertStatus.FIRING,
        group=key,
        labels={"alertname": _headline(summary)},
        annotations={"summary": cut(summary, ANNOTATION_BYTES_MAX)},
        starts_at=reading.received_at,
        raw=cut(text, RAW_BYTES_MAX),
    )


def _object(value: object) -> object:
    """The value, or the object that a form field holds as JSON text."""
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return value or None
    try:
        return json_of(value)
    except PayloadError:
        return value


def _derived_key(labels: object, otherwise: object) -> str:
    """The key of what has none: by its labels, where they hold more than the severity."""
    if isinstance(labels, dict) and labels.keys() - {"severity"}:
        return fingerprint({name: as_text(value) for name, value in labels.items()})
    return digest(otherwise)


def _headline(summary: str) -> str:
    return cut(summary.splitlines()[0].strip(), LABEL_BYTES_MAX) if summary else ""


def _status(value: object, reading: Reading) -> AlertStatus:
    word = text_field(value).lower()
    status = _STATUSES.get(word)
    if status is None and value not in (None, ""):
        reading.remarks[Remark.UNKNOWN_STATUS] += 1
    return status or AlertStatus.FIRING
