"""The auditor finds whoever would wait for ever, begins it anew and rings the fallback (I1)."""

from datetime import timedelta

import pytest
from cast import ANA, OURS, rules, step
from cast import fired as fires
from test_engine import stage

from escalator.auditor import Auditor
from escalator.escalation.call_events import CallAccepted, CallIntended, Wanted
from escalator.escalation.events import Action, Asked
from escalator.escalation.incidents import PageState, Phase
from escalator.store.audit import find_violations
from escalator.store.errors import StoreError
from escalator.store.reading import list_incidents

MINUTE = timedelta(minutes=1)
RULES = rules(step("ana", wait=5 * MINUTE), step("ben"), fallback=("dee",))
INCIDENT = "incident-disk"


async def ringing(on):
    """An incident whose page rings Ana."""
    await on.engine.submit(fires())
    await on.engine.submit(
        CallIntended(
            call_id="call-1",
            to=ANA,
            from_=OURS,
            person="ana",
            token_hash="hash-1",
            lasts=385.0,
            pages=(Wanted(incident_id=INCIDENT, person="ana"),),
        )
    )
    await on.engine.submit(CallAccepted(call_id="call-1", token_hash="hash-1", sid="CA1"))


async def violations(on):
    return await on.reader.in_thread(find_violations)


async def told(on):
    found = await on.reader.in_thread(lambda db: list_incidents(db, list(Phase), 50, None))
    return [one.summary for one in found if one.receiver == "escalator"]


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        (
            ("UPDATE pages SET state = 'waiting'", "UPDATE incidents SET due_at = NULL"),
            "nothing would ever ring",
        ),
        (("UPDATE calls SET state = 'ended', due_at = NULL",), "waits for a call that is over"),
        (("DELETE FROM calls",), "waits for a call that is over"),
        (("UPDATE pages SET call_id = 'nobody'",), "waits for a call that is over"),
    ],
    ids=["no timer", "ended call", "no call", "another call"],
)
async def test_an_incident_that_nothing_would_ring_for_is_begun_anew(tmp_path, harm, what):
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        await ringing(on)
        auditor = Auditor(on.engine)
        assert await auditor.look() == 0
        for statement in harm:
            await on.engine.change(statement)

        assert await auditor.look() == 1

        assert on.count("audit_violations_total") == 1
        incident = on.incident()
        assert incident.due_at is not None
        assert [(one.person, one.state) for one in incident.pages] == [("ana", PageState.WAITING)]
        (summary,) = await told(on)
        assert what in summary
        assert "stuck" in await on.events()
        assert await auditor.look() == 0


async def test_pages_of_what_is_acknowledged_are_taken_back(tmp_path):
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        await on.engine.submit(fires())
        pages = "INSERT INTO pages SELECT * FROM kept"
        await on.engine.change("CREATE TABLE kept AS SELECT * FROM pages")
        await on.engine.submit(Asked(incident_id=INCIDENT, action=Action.ACKNOWLEDGE, by="ben"))
        await on.engine.change(pages)

        assert await Auditor(on.engine).look() == 1

        assert (on.incident().phase, on.incident().pages) == (Phase.ACKNOWLEDGED, ())
        assert await violations(on) == []


async def test_an_exhausted_incident_without_a_timer_rings_its_fallback(tmp_path):
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        await on.engine.submit(fires())
        await on.engine.change(
            "UPDATE incidents SET phase = 'exhausted', due_at = NULL, until = NULL"
        )
        await on.engine.change("DELETE FROM pages")

        await Auditor(on.engine).look()

        assert [page.person for page in on.incident().pages] == ["dee"]
        assert on.incident().due_at is not None


async def test_a_call_under_way_without_a_timer_is_looked_after(tmp_path):
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        await ringing(on)
        await on.engine.change("UPDATE calls SET timer_at = NULL, due_at = NULL")

        assert await Auditor(on.engine).look() == 1

        assert [call.id for call in on.reader.due_calls(on.clock.now())] == ["call-1"]
        assert await violations(on) == []


async def test_what_a_healthy_page_goes_through_is_no_violation(tmp_path):
    """Each commit of it, as the auditor would meet it."""
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        await ringing(on)
        assert await violations(on) == []
        for action in (Action.ESCALATE, Action.SNOOZE, Action.ACKNOWLEDGE, Action.RESOLVE):
            await on.engine.submit(Asked(incident_id=INCIDENT, action=action, by="ana"))
            assert await violations(on) == [], action


async def test_what_cannot_be_mended_is_set_aside(tmp_path):
    """(K17) Three times begun anew, then out of play, and the watchdog is fed again."""
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        await on.engine.submit(fires())
        auditor = Auditor(on.engine)
        for _ in range(4):
            await on.engine.change("UPDATE incidents SET due_at = NULL WHERE receiver = 'am'")
            await on.engine.change("DELETE FROM pages WHERE incident_id = 'incident-disk'")
            await auditor.look()

        assert on.count("quarantines_total") == 1
        assert on.incident().phase is Phase.RESOLVED
        assert await violations(on) == []


async def test_the_watchdog_depends_on_looks_that_come_to_an_end(tmp_path):
    """(G1, K19) A look that fails makes nobody content."""
    async with stage(tmp_path / "e.db", RULES, runs=False) as on:
        await on.engine.submit(fires())
        auditor = Auditor(on.engine)
        await on.engine.change("ALTER TABLE calls RENAME TO gone")
        with pytest.raises(StoreError, match="no such table"):
            await auditor.look()
        await on.clock.advance(timedelta(seconds=150))
        assert auditor.is_content
        await on.clock.advance(1)
        assert not auditor.is_content

        await on.engine.change("ALTER TABLE gone RENAME TO calls")
        await auditor.look()

        assert auditor.is_content
