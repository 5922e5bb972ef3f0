"""When the carrier may or may not have heard us: one call if anything can tell, and never none.

S is 30 s from the moment it became unclear. The clock leaps there; nothing waits.
"""

import pytest
from cast import ANA, BEN, rules, step
from rig import FOR_HANDS, Rig

from escalator.escalation.calls import CallState
from escalator.escalation.events import Action
from escalator.phone.twilio import Patience
from escalator.simulator import CallbackFault, Fault, Script

LOOKS = (3, 3, 6, 8, 10)  # from one look at the list to the next, up to S
ACCEPTED_AND_LOST = [
    Fault.ERROR_AFTER,
    Fault.BAD_GATEWAY_AFTER,
    Fault.CLOSED_AFTER,
    Fault.TRUNCATED,
]
NEVER_ACCEPTED = [Fault.ERROR_BEFORE, Fault.BAD_GATEWAY, Fault.CLOSED_BEFORE, Fault.UNAVAILABLE]


def lists(rig):
    """How often the carrier's list was asked for."""
    return sum(one.method == "GET" and one.path.endswith("/Calls.json") for one in rig.sim.requests)


def deaf(rig):
    """The carrier's callbacks never arrive."""
    rig.sim.faults.callback(CallbackFault.DROP, on="any", times=None)
    rig.tolerated.add(11200)


async def unclear(rig):
    """An alert fires, and what became of the request for its call is not known."""
    await rig.fire()
    await rig.until(lambda: rig.calls() and rig.call().state is CallState.UNCLEAR)


async def look(rig, times):
    """Let the time pass until the list has been asked so often."""
    for seconds in LOOKS[:times]:
        before = lists(rig)
        await rig.leap(seconds)
        await rig.until(lambda before=before: lists(rig) > before)
        await rig.quiet()


# ---- the carrier has taken the call


@pytest.mark.parametrize("fault", ACCEPTED_AND_LOST)
async def test_a_callback_tells_that_a_lost_answer_was_a_yes(tmp_path, fault):
    """(W7, K6) Exactly one call, and the list is never asked."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        rig.sim.faults.request(fault)
        await rig.fire()

        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()

        assert rig.posts() == len(rig.sim.calls) == 1
        assert rig.call().sid == rig.sim.calls[0].sid
        assert lists(rig) == 0


@pytest.mark.parametrize("fault", ACCEPTED_AND_LOST)
async def test_the_list_tells_where_callbacks_do_not(tmp_path, fault):
    """(W7, W15, K6) Exactly one call; how it went is read from the carrier."""
    async with Rig(tmp_path) as rig:
        deaf(rig)
        rig.sim.people[ANA] = Script.no_answer()
        rig.sim.faults.request(fault)
        await unclear(rig)

        await look(rig, 1)
        await rig.until(lambda: rig.call().sid)
        await rig.sim.wait_call(ANA, status="no-answer")
        await rig.leap(60)
        await rig.until(lambda: rig.lines("call_ended"))

        assert rig.posts() == 1
        assert rig.call().sid == rig.sim.calls[0].sid
        assert rig.lines("settled") == ["the call was found in the carrier's list"]
        assert rig.lines("call_ended") == ["Ana: no-answer"]
        assert rig.count("calls_ambiguous_total") == 1


async def test_a_list_that_lags_is_asked_again(tmp_path):
    """(W7) Ten seconds behind is what we allow for."""
    async with Rig(tmp_path) as rig:
        deaf(rig)
        rig.sim.people[ANA] = Script.no_answer()
        rig.sim.faults.request(Fault.ERROR_AFTER)
        rig.sim.faults.list_lag = 1e9
        await unclear(rig)
        await look(rig, 3)
        assert not rig.call().sid

        rig.sim.faults.list_lag = 0
        await rig.leap(LOOKS[3])
        await rig.until(lambda: rig.call().sid)

        assert rig.posts() == 1


async def test_a_call_that_waits_in_the_carriers_queue_is_found_in_the_list(tmp_path):
    """(W7, W12) It has no dates yet, and neither rings nor tells of itself."""
    async with Rig(tmp_path, speed=1.0, carrier={"calls_per_second": 0.01}) as rig:
        rig.sim.people[ANA] = rig.sim.people[BEN] = Script.no_answer()
        await rig.fire("cpu", ring="ben")
        await rig.sim.wait_call(BEN)
        rig.sim.faults.request(Fault.ERROR_AFTER)
        await rig.fire()
        await rig.until(lambda: len(rig.calls()) == 2 and rig.calls()[1].state == "unclear")
        assert rig.sim.calls_to(ANA)[0].resource()["date_created"] is None

        await look(rig, 1)

        await rig.until(lambda: rig.calls()[1].sid == rig.sim.calls_to(ANA)[0].sid)


async def test_a_slow_answer_is_an_answer_and_delays_nobody_else(tmp_path):
    """(W8)"""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        deaf(rig)
        rig.sim.people[ANA] = rig.sim.people[BEN] = Script.manual()
        rig.sim.faults.request(Fault.SLOW, seconds=0.5)
        await rig.fire()
        await rig.until(lambda: rig.posts() == 1)

        await rig.fire("cpu", ring="ben")
        await rig.until(lambda: len(rig.calls()) == 2 and rig.calls()[1].sid)
        assert not rig.calls()[0].sid
        await rig.until(lambda: rig.calls()[0].sid)

        assert rig.calls()[0].ambiguous == 0


async def test_an_answer_too_slow_to_wait_for_is_unclear(tmp_path):
    """(W7, W8)"""
    rig = Rig(tmp_path, speed=FOR_HANDS)
    rig.patience = Patience(total_seconds=0.3)
    async with rig:
        rig.sim.people[ANA] = Script.manual()
        deaf(rig)
        rig.sim.faults.request(Fault.SLOW, seconds=2)
        await unclear(rig)

        await look(rig, 1)

        await rig.until(lambda: rig.call().sid)
        assert rig.posts() == 1


async def test_a_wall_clock_that_is_put_right_meanwhile_hides_no_call(tmp_path):
    """(T1) The carrier's dates are by the wall clock, our timers are not."""
    async with Rig(tmp_path) as rig:
        deaf(rig)
        rig.sim.people[ANA] = Script.no_answer()
        rig.clock.put_wall_right(3600)
        rig.sim.faults.request(Fault.ERROR_AFTER)
        await unclear(rig)

        await look(rig, 1)

        await rig.until(lambda: rig.call().sid)


