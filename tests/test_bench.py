"""`make bench` runs: each measurement that needs no daemon, with few customers, prints its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[1]
# How many lines each prints.
MEASUREMENTS: Final = {"imports": 1, "register": 1, "poll": 12, "analysts": 1, "erasure": 3}


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_measurement_prints_its_figures(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("KONKURS_", "DAGSTER_"))}
    environ |= {"SCALE": "tiny", "BENCH_DATA": str(tmp_path)}
    ended = subprocess.run(  # noqa: S603 -- our own bench
        [sys.executable, "-m", "bench", *MEASUREMENTS],
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        check=False,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    figures = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(figures) >= sum(MEASUREMENTS.values())
    assert all(figure["seconds"] for figure in figures if "seconds" in figure)
    assert {figure["measurement"].partition(":")[0] for figure in figures} >= {"poll", "erasure"}
