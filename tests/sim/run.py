"""`make simulate`: many worlds, one seed each, and what they went through.

python tests/sim/run.py --seeds 500 [--first 1]    the seeds from the first on
python tests/sim/run.py --seed 1234 --trace        one world, told as it went
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from storm import SeedBroken, simulate

FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> int:
    """Run the seeds asked for. Exits 1 when one of them shows a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seconds", type=float, help="stop after so long")
    parser.add_argument("--trace", action="store_true")
    asked = parser.parse_args()
    seeds = [asked.seed] if asked.seed else range(asked.first, asked.first + asked.seeds)
    began, total, broken = time.monotonic(), Counter(), []
    for seed in seeds:
        if asked.seconds and time.monotonic() - began > asked.seconds:
            break
        with tempfile.TemporaryDirectory(dir=FAST) as folder:
            try:
                report = simulate(seed, Path(folder))
            except SeedBroken as error:
                broken.append(seed)
                print(error, flush=True)
                continue
        total.update(worlds=1, crashes=report.crashes, calls=report.calls, **report.faults)
        if asked.trace:
            print(*report.trace, sep="\n")
    seconds = time.monotonic() - began
    print(
        f"{seconds:.0f} s; "
        + ", ".join(f"{name}: {count}" for name, count in sorted(total.items()))
    )
    print(f"broken seeds: {broken or 'none'}")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
