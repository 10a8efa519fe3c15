"""`make bench`: whole-process times of a poll, each beside a floor measured in the same run; the last lines are JSON.

Made data: a day of the seeded generator and a register of `BENCH_CUSTOMERS` (default 100 000) customers, five of them
debtors. The machine's noise is in both figures, so the ratio is what to compare.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from konkurs_pipeline.brreg.simulator.app import build_app
from konkurs_pipeline.brreg.simulator.generator import generate_notices
from konkurs_pipeline.brreg.simulator.population import random_account_no, random_fnr, random_orgnr, seeded
from konkurs_pipeline.brreg.simulator.server import running_simulator

DAY = dt.date(2024, 11, 14)
RUNS = 5
CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "100000"))


def main() -> None:
    """Measure and print."""
    notices = generate_notices(1, DAY - dt.timedelta(days=10), DAY)
    of_day = [notice for notice in notices if notice.registered_at.date() == DAY]
    with tempfile.TemporaryDirectory() as folder, running_simulator(build_app(notices), tls=None) as url:
        data = Path(folder)
        _write_register(data / "register", [notice.debtor_id for notice in of_day[:5]])
        floor = [
            sys.executable,
            "bench/floor.py",
            url,
            f"{DAY}T00:00:00.000Z",
            str(data / "c.parquet"),
            str(data / "o"),
        ]
        poll = [str(Path(sys.executable).with_name("konkurs")), "run", "--from", str(DAY), "--to", str(DAY)]
        environment = {**os.environ, "KONKURS_DATA_DIR": folder, "KONKURS_API_URL": url, "KONKURS_ENVIRONMENT": "demo"}
        first = _seconds(poll, environment)
        floors, polls = [], []
        for _ in range(RUNS):
            floors.append(_seconds(floor, environment))
            polls.append(_seconds(poll, environment))
    _print("first poll of a new store", [first], floors, len(of_day))
    _print("poll with nothing new", polls, floors, len(of_day))


def _write_register(folder: Path, debtors: Sequence[str]) -> None:
    folder.mkdir()
    rng = seeded(7)
    made = (random_orgnr(rng) if place % 2 else random_fnr(rng) for place in range(CUSTOMERS))
    ids = list(dict.fromkeys([*debtors, *made]))
    refs = [f"C{place}" for place in range(len(ids))]
    customers = pl.DataFrame({"customer_ref": refs, "national_id": ids, "former_ids": "", "name": ""})
    customers.write_csv(folder / "customers.csv")
    customers.sort("national_id").write_parquet(folder.parent / "c.parquet")
    numbers = [random_account_no(rng) for _ in ids]
    pl.DataFrame({"account_no": numbers, "customer_ref": refs, "relation": "owner", "is_blocked": "false"}).write_csv(
        folder / "accounts.csv"
    )


def _seconds(command: Sequence[str], environment: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)  # noqa: S603 -- our own programs
    return time.perf_counter() - began


def _print(name: str, seconds: Sequence[float], floors: Sequence[float], notices: int) -> None:
    median, floor = statistics.median(seconds), statistics.median(floors)
    figures = {"seconds": round(median, 2), "floor_seconds": round(floor, 2), "ratio": round(median / floor, 1)}
    said = {"measurement": name, "customers": CUSTOMERS, "notices_of_day": notices, "runs": len(seconds), **figures}
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
