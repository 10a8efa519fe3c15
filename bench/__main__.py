"""`python -m bench [MEASUREMENT …]`: run the measurements and print one JSON object for each.

Environment: `SCALE` (`default` or `full`; scale.py). `BENCH_DATA`: the folder that keeps generated data for the next bench.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from bench import analysts, backfill, changed_register, erasure, imports, poll, tick, time_to_file
from bench.scale import SCALES

# Cheap measurements run first.
_MEASUREMENTS = {
    "imports": imports.measure,
    "register": changed_register.measure,
    "poll": poll.measure,
    "analysts": analysts.measure,
    "erasure": erasure.measure,
    "backfill": backfill.measure,
    "tick": tick.measure,
    "time_to_file": time_to_file.measure,
}


def main() -> None:
    """Run the named measurements; without a name, all."""
    scale = SCALES.get(os.environ.get("SCALE") or "default")
    unknown = set(sys.argv[1:]) - _MEASUREMENTS.keys()
    if scale is None or unknown:
        sys.exit(f"SCALE is one of {', '.join(SCALES)}; measurements are {', '.join(_MEASUREMENTS)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(os.environ.get("BENCH_DATA") or temporary).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        for name, measure in _MEASUREMENTS.items():
            if name in sys.argv[1:] or not sys.argv[1:]:
                measure(folder, scale)


if __name__ == "__main__":
    main()
