"""One whole poll of Monday in a process of its own, with the settings of its environment; a program, not a test.

The last line of its output is JSON: how the poll ended, and the most memory that the process ever held.
"""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path

from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.poll import Poll, conducted
from konkurs_pipeline.steps.sequence import run_steps
from konkurs_pipeline.storage.store import open_store
from tests.pipeline.kit import MONDAY


def main() -> None:
    """Poll and print the result."""
    settings = load_settings(dotenv=Path("no.env"))
    window = settings.calendar.window(MONDAY, MONDAY, lookback=settings.lookback_workdays)
    ended = ""
    with open_store(settings) as store:
        try:
            poll = Poll(str(uuid.uuid4()), window, settings, store)
            with conducted(poll):
                run_steps(poll)
            ((ended,),) = store.ledger.rows("SELECT outcome FROM polls WHERE run_id = ?", [poll.run_id])
        except KonkursError as error:
            ended = str(error)
    print(json.dumps({"ended": ended, "peak_mib": peak_mib()}))  # noqa: T201 -- the output of this program


def peak_mib() -> int:
    """Return the process's own peak memory. The figure of getrusage includes the parent process."""
    found = re.search(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) // 1024


if __name__ == "__main__":
    main()
