"""Take in the register, in a process of its own: `python -m bench.intake`. Prints the seconds after the imports."""

from __future__ import annotations

import json
import sys
import time

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.register.intake import take_in
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import open_store


def main() -> None:
    """Take the register in as a run does, and print the time."""
    settings = load_settings()
    with open_store(settings) as store:
        began, cpu = time.perf_counter(), time.process_time()
        intake = take_in(settings, store.snapshots, now=utc_now())
        took = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
    sys.stdout.write(json.dumps({**took, "is_new": intake.is_new, "refusal": intake.refusal}) + "\n")


if __name__ == "__main__":
    main()
