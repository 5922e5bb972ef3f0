"""Bytes to plain values: JSON, forms, text.

What leaves here holds no lone surrogate and no NUL, so that storing and encoding it cannot fail,
and no number that JSON or SQLite could not write back. The cost of a hostile body is bounded before
it is parsed: by depth, by the number of values, by the number of form fields.
"""

import codecs
import json
import math
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from escalator.intake.payload import PayloadError

# An alert is three objects with some ten fields each. Far beyond that the parsed values would take
# hundreds of megabytes and seconds: 10 million empty objects, an alert of a million labels.
_CONTAINERS_MAX = 250_000
_COMMAS_MAX = 100_000
_COMMAS_PER_CONTAINER_MAX = 50
_FORM_FIELDS_MAX = 1000
_PART_HEAD_BYTES_MAX = 1024
_INTEGER_DIGITS_MAX = 18
_REPLACEMENT = "\ufffd"

# Go and most others write UTF-8, shells whatever the terminal had. Codecs that Python has besides
# these are no charsets of text, or cost more than they are worth.
_CHARSETS = frozenset(
    {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "cp1252", "shift_jis", "euc_jp"}
    | {f"iso8859-{part}" for part in range(1, 17)}
)

_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\ud800-\udfff\0]")
_PART_NAME = re.compile(r'content-disposition:[^\r\n]*;\s*name="([^"\r\n]*)"', re.IGNORECASE)
_PART_IS_FILE = re.compile(r"content-disposition:[^\r\n]*;\s*filename\*?=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ContentType:
    """A Content-Type header taken apart; everything is "" where it says nothing."""

    media: str
    charset: str
    boundary: str

    @property
    def is_json(self) -> bool:
        """Whether the sender promises JSON."""
        return self.media in ("application/json", "text/json") or self.media.endswith("+json")

    @property
    def is_form(self) -> bool:
        """Whether the sender promises a urlencoded form (curl -d does so whatever it sends)."""
        return self.media == "application/x-www-form-urlencoded"

    @property
    def is_multipart(self) -> bool:
        """Whether the sender promises a multipart form."""
        return self.media == "multipart/form-data" and bool(self.boundary)


def content_type_of(header: str) -> ContentType:
    """Take a Content-Type header apart."""
    media, *parameters = header.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    values = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
    return ContentType(media.strip().lower(), values.get("charset", ""), values.get("boundary", ""))


def text_of(body: bytes, charset: str = "") -> str:
    """The body as text; what is not valid in the charset (else: UTF-8) becomes U+FFFD."""
    text = body.decode(_codec(charset), errors="replace")
    return text.removeprefix("\ufeff").replace("\0", _REPLACEMENT)


def json_of(text: str) -> object:
    """The JSON value in the text.

    Raises `PayloadError`: `invalid_json` with line and column, `unrecognised_payload` when it holds
    more values than any batch of alerts. Raises `RecursionError` when it is nested too deeply.
    """
    _check_size(text)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise PayloadError(
            "invalid_json", f"the body is not JSON: {error.msg} at {where}"
        ) from error
    return _storable(value) if _SUSPECT_ESCAPE.search(text) else value


def form_of(text: str) -> dict[str, str]:
    """The fields of a urlencoded form, the last of each name. Raises `PayloadError`."""
    try:
        pairs = parse_qsl(
            text.strip(),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=_FORM_FIELDS_MAX,
        )
    except ValueError as error:
        raise _too_many_fields() from error
    return {
        name.replace("\0", _REPLACEMENT): value.replace("\0", _REPLACEMENT) for name, value in pairs
    }


def multipart_of(body: bytes, content_type: ContentType) -> dict[str, str]:
    """The plain fields of a multipart form; files are left out. Raises `PayloadError`."""
    delimiter = b"--" + content_type.boundary.encode()
    parts = body.split(delimiter, _FORM_FIELDS_MAX + 2)
    if len(parts) > _FORM_FIELDS_MAX + 2:
        raise _too_many_fields()
    fields: dict[str, str] = {}
    for part in parts[1:]:
        head, _, held = part.partition(b"\r\n\r\n")
        head_text = text_of(head[:_PART_HEAD_BYTES_MAX])
        name = _PART_NAME.search(head_text)
        if name is not None and _PART_IS_FILE.search(head_text) is None:
            fields[name[1]] = text_of(held.removesuffix(b"\r\n"), content_type.charset)
    return fields


def _codec(charset: str) -> str:
    try:
        name = codecs.lookup(charset).name if charset else "utf-8"
    except (LookupError, ValueError):
        return "utf-8"
    return name if name in _CHARSETS else "utf-8"


def _check_size(text: str) -> None:
    containers = text.count("{") + text.count("[")
    commas_max = _COMMAS_MAX + _COMMAS_PER_CONTAINER_MAX * containers
    if containers > _CONTAINERS_MAX or text.count(",") > commas_max:
        raise PayloadError(
            "unrecognised_payload",
            "the body holds more values than 50,000 alerts would; send it in several requests",
        )


def _too_many_fields() -> PayloadError:
    return PayloadError(
        "invalid_field", f"the form has more than {_FORM_FIELDS_MAX} fields; send fewer"
    )


def _integer(digits: str) -> int | str:
    # SQLite holds 64 bits, and Python refuses to read or write numbers of thousands of digits.
    return int(digits) if len(digits) <= _INTEGER_DIGITS_MAX else digits


def _finite(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _storable(value: object) -> object:
    if isinstance(value, str):
        return _UNSTORABLE.sub(_REPLACEMENT, value)
    if isinstance(value, dict):
        return {
            _UNSTORABLE.sub(_REPLACEMENT, name): _storable(held) for name, held in value.items()
        }
    if isinstance(value, list):
        return [_storable(held) for held in value]
    return value


# Not strict: a shell script that composes JSON seldom escapes the newlines of what it quotes.
_DECODER = json.JSONDecoder(
    parse_int=_integer, parse_float=_finite, parse_constant=str, strict=False
)
