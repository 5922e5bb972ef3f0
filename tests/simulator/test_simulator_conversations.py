"""What an answered call does with TwiML."""

import pytest

from escalator.simulator import Listening, Press, Script
from escalator.simulator.conversation import APPLICATION_ERROR

ANA = "+447700900123"


@pytest.fixture
def ana(simulator):
    """Sets Ana's script."""

    def behaves(script: Script) -> None:
        simulator.people[ANA] = script

    return behaves


def gather(attributes: str = "", inner: str = "<Say>Press.</Say>") -> str:
    return (
        f'<Response><Gather action="/key" {attributes}>{inner}</Gather>'
        "<Say>Nothing.</Say></Response>"
    )


@pytest.mark.parametrize(
    ("attributes", "press", "digits", "finished"),
    [
        ('numDigits="1"', "4", "4", ""),
        ('numDigits="1"', "45", "4", ""),
        ('numDigits="3"', "45", "45", ""),
        ("", "12#", "12", "#"),
        ("", "12#34", "12", "#"),
        ('finishOnKey="*"', "1#2*", "1#2", "*"),
        ('finishOnKey="" numDigits="3"', "1#*", "1#*", ""),
        ('numDigits="1"', "*", "*", ""),
        ('timeout="2"', Press("4", after=1.9), "4", ""),
        ('timeout="2"', Press("444", after=1, gap=1.9), "444", ""),
        ('timeout="2"', Press("444", after=1, gap=2.1), "4", ""),
        ('timeout="0" numDigits="1"', Press("4", after=0, barge_in=True), "4", ""),
    ],
)
async def test_keys_that_are_collected(
    customer, application, ana, attributes, press, digits, finished
):
    ana(Script.answers(press))
    application.pages |= {"/answer": gather(attributes), "/key": "<Response/>"}

    call = await customer.call_through()

    key = next(got for got in application.got if got.raw_path == "/key")
    assert (key["Digits"], key["FinishedOnKey"], key["msg"]) == (digits, finished, "Gather End")
    assert key["CallStatus"] == "in-progress"
    assert call.heard == ["Press."]


@pytest.mark.parametrize(
    ("attributes", "press"),
    [
        ("", None),
        ("", "#"),
        ('timeout="2"', Press("4", after=2.1)),
        ('input="speech"', "4"),
        ('bargeIn="false" timeout="1"', Press("4", after=0, barge_in=True)),
    ],
    ids=["silence", "the finishing key alone", "too late", "speech only", "may not barge in"],
)
async def test_without_input_the_next_verb_follows(customer, application, ana, attributes, press):
    ana(Script.answers(press))
    application.pages["/answer"] = gather(attributes)

    call = await customer.call_through()

    assert call.heard == ["Press.", "Nothing."]
    assert "/key" not in application.paths()


async def test_silence_goes_to_the_action_when_the_document_says_so(customer, application, ana):
    ana(Script.answers())
    application.pages |= {"/answer": gather('actionOnEmptyResult="true"'), "/key": "<Response/>"}

    await customer.call_through()

    assert next(got for got in application.got if got.raw_path == "/key")["Digits"] == ""


async def test_silence_without_an_action_to_go_to_is_a_warning(customer, application, ana):
    ana(Script.answers())
    application.pages["/answer"] = "<Response><Gather actionOnEmptyResult='true'/></Response>"

    call = await customer.call_through()

    assert call.problems() == [13338]


async def test_a_key_stops_the_speech(customer, application, ana):
    ana(Script.answers(Press("4", after=1, barge_in=True)))
    inner = f"<Say>{'long ' * 200}</Say><Say>never heard</Say>"
    application.pages |= {"/answer": gather('numDigits="1"', inner), "/key": "<Response/>"}

    call = await customer.call_through()

    assert len(call.heard) == 1
    assert call.duration == 1


async def test_a_gather_without_an_action_asks_the_same_document_again(customer, application, ana):
    ana(Script.answers("4", hangs_up_after=9))
    application.pages["/answer"] = "<Response><Gather numDigits='1' timeout='5'/></Response>"

    await customer.call_through()

    answers = [got for got in application.got if got.raw_path == "/answer"]
    assert ["Digits" in dict(got.form) for got in answers] == [False, True]


