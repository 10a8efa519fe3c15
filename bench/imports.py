"""Start-up time: what `konkurs run` imports, and the largest packages, by Python's own clock (`-X importtime`)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from bench.processes import Series, run
from bench.report import measurement, progress
from bench.scale import Scale
from bench.stores import Case

_LINE: Final = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| +(\S+)")
_COMMAND: Final = "import konkurs_pipeline.cli.poll.run"
_MOST: Final = 12


def measure(folder: Path, scale: Scale) -> None:
    """Measure and print a process that only imports, beside an interpreter that imports nothing."""
    environ = Case(folder, scale.years, scale.customers).environ("http://127.0.0.1:1")
    found, floor = Series(), Series()
    progress("importing")
    for _ in range(max(scale.runs, 3)):
        floor.add_run(run([sys.executable, "-c", "pass"], environ))
        found.add_run(run([sys.executable, "-c", _COMMAND], environ))
    measurement("imports of `konkurs run`", found, floor, largest_ms=_by_package())


def _by_package() -> dict[str, int]:
    """Return the milliseconds of the largest packages. What a package imports of others is not counted."""
    command = [sys.executable, "-X", "importtime", "-c", _COMMAND]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr  # noqa: S603 -- this interpreter
    took: Counter[str] = Counter()
    for alone, _, name in _LINE.findall(said):
        took[name.split(".")[0]] += int(alone)
    return {name: round(micros / 1000) for name, micros in took.most_common(_MOST)}
