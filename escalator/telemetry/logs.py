"""The one way every log line takes, ours and the libraries', to stderr.

One event is one line, with `time level msg component` first. Before a line is written, phone numbers
lose all but their last three digits, callback tokens go, and whatever could split a line or drive a
terminal is written out as an escape. That holds for values, nested values, keys and tracebacks.
"""

import logging
import math
import re
from collections.abc import Mapping
from typing import Literal, TextIO, TypeAlias

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

LogFormat: TypeAlias = Literal["logfmt", "json", "console"]

_ROOT = "escalator"
_FIRST_KEYS = ("time", "level", "msg", "component")
_MULTILINE = ("exception", "stack")
_VALUE_CHARS_MAX = 4096
_TRACEBACK_CHARS_MAX = 16_384
_DEPTH_MAX = 6
_INTEGER_BITS_MAX = 64

# Each says something at INFO for every request or chore, some of it with whole URLs.
_TALKATIVE = ("httpx", "httpcore", "apscheduler")

# Also as it stands in a query: %2B.
_PHONE = re.compile(r"(\+|%2[bB])[0-9]{4,}([0-9]{3})")
# Also as it stands in a query or in JSON: %2F, \\/.
_TOKEN = re.compile(r"(?:\\?/|%2[fF])t(?:\\?/|%2[fF])[A-Za-z0-9_-]{20,}")
# C0, DEL, C1, line and paragraph separators, bidirectional overrides, lone surrogates.
_UNPRINTABLE = re.compile(
    "[\0-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def get_logger(component: str) -> FilteringBoundLogger:
    """The logger of one component; it may be made before logging is configured."""
    logger: FilteringBoundLogger = structlog.get_logger(f"{_ROOT}.{component}")
    return logger


def configure_logging(level: str, format: LogFormat, stream: TextIO) -> None:
    """Send every log line of the process to the stream. Calling it again replaces the former way.

    `level` is a name such as "info". Raises `ValueError` for a level that is none.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"{level!r} is no log level; use debug, info, warning or error")
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        _add_component,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("msg"),
        _clean_event,
        _important_first,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=False,
    )
    renderer = _renderer(format, colors=stream.isatty())
    handler = _Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    _install(handler, number)


def redact(text: str) -> str:
    """The text without callback tokens and with phone numbers cut to their last three digits."""
    return _PHONE.sub(r"+…\2", _TOKEN.sub("/t/…", text))


def one_line(text: str) -> str:
    """The text with everything that could split a line or drive a terminal written out."""
    return _UNPRINTABLE.sub(_escape, text)


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that configuring again finds and replaces it and leaves others alone."""


def _clean_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # Names that begin with an underscore are structlog's own, and leave before the line is made.
    return {
        _clean_key(key): value if key.startswith("_") else _clean(key, value)
        for key, value in event.items()
    }


def _clean(key: str, value: object) -> object:
    if key not in _MULTILINE or not isinstance(value, str):
        return _clean_value(value, 0)
    # The renderers for machines write its newlines out; a person at a terminal wants them.
    cleaned = "\n".join(redact(one_line(line)) for line in value.split("\n"))
    if len(cleaned) <= _TRACEBACK_CHARS_MAX:
        return cleaned
    # The end of a traceback says what happened, the beginning only where it came from.
    return "…" + cleaned[-_TRACEBACK_CHARS_MAX:]


def _clean_value(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return _clean_number(value)
    if depth < _DEPTH_MAX and isinstance(value, Mapping):
        return {_clean_key(key): _clean_value(held, depth + 1) for key, held in value.items()}
    if depth < _DEPTH_MAX and isinstance(value, (list, tuple, set, frozenset)):
        return [_clean_value(held, depth + 1) for held in value]
    return _clean_text(str(value))


def _clean_number(value: float) -> object:
    if isinstance(value, int):
        # Python refuses to write numbers of thousands of digits in decimal.
        return value if value.bit_length() <= _INTEGER_BITS_MAX else _clean_text(hex(value))
    return value if math.isfinite(value) else str(value)


def _clean_text(text: str) -> str:
    # Redacted before it is cut: the beginning of a token would not be known as one.
    cleaned = redact(one_line(text))
    return cleaned if len(cleaned) <= _VALUE_CHARS_MAX else cleaned[:_VALUE_CHARS_MAX] + "…"


def _clean_key(key: object) -> str:
    return _clean_text(str(key)).replace(" ", "_").replace("=", "_")


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    code = ord(char)
    return _SHORT_ESCAPES.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _add_component(logger: WrappedLogger, _: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    name = record.name if record is not None else getattr(logger, "name", "")
    event.setdefault("component", str(name).removeprefix(f"{_ROOT}."))
    return event


def _important_first(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: event[key] for key in _FIRST_KEYS if key in event} | dict(event)


def _renderer(format: LogFormat, *, colors: bool) -> Processor:
    if format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    if format == "logfmt":
        return structlog.processors.LogfmtRenderer(bool_as_flag=False)
    return structlog.dev.ConsoleRenderer(
        colors=colors,
        event_key="msg",
        timestamp_key="time",
        exception_formatter=structlog.dev.plain_traceback,
    )


def _install(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    for former in [held for held in root.handlers if isinstance(held, _Handler)]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _TALKATIVE:
        quiet = logging.NOTSET if level <= logging.DEBUG else max(level, logging.WARNING)
        logging.getLogger(name).setLevel(quiet)
