import pytest
from tools import REQUIRE, require_tool


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