async def test_say_is_repeated_and_takes_its_time(customer, application, ana):
    ana(Script.answers())
    text = "a" * 140
    application.pages["/answer"] = f'<Response><Say loop="3">{text}</Say></Response>'

    call = await customer.call_through()

    assert call.heard == [text] * 3
    assert call.duration == 30


async def test_say_without_end_is_cut_by_the_time_limit(customer, application, ana):
    ana(Script.answers())
    application.pages["/answer"] = f'<Response><Say loop="0">{"a" * 140}</Say></Response>'

    call = await customer.call_through(TimeLimit="60")

    assert (len(call.heard), call.duration, call.status) == (6, 60, "completed")


async def test_language_and_voice_are_remembered(customer, application, ana):
    ana(Script.answers())
    say = '<Say voice="alice" language="ja-JP">障害です</Say>'
    application.pages["/answer"] = f"<Response>{say}</Response>"

    call = await customer.call_through()

    assert [(s.text, s.language, s.voice) for s in call.speech] == [("障害です", "ja-JP", "alice")]


async def test_hangup_ends_the_call(customer, application, ana):
    ana(Script.answers())
    application.pages["/answer"] = "<Response><Hangup/><Say>never</Say></Response>"

    call = await customer.call_through()

    assert call.heard == []
    assert call.status == "completed"


async def test_redirects_are_relative_to_the_document_and_carry_no_digits(
    customer, application, ana
):
    ana(Script.answers("1"))
    application.pages |= {
        "/a/answer": "<Response><Gather action='../b/key' numDigits='1'/></Response>",
        "/b/key": "<Response><Redirect method='GET'>more?x=1</Redirect><Say>never</Say></Response>",
        "/b/more": "<Response><Play>tune.mp3</Play></Response>",
    }

    call = await customer.call_through(Url=f"{application.url}/a/answer")

    more = next(got for got in application.got if got.raw_path.startswith("/b/more?x=1&"))
    assert more.method == "GET"
    assert "Digits" not in more.raw_path
    assert call.heard == ["[tune.mp3]"]


async def test_inline_twiml_needs_absolute_addresses(customer, application, ana):
    ana(Script.answers("1", "1"))
    application.pages["/key"] = "<Response><Say>Thanks.</Say></Response>"
    relative = "<Response><Gather action='/key' numDigits='1'/></Response>"
    absolute = relative.replace("/key", f"{application.url}/key", 1)

    right = await customer.call_through(Url=None, Twiml=absolute)
    wrong = await customer.call_through(Url=None, Twiml=relative)

    assert right.heard == ["Thanks."]
    assert (wrong.heard, wrong.problems()) == ([APPLICATION_ERROR], [11100])


async def test_twiml_is_fetched_after_the_answer_and_not_before(customer, application, ana):
    ana(Script.declines())
    application.pages["/answer"] = "<Response/>"

    await customer.call_through()

    assert "/answer" not in application.paths()


async def test_keys_of_one_prompt_do_not_answer_the_next(customer, application, simulator):
    simulator.people[ANA] = Script.answers()
    again = "<Response><Gather action='/key' numDigits='1' timeout='1'/></Response>"
    application.pages |= {"/answer": again, "/key": again}
    pressed = []

    def presses_twice_at_the_first_prompt(event: object) -> None:
        if isinstance(event, Listening) and not pressed:
            pressed.append("44")
            event.call.press("44")

    simulator.listeners.append(presses_twice_at_the_first_prompt)

    await customer.call_through()

    assert application.paths().count("/key") == 1


async def test_a_document_that_leads_nowhere_else_ends_some_day(customer, application, ana):
    ana(Script.answers())
    application.pages["/answer"] = "<Response><Redirect>/answer</Redirect></Response>"

    call = await customer.place()
    await call.ended(within=10)

    assert call.problems() == [12400]
    assert call.status == "completed"
