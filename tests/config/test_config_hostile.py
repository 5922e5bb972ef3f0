"""Whatever stands in a file: it loads, or it is refused with places; nothing else ever happens (X14)."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.config.document import read_document
from escalator.config.loading import load
from escalator.config.problems import ConfigError

COMPLETE = yaml.safe_load((Path(__file__).parents[2] / "config" / "complete.yml").read_text())
WORDS = st.sampled_from(
    ["", "x", "0", "-1", "everyone", "none", "ana", "{{", "+49", "1s", "[::1]:1", "*", "é", "true"]
)
INTRUDERS = st.one_of(
    WORDS,
    st.text(max_size=12),
    st.lists(WORDS, max_size=2),
    st.dictionaries(WORDS, WORDS, max_size=2),
    st.just([[["deep"]]]),
    st.just({"call": {"call": ["x"]}}),
)


def paths_of(node, path=()):
    yield path
    items = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node if isinstance(node, list) else [])
    )
    for key, inner in items:
        yield from paths_of(inner, (*path, key))


def replaced(node, path, intruder):
    if not path:
        return intruder
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[path[0]] = replaced(node[path[0]], path[1:], intruder)
    return copy


def outcome(read):
    try:
        return read(), ()
    except ConfigError as error:
        return None, error.problems


PATHS = [path for path in paths_of(COMPLETE) if path]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile") / "a.yml"


@settings(max_examples=100, deadline=None, derandomize=True)
@given(path=st.sampled_from(PATHS), intruder=INTRUDERS)
def test_any_part_may_be_anything(file, path, intruder):
    file.write_text(yaml.safe_dump(replaced(COMPLETE, path, intruder), allow_unicode=True))

    loaded, problems = outcome(lambda: load(file, secrets=False, environ={}))

    assert loaded or problems
    assert all(one.line >= 1 and one.column >= 1 and one.message for one in problems)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    content=st.one_of(st.binary(max_size=40), st.text("{}[]:,-#&*!|>'\"%@\n \tab?<", max_size=40))
)
def test_any_bytes_may_stand_in_the_file(content):
    raw = content if isinstance(content, bytes) else content.encode()
    document, problems = outcome(lambda: read_document("a.yml", raw))

    assert problems or isinstance(document.data, dict)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b"a: " + b"{a: " * 100_000,
        b"- " * 200_000,
        b"a: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
        b"a: " + b"x" * 500_000,
        b"a: '" + b"x\n" * 100_000,
    ],
    ids=["brackets", "braces", "dashes", "billion laughs", "a long word", "an open quote"],
)
def test_what_is_meant_to_exhaust_the_reader_is_refused_quickly(file, content):
    file.write_bytes(content)

    with pytest.raises(ConfigError):
        load(file, secrets=False, environ={})
