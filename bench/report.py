"""Prints one JSON object for each measurement on stdout, and progress on stderr."""

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
    """Print a measurement. With `floor`: also the ratio to it, beside `goal`, the largest ratio wanted.

    `beside`: names the floor if it is not the floor script.
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
    """Print figures that are not a series of runs."""
    line = {"measurement": name, **values, "load": round(os.getloadavg()[0], 1)}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def progress(text: str) -> None:
    """Print what is under way."""
    sys.stderr.write(f"bench: {text}\n")


def _spread(seconds: list[float]) -> dict[str, float]:
    return {"min": _short(min(seconds)), "median": _short(statistics.median(seconds)), "max": _short(max(seconds))}


def _short(number: float) -> float:
    return float(f"{number:.3g}")
