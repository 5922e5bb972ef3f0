"""Lists as the 2010 API gives them: newest first, filtered by day, in pages with relative
addresses.

Dates are compared by UTC day only, and a record without the date never matches a filter on it; that
is what the real service documents. The body holds the paging keys and one list, nothing else.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from multidict import MultiMapping

from escalator.simulator.errors import ApiError

PAGE_SIZE = 50
PAGE_SIZE_MAX = 1000
_PAGING = frozenset({"Page", "PageSize", "PageToken"})


class Record(Protocol):
    """Anything that is listed."""

    sid: str

    def resource(self) -> dict[str, Any]:
        """Its JSON."""


R = TypeVar("R", bound=Record)


class Days:
    """A filter by the parameters `name` (that day), `name<` (before) and `name>` (from that day
    on).

    Raises `ApiError` for what is not a date.
    """

    def __init__(self, query: MultiMapping[str], name: str) -> None:
        self._on, self._before, self._since = (
            _day(query.get(name + sign)) for sign in ("", "<", ">")
        )

    def matches(self, moment: datetime | None) -> bool:
        """Whether the moment's day fits; None fits only if nothing is filtered."""
        if moment is None:
            return self._on is self._before is self._since is None
        day = moment.astimezone(UTC).date()
        return (
            (self._on is None or day == self._on)
            and (self._before is None or day < self._before)
            and (self._since is None or day >= self._since)
        )


def fits(query: MultiMapping[str], name: str, value: str) -> bool:
    """Whether the parameter is absent or has exactly this value."""
    return query.get(name, value) == value


def page(query: MultiMapping[str], path: str, key: str, records: Sequence[R]) -> dict[str, Any]:
    """One page of the records, which come newest first. Raises `ApiError` 20007 or 21481."""
    size, number = _size(query), _number(query)
    start = _start(query, records, number * size)
    shown = records[start : start + size]
    filters = [(name, value) for name, value in query.items() if name not in _PAGING]

    def uri(page_number: int, token: str = "") -> str:
        paging = [("PageSize", str(size)), ("Page", str(page_number))]
        paging += [("PageToken", token)] if token else []
        return f"{path}?{urlencode(filters + paging)}"

    more = start + size < len(records)
    return {
        key: [record.resource() for record in shown],
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1, f"PA{shown[-1].sid}") if more else None,
        "previous_page_uri": uri(number - 1) if number else None,
        "page": number,
        "page_size": size,
        "start": start,
        "end": start + len(shown) - 1 if shown else start,
        "uri": uri(number, query.get("PageToken", "")),
    }


def _start(query: MultiMapping[str], records: Sequence[R], default: int) -> int:
    token = query.get("PageToken")
    if token is None:
        return default
    sids = [record.sid for record in records]
    if not token.startswith("PA") or token[2:] not in sids:
        raise ApiError(21481)
    return sids.index(token[2:]) + 1


def _size(query: MultiMapping[str]) -> int:
    text = query.get("PageSize", str(PAGE_SIZE))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= PAGE_SIZE_MAX):
        raise ApiError(20007)
    return int(text)


def _number(query: MultiMapping[str]) -> int:
    text = query.get("Page", "0")
    if not (text.isascii() and text.isdigit()):
        raise ApiError(20422, f"Page must be a whole number, it is {text!r}.")
    return int(text)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise ApiError(20422, f"{text!r} is not a date (YYYY-MM-DD).") from None
