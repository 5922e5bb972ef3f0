"""How every test runs. What only some tests need stands in the conftest of their own folder."""

from collections.abc import Generator

import pytest
from hypothesis import settings

# The same examples each time: a red run is red again. To look for new ones, let
# `pytest --hypothesis-profile=search` draw at random, for longer.
settings.register_profile("ci", derandomize=True, max_examples=100, deadline=None)
settings.register_profile("search", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile("ci")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Odd text in a captured log (lone surrogates) cannot be sent between processes, and would end a worker."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "replace").decode()) for name, text in report.sections
    ]
    return report
