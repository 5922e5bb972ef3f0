"""The moment that somebody asks about: as the config file writes moments, or with a zone behind it."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from escalator.config.moments import read_moment
from escalator.config.values import read_timezone

_ZONED = re.compile(r"(?P<moment>\S+(?: \S+)?) (?P<zone>[A-Za-z][\w+/-]*)")


def read_at(text: str, zone: ZoneInfo) -> datetime:
    """The moment, aware and in UTC: RFC 3339, or local time in `zone` or in one written behind it,
    as `2026-12-24 23:30 Europe/Berlin`. Raises `ValueError` with a sentence.
    """
    found = _ZONED.fullmatch(text)
    if found is None:
        return read_moment(text, zone)
    read_moment(found["moment"], zone)  # a moment that is none is told of before its zone
    return read_moment(found["moment"], ZoneInfo(read_timezone(found["zone"])))
