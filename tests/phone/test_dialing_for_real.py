"""The dialer against the simulated carrier: who is rung next, how fast, how many at once, and what a refusal costs."""

from dataclasses import replace

import pytest
from cast import ANA, ANA_TOO, BEN, CHI, DEE, OURS, OURS_GERMAN, PEOPLE, alert, rules, step
from rig import FOR_HANDS, Rig

from escalator.escalation.call_events import CallIntended
from escalator.escalation.calls import CallState
from escalator.escalation.events import Action, AlertReceived
from escalator.escalation.incidents import PageState
from escalator.phone.gate import Gate
from escalator.simulator import Fault, Script


def everybody(rig, script=None):
    for number in (ANA, ANA_TOO, BEN, CHI, DEE):
        rig.sim.people[number] = script or Script.manual()


# ---- one alert, one call


async def test_an_alert_rings_the_phone_and_a_key_stops_it(tmp_path):
    """(K4) The way of one alert."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")

        await rig.fire()
        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()

        (call,) = rig.sim.calls
        assert call.heard[-2:] == ["Acknowledged.", "Goodbye."]
        await rig.until(lambda: rig.call().state is CallState.ENDED)
        assert rig.call().outcome == "acknowledged"
        assert rig.count("calls_total", result="acknowledged") == 1


async def test_who_does_not_answer_is_rung_again_and_then_the_next(tmp_path):
    """(W20)"""
    policy = rules(step("ana"), step("ben"))
    async with Rig(tmp_path, policy) as rig:
        everybody(rig, Script.no_answer())
        await rig.fire()
        await rig.until(lambda: rig.lines("call_ended"))

        await rig.leap(120)
        await rig.until(lambda: len(rig.lines("call_ended")) == 2)
        await rig.leap(3600)
        await rig.until(lambda: len(rig.lines("call_ended")) == 3)

        assert [call.to for call in rig.sim.calls] == [ANA, ANA, BEN]


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (Script.busy(), "busy (SIP 486)"),
        (Script.declines(), "no-answer (SIP 603)"),
        (Script.fails(404), "failed (SIP 404)"),
        (Script.unreachable(), "no-answer (SIP 480)"),
        (Script.answers(), "heard"),
        (Script.voicemail(), "heard"),
        (Script.answers(hangs_up_after=1.0), "heard"),
    ],
    ids=["busy", "declines", "fails", "off", "silent", "voicemail", "hangs-up"],
)
async def test_a_call_that_reached_nobody_acknowledges_nothing(tmp_path, script, outcome):
    """(W19, W20, W22, W25) Whatever the carrier calls it, and however long it lasted."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = script
        await rig.fire()

        await rig.until(lambda: rig.lines("call_ended"))

        assert rig.lines("call_ended") == [f"Ana: {outcome}"]
        assert rig.incident().phase == "triggered"
        assert rig.incident().page_of("ana").state is PageState.WAITING
        await rig.sim.settle()


# ---- who goes first


async def test_the_worst_goes_first_and_of_equals_the_one_nobody_was_called_about(tmp_path):
    """(W12) Many alerts about one thing do not delay the first call about another."""
    async with Rig(tmp_path, speed=FOR_HANDS, concurrent_calls=1) as rig:
        everybody(rig)
        await rig.fire("called", ring="dee")
        (await rig.sim.wait_call(DEE, status="ringing")).decline()
        await rig.until(lambda: rig.lines("call_ended", "incident-called"))
        await rig.fire("first", ring="chi", severity="info")
        first = await rig.sim.wait_call(CHI, status="ringing")
        await rig.leap(121)  # Dee's retry is due, and is the oldest of all
        await rig.until(lambda: rig.incident("incident-called").page_of("dee").state == "due")
        await rig.fire("mild", ring="ana", severity="warning")
        await rig.fire("worse", ring="ben")

        first.decline()
        for number in (BEN, DEE, ANA):
            n = 2 if number == DEE else 1
            (await rig.sim.wait_call(number, n, status="ringing", within=10)).decline()
        await rig.quiet()

        assert [call.to for call in rig.sim.calls][:5] == [DEE, CHI, BEN, DEE, ANA]


async def test_calls_are_paced(tmp_path):
    """(W12) Above the rate the carrier takes calls and makes them late, without a word."""
    async with Rig(tmp_path, speed=FOR_HANDS, calls_per_second=0.01) as rig:
        everybody(rig)
        for person in ("ana", "ben", "chi"):
            await rig.fire(person, ring=person)
        await rig.until(lambda: rig.posts() == 1)
        await rig.leap(90)
        await rig.quiet()
        assert rig.posts() == 1

        await rig.leap(10)
        await rig.until(lambda: rig.posts() == 2)
        await rig.leap(100)
        await rig.until(lambda: rig.posts() == 3)


