"""The manual as data: its tables, fenced blocks, headings and links, read from the Markdown as it stands."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
# What is not the manual's affair, but shows commands and files as well.
READ = [*PAGES, ROOT / "README.md", *sorted((DOCS / "decisions").glob("*.md"))]
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```$", re.M | re.S
)
_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#+) (.+)$", re.M)
_CELLS_END = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\|( *:?-+:? *\|)+")
_COMMAND = re.compile(r"(sudo |env |[A-Z_]+=\S+ )*escalator(?= )")
_SUBSTITUTION = re.compile(r"\$\([^)]*\)")
_JOINTS = frozenset({"|", "||", "&&", ";", ">", ">>", "<", "&"})


@dataclass(frozen=True)
class Block:
    """A fenced block. `shape` is what the comment before it says that it shows."""

    page: str
    line: int
    language: str
    text: str
    shape: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Table:
    """A table: the heading it stands under, its head, and each row as a mapping of head to cell."""

    under: str
    head: tuple[str, ...]
    rows: tuple[dict[str, str], ...]


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def words_in_code(text: str) -> list[str]:
    """Everything that stands in backticks."""
    return _CODE.findall(text)


def blocks(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        before = text[: match.start()]
        shape = re.search(r"<!-- shape: (\w+) -->\n$", before)
        indent = match["indent"]
        body = re.sub(rf"^{indent}", "", match["body"], flags=re.M)
        line = before.count("\n") + 1
        found.append(Block(path.name, line, match["language"], body, shape[1] if shape else ""))
    return found


def all_blocks(*languages: str) -> list[Block]:
    return [one for path in READ for one in blocks(path) if one.language in languages]


def prose(text: str) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", text)


def links(path: Path) -> list[str]:
    return _LINK.findall(prose(path.read_text(encoding="utf-8")))


def anchors(path: Path) -> set[str]:
    """The fragments of a page's headings, as the usual renderers make them."""
    headings = _HEADING.findall(prose(path.read_text(encoding="utf-8")))
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for _, title in headings)
    return {title.replace(" ", "-") for title in plain}


def tables(text: str) -> list[Table]:
    found: list[Table] = []
    under, head, rows = "", (), []
    for line in [*prose(text).splitlines(), ""]:
        if heading := _HEADING.match(line):
            under = heading[2]
        if line.startswith("|"):
            cells = tuple(cell.strip() for cell in _CELLS_END.split(line)[1:-1])
            if not head:
                head = cells
            elif not _RULE.fullmatch(line):
                assert len(cells) == len(head), f"a row of another width: {line}"
                rows.append(dict(zip(head, cells, strict=True)))
        elif head:
            found.append(Table(under, head, tuple(rows)))
            head, rows = (), []
    return found


def table_of(text: str, *head: str) -> list[Table]:
    """The tables whose heads begin so."""
    return [one for one in tables(text) if one.head[: len(head)] == head]


def command_lines(path: Path) -> list[tuple[str, list[str]]]:
    """Each `escalator …` that the page has somebody type: where it stands, and the words after `escalator`."""
    found = []
    for block in blocks(path):
        if block.language == "sh":
            text = block.text.replace("\\\n", " ")
            found += [(str(block), words) for line in text.splitlines() if (words := _typed(line))]
    for code in words_in_code(prose(path.read_text(encoding="utf-8"))):
        if (words := _typed(code)) and "…" not in code:
            found.append((f"{path.name}: {code}", words))
    return found


def _typed(line: str) -> list[str]:
    """The words after `escalator`, up to whatever the shell does with its output; none for another command."""
    command = _COMMAND.match(line)
    if command is None:
        return []
    rest = _SUBSTITUTION.sub("what-it-says", line[command.end() :])
    splitter = shlex.shlex(rest, posix=True, punctuation_chars=True)
    splitter.whitespace_split = True
    words = list(splitter)
    end = next((index for index, word in enumerate(words) if word in _JOINTS), len(words))
    return words[:end]
