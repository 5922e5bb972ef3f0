"""Each way a phone can behave, and what the customer is told of it."""

import pytest

from escalator.simulator import (
    ACCOUNT_SID,
    Press,
    Script,
    Simulator,
)
from escalator.simulator.people import People

ANA = "+447700900123"
MENU = (
    '<Response><Gather action="/key" numDigits="1" timeout="5"><Say>Press 4.</Say></Gather>'
    "<Redirect>/answer</Redirect></Response>"
)
LONG = '<Response><Pause length="100"/><Say>Still there?</Say></Response>'


@pytest.mark.parametrize(
    ("script", "history", "sip"),
    [
        (Script.answers(), ["ringing", "in-progress", "completed"], "200"),
        (Script.voicemail(), ["ringing", "in-progress", "completed"], "200"),
        (Script.busy(), ["ringing", "busy"], "486"),
        (Script.no_answer(), ["ringing", "no-answer"], "487"),
        (Script.answers(rings=60), ["ringing", "no-answer"], "487"),
        (Script.declines(), ["ringing", "no-answer"], "603"),
        (Script.fails(404), ["failed"], "404"),
        (Script.unreachable(), ["failed"], "480"),
    ],
    ids=lambda value: value.outcome if isinstance(value, Script) else None,
)
async def test_each_script_ends_in_its_status(customer, application, script, history, sip):
    customer.simulator.people[ANA] = script
    application.pages["/answer"] = "<Response><Say>Hello.</Say></Response>"

    call = await customer.call_through()

    assert call.history == ["queued", *history]
    assert application.got[-1]["SipResponseCode"] == sip
    talked = call.status == "completed"
    assert call.heard == (["Hello."] if talked else [])
    assert call.resource()["duration"] == (str(call.duration) if talked else None)


async def test_events_are_reported_in_order_and_numbered(customer, application):
    customer.simulator.people[ANA] = Script.answers()
    application.pages["/answer"] = "<Response><Pause length='61'/></Response>"

    call = await customer.call_through()

    reports = [got for got in application.got if got.raw_path == "/status"]
    assert [got["CallStatus"] for got in reports] == [
        *("initiated", "ringing", "in-progress", "completed"),
    ]
    assert [got["SequenceNumber"] for got in reports] == ["0", "1", "2", "3"]
    assert all(got["CallbackSource"] == "call-progress-events" for got in reports)
    last = reports[-1]
    assert (last["CallDuration"], last["Duration"]) == ("61", "2")
    assert last["Timestamp"].endswith("+0000")
    assert (last["CallSid"], last["AccountSid"]) == (call.sid, ACCOUNT_SID)
    assert "CallDuration" not in dict(reports[0].form)


@pytest.mark.parametrize(
    ("events", "statuses"),
    [
        (None, ["busy"]),
        (["completed"], ["busy"]),
        (["ringing"], ["ringing"]),
        (["answered", "completed"], ["busy"]),
        (["ringing", "completed"], ["ringing", "busy"]),
    ],
)
async def test_only_events_that_were_asked_for_are_sent(customer, application, events, statuses):
    customer.simulator.people[ANA] = Script.busy()

    await customer.call_through(StatusCallbackEvent=events)

    assert [got["CallStatus"] for got in application.got] == statuses
    assert [got["SequenceNumber"] for got in application.got] == [
        str(n) for n in range(len(statuses))
    ]


async def test_a_number_nobody_knows_rings_until_the_caller_gives_up(customer):
    call = await customer.call_through(Timeout="25")

    assert call.status == "no-answer"
    assert 25 <= call.line.clock < 27
    assert customer.simulator.strangers == [call]


async def test_several_scripts_are_taken_in_turn_and_the_last_one_stays(customer, application):
    application.pages["/answer"] = "<Response/>"
    customer.simulator.people[ANA] = [Script.busy(), Script.declines(), Script.answers()]

    statuses = [(await customer.call_through()).status for _ in range(4)]

    assert statuses == ["busy", "no-answer", "completed", "completed"]


async def test_a_refused_number_is_refused_when_the_call_is_created(customer):
    customer.simulator.people[ANA] = Script.refused(21215)

    status, body = await customer.create()

    assert (status, body["code"]) == (400, 21215)
    assert customer.simulator.calls == []


async def test_a_key_at_the_first_prompt(customer, application):
    customer.simulator.people[ANA] = Script.answers("4")
    application.pages |= {"/answer": MENU, "/key": "<Response><Say>Done.</Say></Response>"}

    call = await customer.call_through()

    assert call.heard == ["Press 4.", "Done."]
    assert call.pressed == "4"


async def test_silence_first_and_a_key_at_the_second_prompt(customer, application):
    customer.simulator.people[ANA] = Script.answers(None, "6")
    application.pages |= {"/answer": MENU, "/key": "<Response/>"}

    call = await customer.call_through()

    assert call.heard == ["Press 4.", "Press 4."]
    assert next(got for got in application.got if got.raw_path == "/key")["Digits"] == "6"


