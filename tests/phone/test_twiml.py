import inspect
import re
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.voice_response import VoiceResponse

from escalator.phone.twiml import (
    Gather,
    Hangup,
    Pause,
    Redirect,
    Say,
    encoded_length,
    render,
    say_fits,
)

KEY = "https://pager.example.net/t/abc/key?n=3&x=<y>"
ANSWER = "https://pager.example.net/t/abc/answer"
HOSTILE = "</Say><Hangup/><Say> ]]> & &amp; &#8; \"' \x08\x00\x1b[31m \u202e \ud800 \ufffe 😀"

any_text = st.text(st.characters(), max_size=200)


def parsed(*verbs):
    body = render(*verbs)
    assert body.startswith(b'<?xml version="1.0" encoding="UTF-8"?><Response>')
    return ElementTree.fromstring(body)


def names(element):
    return [(child.tag, names(child)) for child in element]


def words(element):
    return [say.text for say in element.iter("Say")]


def test_a_prompt_reads_as_the_manual_shows_it():
    prompt = Gather(action=KEY, says=[Say("Disk full.", "de-DE", "Polly.Vicki-Neural"), Pause(2)])

    assert render(prompt, Redirect(ANSWER), Hangup()).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?><Response>'
        '<Gather action="https://pager.example.net/t/abc/key?n=3&amp;x=&lt;y&gt;" method="POST"'
        ' numDigits="1" timeout="8" finishOnKey="">'
        '<Say voice="Polly.Vicki-Neural" language="de-DE">Disk full.</Say><Pause length="2"/>'
        "</Gather>"
        '<Redirect method="POST">https://pager.example.net/t/abc/answer</Redirect><Hangup/>'
        "</Response>"
    )


def test_a_direct_call_is_one_say_with_its_three_attributes():
    assert render(Say("火事です & <早く>", "ja-JP", "alice", 3)).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?><Response>'
        '<Say voice="alice" language="ja-JP" loop="3">火事です &amp; &lt;早く&gt;</Say></Response>'
    )


def test_a_direct_call_keeps_its_text_as_it_is():
    text = "  two  blanks,\n a line and a\ttab "

    assert words(parsed(Say(text))) == [text]


def test_hostile_text_is_only_ever_text():
    attribute = 'x"><Hangup/><Say language="'
    document = parsed(
        Gather(action=KEY, says=[Say(HOSTILE)]), Say(HOSTILE, language=attribute), Hangup()
    )

    assert document[1].get("language") == attribute
    assert names(document) == [("Gather", [("Say", [])]), ("Say", []), ("Hangup", [])]
    assert words(document)[0] == "</Say><Hangup/><Say> ]]> & &amp; &#8; \"' [31m \u202e   😀"


def test_a_say_without_words_is_left_out():
    document = parsed(Say(""), Say(" \n"), Say("\x00"), Gather(action=KEY, says=[Say("")]))

    assert names(document) == [("Gather", [])]


def test_nothing_to_do_is_still_a_document():
    assert names(parsed()) == []


@given(any_text, any_text, any_text, st.lists(any_text, max_size=3))
def test_any_text_anywhere_gives_the_verbs_that_were_asked_for(text, language, url, says):
    document = parsed(
        Say("a" + text, "x" + language, voice="v" + text),
        Pause(1),
        Gather(action="https://h/" + url, says=[Say("b" + say) for say in says]),
        Redirect("https://h/" + url),
        Hangup(),
    )

    inner = [("Say", [])] * len(says)
    assert names(document) == [
        ("Say", []),
        ("Pause", []),
        ("Gather", inner),
        ("Redirect", []),
        ("Hangup", []),
    ]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=300))
def test_legal_text_arrives_unchanged(text):
    assert "".join(words(parsed(Say("a" + text)))) == "a" + text


def declared(verb):
    parameters = list(inspect.signature(getattr(VoiceResponse, verb)).parameters)
    return {re.sub(r"_(\w)", lambda found: found[1].upper(), name) for name in parameters}


@pytest.mark.parametrize(
    "verb",
    [
        Say("x", "ja-JP", "alice", 2),
        Pause(3),
        Gather(action=KEY, says=[], timeout=5, num_digits=2),
        Redirect(ANSWER),
        Hangup(),
    ],
    ids=lambda verb: type(verb).__name__,
)
def test_attributes_are_those_the_official_library_declares(verb):
    (element,) = parsed(verb)

    assert set(element.attrib) <= declared(element.tag.lower())


@pytest.mark.parametrize(
    "text",
    [
        "The disk is full. " * 1000,
        "ディスクがいっぱいです。" * 300,
        "あ" * 3000,
        "word " * 2000,
        "x" * 9999,
        "😀" * 1000,
        "a. " + "b" * 8000 + " c",
        "&<>" * 2000,
    ],
    ids=lambda text: text[:6],
)
def test_long_text_is_said_in_parts_that_each_fit(text):
    parts = words(parsed(Say(text, "ja-JP")))

    assert len(parts) > 1
    assert all(len(part) <= 3000 and len(quote(part, safe="")) <= 4500 for part in parts)
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")


def test_long_text_is_parted_at_sentences_then_at_words():
    sentences = words(parsed(Say("The disk is full. " * 500)))
    japanese = words(parsed(Say("ディスクがいっぱいです。" * 100)))
    no_stops = words(parsed(Say("word " * 2000)))

    assert all(part.endswith("full.") for part in sentences)
    assert all(part.endswith("。") for part in japanese)
    assert all(part.endswith("word") and part.startswith("word") for part in no_stops)


def test_a_long_text_that_is_said_twice_is_said_twice_as_a_whole():
    parts = words(parsed(Say("x" * 4000, loop=2)))

    assert parts[: len(parts) // 2] == parts[len(parts) // 2 :]
    assert sum(map(len, parts)) == 8000


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("x" * 4500, True),
        ("x" * 4501, False),
        ("あ" * 500, True),
        ("あ" * 501, False),
        ("", True),
        ("\x00" * 5000, True),
    ],
)
def test_what_fits_is_said_in_one_go(text, fits):
    assert say_fits(text) is fits
    assert len(words(parsed(Say(text, whole=True)))) == 1


@given(any_text)
def test_the_encoded_length_is_that_of_url_encoding(text):
    text = text.encode("utf-8", "ignore").decode()

    assert encoded_length(text) == len(quote(text, safe=""))


@pytest.mark.parametrize(
    "verbs",
    [
        [Say("&" * 3000)] * 20,
        [Say('"' * 200_000, "en-US", "x")],
        [Gather(action=KEY, says=[Say("'" * 3000, "ja-JP")] * 30), Redirect(ANSWER)],
    ],
    ids=["many", "long", "gathered"],
)
def test_a_document_stays_below_the_limit_and_keeps_its_other_verbs(verbs):
    body = render(*verbs)

    assert 10_000 < len(body) <= 64_000
    kept = {child.tag for child in ElementTree.fromstring(body)}
    assert kept == {type(verb).__name__ for verb in verbs}
