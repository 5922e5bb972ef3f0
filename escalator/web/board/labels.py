"""Labels as people type or paste them: `alertname=DiskFull severity=critical`, on one line or on several.

A value with spaces or commas stands in quotes. Braces and commas may be there too, as Prometheus writes them.
"""

import re
from collections.abc import Mapping

LABELS_MAX = 64
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_LABEL = re.compile(
    rf'(?P<name>{_QUOTED}|[^\s=~!",{{}}]+)\s*(?P<sign>=~|!=|!~|=)\s*(?P<value>{_QUOTED}|[^\s",{{}}]*)',
    re.DOTALL,
)
_BETWEEN = re.compile(r"[\s,]*")
_BARE = re.compile(r'[^\s=~!",{}]+')
_BARE_VALUE = re.compile(r'[^\s",{}]*')
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
_SHOWN = 30


def read_labels(text: str) -> dict[str, str]:
    """The labels of a text. Raises `ValueError` with what is wrong, where, and how to write it."""
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1]
    labels: dict[str, str] = {}
    at = _after_space(inner, 0)
    while at < len(inner):
        found = _LABEL.match(inner, at)
        if found is None:
            raise ValueError(
                f"“{_shown(inner[at:])}” is no label. Write name=value; a value with spaces or commas in quotes."
            )
        if found["sign"] != "=":
            raise ValueError(
                f"“{_shown(found[0])}” is a condition. An alert has values: write {_shown(found['name'])}=value."
            )
        name = _unquoted(found["name"])
        if name in labels:
            raise ValueError(f"The label {_shown(name)} is there twice.")
        labels[name] = _unquoted(found["value"])
        at = _after_space(inner, found.end())
        if at == found.end() < len(inner):
            raise ValueError(_stuck(inner[at:]))
    if len(labels) > LABELS_MAX:
        raise ValueError(f"An alert has at most {LABELS_MAX} labels.")
    return labels


def write_labels(labels: Mapping[str, str]) -> str:
    """Labels as `read_labels` reads them, one a line."""
    return "\n".join(
        f"{_written(name, _BARE)}={_written(value, _BARE_VALUE)}" for name, value in labels.items()
    )


def _stuck(rest: str) -> str:
    """What is wrong with what follows a label without a space."""
    if rest.startswith('"') and not re.match(_QUOTED, rest, re.DOTALL):
        return f"The quote that begins at “{_shown(rest)}” has no end."
    return f"Write a space before “{_shown(rest)}”."


def _after_space(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _shown(text: str) -> str:
    line = text.split("\n")[0]
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def _written(text: str, bare: re.Pattern[str]) -> str:
    if bare.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return re.sub(
        r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text[1:-1], flags=re.DOTALL
    )
