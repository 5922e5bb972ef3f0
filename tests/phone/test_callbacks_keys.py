"""What a key does, to which alerts, and when the word is spoken: never before it is on disk."""

import sqlite3

import pytest
from cast import ANA, BEN, PEOPLE, rules, step
from rig import FOR_HANDS, Rig

from escalator.escalation.calls import CallState
from escalator.escalation.events import Action
from escalator.escalation.incidents import PageState
from escalator.escalation.rules import Keys
from escalator.simulator import CallbackFault, Heard, Press, Script

TOGETHER = rules(step("ana", "ben"))
BUNDLE = [f"alert-{n}" for n in range(1, 6)]


async def talking(rig, *keys):
    """Ana's call about these alerts, in its first prompt."""
    rig.sim.people[ANA] = Script.manual()
    for key in keys or ("disk",):
        await rig.fire(key, title=f"Trouble {key[-1]}")
    return await rig.answered(ANA)


async def press(rig, call, key, *, n=1, query=""):
    """The same request as for a key, made by hand: status and document."""
    fields = (("CallSid", call.sid), ("CallStatus", "in-progress"), ("Digits", key))
    status, body, _ = await rig.post(rig.url(call, f"key?n={n}&r=1&w=0{query}"), *fields)
    return status, body


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
        rig.clock.leap(300)
        await rig.quiet()

        assert rig.sim.calls_to(ANA)[0].heard[-2:] == ["Passed on.", "Goodbye."]
        assert len(rig.sim.calls) == 2
        assert rig.lines("passed_on") == ["passed on by Ana"]


async def test_a_key_for_snoozing_is_one_that_the_config_gives(tmp_path):
    keys = Keys(snooze="9", acknowledge="1")
    from dataclasses import replace

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
    async with Rig(tmp_path, speed=FOR_HANDS, concurrent_calls=0) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        for key in BUNDLE:
            await rig.fire(key, title=f"Trouble {key[-1]}")
        rig.dialer.settings = type(rig.settings)(
            **{name: getattr(rig.settings, name) for name in rig.settings.__slots__}
            | {"concurrent_calls": 1}
        )
        rig.engine.ring()

        await rig.until(lambda: rig.incident("incident-alert-5").phase == "acknowledged")
        await rig.until(lambda: rig.sim.calls[0].is_over, within=20)

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
        call = await talking(rig)
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
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers(None, "4")

        def joins(event):
            if isinstance(event, Heard) and event.text.startswith("Press") and not joined:
                joined.append(event)
                rig.sim.listeners.remove(joins)
                blocked.execute("BEGIN IMMEDIATE")

        joined, blocked = [], sqlite3.connect(rig.path, isolation_level=None)
        blocked.close()
        await rig.fire()
        call = await rig.sim.wait_call(ANA, status="in-progress")
        await rig.fire("cpu", title="CPU hot")
        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()

        assert rig.incident("incident-cpu").phase == "acknowledged"
        assert any("CPU hot" in text for text in call.heard)


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
        call = await talking(rig)
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
        call = await talking(rig)
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
    from dataclasses import replace

    shared = {**PEOPLE, "ben": replace(PEOPLE["ben"], phones=(ANA,))}
    async with Rig(tmp_path, rules(step("ana", "ben"), people=shared)) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        await rig.fire()

        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()

        assert len(rig.lines("acknowledged")) == 1
        assert rig.lines("also_acknowledged") == []


# ---- the same request again


@pytest.mark.parametrize("key", ["4", "5", "6"])
async def test_the_same_key_request_again_says_the_same_and_does_nothing_more(tmp_path, key):
    """(X7, W13, K11) The carrier repeats what it got no answer to."""
    policy = rules(step("ana"), step("ben"), step("chi"))
    async with Rig(tmp_path, policy, speed=FOR_HANDS) as rig:
        rig.sim.people[BEN] = Script.manual()
        call = await talking(rig)
        first = await press(rig, call, key)
        incident = rig.incident()
        timeline = len(rig.story().splitlines())

        second = await press(rig, call, key)

        assert second == first
        after = rig.incident()
        assert (after.phase, after.step) == (incident.phase, incident.step)
        for event in ("acknowledged", "also_acknowledged", "passed_on", "resolved", "late"):
            assert len(rig.lines(event)) == (
                event == {"4": "acknowledged", "5": "passed_on"}.get(key, "resolved")
            )
        assert timeline


async def test_a_late_second_acknowledgement_that_is_repeated_is_on_record_once(tmp_path):
    """(W13, W28)"""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await talking(rig)
        await rig.act("incident-disk", Action.ACKNOWLEDGE, "ben")

        first = await press(rig, call, "4")
        second = await press(rig, call, "4")

        assert second == first
        assert len(rig.lines("also_acknowledged")) == 1


async def test_a_replayed_key_does_not_acknowledge_what_has_begun_anew(tmp_path):
    """(X7) A token is good for its call alone."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await talking(rig)
        await press(rig, call, "4")
        call.hang_up()
        await rig.until(lambda: rig.call().state is CallState.ENDED)
        await rig.clear()
        await rig.act("incident-disk", Action.RESOLVE, "ben")
        rig.clock.leap(601)
        await rig.fire("disk", title="Disk full again", severity="critical", group="disk")
        again = rig.db.execute("SELECT id FROM incidents WHERE phase = 'triggered'").fetchall()

        await press(rig, call, "4")

        assert (
            rig.db.execute("SELECT id FROM incidents WHERE phase = 'triggered'").fetchall() == again
        )


async def test_a_key_of_a_call_that_is_over_does_not_claim_what_it_does_not_do(tmp_path):
    """(W17) "Passed on" and "acknowledged" are said of what happened."""
    async with Rig(tmp_path, rules(step("ana"), step("ben")), speed=FOR_HANDS) as rig:
        rig.sim.people[BEN] = Script.manual()
        call = await talking(rig)
        call.hang_up()
        await rig.until(lambda: rig.call().state is CallState.ENDED)

        for key in ("4", "5", "6", "1", "*", ""):
            _, body = await press(rig, call, key)
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

        assert rig.call() == before
        assert rig.incident().page_of("ana").state is PageState.WAITING
        await rig.sim.settle()


# ---- the store is slow


async def test_a_key_waits_for_its_commit_and_says_please_hold_meanwhile(tmp_path):
    """(D5, K10) Then the redirect brings the same key again, and the word is spoken when it is true."""
    async with Rig(tmp_path, speed=20.0) as rig:
        call = await talking(rig)
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
        call = await talking(rig)
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
        call = await talking(rig)
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
