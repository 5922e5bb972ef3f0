"""The page of promises names tests that are there, and that bear the name of what they show."""

import re
from pathlib import Path

import pytest
from manual import DOCS, ROOT, tables

TESTS = Path(__file__).parents[1]
PAGE = DOCS / "promises.md"
HEAD = ("id", "what goes wrong", "what escalator does", "shown by")
ROWS = [row for table in tables(PAGE.read_text(encoding="utf-8")) for row in table.rows]
CLASSES = {"K": 22, "D": 13, "T": 10, "W": 32, "L": 11, "X": 20, "C": 13, "G": 4}
NOT_YET = "Not yet"


def files_of(row):
    return re.findall(r"`(tests/[^`]+\.py)`", row["shown by"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_each_promise_is_shown_by_tests_that_bear_its_name_or_is_said_not_to_be_kept(row):
    files = files_of(row)
    missing = [
        name
        for name in files
        if not re.search(rf"\b{row['id']}\b", (ROOT / name).read_text(encoding="utf-8"))
    ]

    assert tuple(row) == HEAD
    assert missing == []
    assert files or row["what escalator does"].startswith(NOT_YET)
    assert bool(row["what goes wrong"]) <= bool(row["what escalator does"])


def test_every_kind_of_fault_is_there_once_and_in_order():
    wanted = [f"{kind}{number}" for kind, last in CLASSES.items() for number in range(1, last + 1)]

    assert [row["id"] for row in ROWS if not row["id"].startswith("H")] == wanted


def test_what_tests_call_a_promise_is_on_the_page():
    """An id in a test that nobody can look up is none."""
    known = {row["id"] for row in ROWS}
    cited = set()
    for path in TESTS.rglob("test_*.py"):
        for group in re.findall(r"\(((?:[KDTWLXCG]\d+(?:, | to )?)+)\)", path.read_text("utf-8")):
            cited.update(re.findall(r"[KDTWLXCG]\d+", group))

    assert cited - known == set()
    assert len(cited) > 100
