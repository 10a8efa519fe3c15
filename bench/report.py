"""What is printed: one JSON object a measurement, on stdout; what is under way, on stderr."""

from __future__ import annotations

import json
import os
import statistics
import sys
from typing import Any

from bench.processes import Series


def measurement(
    name: str,
    found: Series,
    floor: Series | None = None,
    goal: float | None = None,
    *,
    beside: str | None = None,
    **more: Any,
) -> None:
    """Print a measurement; with `floor`: as a ratio to it, held against `goal`, the largest that is wanted.

    `beside`: what the floor is, where it is not the floor script.
    """
    line: dict[str, Any] = {
        "measurement": name,
        "seconds": _spread(found.seconds),
        "cpu_seconds": _short(found.cpu_median),
    }
    if floor is not None:
        ratio = found.median / floor.median
        line |= {"floor_seconds": _short(floor.median), "floor_cpu_seconds": _short(floor.cpu_median)}
        line |= {"ratio": _short(ratio), "cpu_ratio": _short(found.cpu_median / max(floor.cpu_median, 1e-9))}
        line |= {"floor": beside} if beside else {}
        line |= {"goal": goal, "met": None if goal is None else ratio <= goal}
    elif goal is not None:
        line |= {"goal_seconds": goal, "met": found.median <= goal}
    if found.peak_mib:
        line["peak_mib"] = round(found.peak_mib)
    line |= {"runs": len(found.seconds), "load": round(os.getloadavg()[0], 1), **more}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def figures(name: str, **values: Any) -> None:
    """Print a measurement that is no series of runs."""
    line = {"measurement": name, **values, "load": round(os.getloadavg()[0], 1)}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def progress(text: str) -> None:
    """Say what is under way."""
    sys.stderr.write(f"bench: {text}\n")


def _spread(seconds: list[float]) -> dict[str, float]:
    return {"min": _short(min(seconds)), "median": _short(statistics.median(seconds)), "max": _short(max(seconds))}


def _short(number: float) -> float:
    return float(f"{number:.3g}")
