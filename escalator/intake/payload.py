"""What the readers of every format share: the result, the refusal, and the values they are made of.

Whatever leaves here can be stored and printed: text without lone surrogates and NUL, labels bounded
in number and size, times that every zone can show. Nothing is refused on the way. What cannot be
used is replaced, what is too long is cut with a mark, and the reading's remarks count it.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Literal, TypeAlias

from escalator.escalation.alerts import Alert, AlertStatus

ALERTS_MAX = 50_000
FIELDS_MAX = 64
LABEL_BYTES_MAX = 4 * 1024
ANNOTATION_BYTES_MAX = 16 * 1024
URL_BYTES_MAX = 8 * 1024
RAW_BYTES_MAX = 64 * 1024
_KEY_BYTES_MAX = 1024
_EXCERPT_BYTES_MAX = 1024
_FINGERPRINT_CHARS_MAX = 2048
_FINGERPRINT_LABELS_MAX = 512
_CUT_MARK = "… [cut]"

# What an incident is routed and read out by: kept however many other fields there are.
_KEPT_FIRST = ("alertname", "severity", "summary", "description")

_FNV_OFFSET = 0xCBF29CE484222325
_FNV_PRIME = 0x100000001B3
_FNV_MASK = 0xFFFFFFFFFFFFFFFF

# Outside these years a time is a default or a fault, and near the ends of the calendar it cannot be
# shown in every zone.
_YEARS = range(1970, 9999)
_EPOCH_MILLISECONDS_FROM = 1e11
_EPOCH_TEXT = re.compile(r"[0-9]{10,13}")

PayloadCode: TypeAlias = Literal["invalid_json", "unrecognised_payload", "invalid_field"]


class PayloadError(ValueError):
    """A body that can never be valid; sending it again would not help.

    `code` is for programs, the message for the person who set the sender up, `path` names the place
    in the body ("" for the whole).
    """

    def __init__(self, code: PayloadCode, message: str, path: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path


class Remark(StrEnum):
    """Something odd about a body that was taken all the same."""

    TRUNCATED_BY_SENDER = "truncated_by_sender"
    ALERTS_CUT = "alerts_cut"
    UNREADABLE_ALERT = "unreadable_alert"
    UNREADABLE_FIELD = "unreadable_field"
    UNKNOWN_STATUS = "unknown_status"
    UNUSABLE_TIME = "unusable_time"
    FIELDS_CUT = "fields_cut"
    OTHER_FORMAT = "other_format"


_SENTENCES: Mapping[Remark, str] = {
    Remark.TRUNCATED_BY_SENDER: (
        "alerts left out by the sender's max_alerts: {}; they may fire unheard, raise the limit"
    ),
    Remark.ALERTS_CUT: "alerts beyond the first 50,000 of one body, left out: {}",
    Remark.UNREADABLE_ALERT: "alerts that could not be read: {}; each pages with an excerpt",
    Remark.UNREADABLE_FIELD: "fields of a wrong type, ignored: {}",
    Remark.UNKNOWN_STATUS: "alerts neither firing nor resolved, taken as firing: {}",
    Remark.UNUSABLE_TIME: "times that cannot be used, taken as the time of receipt: {}",
    Remark.FIELDS_CUT: "alerts with more than 64 labels or annotations, the rest left out: {}",
    Remark.OTHER_FORMAT: "bodies in another format than the receiver's type, read as such: {}",
}


@dataclass(frozen=True, slots=True)
class Note:
    """One kind of oddity of a body and how often it was met."""

    remark: Remark
    count: int

    def __str__(self) -> str:
        """The note as a sentence for the log."""
        return _SENTENCES[self.remark].format(self.count)


@dataclass(frozen=True, slots=True)
class Intake:
    """What a body held: alerts in the sender's order, and what was odd about it."""

    alerts: tuple[Alert, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One body being read: for which receiver, received when, and what was odd so far."""

    receiver: str
    received_at: datetime
    remarks: Counter[Remark] = field(default_factory=Counter)

    def intake(self, alerts: Iterable[Alert]) -> Intake:
        """The finished reading."""
        read = tuple(alerts)
        notes = (Note(remark, count) for remark, count in self.remarks.items() if count)
        return Intake(read, tuple(notes))

    def entries(self, items: list[object]) -> Iterable[object]:
        """The items of a body that are looked at: the first 50,000."""
        if len(items) > ALERTS_MAX:
            self.remarks[Remark.ALERTS_CUT] += len(items) - ALERTS_MAX
        return islice(items, ALERTS_MAX)

    def fields(self, value: object, value_bytes_max: int) -> dict[str, str]:
        """Labels or annotations as text to text; anything but an object holds none."""
        if not isinstance(value, dict):
            if value is not None:
                self.remarks[Remark.UNREADABLE_FIELD] += 1
            return {}
        if len(value) > FIELDS_MAX:
            self.remarks[Remark.FIELDS_CUT] += 1
            value = _most_wanted(value)
        return {
            cut(name, LABEL_BYTES_MAX): cut(as_text(held), value_bytes_max)
            for name, held in value.items()
        }

    def time(self, value: object) -> datetime | None:
        """A sender's time in UTC; None when there is none, and with a remark when unusable.

        Text is RFC 3339, UTC without a zone; a number is seconds or milliseconds since 1970.
        """
        if value is None or value == "" or _is_go_zero(value):
            return None
        moment = _time_of(value)
        if moment is None:
            self.remarks[Remark.UNUSABLE_TIME] += 1
        return moment

    def unreadable(self, entry: object, group: str = "") -> Alert:
        """The page that stands in for an entry that should have been an alert."""
        self.remarks[Remark.UNREADABLE_ALERT] += 1
        key = digest(entry)
        raw = raw_of(entry)
        return Alert(
            receiver=self.receiver,
            key=key,
            status=AlertStatus.FIRING,
            group=group or key,
            labels={"alertname": "UnreadableAlert"},
            annotations={
                "summary": f"Receiver {self.receiver} got an alert that could not be read",
                "excerpt": cut(entry if isinstance(entry, str) else raw, _EXCERPT_BYTES_MAX),
            },
            starts_at=self.received_at,
            raw=raw,
        )


def as_text(value: object) -> str:
    """Any JSON value as a label would hold it."""
    if isinstance(value, str):
        return value
    return "" if value is None else _encode(value)


def text_field(value: object) -> str:
    """The text of a field that is a plain value; "" for an absent, empty or composite one."""
    if isinstance(value, (dict, list)):
        return ""
    return as_text(value).strip()


def cut(text: str, bytes_max: int) -> str:
    """The text, cut with a mark when its UTF-8 is longer than that."""
    # No character takes more than four bytes: most text is let through without encoding it.
    if len(text) * 4 <= bytes_max:
        return text
    encoded = text.encode()
    if len(encoded) <= bytes_max:
        return text
    return encoded[: bytes_max - len(_CUT_MARK.encode())].decode(errors="ignore") + _CUT_MARK


def raw_of(entry: object) -> str:
    """The entry as JSON, cut to what is stored of it."""
    return cut(_encode(entry), RAW_BYTES_MAX)


def identity(text: str) -> str:
    """A key as it came; a very long one keeps its beginning and ends in a digest of the whole."""
    if len(text) * 4 <= _KEY_BYTES_MAX:
        return text
    encoded = text.encode()
    if len(encoded) <= _KEY_BYTES_MAX:
        return text
    beginning = encoded[: _KEY_BYTES_MAX // 2].decode(errors="ignore")
    return f"{beginning}…{hashlib.sha256(encoded).hexdigest()}"


def digest(value: object) -> str:
    """A key for what has none: the same for equal values, whatever order their keys came in."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def fingerprint(labels: Mapping[str, str]) -> str:
    """Alertmanager's fingerprint: FNV-1a 64 over the labels in byte order, 16 hex digits.

    Alertmanager drops empty values before it fingerprints. Labels that are very many or very long
    get a digest instead, since byte-wise hashing of a hostile body would hold up everything else.
    """
    if len(labels) > _FINGERPRINT_LABELS_MAX:
        return _short_digest(labels)
    pairs = sorted((name, value) for name, value in labels.items() if value)
    if sum(len(name) + len(value) for name, value in pairs) > _FINGERPRINT_CHARS_MAX:
        return _short_digest(pairs)
    hashed = _FNV_OFFSET
    for pair in pairs:
        for part in pair:
            for byte in part.encode():
                hashed = ((hashed ^ byte) * _FNV_PRIME) & _FNV_MASK
            hashed = ((hashed ^ 0xFF) * _FNV_PRIME) & _FNV_MASK
    return f"{hashed:016x}"


def labels_text(labels: Mapping[str, str]) -> str:
    """Labels the way Alertmanager writes them at the end of a group key."""
    pairs = (f"{name}={json.dumps(labels[name], ensure_ascii=False)}" for name in sorted(labels))
    return "{" + ", ".join(pairs) + "}"


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _short_digest(value: object) -> str:
    return hashlib.sha256(_encode(value).encode()).hexdigest()[:16]


def _most_wanted(fields: dict[str, object]) -> dict[str, object]:
    kept = {name: fields[name] for name in _KEPT_FIRST if name in fields}
    for name, value in fields.items():
        if len(kept) >= FIELDS_MAX:
            break
        kept.setdefault(name, value)
    return kept


def _is_go_zero(value: object) -> bool:
    """Whether this is how a Go program writes "no time"."""
    return isinstance(value, str) and value.startswith("0001-01-01T00:00:00")


def _time_of(value: object) -> datetime | None:
    try:
        if isinstance(value, str) and _EPOCH_TEXT.fullmatch(value):
            value = int(value)
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = value / 1000 if value >= _EPOCH_MILLISECONDS_FROM else value
            moment = datetime.fromtimestamp(seconds, UTC)
        else:
            return None
        if moment.year not in _YEARS:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
