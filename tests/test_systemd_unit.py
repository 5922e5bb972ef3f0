"""The unit that operators install: it restarts, it is watched, it may do little, and it fits the program."""

import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from tools import require_tool

from escalator.app import POSTS_PATIENCE_SECONDS, SHUTDOWN_SECONDS
from escalator.cli import CONFIG_EXIT, VERBS
from escalator.engine import CYCLE

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "systemd" / "escalator.service"
# In tenths, as systemd-analyze counts: 1.1 is what a daemon that speaks to the network can reach.
EXPOSURE_MAX = 12
SPAN = re.compile(r"(\d+)(min|s)")


@pytest.fixture(scope="module")
def unit() -> dict[str, list[str]]:
    """Every setting of the unit with its values, in order."""
    settings: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            name, value = line.split("=", 1)
            settings.setdefault(name, []).append(value)
    return settings


def span(text: str) -> timedelta:
    number, of = SPAN.fullmatch(text).groups()
    return timedelta(**{"min": {"minutes": int(number)}, "s": {"seconds": int(number)}}[of])


def test_it_is_started_again_whatever_happened_and_for_ever(unit):
    assert unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert span(unit["RestartSec"][0]) <= timedelta(seconds=2)


def test_only_a_config_that_does_not_load_ends_the_trying(unit):
    assert unit["RestartPreventExitStatus"] == [str(CONFIG_EXIT)]


def test_the_watchdog_bears_one_missed_cycle_and_no_three(unit):
    """(K19) The engine feeds it once a cycle; a stuck one is killed within 30 seconds."""
    assert unit["Type"] == ["notify"]
    assert 2 * CYCLE < span(unit["WatchdogSec"][0]) <= timedelta(seconds=30)


def test_a_stop_has_time_to_end_in_order(unit):
    """(K16) The POSTs under way, then each listener, which a stubborn request holds up twice."""
    listeners = 2 * 2 * SHUTDOWN_SECONDS

    assert span(unit["TimeoutStopSec"][0]) > timedelta(seconds=POSTS_PATIENCE_SECONDS + listeners)


def test_it_starts_the_verb_that_there_is_with_the_usual_config(unit):
    [command] = unit["ExecStart"]

    assert command == "/usr/bin/escalator serve --config.file=/etc/escalator/escalator.yml"
    assert "serve" in VERBS


def test_it_starts_offline(unit):
    """(T3) It comes after network and time, and requires neither."""
    assert not {"Requires", "BindsTo", "Requisite", "PartOf"} & set(unit)
    assert "network-online.target" in unit["After"][0].split()


def test_its_secret_is_the_one_that_the_example_config_asks_for(unit):
    example = (ROOT / "config" / "complete.yml").read_text(encoding="utf-8")
    names = [credential.split(":")[0] for credential in unit["LoadCredential"]]

    assert names
    assert all(f"credential: {name} }}" in example for name in names)


def test_no_secret_stands_where_everybody_can_read_it(unit):
    """(X6) The environment and the command line of a service are no secrets."""
    assert not {"Environment", "EnvironmentFile", "PassEnvironment"} & set(unit)
    assert unit["LimitCORE"] == ["0"]


def test_the_database_is_where_the_config_looks_for_it(unit):
    assert unit["StateDirectory"] == ["escalator"]
    assert unit["StateDirectoryMode"] == ["0700"]


def test_process_metrics_stay_readable(unit):
    """Without /proc/stat the Prometheus client exports no process metrics at all."""
    assert "pid" not in unit.get("ProcSubset", [])


def test_no_setting_is_younger_than_debian_12(unit):
    """systemd 252: what came later is ignored there with a warning, which would be a false comfort."""
    younger = {"RestartSteps", "RestartMaxDelaySec", "MemoryPressureWatch", "ImportCredential"}

    assert unit["Type"] != ["notify-reload"]
    assert not younger & set(unit)


def test_its_exposure_is_as_low_as_measured():
    tool = require_tool("systemd-analyze")
    command = [tool, "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", str(UNIT)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


def test_systemd_understands_every_line(tmp_path):
    """On a copy that starts a program which is here, as /usr/bin/escalator need not be."""
    tool = require_tool("systemd-analyze")
    copy = tmp_path / UNIT.name
    text = re.sub(r"=/(usr/bin/escalator|bin/kill) ", "=/bin/sh ", UNIT.read_text(encoding="utf-8"))
    copy.write_text(text, encoding="utf-8")

    command = [tool, "verify", "--man=no", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    about_it = [line for line in done.stderr.splitlines() if UNIT.name in line or str(copy) in line]
    assert (done.returncode, about_it) == (0, [])
