"""Plans of time as the core wants them: schedules with aware spans, absence, time intervals.

Here local moments get their zone: a schedule's own, a person's own, else the config's.
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

from escalator.config import interval_fields, people, scheduling
from escalator.config.model import Config
from escalator.config.moments import read_span
from escalator.escalation.intervals import Range, TimeInterval, TimeOfDay
from escalator.escalation.rules import Channel, Contact
from escalator.escalation.schedules import Away, Layer, Override, Rotation, Schedule


def build_schedules(config: Config) -> dict[str, Schedule]:
    """Every schedule by its name. One of a calendar has no events yet."""
    return {
        name: _schedule(name, schedule, config.timezone)
        for name, schedule in config.schedules.items()
    }


def build_time_intervals(config: Config) -> dict[str, tuple[TimeInterval, ...]]:
    """Every named interval; those that say no location are in the config's zone."""
    return {
        name: tuple(_interval(one, config.timezone) for one in intervals)
        for name, intervals in config.time_intervals.items()
    }


def away_of(person: people.Person, default_zone: str) -> tuple[Away, ...]:
    """When a person is not there, in the person's own zone."""
    zone = ZoneInfo(person.timezone or default_zone)
    spans = ((read_span(one.from_, one.to, zone), one.reason) for one in person.away)
    return tuple(Away(start=start, end=end, reason=why) for (start, end), why in spans)


def contacts_of(person: people.Person) -> tuple[Contact, ...]:
    """What a call target becomes for a person, in the order it is written."""
    return tuple(
        Contact(channel=Channel.SMS, after=rule.sms)
        if rule.sms is not None
        else Contact(channel=Channel.CALL, after=rule.call or timedelta(0))
        for rule in person.rules or ()
    )


def people_in(schedule: Schedule) -> tuple[str, ...]:
    """Everybody whom the layers and overrides of a schedule name, each once."""
    layered = (name for layer in schedule.layers for together in layer.people for name in together)
    return tuple(dict.fromkeys((*layered, *(one.person for one in schedule.overrides))))


def _schedule(name: str, schedule: scheduling.Schedule, default_zone: str) -> Schedule:
    zone = ZoneInfo(schedule.timezone or default_zone)
    return Schedule(
        name=name,
        zone=zone,
        layers=tuple(_layer(layer) for layer in schedule.layers or ()),
        overrides=tuple(_override(name, one, zone) for one in schedule.overrides),
        events=None if schedule.ical is None else (),
        is_covered=schedule.require_coverage,
    )


def _layer(layer: scheduling.Layer) -> Layer:
    rotate = layer.rotate
    return Layer(
        rotation=Rotation(
            every=rotate.every.count,
            unit=rotate.every.unit,
            starting=rotate.starting,
            at=rotate.at.time,
            weekday=rotate.at.weekday or 0,
            month_day=rotate.at.month_day or 1,
        ),
        people=tuple(tuple(dict.fromkeys(together)) for together in layer.people),
        only=layer.only or (),
    )


def _override(schedule: str, override: scheduling.Override, zone: ZoneInfo) -> Override:
    start, end = read_span(override.from_, override.to, zone)
    return Override(
        schedule=schedule, person=override.person, start=start, end=end, reason=override.reason
    )


def _interval(interval: interval_fields.Interval, default_zone: str) -> TimeInterval:
    return TimeInterval(
        zone=ZoneInfo(interval.location or default_zone),
        times=tuple(
            TimeOfDay(start=one.start_time, end=one.end_time) for one in interval.times or ()
        ),
        weekdays=_straight(interval.weekdays, 0, 6),
        days_of_month=interval.days_of_month or (),
        months=_straight(interval.months, 1, 12),
        years=interval.years or (),
    )


def _straight(ranges: tuple[Range, ...] | None, least: int, most: int) -> tuple[Range, ...]:
    """The ranges, those that run over the end cut in two."""
    found: list[Range] = []
    for first, last in ranges or ():
        found += [(first, last)] if first <= last else [(first, most), (least, last)]
    return tuple(found)