async def test_no_more_calls_are_live_at_once_than_the_account_allows(tmp_path):
    async with Rig(tmp_path, speed=FOR_HANDS, concurrent_calls=2) as rig:
        everybody(rig)
        for person in ("ana", "ben", "chi"):
            await rig.fire(person, ring=person)
        await rig.sim.wait_call(ANA, status="ringing")
        ben = await rig.sim.wait_call(BEN, status="ringing")
        await rig.quiet()
        assert len(rig.sim.calls) == 2

        ben.decline()

        await rig.sim.wait_call(CHI, status="ringing")


# ---- one phone, one call


async def test_all_that_is_due_for_one_phone_is_one_call(tmp_path):
    """(L1, W29, W31) People who share a number share the call, each page keeps its own person."""
    shared = {**PEOPLE, "ben": replace(PEOPLE["ben"], phones=(ANA,))}
    async with Rig(tmp_path, rules(people=shared), calls_per_second=0.01) as rig:
        everybody(rig, Script.no_answer())
        await rig.fire("chi", ring="chi")
        await rig.until(lambda: rig.posts() == 1)
        await rig.fire("ana", ring="ana")
        await rig.fire("ben", ring="ben")
        await rig.fire("too", ring="ana")

        await rig.leap(100)
        await rig.until(lambda: rig.posts() == 2)

        pages = {(page.incident_id, page.person) for page in rig.calls()[1].pages}
        assert pages == {
            ("incident-ana", "ana"),
            ("incident-ben", "ben"),
            ("incident-too", "ana"),
        }
        assert rig.calls()[1].to == ANA
        await rig.sim.settle()


async def test_what_falls_due_during_a_call_joins_it(tmp_path):
    """(W29) No second call, whatever the first is doing."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        everybody(rig)
        await rig.fire()
        await rig.sim.wait_call(ANA, status="ringing")

        await rig.fire("cpu", severity="warning")
        await rig.until(lambda: len(rig.call().pages) == 2)
        await rig.quiet()

        assert rig.call().pages[1].joined
        assert rig.lines("call_joined", "incident-cpu")


async def test_a_storm_joins_a_call_in_a_commit_or_two(tmp_path):
    """(L1, W12) One commit a page would hold back everybody else's call for as long as that takes."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        everybody(rig)
        await rig.fire()
        await rig.sim.wait_call(ANA, status="ringing")
        before = rig.count("store_write_duration_seconds_count")

        storm = [AlertReceived(alert=alert(f"n{n}"), fresh_id=f"incident-n{n}") for n in range(50)]
        await rig.engine.submit(*storm)
        await rig.until(lambda: len(rig.call().pages) == 51)

        assert rig.count("store_write_duration_seconds_count") - before < 10
        for n in range(50):
            await rig.clear(f"n{n}")


async def test_calls_that_fail_together_count_as_one_failure(tmp_path):
    """(W6) Ten of them under way at once must not make a hiccup last half a minute."""
    async with Rig(tmp_path) as rig:
        gate = Gate(rig.clock, lambda: 0.5)
        for _ in range(10):
            gate.close(None)
        assert gate.opens_in() <= 0.5

        await rig.leap(1)
        gate.close(None)
        assert 0.5 < gate.opens_in() <= 1.0


async def test_what_joined_and_was_never_spoken_is_due_again_at_once(tmp_path):
    """(W29) And no try was spent on it."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        everybody(rig)
        await rig.fire()
        call = await rig.sim.wait_call(ANA, status="ringing")
        await rig.fire("cpu", severity="warning")
        await rig.until(lambda: len(rig.call().pages) == 2)

        call.decline()
        await rig.sim.wait_call(ANA, 2, status="ringing", within=10)

        assert [page.incident_id for page in rig.calls()[1].pages] == ["incident-cpu"]
        assert rig.incident("incident-cpu").page_of("ana").tries == 0
        assert rig.incident().page_of("ana").tries == 1


async def test_a_person_is_not_rung_on_a_second_phone_while_talking_on_the_first(tmp_path):
    """(I2) Nor after the page that they are talking about has closed."""
    two = {**PEOPLE, "ana": replace(PEOPLE["ana"], phones=(ANA, ANA_TOO))}
    async with Rig(tmp_path, rules(people=two), speed=FOR_HANDS) as rig:
        everybody(rig)
        await rig.fire()
        (await rig.sim.wait_call(ANA, status="ringing")).decline()
        await rig.until(lambda: rig.lines("call_ended"))
        await rig.leap(121)
        call = await rig.answered(ANA_TOO)
        await rig.act("incident-disk", Action.ACKNOWLEDGE, "ben")

        await rig.fire("cpu")
        await rig.until(lambda: len(rig.calls()[1].pages) == 2)

        assert [one.to for one in rig.sim.calls] == [ANA, ANA_TOO]
        call.hang_up()


async def test_phones_are_tried_in_their_order_try_by_try(tmp_path):
    two = {**PEOPLE, "ana": replace(PEOPLE["ana"], phones=(ANA, ANA_TOO))}
    async with Rig(tmp_path, rules(people=two)) as rig:
        everybody(rig, Script.no_answer())
        await rig.fire()
        for n in (1, 2, 3):
            await rig.until(lambda n=n: len(rig.lines("call_ended")) == n)
            await rig.leap(120)

        await rig.until(lambda: len(rig.sim.calls) == 4)

        assert [call.to for call in rig.sim.calls] == [ANA, ANA_TOO, ANA, ANA_TOO]
        await rig.until(lambda: len(rig.lines("call_ended")) == 4)


async def test_the_callees_country_picks_our_number(tmp_path):
    async with Rig(tmp_path, from_numbers=(OURS, OURS_GERMAN)) as rig:
        everybody(rig, Script.no_answer())
        for person in ("ana", "ben", "dee"):
            await rig.fire(person, ring=person)

        await rig.until(lambda: len(rig.sim.calls) == 3)

        assert {call.to: call.from_ for call in rig.sim.calls} == {
            ANA: OURS_GERMAN,
            BEN: OURS,
            DEE: OURS,
        }
        await rig.sim.settle()


# ---- direct calls


async def test_a_page_waits_for_the_end_of_a_direct_call_to_its_number(tmp_path):
    """A direct call carries no pages."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        everybody(rig)
        await rig.ask_call(ANA)
        direct = await rig.sim.wait_call(ANA, status="ringing")
        await rig.fire()
        await rig.quiet()
        assert len(rig.sim.calls) == 1

        direct.decline()
        await rig.sim.wait_call(ANA, 2, status="ringing")

        direct, page = rig.calls()
        assert (direct.kind, direct.pages) == ("direct", ())
        assert page.kind == "page"


