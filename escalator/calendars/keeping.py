"""Keeps the calendars of the config current: asks for each in its time, and never lets go of the last good copy.

What cannot be fetched or read changes nothing but a metric, a log line and, after a while, the word *stale*. What can
is in force for the next decision, then on file; a start puts what is on file in force before anything is decided.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from escalator.calendars.fetching import Fetched, NotFetched, Stamp, fetch
from escalator.calendars.reading import CalendarReader, Refused, entries_of
from escalator.config.model import Config
from escalator.config.scheduling import Ical
from escalator.engine import Engine
from escalator.escalation.calendar_titles import match
from escalator.escalation.rules import Person
from escalator.escalation.schedules import CalendarEvent
from escalator.store import calendars as on_file
from escalator.store.calendars import Change, KeptCalendar
from escalator.store.errors import StoreError
from escalator.telemetry import Sampled, get_logger

log = get_logger("calendars")

# How soon a calendar that could not be had is asked for again, if its own time is not sooner.
RETRY = timedelta(minutes=5)
# What was expanded reaches 400 days ahead; it is expanded anew long before that is a question.
EXPANDED_FOR = timedelta(days=1)
STALE_LEAST = timedelta(hours=1)
STALE_TIMES = 3
KEPT_UNUSED = timedelta(days=31)
LOGGED_EVERY_SECONDS = 600.0
TITLES_LOGGED = 20
TITLE_CHARS_LOGGED = 100
_TOLD_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a calendar of the config is: `checked_at` is when it was last known to be current, None for never, `error`
    why it is not now ("" if it is), `unknown` the titles of events to come of which a part names nobody.
    """

    schedule: str
    checked_at: datetime | None
    is_stale: bool
    error: str
    events: int
    unknown: tuple[str, ...]


