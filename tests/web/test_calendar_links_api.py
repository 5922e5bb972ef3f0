"""Our calendars over HTTP: a link for each person and schedule, and their shifts behind it."""

from datetime import UTC, datetime, timedelta

import icalendar

from escalator.clock import VirtualClock
from escalator.escalation.schedules import Override
from escalator.store.live import add_override
from escalator.web.schemas import SCHEMAS

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SCHEDULES = """
schedules:
  weekly:
    timezone: Europe/Berlin
    layers: [{ rotate: { every: 1 week, at: mon 09:00, starting: 2026-08-03 }, people: [ana, ben] }]
  always: { layers: [{ rotate: { every: 1 week, starting: 2020-01-06 }, people: [ben] }] }
  nobody: { layers: [{ rotate: { every: 1 week, starting: 2040-01-06 }, people: [ben] }] }
"""
LOGIN = "web: { tokens: { ops: { env: OPS } } }\n"


async def links(listener, **options):
    answer = await listener.get("/api/v1/calendars", **options)
    assert answer.status == 200, answer.body
    return {(one["kind"], one["name"]): one for one in answer.json["calendars"]}


async def shifts(listener, kind, name):
    """The events behind a link as (start, end, summary)."""
    path = (await links(listener))[kind, name]["path"]
    answer = await listener.get(path)
    assert answer.status == 200, answer.body
    found = icalendar.Calendar.from_ical(answer.body).walk("VEVENT")
    assert all(one.errors == [] for one in found)
    return [(one["DTSTART"].dt, one["DTEND"].dt, str(one["SUMMARY"])) for one in found], found


async def test_everybody_and_every_schedule_has_a_link(listen):
    listener = await listen(SCHEDULES)

    found = await links(listener)

    assert [*found] == [
        ("person", "ana"),
        ("person", "ben"),
        ("schedule", "weekly"),
        ("schedule", "always"),
        ("schedule", "nobody"),
    ]
    ana = found["person", "ana"]
    assert ana["title"] == "On call: Ana Ortega"
    assert ana["url"] == listener.url + ana["path"]
    [listed] = SCHEMAS["CalendarList"]["properties"]["calendars"]["items"]["required"][:1]
    assert listed == "kind"
    assert set(ana) == set(SCHEMAS["CalendarList"]["properties"]["calendars"]["items"]["required"])


async def test_the_list_is_for_people_and_a_link_needs_no_login(listen):
    listener = await listen(SCHEDULES + LOGIN)
    assert (await listener.get("/api/v1/calendars")).status == 401
    found = await links(listener, headers={"Authorization": "Bearer ops-secret"})

    answer = await listener.get(found["person", "ana"]["path"])

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert (await listener.ask("HEAD", found["person", "ana"]["path"])).status == 200


async def test_a_link_that_is_none_is_404(listen):
    listener = await listen(SCHEDULES)
    path = (await links(listener))["person", "ana"]["path"]

    for wrong in ("/calendar/ana.ics", "/calendar/x.ics", path.replace(".ics", "A.ics"), path[:-4]):
        assert (await listener.get(wrong)).error[:2] == (404, "not_found")
    assert (await listener.post(path)).status == 405


async def test_the_link_of_somebody_who_left_leads_nowhere(listen):
    listener = await listen(SCHEDULES)
    path = (await links(listener))["schedule", "nobody"]["path"]
    listener.engine.rules = (await listen("")).engine.rules

    assert (await listener.get(path)).status == 404


async def test_a_schedules_calendar_holds_a_month_back_and_three_ahead(listen):
    listener = await listen(SCHEDULES, clock=VirtualClock(NOON))

    found, _ = await shifts(listener, "schedule", "weekly")

    assert found[0] == (at("2026-10-19 07:00"), at("2026-10-26 08:00"), "Ben Shah")
    assert found[1] == (at("2026-10-26 08:00"), at("2026-11-02 08:00"), "Ana Ortega")
    assert found[-1] == (at("2027-02-15 08:00"), at("2027-02-22 08:00"), "Ana Ortega")
    assert len(found) == 18


async def test_a_persons_calendar_holds_their_shifts_of_all_schedules(listen):
    listener = await listen(SCHEDULES, clock=VirtualClock(NOON))

    found, _ = await shifts(listener, "person", "ben")

    titles = [title for *_, title in found]
    assert titles == ["On call: weekly"] * 9 + ["On call: always"]
    assert found[-1][1] - found[-1][0] > timedelta(days=700)


async def test_nobody_on_call_is_no_event(listen):
    listener = await listen(SCHEDULES, clock=VirtualClock(NOON))

    assert await shifts(listener, "schedule", "nobody") == ([], [])


async def test_an_override_is_in_the_calendar_with_its_reason(listen):
    listener = await listen(SCHEDULES, clock=VirtualClock(NOON))
    override = Override(
        id="1",
        schedule="weekly",
        person="ana",
        start=NOON + timedelta(days=8),
        end=NOON + timedelta(days=9),
        reason="swap; with Ben, you know",
        created_at=NOON,
    )
    await listener.engine.change_live(lambda db: add_override(db, override, "ana"))

    found, events = await shifts(listener, "person", "ana")

    place = found.index((override.start, override.end, "On call: weekly"))
    assert (
        str(events[place]["DESCRIPTION"]) == "override: swap; with Ben, you know until 1 Dec 13:00"
    )


async def test_people_on_call_together_see_with_whom(listen):
    listener = await listen(
        "schedules: { pair: { layers: [{ rotate: { every: 1 week, starting: 2020-01-06 }, people: [[ana, ben]] }] } }"
    )

    assert {title for *_, title in (await shifts(listener, "person", "ana"))[0]} == {
        "On call: pair (with Ben Shah)"
    }
    assert {title for *_, title in (await shifts(listener, "schedule", "pair"))[0]} == {
        "Ana Ortega, Ben Shah"
    }


async def test_events_keep_their_ids_while_days_go_by_and_say_since_when_they_are_so(listen):
    clock = VirtualClock(NOON)
    listener = await listen(SCHEDULES, clock=clock)
    before = {kind: await stamped(listener, "schedule", kind) for kind in ("weekly", "always")}
    await clock.advance(timedelta(days=1))

    after = {kind: await stamped(listener, "schedule", kind) for kind in ("weekly", "always")}

    assert before["weekly"].items() <= after["weekly"].items()
    assert before["weekly"].keys() == after["weekly"].keys()
    assert before["always"].keys() == after["always"].keys()
    assert {*after["weekly"].values()} == {NOON}


async def stamped(listener, kind, name):
    _, events = await shifts(listener, kind, name)
    assert len({str(one["UID"]) for one in events}) == len(events)
    return {str(one["UID"]): one["LAST-MODIFIED"].dt for one in events}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