async def test_a_call_to_the_same_number_that_is_known_is_never_taken_for_another(tmp_path):
    """(W7) Only what is bound to no other request can be this one."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.declines()
        await rig.fire()
        await rig.until(lambda: rig.lines("call_ended"))
        deaf(rig)
        rig.sim.faults.request(Fault.ERROR_BEFORE)
        await rig.fire("cpu")
        await rig.until(lambda: len(rig.calls()) == 2 and rig.calls()[1].state == "unclear")

        await look(rig, 1)

        assert not rig.calls()[1].sid


# ---- it has not


@pytest.mark.parametrize("fault", NEVER_ACCEPTED)
async def test_what_never_shows_is_asked_for_again_after_s_and_not_before(tmp_path, fault):
    """(W7, C3) Never lost: one call in the end, with a secret of its own."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        rig.sim.faults.request(fault)
        await unclear(rig)
        first = rig.call().posts[0].token_hash

        await look(rig, 4)
        assert rig.call().state is CallState.UNCLEAR
        assert rig.posts() == 1
        await rig.leap(LOOKS[4])
        await rig.until(lambda: rig.incident().phase == "acknowledged")

        assert rig.posts() == 2
        assert len(rig.sim.calls) == 1
        assert [post.token_hash == first for post in rig.call().posts] == [True, False]
        assert lists(rig) == 5
        assert rig.incident().page_of("ana") is None
        await rig.sim.settle()


async def test_a_redirect_is_not_followed_and_settled_like_silence(tmp_path):
    """(W10)"""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        rig.sim.faults.request(Fault.REDIRECTED)

        await unclear(rig)

        assert rig.posts() == 1


