"""What the YAML parser's complaints mean to somebody who only wanted to write a config.

Most faults of syntax are text that needed quotes. The table is asked in order; the first entry
whose words occur in the parser's message gives the sentence. What no entry knows is told in the
parser's own words.
"""

import re

import yaml

from escalator.config.problems import Place

_SENTENCES: tuple[tuple[str, str], ...] = (
    (r"'\\t' that cannot start", "a tab stands here; indent and separate with spaces"),
    (
        r"character '(?P<what>.)' that cannot start",
        "text that begins with {what} needs quotes: '{what}…'",
    ),
    (r"scanning an alias", 'text that begins with * needs quotes: "*"'),
    (r"scanning an anchor", 'text that begins with & needs quotes: "&…"'),
    (r"scanning a tag|parsing a tag|tag handle", "text that begins with ! needs quotes: '!…'"),
    (r"scanning a block scalar", "text that begins with > or | needs quotes: '>…'"),
    (
        r"mapping values are not allowed",
        "a second ': ' in one value; text that holds ': ' needs quotes."
        " If this is a new key, look at the line above and at the indentation",
    ),
    (
        r"sequence entries are not allowed",
        "a list cannot begin here: put '- ' on a line of its own, or write [a, b];"
        " text that begins with '- ' needs quotes",
    ),
    (
        r"scanning a quoted scalar",
        "a quotation mark of line {line} is never closed; matchers go in single quotes as a whole",
    ),
    (
        r"unknown escape character",
        "a backslash in double quotes begins an escape; use single quotes: '\\d'",
    ),
    (r"could not find expected ':'", "a ':' is missing after the key in line {line}"),
    (
        r"expected the node content, but found ':'|flow node",
        "a value cannot begin here; an address such as [::1]:8911 needs quotes: '[::1]:8911'",
    ),
    (
        r"parsing a flow.*got ':'",
        "a second ': ' in one value, which then needs quotes; or the bracket of line {line} is not"
        " closed before this",
    ),
    (
        r"parsing a flow (?:sequence|mapping)",
        "the bracket of line {line} is not closed before this, or text before it needs quotes:"
        " matchers go in single quotes, '[::1]:8911' too",
    ),
    (
        r"found '<block mapping start>'|found '<block sequence start>'",
        "the indentation does not fit the lines above",
    ),
    (
        r"found '<scalar>'",
        "more text after a value that had ended; put quotes around the whole:"
        " matchers in single quotes, '{{ … }}' too",
    ),
    (
        r"expected <block end>",
        "this does not fit the lines above: look at indentation and brackets",
    ),
)


def explain(error: yaml.YAMLError, text: str) -> tuple[Place, str]:
    """Where the fault is and what to do about it, both for a person."""
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position].split("\n")
        place = Place(len(before), len(before[-1]) + 1)
        return place, f"a control character (number {error.character}) stands here; take it out"
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Place(1, 1), f"this is not YAML: {error}"
    mark = error.problem_mark
    told = f"{error.context or ''} {error.problem or ''}"
    begun = error.context_mark.line + 1 if error.context_mark else mark.line + 1
    for pattern, sentence in _SENTENCES:
        found = re.search(pattern, told, re.DOTALL)
        if found:
            words = {"line": begun, **found.groupdict()}
            return Place(mark.line + 1, mark.column + 1), _fill(sentence, words)
    return Place(mark.line + 1, mark.column + 1), f"this is not YAML: {told.strip()}"


def _fill(sentence: str, words: dict[str, object]) -> str:
    for name, word in words.items():
        sentence = sentence.replace(f"{{{name}}}", str(word))
    return sentence
