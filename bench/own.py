"""The pipeline's own part: the job's steps in their order, in one process without Dagster, timed after the imports.

    python -m bench.own FIRST_DAY LAST_DAY [PROFILE]

Settings come from the environment, as everywhere. Prints one JSON object: seconds, CPU seconds, and both by step. With
PROFILE, Python's own profile of it (CPU time) is kept in that file.
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

from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.poll import Poll, conducted
from konkurs_pipeline.steps.sequence import STEPS
from konkurs_pipeline.storage.dataset_map import load_dataset_map
from konkurs_pipeline.storage.store import open_store


class Stopwatch:
    """Wall and CPU seconds by step."""

    def __init__(self) -> None:
        self.by_step: dict[str, tuple[float, float]] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done within."""
        began, cpu = time.perf_counter(), time.process_time()
        yield
        self.by_step[name] = (time.perf_counter() - began, time.process_time() - cpu)


def poll(first: dt.date, last: dt.date) -> dict[str, Any]:
    """Poll, and return what it took and found."""
    watch = Stopwatch()
    settings = load_settings()
    window = settings.calendar.window(first, last, lookback=settings.lookback_workdays)
    fields = load_dataset_map(settings.dataset_map)
    with (
        watch.step("all"),
        open_store(settings) as store,
        conducted(Poll(str(uuid.uuid4()), window, settings, store, fields=fields)) as of,
    ):
        for step in STEPS:
            with watch.step(step.__name__):
                step(of)
    (seconds, cpu_seconds), *_ = (watch.by_step.pop("all"),)
    steps = {name: [round(part, 4) for part in took] for name, took in watch.by_step.items()}
    found = {"outcome": of.outcome().value, "new": of.notices_new, "missing": of.missing}
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
