"""Every module of the core has its tests, under its own name."""

from pathlib import Path

import escalator.escalation

CODE = Path(escalator.escalation.__file__).parent
TESTS = Path(__file__).parent
# A test file's name must be its own in the whole of tests/, so the twins have first choice.


def test_no_module_of_the_core_lacks_its_twin():
    modules = {path.stem for path in CODE.glob("*.py")} - {"__init__"}
    twins = {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")} - {"twins"}

    assert twins == modules
