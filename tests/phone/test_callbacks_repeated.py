"""The carrier repeats, reorders and delays, and the store may be slow: every request has its effect once."""

import sqlite3
from dataclasses import replace

import pytest
from cast import ANA, BEN, rules, step
from rig import FOR_HANDS, Rig

from escalator.escalation.calls import CallState
from escalator.escalation.events import Action
from escalator.escalation.incidents import PageState
from escalator.simulator import CallbackFault, Script

# ---- the same request again


@pytest.mark.parametrize("key", ["4", "5", "6"])
async def test_the_same_key_request_again_says_the_same_and_does_nothing_more(tmp_path, key):
    """(X7, W13, K11) The carrier repeats what it got no answer to."""
    policy = rules(step("ana"), step("ben"), step("chi"))
    async with Rig(tmp_path, policy, speed=FOR_HANDS) as rig:
        rig.sim.people[BEN] = Script.manual()
        call = await rig.talking()
        first = await rig.press(call, key)
        incident = rig.incident()

        second = await rig.press(call, key)

        assert second == first
        after = rig.incident()
        assert (after.phase, after.step) == (incident.phase, incident.step)
        told = {"4": "acknowledged", "5": "passed_on", "6": "resolved"}[key]
        for event in ("acknowledged", "also_acknowledged", "passed_on", "resolved", "late"):
            assert len(rig.lines(event)) == (event == told)


async def test_a_late_second_acknowledgement_that_is_repeated_is_on_record_once(tmp_path):
    """(W13, W28)"""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await rig.talking()
        await rig.act("incident-disk", Action.ACKNOWLEDGE, "ben")

        first = await rig.press(call, "4")
        second = await rig.press(call, "4")

        assert second == first
        assert len(rig.lines("also_acknowledged")) == 1


async def test_a_replayed_key_does_not_acknowledge_what_has_begun_anew(tmp_path):
    """(X7) A token is good for its call alone."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await rig.talking()
        await rig.press(call, "4")
        call.hang_up()
        await rig.until(lambda: rig.call().state is CallState.ENDED)
        await rig.clear()
        await rig.act("incident-disk", Action.RESOLVE, "ben")
        await rig.leap(601)
        await rig.fire("disk", title="Disk full again", severity="critical", group="disk")
        again = rig.db.execute("SELECT id FROM incidents WHERE phase = 'triggered'").fetchall()

        await rig.press(call, "4")

        assert (
            rig.db.execute("SELECT id FROM incidents WHERE phase = 'triggered'").fetchall() == again
        )


async def test_a_key_of_a_call_that_is_over_does_not_claim_what_it_does_not_do(tmp_path):
    """(W17) "Passed on" and "acknowledged" are said of what happened."""
    async with Rig(tmp_path, rules(step("ana"), step("ben")), speed=FOR_HANDS) as rig:
        rig.sim.people[BEN] = Script.manual()
        call = await rig.talking()
        call.hang_up()
        await rig.until(lambda: rig.call().state is CallState.ENDED)

        for key in ("4", "5", "6", "1", "*", ""):
            _, body = await rig.press(call, key)
            assert "This call is no longer active." in body, key

        assert rig.incident().phase == "triggered"
        assert rig.incident().step == 0


# ---- duplicated, reordered, lost


@pytest.mark.parametrize(
    "fault", [CallbackFault.DUPLICATE, CallbackFault.REORDER, CallbackFault.DELAY]
)
async def test_callbacks_in_any_number_and_order_make_one_story(tmp_path, fault):
    """(W13, W14, W17) Status only moves forward, and everything is answered with success."""
    async with Rig(tmp_path) as rig:
        rig.sim.faults.callback(
            fault, times=None, seconds=0.05 if fault is CallbackFault.DELAY else 0
        )
        rig.sim.people[ANA] = [Script.answers("*", None, "4"), Script.no_answer()]
        await rig.fire()

        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()
        await rig.until(lambda: rig.call().state is CallState.ENDED)

        assert rig.call().outcome == "acknowledged"
        assert [len(rig.lines(one)) for one in ("acknowledged", "answered")] == [1, 1]
        assert {one.status for one in rig.sim.calls[0].status_callbacks()} == {204}


async def test_a_late_ringing_does_not_revive_a_call(tmp_path):
    """(W14, W17)"""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.declines()
        await rig.fire()
        await rig.until(lambda: rig.lines("call_ended"))
        before = rig.call()

        for status in ("ringing", "in-progress", "initiated", "completed", "nonsense", ""):
            assert await rig.report(rig.sim.calls[0], status) == 204

        assert replace(rig.call(), heard_at=before.heard_at) == before
        assert rig.incident().page_of("ana").state is PageState.WAITING
        await rig.sim.settle()


# ---- the store is slow


async def test_a_key_waits_for_its_commit_and_says_please_hold_meanwhile(tmp_path):
    """(D5, K10) Then the redirect brings the same key again, and the word is spoken when it is true."""
    async with Rig(tmp_path, speed=20.0) as rig:
        call = await rig.talking()
        await rig.engine.change("PRAGMA busy_timeout = 50")
        other = sqlite3.connect(rig.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        rig.sim.listeners.append(
            lambda event: other.close() if getattr(event, "text", "") == "Please hold." else None
        )

        call.press("4")
        await rig.until(lambda: call.heard[-1] == "Goodbye.")

        told = [text for text in call.heard if text in ("Please hold.", "Acknowledged.")]
        assert told == ["Please hold.", "Acknowledged."]
        assert rig.incident().acknowledged_by == "ana"
        assert len(rig.lines("acknowledged")) == 1


async def test_a_commit_that_comes_while_the_caller_holds_counts_once(tmp_path):
    """(D5, W13) The key was late, not lost."""
    rig = Rig(tmp_path, rules(step("ana"), step("ben"), step("chi")), speed=20.0)
    rig.waits = {"key_wait": 0.1}
    async with rig:
        rig.sim.people[BEN] = Script.manual()
        call = await rig.talking()
        other = sqlite3.connect(rig.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        rig.sim.listeners.append(
            lambda event: other.close() if getattr(event, "text", "") == "Please hold." else None
        )

        call.press("5")
        await rig.until(lambda: call.heard[-1] == "Goodbye.")

        assert "Passed on." in call.heard
        assert len(rig.lines("passed_on")) == 1
        assert rig.incident().step == 1


async def test_who_has_held_three_times_gets_the_menu_again(tmp_path):
    """(D5) Nothing was taken, so nothing is claimed."""
    async with Rig(tmp_path, speed=100.0) as rig:
        call = await rig.talking()
        await rig.engine.change("PRAGMA busy_timeout = 10")
        other = sqlite3.connect(rig.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        call.press("4")
        await rig.until(lambda: call.heard.count("Please hold.") == 4)
        await rig.until(lambda: call.heard[-1].startswith("Press 4"))
        other.close()

        assert "Acknowledged." not in call.heard
        assert rig.incident().phase == "triggered"
        rig.tolerated.add(11200)


async def test_a_status_that_cannot_be_stored_is_sent_again_by_the_carrier(tmp_path):
    """(D5) A 503 makes it try once more."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.sim.people[ANA] = Script.manual()
        await rig.fire()
        call = await rig.sim.wait_call(ANA, status="ringing")
        await rig.engine.change("PRAGMA busy_timeout = 10")
        other = sqlite3.connect(rig.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        assert await rig.report(call, "ringing") == 503

        other.close()
        assert await rig.report(call, "ringing") == 204