async def test_a_direct_call_waits_for_the_end_of_a_page_to_its_number(tmp_path):
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        everybody(rig)
        await rig.fire()
        page = await rig.sim.wait_call(ANA, status="ringing")
        await rig.ask_call(ANA)
        await rig.quiet()
        assert len(rig.sim.calls) == 1

        page.decline()

        await rig.sim.wait_call(ANA, 2, status="ringing")
        assert rig.engine.reader.call("direct").sid == rig.sim.calls[1].sid


# ---- a reload meanwhile


async def test_a_person_who_left_the_config_is_passed_over(tmp_path):
    """(C4) The next step starts at once."""
    policy = rules(step("ana"), step("ben"))
    async with Rig(tmp_path, policy) as rig:
        everybody(rig, Script.no_answer())
        rig.sim.faults.request(Fault.TOO_MANY, retry_after=60)
        await rig.fire()
        await rig.until(lambda: rig.lines("not_sent"))

        people = {key: person for key, person in PEOPLE.items() if key != "ana"}
        rig.engine.rules = replace(policy, people=people)
        rig.engine.ring()
        await rig.until(lambda: rig.lines("passed_over"))
        await rig.leap(60)
        await rig.until(lambda: rig.sim.calls)

        assert rig.sim.calls[0].to == BEN
        assert rig.calls()[0].outcome == "canceled"
        await rig.sim.settle()


async def test_a_number_that_changed_is_not_rung_any_more(tmp_path):
    """(C5) The call that was planned for the old one goes to the new one."""
    async with Rig(tmp_path) as rig:
        everybody(rig, Script.answers("4"))
        rig.sim.faults.request(Fault.TOO_MANY, retry_after=60)
        await rig.fire()
        await rig.until(lambda: rig.lines("not_sent"))

        people = {**PEOPLE, "ana": replace(PEOPLE["ana"], phones=(ANA_TOO,))}
        rig.engine.rules = rules(people=people)
        rig.engine.ring()
        await rig.leap(60)
        await rig.until(lambda: rig.incident().phase == "acknowledged")

        assert [call.to for call in rig.sim.calls] == [ANA_TOO]
        await rig.sim.settle()


async def test_a_reload_between_the_intent_and_its_first_byte_rings_nobody_who_left(tmp_path):
    """(C4, I5) The intent is on disk already; the number is not asked for any more."""
    policy = rules(step("ana"), step("ben"))
    async with Rig(tmp_path, policy) as rig:
        everybody(rig, Script.answers("4"))
        people = {key: person for key, person in PEOPLE.items() if key != "ana"}
        submit_each = rig.engine.submit_each

        async def and_reload(*events, **how):
            outcomes = await submit_each(*events, **how)
            if any(isinstance(event, CallIntended) for event in events):
                rig.engine.rules = replace(policy, people=people)
            return outcomes

        rig.engine.submit_each = and_reload
        await rig.fire()
        await rig.until(lambda: rig.incident().phase == "acknowledged")

        assert [call.to for call in rig.sim.calls] == [BEN]
        assert rig.calls()[0].outcome == "canceled"
        await rig.sim.settle()


async def test_who_changed_number_can_still_acknowledge_on_the_old_one(tmp_path):
    """(C5) A call that rings already."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        everybody(rig)
        await rig.fire()
        call = await rig.answered(ANA)
        people = {**PEOPLE, "ana": replace(PEOPLE["ana"], phones=(ANA_TOO,))}
        rig.engine.rules = rules(people=people)
        rig.engine.ring()

        call.press("4")

        await rig.until(lambda: rig.incident().phase == "acknowledged")
        assert len(rig.sim.calls) == 1
