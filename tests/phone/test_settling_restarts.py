"""`kill -9` between any two steps of a call: never lost, and not rung twice where that can be known.

Everything is in the table: start is the same as carry on.
"""

import sqlite3
from dataclasses import replace

import pytest
from cast import ANA, BEN, rules, step
from rig import FOR_HANDS, Rig

from escalator.escalation.calls import CallState
from escalator.escalation.events import Action
from escalator.simulator import CallbackFault, Fault, Script
from escalator.store.loading import load_call


def deaf(rig):
    """The carrier's callbacks never arrive."""
    rig.sim.faults.callback(CallbackFault.DROP, on="any", times=None)
    rig.tolerated.add(11200)


async def test_killed_before_anything_was_planned(tmp_path):
    """(K4) The first call follows the restart; nothing else is needed from the sender."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        rig.dialer.settings = replace(rig.settings, concurrent_calls=0)
        await rig.fire()
        await rig.quiet()
        assert rig.calls() == []

        await rig.restart()
        await rig.until(lambda: rig.incident().phase == "acknowledged")

        assert len(rig.sim.calls) == 1
        await rig.sim.settle()


async def test_a_call_that_cannot_be_read_keeps_the_others_from_nothing(tmp_path):
    """(K17) The process starts, and looks after the calls that it can read."""
    async with Rig(tmp_path, rules(step("ana", "ben"))) as rig:
        rig.before.shut()
        await rig.fire()
        await rig.until(lambda: len(rig.calls()) == 2)
        await rig.crash()
        bad, good = rig.calls()
        with sqlite3.connect(rig.path) as file:
            file.execute("UPDATE calls SET endings = 'no JSON' WHERE id = ?", (bad.id,))

        await rig.start()

        assert load_call(rig.db, good.id).state is CallState.UNCLEAR
        with sqlite3.connect(rig.path) as file:
            file.execute("UPDATE calls SET endings = '[]' WHERE id = ?", (bad.id,))
        await rig.act("incident-disk", Action.ACKNOWLEDGE, "chi")


async def test_killed_between_the_intent_and_the_post(tmp_path):
    """(K5) Nothing left the house, which nobody can know: the call is made after S, exactly once."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        rig.before.shut()
        await rig.fire()
        await rig.until(rig.before.reached.is_set)
        assert rig.call().state is CallState.POSTING

        await rig.crash()
        rig.before.open()
        await rig.start()
        assert rig.call().state is CallState.UNCLEAR
        for seconds in (3, 3, 6, 8):
            await rig.leap(seconds)
            await rig.quiet()
        assert rig.posts() == 0
        await rig.leap(10)
        await rig.until(lambda: rig.incident().phase == "acknowledged")

        assert len(rig.sim.calls) == 1
        assert rig.lines("unclear") == [
            "the carrier may or may not be ringing (escalator restarted); looking for the call"
        ]
        await rig.sim.settle()


@pytest.mark.parametrize("by_callback", [True, False], ids=["callback", "list"])
async def test_killed_before_the_answer_was_read(tmp_path, by_callback):
    """(K6) The carrier has taken the call: exactly one."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        deaf(rig)
        rig.sim.people[ANA] = Script.manual()
        rig.sim.faults.request(Fault.SLOW, seconds=30)
        await rig.fire()
        call = await rig.sim.wait_call(ANA)

        await rig.restart()
        assert rig.call().state is CallState.UNCLEAR
        if by_callback:
            assert await rig.report(call, "ringing") == 204
        else:
            await rig.leap(3)

        await rig.until(lambda: rig.call().sid == call.sid)
        assert rig.posts() == 1


async def test_killed_between_the_answer_and_its_commit(tmp_path):
    """(K7) As before it was read."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        deaf(rig)
        rig.sim.people[ANA] = Script.manual()
        rig.after.shut()
        await rig.fire()
        await rig.until(rig.after.reached.is_set)
        call = rig.sim.calls[0]

        await rig.crash()
        rig.after.open()
        assert not rig.call().sid
        await rig.start()
        await rig.leap(3)

        await rig.until(lambda: rig.call().sid == call.sid)
        assert rig.posts() == 1


