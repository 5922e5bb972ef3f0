"""What a key does, to which alerts, and when the word is spoken: never before it is on disk."""

from dataclasses import replace

import pytest
from cast import ANA, BEN, PEOPLE, fired, rules, step
from rig import FOR_HANDS, Rig

from escalator.escalation.calls import CallState
from escalator.escalation.events import Action
from escalator.escalation.rules import Keys
from escalator.simulator import Press, Script

TOGETHER = rules(step("ana", "ben"))
BUNDLE = [f"alert-{n}" for n in range(1, 6)]


# ---- each key


@pytest.mark.parametrize(
    ("key", "phase", "word"),
    [("4", "acknowledged", "Acknowledged."), ("6", "resolved", "Resolved.")],
)
async def test_a_key_takes_the_incident_and_says_so(tmp_path, key, phase, word):
    """(I3) And that is the end of it."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers(key)
        await rig.fire()
        await rig.sim.wait_call(ANA, status="completed")
        await rig.sim.settle()

        assert rig.incident().phase == phase
        assert rig.sim.calls[0].heard[-2:] == [word, "Goodbye."]
        await rig.until(lambda: rig.call().state is CallState.ENDED)
        assert len(rig.sim.calls) == 1


async def test_passing_on_rings_the_next_and_ends_the_tries_of_the_first(tmp_path):
    async with Rig(tmp_path, rules(step("ana"), step("ben"))) as rig:
        rig.sim.people[ANA] = Script.answers("5")
        rig.sim.people[BEN] = Script.answers("4")
        await rig.fire()

        await rig.until(lambda: rig.incident().acknowledged_by == "ben")
        await rig.sim.settle()
        await rig.leap(300)
        await rig.quiet()

        assert rig.sim.calls_to(ANA)[0].heard[-2:] == ["Passed on.", "Goodbye."]
        assert len(rig.sim.calls) == 2
        assert rig.lines("passed_on") == ["passed on by Ana"]


async def test_a_key_for_snoozing_is_one_that_the_config_gives(tmp_path):
    keys = Keys(snooze="9", acknowledge="1")
    async with Rig(tmp_path, replace(rules(), keys=keys)) as rig:
        rig.sim.people[ANA] = Script.answers("9")
        await rig.fire()

        await rig.until(lambda: rig.incident().phase == "snoozed")
        await rig.sim.settle()

        assert rig.sim.calls[0].heard[-2:] == ["Snoozed.", "Goodbye."]
        assert "1 to acknowledge" in rig.sim.calls[0].heard[2]


async def test_the_star_tells_it_again_as_often_as_one_likes(tmp_path):
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("*", "*", "*", "*", "4")
        await rig.fire()

        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()

        assert sum("Disk full" in text for text in rig.sim.calls[0].heard) == 5


async def test_three_wrong_keys_end_the_call_and_change_nothing(tmp_path):
    """(W26)"""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("1", "#", "0", "4")
        await rig.fire()
        await rig.sim.wait_call(ANA, status="completed")
        await rig.sim.settle()

        heard = rig.sim.calls[0].heard
        assert heard.count("Sorry, that key does nothing.") == 3
        assert heard[-1] == "Goodbye."
        assert sum("Press 4" in text for text in heard) == 3
        assert rig.incident().phase == "triggered"
        assert rig.call().outcome == "heard"


async def test_a_wrong_key_costs_no_prompt(tmp_path):
    """(W26) Two of them, then silence, then the right one."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("1", "2", None, None, "4")
        await rig.fire()

        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()


async def test_a_key_counts_while_the_prompt_is_spoken(tmp_path):
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers(Press("4", after=0.1, barge_in=True))
        await rig.fire()

        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()


# ---- a key means what was heard


async def test_a_bundle_tells_three_in_full_and_a_key_takes_all_of_it(tmp_path):
    """(L1) "And two more" were told as well."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        await rig.engine.submit(*(fired(key, title=f"Trouble {key[-1]}") for key in BUNDLE))
        await rig.sim.wait_call(ANA, status="completed")
        await rig.sim.settle()

        heard = rig.sim.calls[0].heard
        assert heard[0] == "Escalator. 5 alerts."
        assert sum(text.startswith("Critical: Trouble") for text in heard) == 3
        assert heard[4] == "And 2 more."
        assert heard[-2:] == ["Acknowledged.", "Goodbye."]
        assert {rig.incident(f"incident-{key}").phase for key in BUNDLE} == {"acknowledged"}
        assert len(rig.sim.calls) == 1


async def test_a_key_takes_nothing_that_came_in_after_the_prompt(tmp_path):
    """(W29) It is told next, in the same call, and asked about by itself."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await rig.talking()
        await rig.fire("cpu", title="CPU hot")
        await rig.until(lambda: len(rig.call().pages) == 2)

        call.press("4")
        await rig.until(lambda: "1 alert came in during this call." in call.heard)
        assert rig.incident().phase == "acknowledged"
        assert rig.incident("incident-cpu").phase == "triggered"
        await call.listening()
        await rig.until(lambda: any("CPU hot" in text for text in call.heard))
        call.press("4")

        await rig.until(lambda: rig.incident("incident-cpu").phase == "acknowledged")
        await rig.until(lambda: call.is_over)
        assert call.heard.count("Acknowledged.") == 2


