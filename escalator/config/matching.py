"""Lists of matchers as they are written: one to a text, or several in braces with commas.

Nothing in here imports pydantic or YAML: silences of the API and the command line are read by it
too.
"""

from collections.abc import Iterable

from escalator.escalation.matchers import Matcher, parse_matcher


def read_matchers(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """All matchers of some texts. Raises `MatcherError` with what is wrong in the first bad one."""
    return tuple(parse_matcher(part) for text in texts for part in split_matchers(text))


def split_matchers(text: str) -> list[str]:
    """`{a="b", c=~"d"}`, braces or not, into its matchers. Commas in quotes do not split."""
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1]
    parts, quoted, escaped = [""], False, False
    for char in inner:
        if char == "," and not quoted:
            parts.append("")
            continue
        if char == '"' and not escaped:
            quoted = not quoted
        escaped = char == "\\" and not escaped
        parts[-1] += char
    if not parts[-1].strip() and len(parts) > 1:
        parts.pop()
    return [part.strip() for part in parts]
