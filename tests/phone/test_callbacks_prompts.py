"""What is heard: the menu three times, nothing to a machine, and a direct call word for word."""

import sqlite3
from urllib.parse import urlencode

import pytest
from cast import ANA, BEN, rules, step
from rig import FOR_HANDS, SPEECH, Rig

from escalator.escalation.calls import CallState
from escalator.simulator import CallbackFault, Script

FIRST_PROMPT = [
    "Escalator. 1 alert.",
    "Critical: Disk full. disk needs you.",
    "Press 4 to acknowledge, 5 to pass it on, 6 to resolve it, star to hear it again.",
]


async def test_silence_hears_three_prompts_and_goodbye(tmp_path):
    """(W25) And is no acknowledgement."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers()
        await rig.fire()
        await rig.sim.wait_call(ANA, status="completed")
        await rig.sim.settle()

        assert rig.sim.calls[0].heard == [*FIRST_PROMPT * 3, "Goodbye."]
        assert rig.incident().phase == "triggered"
        assert rig.call().outcome == "heard"


async def test_a_key_at_the_last_prompt_still_counts(tmp_path):
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers(None, None, "4")
        await rig.fire()

        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()


async def test_documents_are_xml_that_names_its_encoding(tmp_path):
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        call = await rig.talking()
        fields = (("CallSid", call.sid), ("CallStatus", "in-progress"))

        status, body, headers = await rig.post(rig.url(call, "answer"), *fields)

        assert (status, headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
        assert body.startswith('<?xml version="1.0" encoding="UTF-8"?><Response><Gather ')


async def test_the_phone_speaks_from_what_is_on_disk_while_the_store_is_blocked(tmp_path):
    """(D5, H4) The answer waits a moment for its commit, the caller no longer."""
    rig = Rig(tmp_path, speed=FOR_HANDS)
    rig.waits = {"answer_wait": 0.1}
    async with rig:
        rig.sim.people[ANA] = Script.manual()
        await rig.fire()
        call = await rig.sim.wait_call(ANA, status="ringing")
        await rig.until(lambda: rig.call().state is CallState.RINGING)
        other = sqlite3.connect(rig.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        call.answer()
        await call.listening()

        await rig.until(lambda: call.heard[:1] == FIRST_PROMPT[:1])
        assert rig.call().state is CallState.RINGING
        other.close()
        await rig.until(lambda: rig.call().prompts == 1)


# ---- the call is over


async def test_a_link_of_a_call_that_is_over_says_so_for_a_quarter_of_an_hour_and_is_then_gone(
    tmp_path,
):
    """(X9, W17) No state changes by it."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        await rig.fire()
        await rig.sim.wait_call(ANA, status="completed")
        await rig.sim.settle()
        await rig.until(lambda: rig.call().state is CallState.ENDED)
        call = rig.sim.calls[0]
        fields = (("CallSid", call.sid), ("CallStatus", "in-progress"))

        await rig.leap(890)
        document = await rig.prompt(call)
        assert "This call is no longer active." in document
        assert document.endswith("<Hangup/></Response>")
        assert await rig.report(call, "completed") == 204

        await rig.leap(20)
        for kind in ("answer", "key", "status", "machine"):
            status, body, _ = await rig.post(rig.url(call, kind), *fields)
            assert (status, body) == (410, "gone\n")
        assert rig.call().prompts == 1
        assert rig.count("callbacks_total", kind="twiml", result="late") == 1


