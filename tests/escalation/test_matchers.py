"""The grammar of label matchers."""

import re
import warnings

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from escalator.escalation.matchers import Matcher, MatcherError, Operator, parse_matcher

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = texts.filter(bool)


# ---- reading


@pytest.mark.parametrize(
    ("text", "name", "operator", "value"),
    [
        ('severity="critical"', "severity", "=", "critical"),
        ('severity!="critical"', "severity", "!=", "critical"),
        ('severity=~"crit.*"', "severity", "=~", "crit.*"),
        ('severity!~"crit.*"', "severity", "!~", "crit.*"),
        ("severity=critical", "severity", "=", "critical"),
        ("  severity  =~  a|b  ", "severity", "=~", "a|b"),
        ('severity=""', "severity", "=", ""),
        ("severity=", "severity", "=", ""),
        ("severity!=", "severity", "!=", ""),
        ('a="b,c{d}=e"', "a", "=", "b,c{d}=e"),
        (r'a="say \"hi\""', "a", "=", 'say "hi"'),
        (r'a="back\\slash"', "a", "=", "back\\slash"),
        (r'a="two\nlines"', "a", "=", "two\nlines"),
        (r'a=~"\d+\.\d+"', "a", "=~", r"\d+\.\d+"),
        ('"odd name, {really}"="x"', "odd name, {really}", "=", "x"),
        ("störung=ja", "störung", "=", "ja"),
        ("job:rate=5m", "job:rate", "=", "5m"),
        ('a="日本"', "a", "=", "日本"),
    ],
)
def test_a_matcher_is_read(text, name, operator, value):
    assert parse_matcher(text) == Matcher(name, Operator(operator), value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is not a matcher"),
        ("severity", "is not a matcher"),
        ('="critical"', "is not a matcher"),
        ('""="critical"', "names no label"),
        ('severity="critical', "is not a matcher"),
        ('severity=crit"ical', "is not a matcher"),
        ("severity=two words", "is not a matcher"),
        ('{severity="critical"}', "is not a matcher"),
        ('a="1",b="2"', "is not a matcher"),
        ('severity>"critical"', "is not a matcher"),
        ('severity=~"("', "is not a regular expression"),
        ('severity!~"*"', "is not a regular expression"),
    ],
)
def test_what_is_no_matcher_is_refused_with_a_hint(text, complaint):
    with pytest.raises(MatcherError, match=complaint):
        parse_matcher(text)


def test_the_hint_shows_how_to_write_it():
    with pytest.raises(MatcherError, match=re.escape('write name="value", with =, !=, =~ or !~')):
        parse_matcher("severity:critical")


def test_what_only_looks_like_a_regular_expression_is_compared_as_text():
    assert parse_matcher('a="("').matches({"a": "("})


# ---- matching


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        ('a="x"', {"a": "x"}, True),
        ('a="x"', {"a": "xx"}, False),
        ('a="x"', {}, False),
        ('a!="x"', {"a": "y"}, True),
        ('a!="x"', {"a": "x"}, False),
        ('a!="x"', {}, True),
        ('a=""', {}, True),
        ('a=""', {"a": "x"}, False),
        ('a!=""', {}, False),
        ('a=~"x.*"', {"a": "xyz"}, True),
        ('a=~"x"', {"a": "xyz"}, False),
        ('a=~"y"', {"a": "xyz"}, False),
        ('a=~"x|y"', {"a": "y"}, True),
        ('a=~"x|"', {}, True),
        ('a=~".+"', {}, False),
        ('a=~"x.z"', {"a": "x\nz"}, True),
        ('a!~"x.*"', {"a": "xyz"}, False),
        ('a!~"x"', {"a": "xyz"}, True),
        ('a!~"x.*"', {}, True),
    ],
)
def test_a_missing_label_is_the_empty_text_and_expressions_are_anchored(text, labels, holds):
    """As in Alertmanager."""
    assert parse_matcher(text).matches(labels) is holds


# ---- whatever is written


@given(names, st.sampled_from([Operator.EQUAL, Operator.NOT_EQUAL]), texts)
def test_what_is_written_is_read_back(name, operator, value):
    matcher = Matcher(name, operator, value)

    assert parse_matcher(str(matcher)) == matcher


@given(names, texts)
def test_an_expression_of_escaped_text_matches_that_text_alone(name, value):
    matcher = parse_matcher(str(Matcher(name, Operator.REGEX, re.escape(value))))

    assert matcher.matches({name: value})
    assert not matcher.matches({name: value + "x"})


@given(names, texts, texts)
def test_each_operator_and_its_opposite_disagree(name, value, actual):
    pattern = re.escape(value)
    equal = Matcher(name, Operator.EQUAL, value), Matcher(name, Operator.NOT_EQUAL, value)
    regex = Matcher(name, Operator.REGEX, pattern), Matcher(name, Operator.NOT_REGEX, pattern)

    for one, other in (equal, regex):
        assert one.matches({name: actual}) is not other.matches({name: actual})
    assert equal[0].matches({name: actual}) == regex[0].matches({name: actual})


@given(texts)
def test_any_text_is_a_matcher_or_is_refused(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            matcher = parse_matcher(text)
        except MatcherError:
            return
    assume("\\" not in text)
    assert parse_matcher(str(matcher)) == matcher