async def test_a_list_that_cannot_be_read_is_waited_for_a_minute_and_then_the_phone_comes_first(
    tmp_path,
):
    """(C2) Loss is worse than a second call."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        rig.sim.faults.request(Fault.ERROR_BEFORE)
        rig.sim.faults.request(Fault.UNAVAILABLE, on="list", times=None)
        await unclear(rig)
        await look(rig, 5)
        assert rig.posts() == 1
        before = lists(rig)
        await rig.leap(5)
        await rig.until(lambda: lists(rig) == before + 1)
        await rig.quiet()
        assert rig.posts() == 1

        await rig.leap(25)
        await rig.until(lambda: rig.incident().phase == "acknowledged")

        assert rig.posts() == 2
        await rig.sim.settle()


async def test_the_steps_go_on_while_a_call_is_unclear(tmp_path):
    """(C2) The wait costs one try, never a step."""
    async with Rig(tmp_path, rules(step("ana"), step("ben"))) as rig:
        rig.sim.people[ANA] = Script.no_answer()
        rig.sim.people[BEN] = Script.answers("4")
        rig.sim.faults.request(Fault.ERROR_BEFORE)
        await unclear(rig)

        await rig.act("incident-disk", Action.ESCALATE, "ana")

        await rig.until(lambda: rig.incident().acknowledged_by == "ben")
        await rig.leap(30)
        await rig.until(lambda: rig.calls()[0].state is CallState.ENDED)
        assert rig.calls()[0].outcome == "canceled"
        assert len(rig.sim.calls) == 1
        await rig.sim.settle()


# ---- it is not needed any more, or there are two


@pytest.mark.parametrize("by_callback", [True, False], ids=["callback", "list"])
async def test_what_was_acknowledged_while_unclear_is_ended_as_soon_as_it_shows(
    tmp_path, by_callback
):
    """(C2, K13) And never asked for again."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.sim.people[ANA] = Script.manual()
        rig.sim.faults.request(Fault.ERROR_AFTER)
        deaf(rig)
        await unclear(rig)
        await rig.act("incident-disk", Action.ACKNOWLEDGE, "ben")
        if by_callback:
            await rig.report(rig.sim.calls[0], "ringing")
        else:
            await rig.leap(3)

        await rig.until(lambda: rig.sim.calls[0].status == "canceled")
        await rig.until(lambda: rig.call().state is CallState.ENDED)

        assert rig.posts() == 1
        assert rig.call().outcome == "canceled"


async def test_of_two_calls_for_one_try_the_one_that_only_rings_is_ended(tmp_path):
    """(W18, C2) The first shows after all, when the second has been made."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.may_double = True
        rig.sim.people[ANA] = Script.manual()
        deaf(rig)
        rig.sim.faults.request(Fault.ERROR_AFTER)
        rig.sim.faults.list_lag = 1e9
        await unclear(rig)
        await look(rig, 5)
        second = await rig.sim.wait_call(ANA, 2, status="ringing")
        await rig.until(lambda: rig.call().sid == second.sid)
        rig.sim.faults.clear()

        first = await rig.answered(ANA)
        await rig.until(lambda: second.status == "canceled")
        first.press("4")
        await rig.until(lambda: rig.incident().phase == "acknowledged")

        assert len(rig.lines("surplus")) == 1
        await rig.until(lambda: rig.call().outcome == "acknowledged")
        assert rig.call().sid == first.sid


async def test_a_surplus_call_that_is_answered_says_so_and_can_still_acknowledge(tmp_path):
    """(W18, C2) Superseded, but genuine."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.may_double = True
        rig.sim.people[ANA] = Script.manual()
        deaf(rig)
        rig.sim.faults.request(Fault.ERROR_AFTER)
        rig.sim.faults.list_lag = 1e9
        await unclear(rig)
        await look(rig, 5)
        second = await rig.sim.wait_call(ANA, 2, status="ringing")
        rig.sim.faults.clear()
        second.answer()
        await second.listening()
        first = await rig.sim.wait_call(ANA, 1, status="ringing")

        rig.sim.faults.request(Fault.UNAVAILABLE, on="update", times=None)
        first.answer()
        await first.listening()
        assert first.heard[0] == "Another call about this is already under way."
        first.press("4")

        await rig.until(lambda: "Acknowledged." in first.heard)
        assert rig.incident().phase == "acknowledged"