async def test_who_was_answered_by_nothing_we_said_is_rung_again(tmp_path):
    """(W24) The carrier never got our words: nobody was reached."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        rig.sim.faults.callback(CallbackFault.DROP, on="answer", times=None)
        rig.sim.faults.callback(CallbackFault.DROP, on="fallback", times=None)
        rig.tolerated.add(11200)
        await rig.fire()

        await rig.until(lambda: rig.lines("call_ended"))

        assert rig.lines("call_ended") == ["Ana: unheard"]
        assert rig.incident().page_of("ana").next_at is not None
        await rig.sim.settle()


async def test_the_fallback_address_answers_when_the_first_request_was_lost(tmp_path):
    """(K9)"""
    async with Rig(tmp_path) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        rig.sim.faults.callback(CallbackFault.DROP, on="answer")
        rig.tolerated.add(11200)
        await rig.fire()

        await rig.until(lambda: rig.incident().phase == "acknowledged")

        assert "fallback" in {one.kind for one in rig.sim.calls[0].callbacks}
        await rig.sim.settle()


# ---- machines


async def test_a_voicemail_is_left_and_counts_as_nobody(tmp_path):
    """(W21) The carrier's verdict comes while the prompt is spoken."""
    async with Rig(tmp_path, rules(step("ana"), step("ben")), machine_detection=True) as rig:
        rig.sim.people[ANA] = Script.voicemail()
        await rig.fire()

        await rig.until(lambda: rig.lines("call_ended"))
        await rig.sim.settle()

        assert rig.lines("machine") == ["a machine picked up; that reaches nobody"]
        assert rig.lines("call_ended") == ["Ana: machine"]
        assert rig.incident().phase == "triggered"
        assert rig.incident().page_of("ana").tries == 1


async def test_a_machine_that_is_told_of_before_the_first_word_hears_no_detail(tmp_path):
    """(W21) No alert's text lands on a tape."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.sim.people[ANA] = Script.manual()
        await rig.fire()
        call = await rig.sim.wait_call(ANA, status="ringing")
        fields = (
            ("CallSid", call.sid),
            ("CallStatus", "in-progress"),
            ("AnsweredBy", "machine_start"),
        )

        _, body, _ = await rig.post(rig.url(call, "answer"), *fields)

        assert "Please check your alerts." in body
        assert "Disk full" not in body
        assert body.endswith("<Hangup/></Response>")
        await rig.report(call, "completed")
        assert rig.call().outcome == "machine"


@pytest.mark.parametrize("verdict", ["human", "unknown"])
async def test_whoever_may_be_a_person_is_offered_the_menu(tmp_path, verdict):
    """(W23) A person mistaken for nothing is still a person."""
    async with Rig(tmp_path, machine_detection=True) as rig:
        rig.sim.people[ANA] = Script.answers(None, "4", answered_by=verdict)
        await rig.fire()

        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()

        assert "machine" in {one.kind for one in rig.sim.calls[0].callbacks}


# ---- direct calls


async def test_a_direct_call_says_exactly_what_it_was_given(tmp_path):
    """One `<Say>` with these attributes, byte for byte."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[BEN] = Script.answers()
        await rig.ask_call(BEN)
        await rig.sim.wait_call(BEN, status="completed")
        await rig.sim.settle()

        call = rig.sim.calls[0]
        assert call.documents == [
            '<?xml version="1.0" encoding="UTF-8"?><Response><Say voice="alice" language="ja-JP" loop="3">'
            "Guten Tag &amp; &lt;willkommen&gt;</Say></Response>"
        ]
        assert call.heard == [SPEECH.say] * 3
        assert call.request.time_limit == 600
        await rig.until(lambda: rig.call().state is CallState.ENDED)
        assert rig.call().outcome == "heard"
        assert rig.call().duration == call.duration


async def test_the_answer_request_of_a_direct_call_is_kept_as_it_came(tmp_path):
    """A workflow reads from it who has answered, and what the carrier said of them."""
    async with Rig(tmp_path) as rig:
        rig.sim.people[BEN] = Script.answers()
        await rig.ask_call(BEN)
        await rig.sim.wait_call(BEN, status="completed")
        await rig.sim.settle()

        (asked,) = [one for one in rig.sim.calls[0].callbacks if one.kind == "answer"]
        kept = rig.call().answer_request
        assert kept.body == urlencode(asked.fields)
        assert kept.content_type == "application/x-www-form-urlencoded"
        assert rig.call().answered_at is not None


async def test_machine_detection_is_for_pages_alone(tmp_path):
    """A direct call says its words to whatever answers."""
    async with Rig(tmp_path, machine_detection=True) as rig:
        rig.sim.people[BEN] = Script.voicemail()
        await rig.ask_call(BEN)
        await rig.sim.wait_call(BEN, status="completed")
        await rig.sim.settle()

        assert rig.sim.calls[0].heard == [SPEECH.say] * 3
        assert not rig.sim.calls[0].request.detects_machines
