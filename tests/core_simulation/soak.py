"""`make soak-core`: a thousand bank-years of the pure core. It fails if a row is lost, doubled or wrong.

python -m tests.core_simulation.soak --seeds 1000 --first-seed 1
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.core_simulation.met import Met


def live_through(seed: int) -> tuple[Met, list[str]]:
    """Simulate one seed."""
    from tests.core_simulation.core_year import CoreYear  # noqa: PLC0415 -- polars reads its thread count at import

    # The garbage collector takes a tenth of the time: once a year is enough.
    gc.collect()
    gc.disable()
    year = CoreYear(seed)
    return year.run(), year.failures


def main() -> int:
    """Run the seeds; returns 1 if anything was lost, doubled or wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="stop after so many, and say what was met by then"
    )
    asked = parser.parse_args()
    os.environ["POLARS_MAX_THREADS"] = "1"
    total, found, began = Met(), list[str](), time.monotonic()
    with ProcessPoolExecutor(asked.processes, mp_context=get_context("spawn")) as pool:
        seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
        for number, (met, failures) in enumerate(pool.map(live_through, seeds), start=1):
            total.add(met)
            found += failures
            if number % 20 == 0 or failures:
                sys.stderr.write(f"{number} bank-years, {time.monotonic() - began:.0f} s, found {len(found)}\n")
            if time.monotonic() - began > asked.minutes * 60:
                pool.shutdown(wait=False, cancel_futures=True)
                break
    lines = [*total.lines(), *found[:50], f"lost, doubled or wrong: {len(found)}, {time.monotonic() - began:.0f} s", ""]
    sys.stdout.write("\n".join(lines))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
