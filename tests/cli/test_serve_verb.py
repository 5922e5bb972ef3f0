"""`escalator serve` when it cannot begin: one sentence, and exit code 1."""

import socket
import subprocess
import sys

import pytest


@pytest.mark.acceptance
def test_a_port_that_is_taken_is_told_in_a_sentence(house, tmp_path):
    text = house.config.read_text()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        (tmp_path / "escalator.yml").write_text(text.replace(house.url.rpartition(":")[2], port))
        for name in ("auth-token", "laptop.token", "prod.token", "grafana.password", "ci.secret"):
            (tmp_path / name).write_text("secret-for-tests")
        # The public port is the running daemon's: whichever is tried first is taken.
        result = serve(tmp_path)

    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("escalator: ")
    assert "address already in use" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


@pytest.mark.acceptance
def test_a_second_daemon_on_one_database_stops_and_names_the_first(house):
    result = serve(house.folder)

    assert result.returncode == 1
    assert f"held by the escalator with pid {house.pid}" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def serve(folder):
    return subprocess.run(
        [sys.executable, "-m", "escalator", "serve", "-c", folder / "escalator.yml"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
