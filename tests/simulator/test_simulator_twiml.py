"""TwiML: how it is read, what is refused, and what is only a warning."""

import pytest

from escalator.simulator.twiml import (
    Gather,
    Hangup,
    Pause,
    Play,
    Redirect,
    Say,
    TwimlError,
    read,
)

ANA = "+447700900123"


def response(inner: str) -> bytes:
    return f"<Response>{inner}</Response>".encode()


@pytest.mark.parametrize(
    ("inner", "verb"),
    [
        ("<Say>Hello</Say>", Say("Hello")),
        ("<Say>  two\n words </Say>", Say("two words")),
        (
            '<Say voice="Polly.Takumi-Neural" language="ja-JP" loop="3">障害 &amp; 復旧</Say>',
            Say("障害 & 復旧", "Polly.Takumi-Neural", "ja-JP", 3),
        ),
        ('<Say loop="0">on and on</Say>', Say("on and on", loop=0)),
        ('<Say>press <say-as interpret-as="digits">4</say-as> now</Say>', Say("press 4 now")),
        ("<Play>https://h/x.mp3</Play>", Play("https://h/x.mp3")),
        ('<Play digits="1234"/>', Play("", digits="1234")),
        ("<Pause/>", Pause(1)),
        ('<Pause length="7"/>', Pause(7)),
        ("<Redirect>/next</Redirect>", Redirect("/next")),
        ('<Redirect method="GET">/next</Redirect>', Redirect("/next", "GET")),
        ("<!-- nothing --><Hangup/>", Hangup()),
        ("<Gather/>", Gather(prompts=())),
        (
            '<Gather action="k" method="GET" timeout="8" numDigits="2" finishOnKey="" '
            'actionOnEmptyResult="true" bargeIn="false" input="dtmf speech"><Say>a</Say><Pause/></Gather>',
            Gather(
                prompts=(Say("a"), Pause(1)),
                action="k",
                method="GET",
                timeout=8,
                num_digits=2,
                finish_on_key="",
                action_on_empty=True,
                barge_in=False,
            ),
        ),
        ('<Gather input="speech"/>', Gather(prompts=(), takes_keys=False)),
    ],
)
def test_verbs_are_read_without_a_warning(inner, verb):
    document = read(response(inner))

    assert document.verbs == [verb]
    assert document.warnings == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 12100),
        (b"hello", 12100),
        (b"<Response><Say>a & b</Say></Response>", 12100),
        (b"<Response><Say>a</Response>", 12100),
        (b' <?xml version="1.0"?><Response/>', 12100),
        (b'<!DOCTYPE x [<!ENTITY e "e">]><Response><Say>&e;</Say></Response>', 12100),
        (b"<Response><Say>\x01</Say></Response>", 12100),
        (b"<Response><Say>\xff</Say></Response>", 12100),
        (b"<response/>", 12102),
        (b"<Reponse/>", 12102),
        (b"<Response><say>a</say></Response>", 12200),
        (b"<Response><Shout>a</Shout></Response>", 12200),
        (b"<Response><Say><b>a</b></Say></Response>", 12200),
        (b"<Response><Gather><Hangup/></Gather></Response>", 12200),
        (b"<Response><Play/></Response>", 11100),
        (b"<Response><Dial>+15005550006</Dial></Response>", 12400),
        (response(f"<Say>{'a' * 4097}</Say>"), 13521),
        (response(f'<Say voice="Polly.Amy">{"a" * 3001}</Say>'), 13521),
        (response(f'<Say voice="Google.en-GB-Wavenet-A">{"a" * 4501}</Say>'), 13521),
        (response(f"<Say>{'日' * 501}</Say>"), 13521),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_code(body, code):
    with pytest.raises(TwimlError) as refused:
        read(body)

    assert refused.value.code == code


@pytest.mark.parametrize(
    "inner",
    [
        f"<Say>{'a' * 4096}</Say>",
        f"<Say>{'日' * 500}</Say>",
        f'<Say voice="Polly.Amy">{"a" * 3000}</Say>',
    ],
)
def test_a_say_of_the_greatest_length_is_spoken(inner):
    assert read(response(inner)).warnings == []


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        ("<Say></Say>", 13520),
        ('<Say volume="9">a</Say>', 12200),
        ('<Say Voice="man">a</Say>', 12200),
        ('<Say voice="bob">a</Say>', 12200),
        ('<Say language="klingon">a</Say>', 12200),
        ('<Say loop="-1">a</Say>', 12200),
        ('<Pause length="0"/>', 12200),
        ('<Gather numdigits="1"/>', 12200),
        ('<Gather numDigits="0"/>', 12200),
        ('<Gather finishOnKey="##"/>', 12200),
        ('<Gather method="PUT"/>', 12200),
        ("<Gather>hello</Gather>", 12200),
        ("stray<Hangup/>", 12200),
        ("<Hangup/>stray", 12200),
    ],
)
def test_what_is_merely_wrong_is_a_warning(inner, code):
    assert [code for code, _ in read(response(inner)).warnings] == [code]
