"""Each example of calendars.md is read, and answers what the table below it says."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from manual import DOCS, blocks, page, table_of, tables, words_in_code

from escalator.calendars.expand import Horizon, expand
from escalator.calendars.fetching import BYTES_MAX, TIMEOUT_SECONDS
from escalator.calendars.keeping import RETRY, STALE_LEAST, STALE_TIMES
from escalator.calendars.reading import AFTER, BEFORE, EVENTS_MAX, WORK_SECONDS, entries_of
from escalator.config.loading import load
from escalator.escalation.calendar_titles import match, named_by, names_of
from escalator.escalation.oncall import next_after, on_call_now
from escalator.escalation.schedules import Schedule

PAGE = page("calendars.md")
BERLIN = ZoneInfo("Europe/Berlin")
CALENDARS = [one for one in blocks(DOCS / "calendars.md") if one.language == "ics"]
ANSWERS = table_of(PAGE, "at", "`platform`")
AROUND = """
version: 1
public_url: https://pager.example.net
twilio: { account_sid: AC0123456789abcdef0123456789abcdef, auth_token: { file: token }, from: +15005550006 }
policies: { default: { steps: [{ call: ana }] } }
"""


@pytest.fixture
def people(tmp_path):
    """Those of the page's own example."""
    [written] = [
        one.text
        for one in blocks(DOCS / "calendars.md")
        if one.language == "yaml" and one.text.startswith("people:")
    ]
    file = tmp_path / "escalator.yml"
    file.write_text(AROUND + written, encoding="utf-8")
    return load(file, secrets=False).rules.people


def named(people):
    return ", ".join(people) or "nobody"


def test_titles_name_whom_the_table_says(people):
    [table] = table_of(PAGE, "title", "on call")

    for row in table.rows:
        [title] = words_in_code(row["title"])
        assert named(named_by(title, (), names_of(people)).people) == row["on call"], title


@pytest.mark.parametrize("number", range(len(CALENDARS)))
def test_a_calendar_puts_on_call_whom_its_table_says(number, people):
    start = datetime(2026, 10, 1, tzinfo=UTC)
    horizon = Horizon(BERLIN, start, start + timedelta(days=90), EVENTS_MAX)
    told = expand(CALENDARS[number].text.encode(), horizon).events
    events = match(entries_of(told), people, start).events
    schedule = Schedule(name="platform", zone=BERLIN, events=events)

    rows = ANSWERS[number].rows
    assert rows
    for row in rows:
        at = datetime.fromisoformat(row["at"]).replace(tzinfo=BERLIN)
        assert named(on_call_now(schedule, people, at)) == row["`platform`"], row
        if "`platform.next`" in row:
            assert named(next_after(schedule, people, at)) == row["`platform.next`"], row


def test_every_calendar_of_the_page_has_its_table():
    assert len(CALENDARS) == len(ANSWERS) == 2


def test_the_bounds_that_the_page_tells_are_those_in_force():
    told = " ".join(PAGE.split())

    assert f"{BEFORE.days} days back to {AFTER.days} days ahead" in told
    assert f"more than {EVENTS_MAX:,} events" in told
    assert f"takes {WORK_SECONDS:g} seconds to read" in told
    assert f"more than {BYTES_MAX >> 20} MiB, slower than {TIMEOUT_SECONDS:g} seconds" in told
    assert timedelta(minutes=5) == RETRY
    assert "Asked again after five minutes at most" in told
    assert (3, timedelta(hours=1)) == (STALE_TIMES, STALE_LEAST)
    assert "three times its `refresh`, and an hour at least" in told
    assert len(tables(PAGE)) == 5
