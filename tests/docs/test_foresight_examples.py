"""The commands of foresight.md print what the page shows, with the config that it shows."""

import re
import shlex
from itertools import pairwise

import pytest
from click.testing import CliRunner
from manual import DOCS, blocks

from escalator.cli import main
from escalator.foresight.explaining import RINGS_MAX
from escalator.foresight.imagined import Phones

BLOCKS = blocks(DOCS / "foresight.md")
[CONFIG] = [one for one in BLOCKS if one.language == "yaml"]
EXAMPLES = [
    (asked, answered)
    for asked, answered in pairwise(BLOCKS)
    if asked.language == "sh" and answered.language == "text"
]


def test_every_block_is_the_config_or_part_of_an_example():
    assert len(BLOCKS) == 1 + 2 * len(EXAMPLES)
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize(("asked", "answered"), EXAMPLES, ids=[str(one) for one, _ in EXAMPLES])
def test_a_command_prints_what_is_shown(asked, answered, tmp_path):
    file = tmp_path / "escalator.yml"
    file.write_text(CONFIG.text, encoding="utf-8")
    name, *words = shlex.split(asked.text)
    assert name == "escalator"

    done = CliRunner().invoke(main, [*words, "--offline"], env={"ESCALATOR_CONFIG_FILE": str(file)})

    assert done.exit_code == 0, done.output
    assert done.stdout == answered.text


def test_the_ring_time_and_the_bound_are_those_of_the_program():
    text = (DOCS / "foresight.md").read_text(encoding="utf-8")

    assert f"({Phones().ring.seconds} seconds)" in text
    assert re.search(rf"After {RINGS_MAX} calls", text)
