"""The house rules as tests. There is no list of exceptions: who needs one changes the rule, by a decision record."""

import re
import tomllib
from pathlib import Path

import pytest
from house_rules import (
    FUNCTION_LINES_MAX,
    HTTPX_MODULE,
    MODULE_LINES_MAX,
    NESTING_MAX,
    VAGUE_NAMES,
    Rule,
    has_bare_waivers,
    has_deep_nesting,
    has_long_functions,
    has_many_parameters,
    has_no_docstring,
    has_unfinished_business,
    has_vague_class_names,
    imports_httpx,
    imports_impurity,
    is_too_long,
    replaces_code,
    skips,
    words_of,
)

ROOT = Path(__file__).parents[1]
CODE = sorted((ROOT / "escalator").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
DECISIONS_FOLDER = ROOT / "docs" / "decisions"
DECISIONS = sorted(DECISIONS_FOLDER.glob("[0-9]*.md"))

TOP_LEVEL = {
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "config",
    "docs",
    "escalator",
    "pyproject.toml",
    "systemd",
    "tests",
    "uv.lock",
}
MADE_BY_TOOLS = {"build", "dist", "__pycache__"}


def keep(paths: list[Path], rule: Rule) -> None:
    """Fail with every place where the rule is not kept."""
    assert paths, "no module to look at"
    found = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in paths
        for line, what in rule(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n" + "\n".join(found)


# ---- what must hold


@pytest.mark.parametrize(
    "rule",
    [
        is_too_long,
        has_no_docstring,
        has_long_functions,
        has_many_parameters,
        has_deep_nesting,
        has_vague_class_names,
        has_unfinished_business,
        has_bare_waivers,
    ],
    ids=lambda rule: rule.__name__,
)
def test_no_module_of_the_program(rule):
    keep(CODE, rule)


@pytest.mark.parametrize(
    "rule",
    [replaces_code, has_unfinished_business, has_long_functions, has_bare_waivers],
    ids=lambda rule: rule.__name__,
)
def test_no_module_of_the_tests(rule):
    keep(TESTS, rule)


def test_no_test_is_skipped_but_for_a_missing_tool():
    tools = ROOT / "tests" / "tools.py"

    keep([path for path in TESTS if path != tools], skips)


def test_no_module_of_escalation_knows_more_than_values():
    keep([path for path in CODE if "escalation" in path.parts], imports_impurity)


def test_no_module_but_one_knows_httpx():
    keep([path for path in CODE if path != ROOT / HTTPX_MODULE], imports_httpx)


def test_no_file_is_named_for_a_drawer():
    vague = [path for path in (*CODE, *TESTS) if VAGUE_NAMES & set(words_of(path.stem))]

    assert vague == []


def test_every_part_of_the_program_has_its_layer():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = " | ".join(settings["contracts"][0]["layers"]).split(" | ")
    parts = {path.relative_to(ROOT / "escalator").parts[0].removesuffix(".py") for path in CODE}

    assert {f"escalator.{part}" for part in parts - {"__init__", "__main__"}} == set(layers)


def test_the_top_level_holds_what_it_should_and_no_more():
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}

    assert {name for name in names - MADE_BY_TOOLS if not name.endswith(".egg-info")} == TOP_LEVEL


@pytest.mark.parametrize("record", DECISIONS, ids=lambda record: record.name[:4])
def test_a_decision_fills_one_page_and_is_in_the_index(record):
    text = record.read_text(encoding="utf-8")
    index = (DECISIONS_FOLDER / "README.md").read_text(encoding="utf-8")
    heads = ["## Question", "## Options", "## Choice", "## What would make us change it"]

    assert [line for line in text.splitlines() if line.startswith("## ")] == heads
    assert re.match(rf"# {record.name[:4]} .+\n\n- Status: .+\n- Date: \d{{4}}-\d\d-\d\d\n", text)
    assert text.count("- Plus: ") == text.count("- Minus: ") >= 2
    assert len(text.splitlines()) <= 60
    assert f"]({record.name})" in index


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(record.name[:4]) for record in DECISIONS]

    assert numbers == list(range(1, len(DECISIONS) + 1))


# ---- the rules can tell


def nested(depth: int, indent: str = "    ") -> str:
    lines = [f"{indent * level}if x:" for level in range(1, depth + 1)]
    return "\n".join(["def f(x):", *lines, f"{indent * (depth + 1)}pass"])


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (is_too_long, "x = 1\n" * (MODULE_LINES_MAX + 1)),
        (has_no_docstring, "x = 1"),
        (has_long_functions, "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX),
        (has_many_parameters, "def f(a, b, /, c, d, e, g): ..."),
        (has_many_parameters, "class C:\n    async def f(self, a, b, c, d, e, g): ..."),
        (has_deep_nesting, nested(NESTING_MAX + 1)),
        (
            has_deep_nesting,
            "def f():\n try:\n  with a:\n   match b:\n    case 1:\n     for c in d: ...\n finally: ...",
        ),
        (has_vague_class_names, "class CallManager: ..."),
        (has_vague_class_names, "class BaseStore: ..."),
        (has_unfinished_business, f"x = 1  # {'TO' + 'DO'}: say why"),
        (has_bare_waivers, "import os  # noqa"),
        (has_bare_waivers, "import os  # noqa: F401"),
        (has_bare_waivers, "x = y  # type: ignore"),
        (has_bare_waivers, "x = y  # type: ignore[attr-defined]"),
        (replaces_code, "from unittest import mock"),
        (replaces_code, "import unittest.mock"),
        (replaces_code, "from unittest.mock import patch"),
        (replaces_code, "def test_x(mocker): ..."),
        (replaces_code, "monkeypatch.setattr(engine, 'CYCLE', 1)"),
        (skips, "pytest.skip('later')"),
        (skips, "@pytest.mark.skipif(True, reason='x')\ndef test_x(): ..."),
        (skips, "pytest.importorskip('bcrypt')"),
        (imports_impurity, "import uuid"),
        (imports_impurity, "from escalator.clock import Clock"),
        (imports_httpx, "from httpx import AsyncClient"),
    ],
)
def test_a_rule_sees_its_violation(rule, source):
    assert len(list(rule(source))) == 1


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (is_too_long, "x = 1\n" * MODULE_LINES_MAX),
        (has_long_functions, "def f():\n" + "    x = 1\n" * (FUNCTION_LINES_MAX - 1)),
        (has_many_parameters, "class C:\n    def f(self, a, b, c, d, e, *, g, h): ..."),
        (has_deep_nesting, nested(NESTING_MAX)),
        (
            has_deep_nesting,
            "def f(x):\n if x: ...\n elif x: ...\n elif x: ...\n elif x: ...\n elif x: ...",
        ),
        (has_vague_class_names, "class Baseline: ..."),
        (has_bare_waivers, "import os  # noqa: F401, E402 - re-exported here"),
        (has_bare_waivers, "x = y  # type: ignore[attr-defined] # the stubs lack it"),
        (replaces_code, "monkeypatch.setenv('HTTP_PROXY', 'x')"),
        (imports_impurity, "from escalator.escalation.rules import Rules"),
        (imports_httpx, "import aiohttp"),
    ],
)
def test_a_rule_lets_pass_what_keeps_it(rule, source):
    assert list(rule(source)) == []
