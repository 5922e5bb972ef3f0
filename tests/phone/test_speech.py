import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.escalation.phrases import MEANINGS, PHRASES
from escalator.escalation.rules import Keys, Person, Rules, Voice
from escalator.phone.speech import (
    Speaker,
    Topic,
    clean,
    say_language,
    speaker_for,
)
from escalator.phone.twiml import Say

DISK = Topic(title="Disk full on db-1", severity="critical", summary="0 bytes left.", firing=3)
BUILT_IN = "Critical: Disk full on db-1. 0 bytes left."

any_text = st.text(st.characters(), max_size=400)


def rules(language="en-US", **speech):
    voices = {tag.replace("_", "-"): voice for tag, voice in speech.items()}
    return Rules(people={}, policies={}, language=language, speech=voices)


def person(language=""):
    return Person(key="ana", name="Ana Ortega", phones=("+491713920012",), language=language)


def firing(text):
    return Speaker(language="en-US", phrases={"firing": text}).say("firing", incident=DISK).text


@pytest.mark.parametrize("language", [*PHRASES, "en-GB", "sv-SE"])
@pytest.mark.parametrize("phrase", MEANINGS)
def test_every_phrase_is_said_in_every_language(language, phrase):
    said = Speaker(language=language).say(phrase, incident=DISK, count=2, by="Ben")

    assert len(said.text) >= 2


@pytest.mark.parametrize("language", list(PHRASES))
@pytest.mark.parametrize("phrase", sorted(set(MEANINGS) - {"also"}))
def test_every_phrase_is_said_even_if_nothing_is_known(language, phrase):
    assert Speaker(language=language, keys=Keys()).say(phrase).text


def test_keys_and_severities_are_words():
    german = Speaker(language="de-DE", keys=Keys(acknowledge="1", repeat="#"))

    assert german.say("menu").text.startswith("Drücken Sie 1 zum Bestätigen")
    assert german.say("menu").text.endswith("Raute zum Wiederholen.")
    assert german.say("firing", incident=DISK).text.startswith("Kritisch: Disk full")


def test_an_operators_phrase_goes_before_the_built_in_one():
    assert firing("Alarm: {{ incident.title }}, {{ person }}.") == "Alarm: Disk full on db-1, ."
    assert firing("") == BUILT_IN


@pytest.mark.parametrize(
    "broken",
    [
        "{{ incident.nothing }}",
        "{{ nobody }}",
        "{{ incident.title",
        "{% for %}",
        "{{ 1 / 0 }}",
        "{{ incident.title() }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ incident.clear() }}",
        "{% include 'x' %}",
        "{{ range(10**9) | list }}",
        "{{ [] | first | upper | nofilter }}",
        "   \n ",
        "{% if false %}never{% endif %}",
    ],
)
def test_a_phrase_that_breaks_or_is_blank_is_replaced_by_the_built_in_one(broken):
    assert firing(broken) == BUILT_IN


def test_text_of_a_payload_is_never_rendered():
    hostile = Topic(title="{{ 7 * 7 }} {% raw %}", severity="{{ keys }}", summary="{# x #}")

    said = Speaker(language="en-US").say("firing", incident=hostile).text

    assert said == "{{ keys }}: {{ 7 * 7 }} {% raw %}. {# x #}."


def test_a_summary_that_repeats_the_title_is_not_said_twice():
    topic = Topic(title="Disk full.", summary="Disk full")

    assert Speaker(language="en-US").say("firing", incident=topic).text == "Disk full."


def test_a_language_without_phrases_is_answered_in_english_by_an_english_voice():
    swedish = Speaker(language="sv-SE", voice="Polly.Astrid", phrases={"hold": "Vänta."})

    assert swedish.say("goodbye") == Say("Goodbye.", "en-US", "")
    assert swedish.say("hold") == Say("Vänta.", "sv-SE", "Polly.Astrid")


def test_a_phrase_that_does_not_exist_is_our_own_mistake():
    with pytest.raises(KeyError):
        Speaker(language="en-US").say("hello")


def test_the_persons_language_goes_before_the_configs():
    assert speaker_for(rules("fr-FR"), person("de-AT")).language == "de-AT"
    assert speaker_for(rules("fr-FR"), person()).language == "fr-FR"
    assert speaker_for(rules("fr-FR"), None).language == "fr-FR"
    assert speaker_for(rules(), person()).person == "Ana Ortega"


def test_voice_and_phrases_come_from_the_exact_tag_else_from_its_language():
    own = rules(de=Voice(voice="A", phrases={"hold": "Moment."}), de_CH=Voice(voice="B"))

    assert speaker_for(own, person("de-CH")).voice == "B"
    assert speaker_for(own, person("de-DE")).voice == "A"
    assert speaker_for(own, person("de-DE")).say("hold").text == "Moment."
    assert speaker_for(own, person("it-IT")).voice == ""


def test_only_voices_we_are_sure_of_are_chosen_unasked():
    assert speaker_for(rules(), person("ja")).voice == "Polly.Tomoko-Neural"
    assert speaker_for(rules(), person("de-DE")).voice == "Polly.Vicki-Neural"
    assert speaker_for(rules(), person("de-AT")).voice == ""


@pytest.mark.parametrize(
    ("tag", "spelled"),
    [
        ("de", "de-DE"),
        ("en", "en-US"),
        ("ja", "ja-JP"),
        ("pt", "pt-BR"),
        ("EN_gb", "en-GB"),
        ("cmn-CN", "cmn-CN"),
        ("arb", "arb"),
    ],
)
def test_languages_are_spelled_as_the_carrier_does(tag, spelled):
    assert say_language(tag) == spelled


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb\x00c\x1b[31m\x85d\u2028e", "a b c [31m d e"),
        ("\u202eevil\u202c \u200bzero\ufeff \u2066x\u2069", "evil zero x"),
        ("broken \ud800\udfff \ufffe \ue000 end", "broken end"),
        ("see https://user:pw@x.example/a?b=c#d. Now", "see link. Now"),
        ("(www.example.net/x), ftp://h/f", "(link), link"),
        ("HTTPS://X.EXAMPLE", "link"),
        ("ratio 3://4 stays", "ratio 3://4 stays"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("😀 ok", "😀 ok"),
        ("", ""),
    ],
)
def test_foreign_text_is_cleaned(text, cleaned):
    assert clean(text) == cleaned


def test_long_text_ends_at_a_word():
    assert clean("one two three four", 9) == "one two"
    assert clean("one two three four", 7) == "one two"
    assert clean("あ" * 400) == "あ" * 300
    assert clean("x" * 10_000_000, 5) == "xxxxx"


@given(any_text, st.integers(1, 80))
def test_clean_text_is_short_and_holds_nothing_that_cannot_be_spoken(text, limit):
    cleaned = clean(text, limit)

    assert len(cleaned) <= limit
    assert cleaned == " ".join(cleaned.split())
    kinds = {unicodedata.category(sign) for sign in cleaned if sign not in "\u200c\u200d"}
    assert not any(kind.startswith("C") for kind in kinds)


@given(any_text, any_text, any_text)
def test_whatever_a_payload_says_something_is_spoken(title, severity, summary):
    topic = Topic(title=title, severity=severity, summary=summary, firing=1)

    said = Speaker(language="en-US").say("firing", incident=topic, by=title)

    assert said.text.isprintable() or "\u200c" in said.text or "\u200d" in said.text
    assert len(said.text) <= 3 * 300 + 10
