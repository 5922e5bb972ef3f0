"""The list of planted faults stays true to the code, so that `make planted` can be run at any time."""

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
spec = importlib.util.spec_from_file_location("planted_faults", HERE / "faults.py")
assert spec is not None
assert spec.loader is not None
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)


@pytest.mark.parametrize("fault", module.FAULTS, ids=lambda fault: fault.what)
def test_a_fault_can_be_planted(fault):
    assert fault.old in (ROOT / fault.file).read_text()
    assert fault.new != fault.old
    assert all((ROOT / one).exists() for one in fault.tests.split())


def test_there_are_enough_of_them():
    assert len({fault.what for fault in module.FAULTS}) == len(module.FAULTS) >= 25