async def test_listens_to_two_prompts_and_hangs_up(customer, application):
    customer.simulator.people[ANA] = Script.answers(listens=2)
    application.pages["/answer"] = MENU

    call = await customer.call_through()

    assert call.heard == ["Press 4.", "Press 4."]
    assert call.status == "completed"


async def test_hangs_up_at_the_end_of_the_prompt_and_hears_no_more(customer, application):
    customer.simulator.people[ANA] = Script.answers(listens=1)
    application.pages["/answer"] = MENU.replace("<Redirect>/answer</Redirect>", "<Say>Bye.</Say>")

    call = await customer.call_through()

    assert call.heard == ["Press 4."]


async def test_hangs_up_in_the_middle_of_a_sentence(customer, application):
    customer.simulator.people[ANA] = Script.answers(hangs_up_after=2)
    application.pages["/answer"] = f"<Response><Say>{'so ' * 100}</Say><Say>more</Say></Response>"

    call = await customer.call_through()

    assert len(call.heard) == 1
    assert call.duration == 2


async def test_a_voicemail_listens_and_never_presses(customer, application):
    customer.simulator.people[ANA] = Script.voicemail(rings=20, records_for=30)
    application.pages["/answer"] = MENU

    call = await customer.call_through()

    assert (call.status, call.pressed, call.duration) == ("completed", "", 30)
    assert len(call.heard) >= 3


@pytest.mark.parametrize(
    ("mode", "script", "answered_by"),
    [
        ("Enable", Script.answers(), "human"),
        ("Enable", Script.voicemail(), "machine_start"),
        ("DetectMessageEnd", Script.voicemail(), "machine_end_beep"),
        ("Enable", Script.answers(answered_by="unknown"), "unknown"),
    ],
)
async def test_blocking_machine_detection_holds_the_twiml_back(
    customer, application, mode, script, answered_by
):
    customer.simulator.people[ANA] = script
    application.pages["/answer"] = "<Response/>"

    call = await customer.call_through(MachineDetection=mode)

    answer = next(got for got in application.got if got.raw_path == "/answer")
    assert answer["AnsweredBy"] == application.got[-1]["AnsweredBy"] == answered_by
    assert call.resource()["answered_by"] == answered_by
    assert call.duration >= 4


async def test_asynchronous_machine_detection_calls_back_beside_the_conversation(
    customer, application
):
    customer.simulator.people[ANA] = Script.voicemail()
    application.pages["/answer"] = LONG

    await customer.call_through(
        MachineDetection="Enable",
        AsyncAmd="true",
        AsyncAmdStatusCallback=f"{application.url}/machine",
    )

    machine = next(got for got in application.got if got.raw_path == "/machine")
    assert machine["AnsweredBy"] == "machine_start"
    assert "CallStatus" not in dict(machine.form)
    answer = next(got for got in application.got if got.raw_path == "/answer")
    assert "AnsweredBy" not in dict(answer.form)
    assert application.got[-1]["AnsweredBy"] == "machine_start"


async def test_asynchronous_machine_detection_without_a_callback_is_a_warning(
    customer, application
):
    customer.simulator.people[ANA] = Script.answers()
    application.pages["/answer"] = "<Response/>"

    call = await customer.call_through(MachineDetection="Enable", AsyncAmd="true")

    assert call.problems() == [21262]


async def test_digits_to_send_switch_machine_detection_off(customer, application):
    customer.simulator.people[ANA] = Script.voicemail()
    application.pages["/answer"] = "<Response/>"

    call = await customer.call_through(MachineDetection="Enable", SendDigits="ww1")

    assert call.answered_by is None


def test_scripts_check_their_values():
    with pytest.raises(ValueError, match="keys"):
        Script.answers("a")
    with pytest.raises(ValueError, match="negative"):
        Script.busy(rings=-1)
    with pytest.raises(ValueError, match="needs a script"):
        People()[ANA] = []


def test_a_script_can_come_as_json():
    script = Script.from_json({"presses": ["4", None, {"keys": "6", "after": 2}], "rings": 1})

    assert script == Script.answers("4", None, Press("6", after=2), rings=1)
    assert Script.from_json({"outcome": "busy", "rings": 0}) == Script.busy()


@pytest.mark.parametrize(
    "data",
    [
        {"outcome": "sleeps"},
        {"ring": 3},
        {"presses": [4]},
        {"presses": [{"key": "4"}]},
        {"rings": "soon"},
        {"presses": 4},
    ],
)
def test_a_script_as_json_is_checked(data):
    with pytest.raises(ValueError):
        Script.from_json(data)


async def test_the_simulator_listens_on_loopback_only():
    with pytest.raises(ValueError, match="loopback"):
        await Simulator().start("0.0.0.0")
