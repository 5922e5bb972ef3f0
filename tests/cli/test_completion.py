"""Completing a word in the shell: every verb and what is below it, and at once."""

import os
import subprocess
import sys

import pytest

from escalator.cli import VERBS


def completed(words, **environ):
    """What the shell is offered for the last of these words."""
    code = (
        "import sys; from escalator.cli import main\n"
        "try: main(prog_name='escalator')\n"
        "finally: print(*sorted({'pydantic', 'aiohttp'} & set(sys.modules)), file=sys.stderr)"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "_ESCALATOR_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
            **environ,
        },
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_given_its_script(shell):
    given = completed("", _ESCALATOR_COMPLETE=f"{shell}_source")

    assert given.returncode == 0
    assert f"_ESCALATOR_COMPLETE={shell}_complete" in given.stdout


def test_every_verb_is_offered():
    offered = completed("escalator ").stdout.split()

    assert {f"plain,{verb}" for verb in VERBS} <= set(offered)


def test_what_is_below_a_verb_is_offered_without_waiting_for_the_config_to_load():
    given = completed("escalator incidents re")

    assert given.stdout.split() == ["plain,resolve"]
    assert given.stderr.strip() == ""
