"""Problems know their place, and the table of what is planned agrees with the model."""

import pytest

from escalator.config.document import read_document
from escalator.config.faults import known_keys
from escalator.config.not_yet import KEYS, is_not_yet
from escalator.config.phrasing import SAMPLE, compile_phrase, read_phrase
from escalator.config.problems import ConfigError, Problem, did_you_mean
from escalator.escalation.phrases import PHRASES


def problem(line, message="is wrong", **more):
    return Problem(file="a.yml", line=line, column=2, path="b.c", message=message, **more)


def test_a_problem_reads_as_file_line_column_path_and_sentence():
    assert str(problem(3)) == "a.yml:3:2: b.c: is wrong"
    assert str(problem(3, is_warning=True)) == "a.yml:3:2: b.c: warning: is wrong"


def test_problems_are_told_in_the_order_of_the_file_and_once():
    error = ConfigError([problem(9), problem(3), problem(9)])

    assert [one.line for one in error.problems] == [3, 9]
    assert str(error) == "a.yml:3:2: b.c: is wrong\na.yml:9:2: b.c: is wrong"


def test_only_close_words_are_offered():
    assert did_you_mean("hone", ["phone", "name"]) == "; did you mean 'phone'?"
    assert did_you_mean("zebra", ["phone", "name"]) == ""


@pytest.mark.parametrize("pattern", KEYS)
def test_no_planned_key_is_in_the_model_already(pattern):
    *parents, key = (0 if part == "*" else part for part in pattern.split("."))

    assert key not in known_keys(tuple(parents))
    assert is_not_yet((*parents, key))


@pytest.mark.parametrize("path", [("people",), ("people", "ana", "rule"), ("a", "schedules")])
def test_other_keys_are_not_called_planned(path):
    assert not is_not_yet(path)


@pytest.mark.parametrize(
    ("loc", "some"),
    [
        ((), "twilio"),
        (("twilio",), "from"),
        (("people", "ana"), "phone"),
        (("policies", "default", "steps", 0), "wait"),
        (("policies", "default", "fallback"), "every"),
        (("listen", "public", "tls"), "cert"),
        (("web", "proxy_user"), "header"),
    ],
)
def test_known_keys_are_found_by_place_and_named_as_written(loc, some):
    assert some in known_keys(loc)


def test_a_place_stands_at_the_value_and_for_keys_at_the_key():
    document = read_document("a.yml", b"a:\n  b: [x,\n      yy]\n")

    assert (document.places["a", "b", 1].line, document.places["a", "b", 1].column) == (3, 7)
    assert (document.key_places["a", "b"].line, document.key_places["a", "b"].column) == (2, 3)


def test_a_path_the_model_made_longer_is_cut_to_what_is_written():
    document = read_document("a.yml", b"a: { b: x, c: { d: y } }\n")

    assert document.trace(("a", "b", 0)) == ("a", "b")
    assert document.trace(("a", "c", 0, "d")) == ("a", "c", "d")


@pytest.mark.parametrize("language", PHRASES)
def test_every_built_in_phrase_could_be_written_into_the_config(language):
    for phrase in PHRASES[language].values():
        assert read_phrase(phrase) == phrase


def test_the_sample_is_spoken_as_an_incident_is():
    assert compile_phrase("{{ incident.title }} {{ count }}").render(SAMPLE) == "HighLatency 2"
