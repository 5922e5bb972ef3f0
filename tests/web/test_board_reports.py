"""Reports: figures that can be checked by hand, spans and zones that are what they say, a file that is safe to open."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalator.store.reports import TookTooLong, report
from escalator.store.rows import to_stored
from escalator.web.board.reports import months_of

CALLS = (
    'INSERT INTO calls (id, kind, "to", from_, person, state, outcome, sid, lasts, created_at, posted_at, answered_at, '
    "duration, error_message, not_sent, acted, machine, prompts, ambiguous, endings) "
    "VALUES (?, 'page', '+491713920012', '', ?, 'ended', ?, '', 1, ?, ?, ?, ?, '', 0, 0, 0, 0, 0, '[]')"
)
INCIDENTS = (
    "INSERT INTO incidents (id, receiver, policy, route, group_key, title, summary, severity, phase, firing, resolved, "
    "step, round, baseline, before, acknowledged_at, created_at, updated_at) "
    "VALUES (?, 'r', 'p', '', ?, 't', '', ?, 'acknowledged', 1, 0, 0, 1, '', 'triggered', ?, ?, ?)"
)


def stored(text):
    return to_stored(datetime.fromisoformat(text).replace(tzinfo=UTC))


async def put_incident(listener, at, seconds=None, severity="critical"):
    created = stored(at)
    taken = None if seconds is None else created + seconds * 1_000_000
    key = f"{at}{seconds}{severity}"
    await listener.engine.change(INCIDENTS, (key, key, severity, taken, created, created))


async def put_call(listener, at, person="ana", outcome="acknowledged", duration=61):
    created = stored(at)
    answered = created if duration is not None else None
    values = (f"{at}{person}{outcome}", person, outcome, created, created, answered, duration)
    await listener.engine.change(CALLS, values)


async def figures(listener, query="from=2026-10-01&to=2026-11-30"):
    answer = await listener.get(f"/reports.csv?{query}")
    assert answer.status == 200
    lines = csv.DictReader(io.StringIO(answer.body.decode()))
    return {(one["report"], one["month"], one["of"]): one["value"] for one in lines}


async def test_how_soon_is_the_median_and_what_nine_in_ten_keep(listener):
    for seconds in (10, 20, 30, 40, 50, 60, 70, 80, 90, 1000):
        await put_incident(listener, "2026-11-02T10:00:00", seconds)
    await put_incident(listener, "2026-11-02T11:00:00")

    found = await figures(listener)

    assert found["incidents", "2026-11", ""] == "11"
    assert found["acknowledged", "2026-11", ""] == "10"
    assert found["acknowledge_seconds_median", "2026-11", ""] == "50.0"
    assert found["acknowledge_seconds_p90", "2026-11", ""] == "90.0"
    assert found["incidents", "2026-10", ""] == "0"
    assert found["acknowledge_seconds_median", "2026-10", ""] == ""


async def test_calls_are_counted_by_person_and_month(listener):
    await put_call(listener, "2026-10-31T12:00:00")
    await put_call(listener, "2026-11-01T12:00:00", outcome="no-answer", duration=None)
    await put_call(listener, "2026-11-02T12:00:00", duration=60)
    await put_call(listener, "2026-11-02T13:00:00", person="ben", outcome="heard", duration=200)

    found = await figures(listener)

    assert found["calls", "2026-10", "ana"] == "1"
    assert found["calls", "2026-11", "ana"] == "2"
    assert found["calls_unanswered", "2026-11", "ana"] == "1"
    assert found["calls_acknowledged", "2026-11", "ana"] == "1"
    assert found["minutes", "2026-10", "ana"] == "2"
    assert found["minutes", "2026-11", "ana"] == "1"
    assert found["minutes", "2026-11", "ben"] == "4"
    assert found["cost_estimate", "2026-11", ""] == "0.10"


async def test_a_call_that_was_never_placed_is_none(listener):
    await put_call(listener, "2026-11-02T12:00:00")
    await listener.engine.change("UPDATE calls SET posted_at = NULL")

    assert ("calls", "2026-11", "ana") not in await figures(listener)


async def test_the_price_is_the_readers(listener):
    await put_call(listener, "2026-11-02T12:00:00", duration=120)

    found = await figures(listener, "from=2026-11-01&to=2026-11-30&price=1.5")

    assert found["cost_estimate", "2026-11", ""] == "3.00"


async def test_a_night_is_where_the_person_lives(listen, tmp_path):
    listener = await listen("receivers: { hook: { type: webhook } }\ntimezone: Europe/Berlin\n")
    for at in ("20:59", "21:00", "05:59", "06:00"):  # in Berlin an hour later
        await put_call(listener, f"2026-11-02T{at}:00")

    found = await figures(listener)

    assert found["night_calls", "2026-11", "ana"] == "2"


async def test_days_end_at_midnight_of_the_readers_zone(listen):
    listener = await listen("receivers: { hook: { type: webhook } }\ntimezone: Europe/Berlin\n")
    await put_incident(listener, "2026-10-31T22:59:59")
    await put_incident(listener, "2026-10-31T23:00:00")

    found = await figures(listener, "from=2026-11-01&to=2026-11-01")

    assert found["incidents", "2026-11", ""] == "1"


async def test_severities_are_told_as_they_came_and_are_no_formula(listener):
    await put_incident(listener, "2026-11-02T10:00:00", severity="=cmd|' /C calc'!A0")
    await put_incident(listener, "2026-11-02T10:00:00", severity="warning")

    found = await figures(listener)

    assert found["incidents_by_severity", "2026-11", "'=cmd|' /C calc'!A0"] == "1"
    assert found["incidents_by_severity", "2026-11", "warning"] == "1"


async def test_the_page_shows_the_same(listener):
    await put_incident(listener, "2026-11-02T08:00:00", 134)
    await put_call(listener, "2026-11-02T08:00:00")

    page = (await listener.get("/reports")).body.decode()

    assert "2 min 14 s" in page
    assert "<bdi>Ana Ortega</bdi>" in page
    assert 'value="2026-08-05"' in page
    assert 'value="2026-11-02"' in page
    assert 'href="/reports.csv?from=2026-08-05&amp;to=2026-11-02&amp;price=0.02"' in page


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("from=yesterday", "from"),
        ("to=2026-13-01", "to"),
        ("from=0001-01-01", "from"),
        ("to=9999-12-31", "to"),
        ("from=2026-11-02&to=2026-11-01", "to"),
        ("from=2020-01-01&to=2026-11-01", "from"),
        ("price=cheap", "price"),
        ("price=-1", "price"),
        ("price=NaN", "price"),
        ("price=1e99", "price"),
    ],
)
async def test_what_cannot_be_used_is_told_at_its_field_and_kept(listener, query, path):
    answer = await listener.get(f"/reports?{query}")

    page = answer.body.decode()
    assert answer.status == 400
    name, _, value = query.split("&")[-1 if path == "to" else 0].partition("=")
    assert f'id="{name}" name="{name}"' in page
    assert f'value="{value}"' in page
    assert f'aria-describedby="{path}-wrong"' in page
    assert (await listener.get(f"/reports.csv?{query}")).status == 400


def test_months_are_cut_to_the_span():
    found = list(months_of(date(2026, 10, 15), date(2026, 12, 1), ZoneInfo("Europe/Berlin")))

    assert [(one.name, one.ends - one.begins) for one in found] == [
        ("2026-10", timedelta(days=17, hours=1)),  # an hour more: the clocks go back
        ("2026-11", timedelta(days=30)),
        ("2026-12", timedelta(days=1)),
    ]
    assert found[0].ends == found[1].begins


async def test_a_question_that_takes_too_long_is_given_up(listener):
    await listener.engine.change(
        INCIDENTS.replace(
            "VALUES (?, 'r', 'p', '', ?",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
            "WHERE i < 20000) SELECT ? || i, 'r', 'p', '', ? || i",
        ).replace("?)", "? FROM n"),
        ("i", "g", "critical", None, stored("2026-11-02T10:00:00"), 0),
    )
    months = list(months_of(date(2026, 1, 1), date(2026, 12, 1), ZoneInfo("UTC")))

    with pytest.raises(TookTooLong):
        await listener.engine.reader.at_leisure(
            lambda db: report(db, months, lambda person, at: False, 0.0)
        )