async def test_killed_after_the_carriers_id_was_committed(tmp_path):
    """(K8, W15) That try is never posted again; how it went is asked within a minute."""
    async with Rig(tmp_path) as rig:
        deaf(rig)
        rig.sim.people[ANA] = Script.no_answer()
        await rig.fire()
        await rig.until(lambda: rig.calls() and rig.call().sid)
        await rig.crash()
        await rig.sim.wait_call(ANA, status="no-answer")

        await rig.start()
        await rig.leap(60)
        await rig.until(lambda: rig.lines("call_ended"))

        assert rig.lines("call_ended") == ["Ana: no-answer"]
        assert rig.posts() == 1


async def test_killed_while_the_phone_rings_and_the_key_still_counts(tmp_path):
    """(K9) The callbacks answer from the table alone."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.sim.people[ANA] = Script.manual()
        await rig.fire()
        await rig.sim.wait_call(ANA, status="ringing")
        await rig.until(lambda: rig.call().state is CallState.RINGING)

        await rig.restart()
        call = await rig.answered(ANA)
        await rig.restart()
        call.press("4")

        await rig.until(lambda: "Acknowledged." in call.heard)
        assert rig.incident().acknowledged_by == "ana"


async def test_killed_before_the_key_was_committed(tmp_path):
    """(K10) Nobody has heard "acknowledged", and the incident is open."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.sim.people[ANA] = Script.manual()
        await rig.fire()
        call = await rig.answered(ANA)
        await rig.engine.change("PRAGMA busy_timeout = 300")
        other = sqlite3.connect(rig.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        call.press("4")
        await rig.until(lambda: any(one.kind == "key" for one in call.callbacks))

        await rig.crash()
        other.close()
        await rig.start()

        assert rig.incident().phase == "triggered"
        assert "Acknowledged." not in call.heard


async def test_killed_between_the_commit_of_a_key_and_its_answer(tmp_path):
    """(K11) The carrier asks again and gets the same answer; one acknowledgement stands in the history."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.sim.people[ANA] = Script.manual()
        await rig.fire()
        call = await rig.answered(ANA)
        url = rig.url(call, "key?n=1&r=1&w=0")
        fields = (("CallSid", call.sid), ("CallStatus", "in-progress"), ("Digits", "4"))
        _, first, _ = await rig.post(url, *fields)

        await rig.restart()
        status, second, _ = await rig.post(url, *fields)

        assert (status, second) == (200, first)
        assert "Acknowledged." in second
        assert rig.lines("acknowledged") == ["acknowledged by Ana"]
        assert rig.lines("also_acknowledged") == []


async def test_killed_in_a_step_change(tmp_path):
    """(K12) The step and its pages are one commit: none is skipped, none rings twice."""
    async with Rig(tmp_path, rules(step("ana"), step("ben"))) as rig:
        rig.sim.people[ANA] = rig.sim.people[BEN] = Script.no_answer()
        await rig.fire()
        await rig.until(lambda: rig.lines("call_ended"))
        await rig.crash()
        await rig.leap(3600)

        await rig.start()
        await rig.until(lambda: rig.incident().step == 1)
        await rig.restart()
        for _ in range(6):  # the second kill may have met the request for the call
            await rig.leap(6)
            await rig.quiet()
        await rig.until(lambda: rig.sim.calls_to(BEN))
        await rig.sim.settle()

        assert [call.to for call in rig.sim.calls] == [ANA, BEN]


async def test_a_call_that_is_not_needed_any_more_is_ended_after_a_restart(tmp_path):
    """(K13) Ending a call is a row too."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.sim.people[ANA] = Script.manual()
        await rig.fire()
        call = await rig.sim.wait_call(ANA, status="ringing")
        await rig.until(lambda: rig.call().state is CallState.RINGING)
        rig.sim.faults.request(Fault.UNAVAILABLE, on="update")
        await rig.act("incident-disk", Action.ACKNOWLEDGE, "ben")
        await rig.until(lambda: rig.call().endings[0].tries)

        await rig.restart()
        await rig.leap(1)

        await rig.until(lambda: call.status == "canceled")
        await rig.until(lambda: rig.call().state is CallState.ENDED)
        assert not rig.call().endings


async def test_ending_a_call_that_is_over_already_is_success(tmp_path):
    """(K13) 21220, and then it is read once."""
    async with Rig(tmp_path) as rig:
        deaf(rig)
        rig.sim.people[ANA] = Script.no_answer()
        await rig.fire()
        await rig.until(lambda: rig.calls() and rig.call().sid)
        await rig.sim.wait_call(ANA, status="no-answer")

        await rig.act("incident-disk", Action.ACKNOWLEDGE, "ben")

        await rig.until(lambda: rig.call().state is CallState.ENDED)
        assert rig.call().outcome == "no-answer"
        assert not rig.call().endings


async def test_a_call_that_was_answered_before_it_could_be_ended_is_not_cut(tmp_path):
    """21220 may mean that somebody is talking; the next prompt tells them."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.sim.people[ANA] = Script.manual()
        await rig.fire()
        call = await rig.sim.wait_call(ANA, status="ringing")
        await rig.until(lambda: rig.call().state is CallState.RINGING)
        deaf(rig)
        call.answer()
        await rig.until(lambda: call.status == "in-progress")

        await rig.act("incident-disk", Action.ACKNOWLEDGE, "ben")

        await rig.until(lambda: not rig.call().endings)
        assert rig.call().state is CallState.IN_PROGRESS
        assert call.status == "in-progress"


async def test_a_call_that_is_never_heard_of_again_is_given_up_and_frees_its_number(tmp_path):
    """After the longest it could have lasted."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.may_double = True
        rig.sim.people[ANA] = Script.manual()
        deaf(rig)
        await rig.fire()
        await rig.until(lambda: rig.calls() and rig.call().sid)
        rig.sim.faults.request(Fault.UNAVAILABLE, on="read", times=None)

        await rig.leap(rig.call().lasts - 5)
        await rig.quiet()
        assert rig.call().state is CallState.QUEUED
        await rig.leap(35)

        await rig.until(lambda: rig.calls()[0].outcome == "lost")
        await rig.until(lambda: len(rig.sim.calls) == 2)


YEARS = 9 * 365 * 86_400 * 1_000_000


async def test_times_of_a_clock_that_was_years_ahead_hold_up_nothing(tmp_path):
    """(T3) An unclear call is settled all the same, and nothing spins."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        rig.sim.faults.request(Fault.ERROR_BEFORE)
        await rig.fire()
        await rig.until(lambda: rig.calls() and rig.call().state is CallState.UNCLEAR)
        await rig.crash()
        columns = ("posted_at", "unclear_at", "heard_at", "timer_at", "due_at")
        shifted = ", ".join(f"{column} = {column} + {YEARS}" for column in columns)
        with sqlite3.connect(rig.path) as other:
            other.execute(f"UPDATE calls SET {shifted}")
        other.close()

        await rig.start()
        for _ in range(6):
            await rig.quiet()
            await rig.leap(10)
        await rig.until(lambda: rig.incident().phase == "acknowledged")

        assert rig.posts() == 2
        assert len(rig.sim.requests) < 20
        await rig.sim.settle()


async def test_an_ending_planned_by_a_clock_that_was_years_ahead_is_done_now(tmp_path):
    """(T3, K13)"""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.sim.people[ANA] = Script.manual()
        await rig.fire()
        call = await rig.sim.wait_call(ANA, status="ringing")
        await rig.until(lambda: rig.call().state is CallState.RINGING)
        rig.sim.faults.request(Fault.UNAVAILABLE, on="update")
        await rig.act("incident-disk", Action.ACKNOWLEDGE, "ben")
        await rig.until(lambda: rig.call().endings[0].tries)
        await rig.crash()
        far = rig.clock.now().timestamp() * 1_000_000 + YEARS
        with sqlite3.connect(rig.path) as other:
            other.execute(
                "UPDATE calls SET endings = json_set(endings, '$[0][2]', ?1), timer_at = ?1, due_at = ?1",
                (int(far),),
            )
        other.close()

        await rig.start()

        await rig.until(lambda: call.status == "canceled")
