"""No check is skipped unseen: a skip is for a missing program, and CI has them all."""

import re
from pathlib import Path

import pytest
from tools import REQUIRE, require_mounts, require_tool

TESTS = Path(__file__).parent
CI = (TESTS.parent / ".ci" / "run").read_text()


@pytest.fixture
def environ(tmp_path):
    """A machine that has one program only."""
    program = tmp_path / "amtool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return {"PATH": str(tmp_path)}


def test_a_tool_that_is_installed_is_found_by_any_of_its_names(environ):
    assert require_tool("amtool", environ=environ) == f"{environ['PATH']}/amtool"
    assert require_tool("prometheus-amtool", "amtool", environ=environ).endswith("/amtool")


def test_a_missing_tool_skips_and_says_what_is_missing(environ):
    with pytest.raises(pytest.skip.Exception, match="needs promtool or prometheus, which is not"):
        require_tool("promtool", "prometheus", environ=environ)


def test_a_missing_tool_fails_where_tools_are_required(environ):
    with pytest.raises(pytest.fail.Exception, match="needs promtool"):
        require_tool("promtool", environ={**environ, REQUIRE: "1"})


def test_a_kernel_without_user_namespaces_is_treated_as_a_missing_tool(environ, tmp_path):
    unshare = tmp_path / "unshare"
    unshare.write_text("#!/bin/sh\nexit 1\n")
    unshare.chmod(0o755)

    with pytest.raises(pytest.skip.Exception, match="user namespaces"):
        require_mounts(environ)
    with pytest.raises(pytest.fail.Exception, match="user namespaces"):
        require_mounts({**environ, REQUIRE: "1"})


def test_ci_has_every_program_that_a_test_asks_for_and_fails_without():
    installed = set(re.findall(r"^  ([a-z-]+):[a-z-]+$", CI, re.M))
    asked = [
        re.findall(r'"([^"]+)"', names)
        for file in TESTS.rglob("*.py")
        if file.name != Path(__file__).name
        for names in re.findall(r"require_tool\(((?:\"[^\"]+\"(?:, )?)+)", file.read_text())
    ]

    assert len(asked) > 5
    assert [names for names in asked if not installed.intersection(names)] == []
    assert f"export {REQUIRE}=1" in CI