class Calendars:
    """The calendars of the config in force."""

    def __init__(
        self, engine: Engine, config: Callable[[], Config], reader: CalendarReader | None = None
    ):
        self._engine = engine
        self._clock = engine.clock
        self._config = config
        self._reader = reader or CalendarReader()
        self._sampled = Sampled(engine.clock.boottime, LOGGED_EVERY_SECONDS)
        self._people: object = None
        self._kept: dict[str, KeptCalendar] = {}
        self._events: dict[str, tuple[CalendarEvent, ...]] = {}
        self._unknown: dict[str, tuple[str, ...]] = {}
        self._errors: dict[str, str] = {}
        self._since: dict[str, datetime] = {}
        self._next: dict[str, datetime] = {}
        # The link and the zone with which each was asked for last: other ones are asked for at once.
        self._asked: dict[str, tuple[str, str]] = {}
        self._busy: set[str] = set()
        self._told: set[tuple[str, str]] = set()

    async def restore(self) -> None:
        """Put what is on file in force. Afterwards those on call are known, with a network or without."""
        wanted = self._wanted()
        self._people = self._engine.rules.people
        found, lost = await self._engine.reader.in_thread(on_file.load_calendars)
        for kept in found:
            if kept.name not in wanted:
                continue
            self._kept[kept.name], self._errors[kept.name] = kept, kept.error
            try:
                await self._use(kept.name)
            except (ValueError, TypeError, OverflowError):
                self._drop(kept.name)
                lost.append(kept.name)
        for name in lost:
            log.error("calendar_copy_lost", schedule=name, hint="it is fetched anew")
        await self._write(on_file.forget(wanted, self._clock.now() - KEPT_UNUSED))
        self._measure(wanted)

    async def refresh_due(self) -> None:
        """Ask for every calendar whose time has come, and follow a reload. Returns once those have come or failed."""
        wanted = self._wanted()
        for name in self._kept.keys() - wanted:
            self._drop(name)
        if self._people is not self._engine.rules.people:
            self._people = self._engine.rules.people
            for name in tuple(self._kept):
                await self._use(name)
        due = [name for name, ical in wanted.items() if self._is_due(name, ical)]
        self._busy.update(due)
        await asyncio.gather(*(self._refresh(name, wanted[name]) for name in due))
        self._measure(wanted)

    def standing(self) -> list[Standing]:
        """Every calendar of the config, in its order."""
        return [
            Standing(
                schedule=name,
                checked_at=self._kept[name].checked_at if name in self._kept else None,
                is_stale=self._is_stale(name, ical),
                error=self._errors.get(name, ""),
                events=len(self._events.get(name, ())),
                unknown=self._unknown.get(name, ()),
            )
            for name, ical in self._wanted().items()
        ]

    # ---- one calendar

    def _is_due(self, name: str, ical: Ical) -> bool:
        if name in self._busy:
            return False
        is_other = self._asked.get(name) != (_hash(ical.url.reveal()), self._zone(name))
        return is_other or self._next[name] <= self._clock.now()

    async def _refresh(self, name: str, ical: Ical) -> None:
        """Ask for it; whatever goes wrong is told, and the copy from before stays in force."""
        link = ical.url.reveal()
        self._asked[name] = (_hash(link), self._zone(name))
        self._next[name] = self._clock.now() + ical.refresh
        result, why = "ok", ""
        try:
            await self._take(name, link, await fetch(link, self._stamp(name, link)))
        except NotFetched as error:
            result, why = ("refused" if error.is_refused else "failed"), str(error)
        except Refused as error:
            result, why = "refused", str(error)
        except StoreError as error:
            result, why = "failed", str(error)
        except Exception as error:
            result, why = "failed", f"a defect of escalator: {type(error).__name__}"
            log.error("calendar_failed", schedule=name, exc_info=error)  # noqa: TRY400 - told with the exception
        finally:
            self._busy.discard(name)
        self._engine.metrics.calendar_fetches.labels(schedule=name, result=result).inc()
        self._errors[name] = why
        if why:
            await self._failed(name, ical, why)

    async def _failed(self, name: str, ical: Ical, why: str) -> None:
        self._next[name] = self._clock.now() + min(ical.refresh, RETRY)
        if (suppressed := self._sampled(f"{name} {why}")) is not None:
            log.warning("calendar_not_fetched", schedule=name, why=why, suppressed=suppressed)
        kept = self._kept.get(name)
        if kept is None:
            return
        self._kept[name] = kept = replace(kept, error=why)
        await self._write(on_file.note(kept))
        if self._is_outdated(kept):
            try:
                await self._read(kept, await self._body(name))
            except Refused as error:
                log.warning("calendar_not_expanded", schedule=name, why=str(error))

    async def _take(self, name: str, link: str, fetched: Fetched | None) -> None:
        """Take what came, or (None) that nothing is new. Raises `Refused`."""
        now = self._clock.now()
        kept = self._kept.get(name)
        if fetched is None:
            if kept is None:
                raise NotFetched("it has not changed, and the copy it means is gone")
            digest, stamp = kept.digest, Stamp(etag=kept.etag, modified=kept.modified)
        else:
            digest, stamp = hashlib.sha256(fetched.body).hexdigest(), fetched.stamp
        new = KeptCalendar(
            name=name,
            link=_hash(link),
            digest=digest,
            told=kept.told if kept else [],
            zone=self._zone(name),
            etag=stamp.etag,
            modified=stamp.modified,
            expanded_at=kept.expanded_at if kept else now,
            checked_at=now,
        )
        if kept and kept.digest == digest and not self._is_outdated(kept):
            self._kept[name] = new
            await self._write(on_file.note(new))
            return
        await self._read(new, fetched.body if fetched else await self._body(name))

    async def _read(self, kept: KeptCalendar, body: bytes) -> None:
        """Read a text, and have what it says in force and kept. Raises `Refused`."""
        name = kept.name
        read = await self._reader.read(body, self._zone(name), self._clock.wall())
        for zone in read.zones:
            if self._is_news(name, f"zone {zone}"):
                log.warning("calendar_zone_unknown", schedule=name, zone=zone[:TITLE_CHARS_LOGGED])
        self._kept[name] = replace(
            kept, told=read.told, zone=self._zone(name), expanded_at=self._clock.now()
        )
        await self._use(name)
        log.info("calendar_read", schedule=name, events=len(self._events[name]))
        if not await self._write(on_file.keep(self._kept[name], body)):
            # What is not on file must come whole the next time.
            self._kept[name] = replace(self._kept[name], etag="", modified="")

    async def _use(self, name: str) -> None:
        """Find the people of its events, and put them in force."""
        people, wall = self._engine.rules.people, self._clock.wall()
        matched = await asyncio.to_thread(_matched, self._kept[name], people, wall)
        self._events[name], self._unknown[name] = matched
        news = [title for title in matched[1] if self._is_news(name, title)]
        for title in news[:TITLES_LOGGED]:
            log.warning("calendar_title_unknown", schedule=name, title=title[:TITLE_CHARS_LOGGED])
        await self._engine.use_calendars(dict(self._events))

    async def _body(self, name: str) -> bytes:
        """Its text as it is on file. Raises `Refused`; then it comes whole the next time."""
        body = await self._engine.reader.in_thread(lambda db: on_file.load_body(db, name))
        if not body:
            self._kept[name] = replace(self._kept[name], etag="", modified="", digest="")
            raise Refused("the copy on file cannot be read; it is fetched anew")
        return body

    async def _write(self, change: Change) -> bool:
        try:
            await self._engine.change(*change)
        except StoreError as error:
            log.warning("calendar_not_kept", error=str(error))
            return False
        return True

    # ---- what is asked about them

    def _wanted(self) -> dict[str, Ical]:
        schedules = self._config().schedules
        return {name: one.ical for name, one in schedules.items() if one.ical is not None}

    def _zone(self, name: str) -> str:
        schedule = self._engine.rules.schedules.get(name)
        return schedule.zone.key if schedule else "UTC"

    def _stamp(self, name: str, link: str) -> Stamp:
        """What its server knows our copy by; a version of another link is none of this one."""
        kept = self._kept.get(name)
        if kept is None or kept.link != _hash(link):
            return Stamp()
        return Stamp(etag=kept.etag, modified=kept.modified)

    def _is_outdated(self, kept: KeptCalendar) -> bool:
        age = self._clock.now() - kept.expanded_at
        return kept.zone != self._zone(kept.name) or abs(age) >= EXPANDED_FOR

    def _is_stale(self, name: str, ical: Ical) -> bool:
        now = self._clock.now()
        since = self._since.setdefault(name, now)
        kept = self._kept.get(name)
        return now - (kept.checked_at if kept else since) > max(
            STALE_TIMES * ical.refresh, STALE_LEAST
        )

    def _is_news(self, name: str, what: str) -> bool:
        """Whether this was not told before; what is told is kept within bounds."""
        if (name, what) in self._told:
            return False
        if len(self._told) >= _TOLD_MAX:
            self._told.clear()
        self._told.add((name, what))
        return True

    def _drop(self, name: str) -> None:
        """It is not in the config any more; its copy stays on file for a month."""
        for known in (self._kept, self._events, self._unknown, self._errors, self._since):
            known.pop(name, None)
        self._asked.pop(name, None)

    def _measure(self, wanted: dict[str, Ical]) -> None:
        metrics = self._engine.metrics
        metrics.expect_calendars(wanted)
        metrics.calendar_last_success_timestamp_seconds.clear()
        metrics.calendar_unknown_titles.clear()
        for one in self.standing():
            last = 0.0 if one.checked_at is None else one.checked_at.timestamp()
            metrics.calendar_last_success_timestamp_seconds.labels(schedule=one.schedule).set(last)
            metrics.calendar_unknown_titles.labels(schedule=one.schedule).set(len(one.unknown))
            self._tell_stale(one)

    def _tell_stale(self, one: Standing) -> None:
        key = (one.schedule, "stale")
        if not one.is_stale:
            self._told.discard(key)
        elif self._is_news(*key):
            since = "never" if one.checked_at is None else one.checked_at.isoformat()
            log.warning("calendar_stale", schedule=one.schedule, current_at=since, why=one.error)


def _matched(
    kept: KeptCalendar, people: Mapping[str, Person], wall: datetime
) -> tuple[tuple[CalendarEvent, ...], tuple[str, ...]]:
    found = match(entries_of(kept.told), people, wall)
    return found.events, found.unknown


def _hash(link: str) -> str:
    """Tells links apart without keeping them."""
    return hashlib.sha256(link.encode()).hexdigest()[:16]
