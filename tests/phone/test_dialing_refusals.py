"""What the carrier does not take: nothing is lost by it, nobody is rung twice for it, and it ends by itself."""

import asyncio
from dataclasses import replace

import pytest
from cast import ANA, ANA_TOO, BEN, PEOPLE, rules, step
from rig import Rig

from escalator.escalation.calls import CallState
from escalator.escalation.events import Action
from escalator.simulator import Fault, Script

ANA_ALONE = rules()
THEN_BEN = rules(step("ana"), step("ben"))


@pytest.mark.parametrize(
    ("retry_after", "waits"), [(None, 0.1), (20, 20.0)], ids=["without", "with"]
)
async def test_too_many_requests_wait_and_cost_no_try(tmp_path, retry_after, waits):
    """(W5) As long as the carrier asks for, else a tenth of a second at first, a tenth of that more or less."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        rig.sim.faults.request(Fault.TOO_MANY, retry_after=retry_after)
        await rig.fire()
        await rig.until(lambda: rig.lines("not_sent"))
        assert rig.call().state is CallState.PLANNED
        planned = rig.call()

        waited = planned.timer_at - planned.posted_at
        assert waits * 0.9 <= waited.total_seconds() < waits + 5
        await rig.leap(waits)
        await rig.until(lambda: rig.incident().phase == "acknowledged")

        assert rig.posts() == 2
        assert len(rig.sim.calls) == 1
        assert rig.call().id == planned.id
        assert rig.count("calls_failed_total", reason="rate_limited") == 1
        await rig.sim.settle()


async def test_each_refusal_in_a_row_doubles_the_wait_and_it_is_told_once(tmp_path):
    """(W6) The timeline is not flooded by an hour without the carrier."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        await rig.sim.go_down()
        await rig.fire()
        await rig.until(rig.calls)

        waits = []
        for n in range(1, 10):
            await rig.until(lambda n=n: rig.call().not_sent == n)
            call = rig.call()
            waits.append((call.timer_at - call.posted_at).total_seconds())
            if n == 9:
                await rig.sim.come_back()
            await rig.leap(30)
        await rig.until(lambda: rig.incident().phase == "acknowledged")

        expected = [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
        # What the answer took comes on top.
        assert all(least <= wait < least + 0.5 for least, wait in zip(expected, waits, strict=True))
        assert len(rig.lines("not_sent")) == 1
        assert rig.incident().page_of("ana") is None
        await rig.sim.settle()


async def test_while_the_carrier_takes_nothing_nobody_else_is_tried_either(tmp_path):
    """(W5) One request in flight probes for all."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = rig.sim.people[BEN] = Script.answers("4")
        rig.sim.faults.request(Fault.TOO_MANY, retry_after=60)
        await rig.fire()
        await rig.until(lambda: rig.lines("not_sent"))

        await rig.fire("cpu", ring="ben")
        await rig.leap(50)
        await rig.quiet()
        assert rig.posts() == 1

        await rig.leap(10)
        await rig.until(lambda: len(rig.sim.calls) == 2)
        await rig.sim.settle()


async def test_a_carrier_that_is_away_is_tried_until_it_is_back(tmp_path):
    """(W6, W31) A refused connection proves that nothing was sent."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        await rig.sim.go_down()
        await rig.fire()
        await rig.until(lambda: rig.lines("not_sent"))
        for n in (2, 3):
            await rig.leap(30)
            await rig.until(lambda n=n: rig.call().not_sent == n)

        await rig.sim.come_back()
        await rig.leap(30)
        await rig.until(lambda: rig.incident().phase == "acknowledged")

        assert len(rig.sim.calls) == 1
        assert rig.call().ambiguous == 0
        assert rig.count("calls_failed_total", reason="unreachable") == 3
        await rig.sim.settle()


@pytest.mark.parametrize(
    "fault",
    [{"kind": Fault.SUSPENDED}, {"kind": Fault.REFUSED, "code": 21205}],
    ids=["account", "callback-url"],
)
async def test_when_nothing_can_be_called_it_is_tried_every_half_minute(tmp_path, fault):
    """(W3, W4) Nothing is spent: the incident stays open and rings when the account is mended."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        rig.sim.faults.request(**fault, times=2)
        await rig.fire()
        await rig.until(lambda: rig.lines("not_sent"))
        await rig.leap(29)
        await rig.quiet()
        assert rig.posts() == 1

        await rig.leap(1)
        await rig.until(lambda: rig.call().not_sent == 2)
        await rig.leap(30)
        await rig.until(lambda: rig.incident().phase == "acknowledged")

        assert rig.incident().step == 0
        await rig.sim.settle()


async def test_steps_go_on_while_nothing_can_be_called(tmp_path):
    """(W6) And whoever was owed a call gets it when the carrier is back."""
    async with Rig(tmp_path, THEN_BEN) as rig:
        rig.sim.people[ANA] = rig.sim.people[BEN] = Script.no_answer()
        await rig.sim.go_down()
        await rig.fire()
        await rig.until(lambda: rig.lines("not_sent"))

        await rig.leap(3600)
        await rig.until(lambda: rig.incident().step == 1)
        await rig.sim.come_back()
        for _ in range(3):
            await rig.leap(30)
            await rig.quiet()
        await rig.until(lambda: len(rig.sim.calls) == 2)

        assert {call.to for call in rig.sim.calls} == {ANA, BEN}
        await rig.sim.settle()


async def test_acknowledged_while_nothing_can_be_called_needs_no_call(tmp_path):
    async with Rig(tmp_path) as rig:
        rig.sim.faults.request(Fault.TOO_MANY, retry_after=60)
        await rig.fire()
        await rig.until(lambda: rig.lines("not_sent"))

        await rig.act("incident-disk", Action.ACKNOWLEDGE, "ben")
        await rig.leap(60)
        await rig.quiet()

        assert rig.posts() == 1
        assert rig.call().outcome == "canceled"


@pytest.mark.parametrize("code", [21211, 21215, 21216, 21219])
async def test_a_number_that_cannot_be_called_hands_over_to_the_next_person(tmp_path, code):
    """(W1, W2) At once, and with the carrier's reason in the timeline."""
    async with Rig(tmp_path, THEN_BEN) as rig:
        rig.sim.people[ANA] = Script.refused(code)
        rig.sim.people[BEN] = Script.answers("4")
        await rig.fire()

        await rig.until(lambda: rig.incident().phase == "acknowledged")

        refused, _ = rig.calls()
        assert (refused.outcome, refused.error_code) == ("refused", code)
        assert str(code) in rig.lines("call_ended")[0]
        assert rig.lines("step_skipped") == ["step 1 can reach nobody"]
        assert rig.posts() == 2
        await rig.sim.settle()


async def test_a_person_whose_first_number_is_refused_is_rung_on_the_second(tmp_path):
    """(W1)"""
    two = {**PEOPLE, "ana": replace(PEOPLE["ana"], phones=(ANA, ANA_TOO))}
    async with Rig(tmp_path, rules(step("ana"), step("ben"), people=two)) as rig:
        rig.sim.people[ANA] = Script.refused(21211)
        rig.sim.people[ANA_TOO] = Script.answers("4")
        await rig.fire()

        await rig.until(lambda: rig.incident().acknowledged_by == "ana")

        assert rig.incident().step == 0
        await rig.sim.settle()


async def test_a_direct_call_that_is_refused_just_fails(tmp_path):
    """One try, never escalated: the caller sees why."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[BEN] = Script.refused(21211)
        rig.sim.people[ANA] = Script.answers("4")
        await rig.ask_call(BEN)
        call = await rig.until(lambda: (call := rig.call()).state is CallState.ENDED and call)

        assert (call.outcome, call.error_code) == ("refused", 21211)
        assert call.error_message
        assert rig.posts() == 1


async def test_a_direct_call_to_a_suspended_account_fails_and_holds_back_nothing(tmp_path):
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        rig.sim.faults.request(Fault.SUSPENDED)
        await rig.ask_call(BEN)
        await rig.until(lambda: rig.call().state is CallState.ENDED)
        assert rig.call().outcome == "refused"

        await rig.fire()

        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()


async def test_stopping_waits_for_the_answer_of_what_was_sent_and_sends_no_more(tmp_path):
    """(K16)"""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = rig.sim.people[BEN] = Script.no_answer()
        rig.after.shut()
        await rig.fire()
        await rig.until(rig.after.reached.is_set)

        stopping = asyncio.ensure_future(rig.dialer.stop(5.0))
        await rig.quiet()
        assert not stopping.done()
        rig.after.open()
        await stopping
        await rig.fire("cpu", ring="ben")
        await rig.quiet()

        assert rig.call().sid
        assert rig.posts() == 1
        await rig.sim.settle()
