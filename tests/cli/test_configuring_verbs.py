"""The command line about the config file, run as people run it; exit codes are part of the promise (C2)."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from escalator.cli import VERBS, main
from escalator.cli.options import daemon

ROOT = Path(__file__).parents[2]
MINIMAL = str(ROOT / "config" / "minimal.yml")
BAD = str(ROOT / "tests" / "configs" / "bad" / "several-faults.yml")


@pytest.fixture
def run():
    def invoke(*arguments, **environ):
        return CliRunner().invoke(main, list(arguments), env=environ)

    return invoke


def test_a_config_that_loads_is_summed_up_with_its_warnings(run):
    result = run("check-config", "--without-secrets", MINIMAL)

    assert result.exit_code == 0
    *warnings, summary = result.stdout.splitlines()
    assert summary == f"{MINIMAL}: 2 people, 1 policy, 0 routes, 1 receiver"
    assert [line.split(": ")[2] for line in warnings] == ["warning", "warning"]
    assert result.stderr == ""


def test_a_config_that_does_not_load_exits_78_with_everything_on_stderr(run):
    result = run("check-config", BAD, TOKEN="t")

    assert result.exit_code == 78
    assert result.stdout == ""
    *errors, summary = result.stderr.splitlines()
    assert len(errors) == 6
    assert errors[0].startswith(f"{BAD}:2:13: public_url: ")
    assert summary == f"{BAD}: does not load, 6 errors"


def test_json_tells_the_same_to_programs(run):
    good = json.loads(run("check-config", MINIMAL, "--without-secrets", "-o", "json").stdout)
    bad = run("check-config", BAD, "-o", "json", TOKEN="t")

    assert good["ok"] is True
    assert good["found"] == {
        "people": 2,
        "schedules": 0,
        "policies": 1,
        "routes": 0,
        "receivers": 1,
    }
    assert {problem["severity"] for problem in good["problems"]} == {"warning"}
    assert bad.exit_code == 78
    told = json.loads(bad.stdout)
    assert told["ok"] is False
    assert told["problems"][0] == {
        "file": BAD,
        "line": 2,
        "column": 13,
        "path": "public_url",
        "message": "must begin with https://; http is for 127.0.0.1 and localhost only",
        "severity": "error",
    }


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        ((MINIMAL,), {}),
        (("-c", MINIMAL), {}),
        (("--config.file", MINIMAL), {}),
        ((), {"ESCALATOR_CONFIG_FILE": MINIMAL}),
        ((MINIMAL,), {"ESCALATOR_CONFIG_FILE": BAD}),
        (("-c", MINIMAL), {"ESCALATOR_CONFIG_FILE": BAD}),
        ((MINIMAL, "-c", MINIMAL), {}),
    ],
)
def test_the_file_is_an_argument_or_a_flag_or_in_the_environment(run, arguments, environ):
    result = run("check-config", "--without-secrets", *arguments, **environ)

    assert result.stdout.splitlines()[-1].startswith(f"{MINIMAL}: 2 people")


def test_two_different_files_are_a_mistake_in_usage(run):
    result = run("check-config", MINIMAL, "-c", BAD)

    assert result.exit_code == 2
    assert "give the config file once" in result.stderr


def test_show_prints_the_config_in_force(run):
    result = run("config", "show", MINIMAL, "--without-secrets")

    assert result.exit_code == 0
    assert "retention: 400d" in result.stdout
    assert "‹secret not read›" in result.stdout


def test_show_as_json(run):
    shown = json.loads(run("config", "show", MINIMAL, "--without-secrets", "-o", "json").stdout)

    assert shown["twilio"]["ring"] == "25s"


def test_a_config_that_does_not_load_ends_any_verb_with_78(run):
    result = run("config", "show", BAD, TOKEN="t")

    assert result.exit_code == 78
    assert f"{BAD}:2:13: public_url: " in result.stderr
    assert "Traceback" not in result.stderr


def test_schema_is_json(run):
    assert json.loads(run("config", "schema").stdout)["title"] == "escalator's config file"


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_the_verbs_that_are_there(run, flag):
    result = run(flag)

    assert result.exit_code == 0
    assert "check-config" in result.stdout


def test_a_mistyped_verb_is_met_with_the_one_that_was_meant(run):
    result = run("chekc-config")

    assert result.exit_code == 2
    assert "check-config" in result.stderr


def test_version_names_the_program(run):
    assert run("--version").stdout.startswith("escalator 0")


def test_help_loads_neither_the_model_nor_any_verb():
    code = (
        "import sys; from escalator.cli import main;"
        "main(['--help'], standalone_mode=False);"
        "heavy = {'pydantic', 'yaml', 'aiohttp', 'escalator.cli.configuring'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or None)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    assert "check-config" in result.stdout


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_is_listed_when_its_module_is_there_and_only_then(run, name):
    there = (ROOT / "escalator" / "cli" / f"{VERBS[name].module}.py").exists()

    listed = [line.split()[0] for line in run("-h").stdout.splitlines() if line.startswith("  ")]
    assert (name in listed) is there


def test_verbs_that_speak_to_the_daemon_share_their_options():
    @click.command()
    @daemon
    def verb(url, token_file):
        click.echo(f"{url} {token_file}")

    typed = CliRunner().invoke(verb, ["--url", "http://localhost:1", "--token.file", "t"])
    set_outside = CliRunner().invoke(
        verb, [], env={"ESCALATOR_URL": "http://localhost:2", "ESCALATOR_TOKEN_FILE": "u"}
    )

    assert typed.stdout == "http://localhost:1 t\n"
    assert set_outside.stdout == "http://localhost:2 u\n"


SCHEDULED = """
version: 1
public_url: https://pager.example.net
twilio: { account_sid: AC0123456789abcdef0123456789abcdef, auth_token: { env: TOKEN }, from: +15005550006 }
people: { ana: { phone: +491713920012 } }
schedules:
  primary:
    require_coverage: %s
    layers:
      - { rotate: { every: 1 week, starting: 2026-01-05 }, people: [ana], only: mon-sun 00:00-23:00 }
policies: { default: { steps: [{ call: primary }], fallback: ana } }
"""


def test_a_gap_is_a_warning_and_where_coverage_is_required_an_error(run, tmp_path):
    """(C7) Only when a person asks: a gap of next month must not keep a daemon from starting."""
    file = tmp_path / "escalator.yml"
    for required, exits in (("false", 0), ("true", 78)):
        file.write_text(SCHEDULED % required)
        result = run("check-config", str(file), "--without-secrets")
        assert result.exit_code == exits
        assert "nobody is on call" in result.output
        assert "more" in result.output
