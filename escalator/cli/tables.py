"""How verbs show things to a person: columns that line up, ages, times, text made safe to print.

Titles and labels come from strangers. What could drive a terminal is replaced before it is printed.
"""

import json
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

_GAP = "  "


def print_json(value: Any) -> None:
    """The value for programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def plain(text: object) -> str:
    """The text on one line, without signs that a terminal would act on."""
    shown = "".join(sign if sign.isprintable() else " " for sign in str(text))
    return " ".join(shown.split())


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their widest cell, two blanks between them; the last one is free."""
    cells = [list(header), *([plain(cell) for cell in row] for row in rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(header))]
    lines = (
        _GAP.join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        )
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def span(seconds: float) -> str:
    """How long: `45s`, `3m 12s`, `2h 5m`, `4d 3h`."""
    whole = max(0, int(seconds))
    for unit, size, lower, lower_size in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "m", 60),
        ("m", 60, "s", 1),
    ):
        if whole >= size:
            rest = whole % size // lower_size
            return f"{whole // size}{unit}" + (f" {rest}{lower}" if rest else "")
    return f"{whole}s"


def moment(text: str | None) -> datetime | None:
    """A time as the API writes it."""
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def ago(text: str | None, now: datetime) -> str:
    """How long ago a time of the API was; "" for none."""
    at = moment(text)
    return "" if at is None else span((now - at) / timedelta(seconds=1))


def ahead(text: str | None, now: datetime) -> str:
    """`in 2m 14s`, or `now` for a time that has come; "" for none."""
    at = moment(text)
    if at is None:
        return ""
    return f"in {span((at - now) / timedelta(seconds=1))}" if at > now else "now"


def _width(text: str) -> int:
    """Columns on a terminal: signs of East Asian scripts take two, marks upon others none."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )
