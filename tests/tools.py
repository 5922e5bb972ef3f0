"""Programs from outside that some tests run, and what happens when one of them is not on this machine.

On a developer's machine such a test is skipped, with a word on how to have it. Where `ESCALATOR_TEST_REQUIRE_TOOLS` is
set (`.ci/run` sets it, after installing them) it fails: a check that nobody runs is worth nothing.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import NoReturn

import pytest

REQUIRE = "ESCALATOR_TEST_REQUIRE_TOOLS"


def require_tool(*names: str, environ: Mapping[str, str] = os.environ) -> str:
    """The path of the first of these programs that is installed. Without any the test is skipped, or fails.

    Give a program's other names as well, such as upstream's beside Debian's.
    """
    assert names, "name a program"
    for name in names:
        path = shutil.which(name, path=environ.get("PATH"))
        if path is not None:
            return path
    return _missing(
        f"needs {' or '.join(names)}, which is not installed; .ci/run installs it as root on Debian",
        environ,
    )


def require_mounts(environ: Mapping[str, str] = os.environ) -> str:
    """The path of `unshare`, where it can give a process a disk of its own without asking root."""
    path = require_tool("unshare", environ=environ)
    probe = [path, "--user", "--map-root-user", "--mount", "true"]
    if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return path
    return _missing("needs a kernel that lets everybody make user namespaces", environ)


def _missing(missing: str, environ: Mapping[str, str]) -> NoReturn:
    if environ.get(REQUIRE):
        pytest.fail(f"{missing} ({REQUIRE} is set, so this is no skip)")
    pytest.skip(missing)
