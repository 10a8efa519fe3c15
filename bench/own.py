"""The pipeline's own part: the job's steps in their order, in one process without Dagster, timed after the imports.

    python -m bench.own FIRST_DAY LAST_DAY [PROFILE]

Settings come from the environment, as everywhere. Prints one JSON object: seconds, CPU seconds, and both by step. With
PROFILE, Python's profile (CPU time) is written to that file.
"""

from __future__ import annotations

import cProfile
import datetime as dt
import json
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.poll import Poll, conducted
from konkurs_pipeline.steps.sequence import run_steps
from konkurs_pipeline.storage.dataset_map import load_dataset_map
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import layout_of, open_store


class Stopwatch:
    """Wall and CPU seconds by step."""

    def __init__(self) -> None:
        self.by_step: dict[str, tuple[float, float]] = {}
        self._began: tuple[str, float, float] | None = None

    def begin(self, what: str, done: int, total: int | None) -> None:
        """Start timing a step; this ends the step before it."""
        if (done, total) != (0, None):
            return
        now, cpu = time.perf_counter(), time.process_time()
        if self._began:
            name, began, began_cpu = self._began
            self.by_step[name] = (now - began, cpu - began_cpu)
        self._began = what, now, cpu

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the body of the `with` block."""
        began, cpu = time.perf_counter(), time.process_time()
        yield
        self.by_step[name] = (time.perf_counter() - began, time.process_time() - cpu)


def poll(first: dt.date, last: dt.date) -> dict[str, Any]:
    """Poll; return the times and the counts."""
    watch = Stopwatch()
    settings = load_settings()
    window = settings.calendar.window(first, last, lookback=settings.lookback_workdays)
    fields, run_id = load_dataset_map(settings.dataset_map), str(uuid.uuid4())
    with (
        watch.step("all"),
        open_store(settings) as store,
        conducted(of := Poll(run_id, window, settings, store, fields=fields, progress=watch.begin)),
    ):
        run_steps(of)
        watch.begin("after the steps", 0, None)
    (seconds, cpu_seconds), *_ = (watch.by_step.pop("all"),)
    steps = {name: [round(part, 4) for part in took] for name, took in watch.by_step.items()}
    (poll_row,) = Published(layout_of(settings)).read("polls").filter(pl.col("run_id") == run_id).to_dicts()
    found = {name: poll_row[name] for name in ("outcome", "notices_new", "detail")}
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "steps": steps, **found}


def main() -> None:
    """Poll the days given, and print."""
    first, last = (dt.date.fromisoformat(day) for day in sys.argv[1:3])
    if len(sys.argv) > 3:  # noqa: PLR2004 -- the profile's file
        profile = cProfile.Profile(time.process_time)
        said = profile.runcall(poll, first, last)
        profile.dump_stats(sys.argv[3])
    else:
        said = poll(first, last)
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
