"""What cannot be decided is set aside after three failures, the fallback hears of it, and everybody else goes on."""

import asyncio
import json
from datetime import timedelta

import pytest
from cast import ANA, OURS, rules, step
from cast import fired as fires
from test_engine import stage

from escalator.engine import Undecided
from escalator.escalation.call_events import CallAccepted, CallIntended, Wanted
from escalator.escalation.events import Due
from escalator.escalation.incidents import Phase
from escalator.store.errors import StoreBroken, StoreError
from escalator.store.reading import list_incidents

MINUTE = timedelta(minutes=1)
RULES = rules(step("ana", wait=60 * MINUTE), fallback=("dee",))


def fired(key="disk", **more):
    return fires(key, **more)


async def own_incidents(on):
    everything = await on.reader.in_thread(lambda db: list_incidents(db, list(Phase), 50, None))
    return [one for one in everything if one.receiver == "escalator"]


async def poison(on, statement="UPDATE incidents SET phase = 'broken' WHERE id = 'incident-bad'"):
    await on.engine.change(statement)


async def test_after_three_failures_an_incident_is_set_aside_and_the_fallback_is_rung(tmp_path):
    """(K17) Its policy's fallback; its timers run no more; others are not affected."""
    async with stage(tmp_path / "e.db", RULES) as on:
        await on.engine.submit(fired("bad", ring="ben"), fired())
        await poison(on)
        await on.clock.advance(60 * MINUTE)
        for failures in (1, 2, 3):
            await on.until(lambda: on.count("events_undecided_total") == failures)  # noqa: B023 - waited for at once
            await on.quiet()
            await on.clock.advance(MINUTE)
        await on.until(lambda: on.count("quarantines_total") == 1)
        await on.clock.advance(timedelta(hours=2))
        await on.quiet()

        assert on.count("events_undecided_total") == 3
        (told,) = await own_incidents(on)
        assert (told.policy, told.title, told.phase) == ("ben", "Quarantined", Phase.EXHAUSTED)
        assert "cannot process the incident Disk full" in told.summary
        assert [page.person for page in on.incident(told.id).pages] == ["ben"]
        assert on.incident("incident-bad").due_at is None
        assert on.incident().round > 1, "the other one went on through its rounds"


async def test_the_senders_next_repeat_opens_a_fresh_incident(tmp_path):
    """(K17) Nothing stays silent because its record was broken: until then the sender is told to try again."""
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        await on.engine.submit(fired("bad"))
        await poison(on)
        for _ in range(3):
            with pytest.raises(Undecided):
                await on.engine.submit(fired("bad"))

        (result,) = await on.engine.submit(fired("bad", incident="fresh"))

        assert (result.incident.id, result.is_new) == ("fresh", True)
        assert [page.person for page in on.incident("fresh").pages] == ["ana"]
        assert "quarantined" in await on.events("incident-bad")


async def test_the_row_as_it_was_is_kept_for_the_report(tmp_path):
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        await on.engine.submit(fired("bad"))
        await poison(on)
        for _ in range(3):
            await on.engine.submit_each(Due(incident_id="incident-bad"))

        value = await on.reader.in_thread(
            lambda db: db.execute(
                "SELECT value FROM meta WHERE name LIKE 'quarantine:%'"
            ).fetchone()
        )
        kept = json.loads(value[0])

        assert kept["why"] == "ValueError"
        assert kept["row"]["phase"] == "broken"


async def test_two_failures_are_forgotten_when_it_goes_well_once(tmp_path):
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        await on.engine.submit(fired("bad"))
        for _ in range(3):
            await poison(on)
            await on.engine.submit_each(Due(incident_id="incident-bad"))
            await on.engine.submit_each(Due(incident_id="incident-bad"))
            await poison(on, "UPDATE incidents SET phase = 'triggered'")
            await on.engine.submit(Due(incident_id="incident-bad"))

        assert on.count("quarantines_total") == 0


async def test_a_bad_alert_on_file_is_set_aside_and_told(tmp_path):
    """(K17, D8) The incident is sound: it stays, and the alert enters anew."""
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        await on.engine.submit(fired())
        await poison(on, "UPDATE alerts SET status = 'odd'")
        for _ in range(3):
            with pytest.raises(Undecided):
                await on.engine.submit(fired())

        (result,) = await on.engine.submit(fired())

        assert result.incident.id == "incident-disk"
        (told,) = await own_incidents(on)
        assert "an alert of receiver am" in told.summary


def intended(call_id="call-1", *incidents):
    wanted = tuple(Wanted(incident_id=one, person="ana") for one in incidents)
    return CallIntended(
        call_id=call_id,
        to=ANA,
        from_=OURS,
        person="ana",
        token_hash=f"hash-{call_id}",
        lasts=385.0,
        pages=wanted,
    )


async def test_a_call_that_cannot_be_read_is_set_aside_and_its_page_is_due_again(tmp_path):
    """(K17, D8) JSON that is none in a row: neither worker dies of it, and the number is free again."""
    async with stage(tmp_path / "e.db", RULES) as on:
        await on.engine.submit(fired())
        await on.engine.submit(intended("call-1", "incident-disk"))
        await on.engine.submit(CallAccepted(call_id="call-1", token_hash="hash-call-1", sid="CA1"))
        await poison(on, "UPDATE calls SET endings = '[nonsense', due_at = 0")

        for _ in range(3):
            assert on.reader.due_calls(on.clock.now()) == []
            beats = on.count("engine_last_cycle_timestamp_seconds")
            await on.clock.advance(timedelta(seconds=10))
            await on.until(lambda: on.count("engine_last_cycle_timestamp_seconds") != beats)  # noqa: B023 - waited for at once
            await on.quiet()
        await on.until(lambda: on.count("quarantines_total") == 1)

        assert on.reader.open_calls() == []
        call = on.reader.call("call-1")
        assert (call.state, call.outcome) == ("ended", "lost")


async def test_of_a_bundle_the_one_that_cannot_be_read_is_blamed(tmp_path):
    """(K17) The sound incident in the same call is rung about once the other one is out of the way."""
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        await on.engine.submit(fired("bad"), fired())
        await poison(on)
        for n in range(3):
            await on.engine.submit_each(intended(f"call-{n}", "incident-disk", "incident-bad"))

        (result,) = await on.engine.submit_each(intended("call-9", "incident-disk", "incident-bad"))

        assert [page.incident_id for page in result.call.pages] == ["incident-disk"]
        assert on.count("quarantines_total") == 1


async def test_a_writer_that_dies_is_seen_by_all_who_wait_and_by_the_daemon(tmp_path):
    """(K18) Never up but not paging."""
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        watch = asyncio.ensure_future(on.engine.watch_writer())
        await asyncio.sleep(0)

        def dies():
            raise SystemExit("the thread is gone")

        chore = asyncio.ensure_future(on.engine._writer.run(dies))
        with pytest.raises(StoreBroken, match="the thread that writes has died of SystemExit"):
            await asyncio.wait_for(watch, 10)
        with pytest.raises(StoreError, match="nothing of this is stored"):
            await on.engine.submit(fired())
        chore.cancel()
