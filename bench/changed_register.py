"""Taking in the register: a changed file is read and judged, an unchanged one is recognised by size, times and hash.

`unchanged` measures the recognition only. A poll also checks the hashes of its snapshot; that is in the poll's figures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from bench.processes import Series, run_script
from bench.report import measurement, progress
from bench.scale import Scale
from bench.stores import Case

CHANGED_GOAL_S: Final = 30.0
UNCHANGED_GOAL_S: Final = 0.05


def measure(folder: Path, scale: Scale) -> None:
    """Measure and print."""
    case = Case(folder, scale.years, scale.customers)
    environ = case.environ("http://127.0.0.1:1")
    changed, unchanged = Series(), Series()
    progress(f"taking in a register of {case.customers} customers")
    for _ in range(min(scale.runs, 3)):
        case.start_empty()
        for series in (changed, unchanged):
            ran = run_script("intake", [], environ)
            if ran.printed["is_new"] is not (series is changed) or ran.printed["refusal"]:
                message = f"the register was not taken in as expected: {ran.stdout}"
                raise RuntimeError(message)
            series.add_own(ran)
    size: dict[str, Any] = {"customers": case.customers, "accounts": case.customers * 12 // 10}
    measurement("register: changed", changed, goal=CHANGED_GOAL_S, **size)
    measurement("register: unchanged", unchanged, goal=UNCHANGED_GOAL_S, **size)
