"""`make planted`: plant each fault in a copy of the tree, and expect the tests to see it. Prints the score."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from faults import FAULTS, Fault

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".venv", ".git", "__pycache__", ".*_cache", ".hypothesis", "dist", "build"
)
SECONDS_MAX = 240


def is_seen(fault: Fault, tree: Path) -> bool:
    """Whether the tests fail with this fault in the tree. The tree is as before afterwards."""
    file = tree / fault.file
    sound = file.read_text()
    assert sound.count(fault.old) >= 1, f"{fault.what}: {fault.file} reads otherwise now"
    file.write_text(sound.replace(fault.old, fault.new))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        *fault.tests.split(),
    ]
    try:
        # The daemons that tests start must be those of the copy, too.
        environ = {**os.environ, "PYTHONPATH": str(tree)}
        ended = subprocess.run(
            command, cwd=tree, env=environ, capture_output=True, timeout=SECONDS_MAX
        )
    except subprocess.TimeoutExpired:
        return True
    finally:
        file.write_text(sound)
    return ended.returncode == 1


def main() -> None:
    """Plant all, or those whose description holds a word."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "word", nargs="?", default="", help="only faults whose description holds this"
    )
    chosen = [fault for fault in FAULTS if parser.parse_args().word in fault.what]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
        missed = []
        for fault in chosen:
            seen = is_seen(fault, tree)
            print(f"{'seen  ' if seen else 'MISSED'}  {fault.what}", flush=True)
            if not seen:
                missed.append(fault)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} planted faults were seen")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
