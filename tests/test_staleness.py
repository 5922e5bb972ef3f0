"""A sender that has fallen silent is asked about, once; nothing is closed, and its next word takes the mark back."""

from datetime import timedelta

import pytest
from cast import RULES, cleared, fired, rules, step
from test_engine import stage

from escalator.escalation.events import Action, AlertReceived, Asked
from escalator.escalation.heartbeats import missed_alert
from escalator.escalation.incidents import Phase
from escalator.escalation.own_alerts import disk_full
from escalator.escalation.rules import Heartbeat
from escalator.staleness import ask_about_stale

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
STALE = rules(step("ana", wait=30 * timedelta(days=1)), stale_after=12 * HOUR)


class Chore:
    """The chore as the daemon runs it, up since the start of the story."""

    def __init__(self, on):
        self.on, self.up_since = on, on.clock.now()

    async def __call__(self):
        return await ask_about_stale(self.on.engine, lambda: self.up_since)


async def test_an_incident_without_a_word_is_marked_once_and_stays_open(tmp_path):
    async with stage(tmp_path / "e.db", STALE, runs=False) as on:
        ask = Chore(on)
        await on.engine.submit(fired())
        await on.clock.advance(12 * HOUR - SECOND)
        assert await ask() == 0

        await on.clock.advance(SECOND)

        await on.engine.submit(fired("load"))
        assert [await ask(), await ask()] == [1, 0]
        incident = on.incident()
        assert (incident.phase, incident.stale_at) == (Phase.TRIGGERED, on.clock.now())
        assert (await on.events()).count("stale") == 1
        (told,) = [one for one in on.logs if one["event"] == "incident_stale"]
        assert told["last_seen"] == "2026-11-02T09:00:00+00:00"


async def test_any_word_of_its_sender_counts_and_takes_the_mark_back(tmp_path):
    async with stage(tmp_path / "e.db", STALE, runs=False) as on:
        ask = Chore(on)
        await on.engine.submit(fired("disk"), fired("load", "unused", group="disk"))
        await on.clock.advance(11 * HOUR)
        await on.engine.submit(cleared("load", group="disk"))
        await on.clock.advance(11 * HOUR)
        assert await ask() == 0
        await on.clock.advance(HOUR)
        assert await ask() == 1

        await on.engine.submit(fired("disk"))

        assert on.incident().stale_at is None
        assert "heard_again" in await on.events()
        assert await ask() == 0
        await on.clock.advance(12 * HOUR)
        assert await ask() == 1


async def test_who_acknowledged_it_is_asked_by_message(tmp_path):
    async with stage(tmp_path / "e.db", STALE, runs=False) as on:
        ask = Chore(on)
        await on.engine.submit(fired())
        await on.engine.submit(
            Asked(incident_id="incident-disk", action=Action.ACKNOWLEDGE, by="ben")
        )
        await on.clock.advance(12 * HOUR)

        await ask()

        assert [text.person for text in on.incident().texts] == ["ben"]
        assert on.incident().phase is Phase.ACKNOWLEDGED


async def test_time_in_which_nobody_could_tell_us_anything_is_no_silence(tmp_path):
    async with stage(tmp_path / "e.db", STALE, runs=False) as on:
        ask = Chore(on)
        await on.engine.submit(fired())
        await on.clock.advance(20 * HOUR)
        ask.up_since = on.clock.now()

        assert await ask() == 0
        await on.clock.advance(12 * HOUR - SECOND)
        assert await ask() == 0
        await on.clock.advance(SECOND)
        assert await ask() == 1


@pytest.mark.parametrize("over", [True, False], ids=["resolved", "never asked about"])
async def test_what_is_over_or_has_no_limit_is_not_asked_about(tmp_path, over):
    async with stage(tmp_path / "e.db", STALE if over else RULES, runs=False) as on:
        ask = Chore(on)
        await on.engine.submit(fired())
        if over:
            await on.engine.submit(cleared())
        await on.clock.advance(1000 * HOUR)

        assert await ask() == 0


async def test_an_incident_of_a_policy_that_is_gone_follows_the_default_one(tmp_path):
    async with stage(tmp_path / "e.db", STALE, runs=False) as on:
        ask = Chore(on)
        await on.engine.submit(fired())
        await on.engine.change("UPDATE incidents SET policy = 'gone'")
        await on.clock.advance(12 * HOUR)

        assert await ask() == 1


async def test_what_escalator_raises_itself_is_said_once_and_is_no_silence(tmp_path):
    backup = Heartbeat(name="backup", every=HOUR, grace=HOUR)
    async with stage(tmp_path / "e.db", STALE, runs=False) as on:
        ask = Chore(on)
        await on.engine.tell(disk_full())
        missed = missed_alert(backup, on.clock.now(), on.clock.now())
        await on.engine.submit(AlertReceived(alert=missed, fresh_id="missed", policy="default"))
        await on.clock.advance(100 * HOUR)

        assert await ask() == 0


async def test_a_store_that_cannot_be_written_marks_nothing_and_is_tried_again_the_next_time(
    tmp_path,
):
    async with stage(tmp_path / "e.db", STALE, runs=False) as on:
        ask = Chore(on)
        await on.engine.submit(fired())
        await on.clock.advance(12 * HOUR)
        await on.engine.stop()

        assert await ask() == 0
        assert on.incident().stale_at is None
        assert [one["event"] for one in on.logs if one["log_level"] == "error"] == ["store_failed"]