async def test_what_came_in_during_the_call_is_told_at_the_next_prompt(tmp_path):
    """(W29) Silence fetches it; one key then takes both."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await rig.talking()
        assert not rig.call().pages[0].joined
        await rig.fire("cpu", title="CPU hot")
        await rig.until(lambda: len(rig.call().pages) == 2)

        document = await rig.prompt(call, after=1)
        assert "Disk full" in document
        assert "CPU hot" in document
        assert "/key?n=2&amp;" in document
        await rig.press(call, "4", n=2)

        assert rig.incident().phase == rig.incident("incident-cpu").phase == "acknowledged"


async def test_what_came_in_after_the_last_prompt_is_told_before_the_goodbye(tmp_path):
    """(W29) Nothing counts as told that was not."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await rig.talking()
        for turn in (1, 2):
            assert "Press 4" in await rig.prompt(call, after=turn)
        await rig.fire("cpu", title="CPU hot")
        await rig.until(lambda: len(rig.call().pages) == 2)

        document = await rig.prompt(call, after=3)
        assert "CPU hot" in document
        for turn in (1, 2):
            assert "Press 4" in await rig.prompt(call, after=turn)
        document = await rig.prompt(call, after=3)

        assert "Goodbye." in document
        assert "CPU hot" not in document


# ---- somebody else was first, or it is over


@pytest.mark.parametrize(
    ("action", "word"),
    [
        (Action.ACKNOWLEDGE, "Ben has already acknowledged this."),
        (Action.RESOLVE, "Resolved."),
        (Action.SNOOZE, "Snoozed."),
    ],
)
async def test_a_key_that_comes_late_is_told_how_it_stands(tmp_path, action, word):
    """(W27) By name; the history stays, and it is no error tone."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await rig.talking()
        await rig.act("incident-disk", action, "ben")
        before = rig.incident()

        call.press("4")
        await rig.until(lambda: call.heard[-1] == "Goodbye.")

        assert call.heard[-2] == word
        assert rig.incident().phase == before.phase
        assert rig.incident().acknowledged_by == before.acknowledged_by


async def test_who_is_talking_when_somebody_else_acknowledges_hears_it_at_the_next_prompt(tmp_path):
    """(W27) Nobody is cut off."""
    async with Rig(tmp_path, speed=40.0) as rig:
        call = await rig.talking()
        await rig.act("incident-disk", Action.ACKNOWLEDGE, "ben")

        await rig.until(lambda: call.is_over)

        assert call.heard[-2:] == ["Ben has already acknowledged this.", "Goodbye."]
        assert call.status == "completed"
        assert "canceled" not in call.history


async def test_of_two_who_press_at_once_one_has_it_and_both_are_told(tmp_path):
    """(W28) The other is on record as well."""
    async with Rig(tmp_path, TOGETHER, speed=FOR_HANDS) as rig:
        rig.sim.people[ANA] = rig.sim.people[BEN] = Script.manual()
        await rig.fire()
        ana, ben = await rig.answered(ANA), await rig.answered(BEN)

        ana.press("4")
        ben.press("4")
        await rig.until(lambda: ana.heard[-1] == ben.heard[-1] == "Goodbye.")

        first = rig.incident().acknowledged_by
        other = {"ana": "Ben", "ben": "Ana"}[first]
        words = {ana.heard[-2], ben.heard[-2]}
        assert words == {"Acknowledged.", f"{PEOPLE[first].name} has already acknowledged this."}
        assert rig.lines("acknowledged") == [f"acknowledged by {PEOPLE[first].name}"]
        assert len(rig.lines("also_acknowledged")) == 1
        assert other in rig.lines("also_acknowledged")[0]


async def test_a_shared_call_is_acknowledged_once_for_all_its_people(tmp_path):
    """(W28) One phone, two people, one incident: one wish."""
    shared = {**PEOPLE, "ben": replace(PEOPLE["ben"], phones=(ANA,))}
    async with Rig(tmp_path, rules(step("ana", "ben"), people=shared)) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        await rig.fire()

        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()

        assert len(rig.lines("acknowledged")) == 1
        assert rig.lines("also_acknowledged") == []
