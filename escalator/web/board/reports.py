"""The page of figures: calls, how soon somebody took it, nights, severities and an estimate of cost, month by month.

Days and months are those of the reader's zone; a night is from 22:00 to 07:00 where the person called lives.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from aiohttp import web

from escalator.config.model import Config
from escalator.store.reports import SECONDS_MAX, IsNight, Month, Report, TookTooLong, report
from escalator.web.answers import Refusal, invalid, unavailable
from escalator.web.board.frame import Frame, Times, in_html
from escalator.web.board.rows import name_of
from escalator.web.board.viewer import Viewer
from escalator.web.context import WebContext

PRICE = "0.02"
DAYS_DEFAULT = 90
DAYS_MAX = 1100
NIGHT_BEGINS, NIGHT_ENDS = 22, 7
_MICROSECONDS = 1_000_000
_FORMULA = re.compile(r"^\s*[=+\-@\t\r]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a report is to cover, both days included, and what a begun minute costs."""

    first: date
    last: date
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What was typed, and what is wrong with which field."""

    first: str
    last: str
    price: str
    path: str = ""
    problem: str = ""


class Reports:
    """The page of figures, and the same as a file."""

    def __init__(self, context: WebContext, frame: Frame):
        self.frame = frame
        self._context = context
        self._engine = context.engine

    @in_html
    async def show(self, request: web.Request) -> web.Response:
        """`GET /reports`."""
        viewer = self.frame.viewer(request)
        typed = self._typed(request, viewer)
        try:
            wish = _wish(typed)
            found = await self._counted(wish, viewer)
        except Refusal as refusal:
            if not refusal.path:
                raise
            wrong = Fields(
                first=typed.first,
                last=typed.last,
                price=typed.price,
                path=refusal.path,
                problem=refusal.message,
            )
            return await self._page(request, wrong, None, None)
        return await self._page(request, typed, wish, found)

    @in_html
    async def file(self, request: web.Request) -> web.Response:
        """`GET /reports.csv`."""
        viewer = self.frame.viewer(request)
        wish = _wish(self._typed(request, viewer))
        found = await self._counted(wish, viewer)
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("report", "month", "of", "value"))
        writer.writerows(
            (report_, month, _harmless(of), value)
            for report_, month, of, value in lines(found, wish.price)
        )
        name = f"escalator-{wish.first}-{wish.last}.csv"
        return web.Response(
            body=text.getvalue().encode(errors="replace"),
            content_type="text/csv",
            charset="utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _typed(self, request: web.Request, viewer: Viewer) -> Fields:
        today = self._engine.clock.wall().astimezone(viewer.zone).date()
        query = request.query
        return Fields(
            first=query.get("from", "") or str(today - timedelta(days=DAYS_DEFAULT - 1)),
            last=query.get("to", "") or str(today),
            price=query.get("price", "") or PRICE,
        )

    async def _counted(self, wish: Wish, viewer: Viewer) -> Report:
        months = list(months_of(wish.first, wish.last, viewer.zone))
        is_night = _nights(self._context.config())
        try:
            return await self._engine.reader.at_leisure(
                lambda db: report(db, months, is_night, SECONDS_MAX)
            )
        except TookTooLong:
            raise unavailable("This takes too long to count. Ask for a shorter span.") from None

    async def _page(
        self, request: web.Request, typed: Fields, wish: Wish | None, found: Report | None
    ) -> web.Response:
        rules = self._engine.rules
        viewer = self.frame.viewer(request)
        costs = {} if found is None or wish is None else cost_by_month(found, wish.price)
        live = self.frame.render(
            "reports.html",
            typed=typed,
            found=found,
            costs=costs,
            most=max((one.calls for one in found.called), default=1) if found else 1,
            names={one.person: name_of(rules, one.person) for one in found.called} if found else {},
            times=Times(now=self._engine.clock.now(), viewer=viewer),
        )
        return await self.frame.page(request, "Reports", live, status=400 if typed.path else 200)


def months_of(first: date, last: date, zone: ZoneInfo) -> Iterator[Month]:
    """The months of a span, the first and the last cut to it; midnight is that of the zone."""
    begins = first
    while begins <= last:
        next_month = (begins.replace(day=1) + timedelta(days=32)).replace(day=1)
        ends = min(next_month, last + timedelta(days=1))
        yield Month(
            name=f"{begins:%Y-%m}", begins=_midnight(begins, zone), ends=_midnight(ends, zone)
        )
        begins = ends


def cost_by_month(found: Report, price: Decimal) -> Mapping[str, Decimal]:
    """What the begun minutes of each month cost at this price."""
    costs = {one.month: Decimal(0) for one in found.taken}
    for one in found.called:
        costs[one.month] += one.minutes * price
    return {month: cost.quantize(Decimal("0.01")) for month, cost in costs.items()}


def lines(found: Report, price: Decimal) -> Iterator[tuple[str, str, str, object]]:
    """A report as lines of one table: which figure, of which month, of whom or what, how much."""
    for taken in found.taken:
        yield "incidents", taken.month, "", taken.incidents
        yield "acknowledged", taken.month, "", taken.acknowledged
        yield "acknowledge_seconds_median", taken.month, "", _number(taken.median)
        yield "acknowledge_seconds_p90", taken.month, "", _number(taken.p90)
    for one in found.severities:
        yield "incidents_by_severity", one.month, one.severity, one.incidents
    for called in found.called:
        yield "calls", called.month, called.person, called.calls
        yield "night_calls", called.month, called.person, called.night
        yield "calls_acknowledged", called.month, called.person, called.acknowledged
        yield "calls_unanswered", called.month, called.person, called.unanswered
        yield "minutes", called.month, called.person, called.minutes
    for month, cost in cost_by_month(found, price).items():
        yield "cost_estimate", month, "", cost


def _number(seconds: float | None) -> object:
    return "" if seconds is None else round(seconds, 1)


def _harmless(text: str) -> str:
    """A cell that a spreadsheet takes for text, whatever a sender wrote."""
    return f"'{text}" if _FORMULA.match(text) else text


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _wish(typed: Fields) -> Wish:
    first, last = _day(typed.first, "from"), _day(typed.last, "to")
    if last < first:
        raise invalid("to", "Must not be before the first day.")
    if last - first >= timedelta(days=DAYS_MAX):
        raise invalid("from", f"At most {DAYS_MAX} days at once.")
    return Wish(first=first, last=last, price=_price(typed.price))


def _day(text: str, name: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 9000:
        raise invalid(name, "Must be a day, as 2026-12-24.")
    return day


def _price(text: str) -> Decimal:
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal(-1)
    if not (price.is_finite() and 0 <= price <= 1000 and len(text) <= 20):
        raise invalid("price", "Must be a number from 0 to 1000, as 0.02.")
    return price


def _nights(config: Config) -> IsNight:
    """Whether it was night for a person ("" for nobody: in the config's zone) at some stored time."""
    default = ZoneInfo(config.timezone)
    zones = {
        key: ZoneInfo(person.timezone) for key, person in config.people.items() if person.timezone
    }

    def is_night(person: str, at: int) -> bool:
        here = datetime.fromtimestamp(at / _MICROSECONDS, zones.get(person, default))
        return here.hour >= NIGHT_BEGINS or here.hour < NIGHT_ENDS

    return is_night
