"""`make soak SEEDS=…`: dozens of bank-years on every core. It prints the figures and fails if a fault was found.

python -m tests.simulation.soak --seeds 20 --first-seed 1 --days 365
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.simulation.figures import Figures

# Syncs to memory take no time, and a simulated kill does not depend on a disk.
_MEMORY = Path("/dev/shm")  # noqa: S108 -- each year has a folder of its own there


def live_through(seed: int, days: int, trouble: float, kept_days: int | None) -> tuple[int, Figures]:
    """Simulate one seed in a folder of its own."""
    from tests.simulation.bank_year import BankYear  # noqa: PLC0415 -- polars reads its thread count when it is imported

    folder = Path(tempfile.mkdtemp(prefix="konkurs-soak-", dir=_MEMORY if _MEMORY.is_dir() else None))
    year = BankYear(seed, folder, days, trouble=trouble, kept_days=kept_days)
    try:
        return seed, year.run()
    except Exception:  # noqa: BLE001 -- any error that ends a year is a finding
        year.figures.wrong.append(f"the year broke off: {traceback.format_exc()}")
        return seed, year.figures
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run the seeds; returns 1 if anything was lost, doubled, wrong or leaked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--trouble", type=float, default=1.0, help="how many times as much goes wrong")
    parser.add_argument("--kept-days", type=int, help="erase every night what ended so many days ago")
    asked = parser.parse_args()
    # There is one process a core, so one thread a process.
    os.environ["POLARS_MAX_THREADS"] = "1"
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    total, began, failing = Figures(), time.monotonic(), list[int]()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for done in as_completed(
            [pool.submit(partial(live_through, seed, asked.days, asked.trouble, asked.kept_days)) for seed in seeds]
        ):
            seed, figures = done.result()
            total.add(figures)
            failing += [seed] if figures.failures() else []
            for line in figures.failures():
                sys.stderr.write(f"seed {seed}: {line}\n")
            sys.stderr.write(f"seed {seed} done, {total.bank_years:.1f} bank-years, {time.monotonic() - began:.0f} s\n")
    sys.stdout.write("\n".join([*total.lines(), f"failing seeds: {sorted(failing) or 'none'}", ""]))
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
