"""A poll of fifty notices, five of them new and five matches, and what history and customers add to its time.

- `whole`: the process `konkurs run` beside the floor's process.
- `own`: the steps alone beside the floor's own part. Each is timed within its process, after the imports.
- `plain`: the script that a programmer would write first (plain.py).
- The empty Dagster run is one run over as many empty assets and checks; it does nothing else.
- `flat`: the same poll without history, with few customers, and after years of polls that left their files and receipts.

Each poll follows an unmeasured one of the day before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench import notices
from bench.processes import BIN, Series, run, run_script
from bench.report import measurement, progress
from bench.scale import Scale
from bench.service import running_service
from bench.stores import Case

WHOLE_GOAL: Final = 3.0
BOTH_GOAL: Final = 1.15
OWN_GOAL: Final = 1.5
HISTORY_GOAL: Final = 1.2
POLLS_GOAL: Final = 1.3
MEMORY_GOAL_MIB: Final = 1536
_REST_S: Final = 5


class Figures:
    """The runs of one case."""

    def __init__(self) -> None:
        self.whole, self.own, self.floor, self.floor_own, self.dagster, self.plain = (Series() for _ in range(6))


def measure(folder: Path, scale: Scale) -> None:
    """Measure and print."""
    large = Case(folder, scale.years, scale.customers)
    no_history = Case(folder, 0, scale.customers)
    few = Case(folder, scale.years, scale.few_customers)
    polled = Case(folder, scale.years, scale.few_customers, scale.polls)
    found = _figures((large, no_history, few, polled), scale.runs)
    most = found[large]
    size: dict[str, Any] = {"customers": large.customers, "years": large.years}
    measurement("poll: whole process", most.whole, most.floor, WHOLE_GOAL, **size)
    both = Series([most.plain.median + most.dagster.median], [most.plain.cpu_median + most.dagster.cpu_median])
    beside = "a plain script and an empty Dagster run"
    measurement("poll: whole process, beside script and Dagster", most.whole, both, BOTH_GOAL, beside=beside, **size)
    measurement("poll: whole process, beside the script", most.whole, most.plain, beside="a plain script", **size)
    measurement("poll: an empty Dagster run", most.dagster, most.floor, beside="the floor", **size)
    measurement("poll: own part", most.own, most.floor_own, OWN_GOAL, **size)
    for part in ("whole", "own"):
        of_history, of_size = getattr(found[no_history], part), getattr(found[few], part)
        measurement(
            f"flat in history: {part}", getattr(most, part), of_history, HISTORY_GOAL, beside="no history", **size
        )
        measurement(
            f"flat in customers: {part}", getattr(most, part), of_size, beside=f"{few.customers} customers", **size
        )
        measurement(
            f"flat in polls: {part}",
            getattr(found[polled], part),
            of_size,
            POLLS_GOAL if part == "own" else None,
            beside="a few polls",
            polls=polled.polls,
        )
    is_met = most.whole.peak_mib <= MEMORY_GOAL_MIB
    measurement("poll: memory", most.whole, goal_mib=MEMORY_GOAL_MIB, met=is_met, **size)


def _figures(cases: Sequence[Case], runs: int) -> dict[Case, Figures]:
    """Run all cases in turn, so that a machine that is slower for some minutes is slower for each of them."""
    for case in cases:
        case.prepare()
    found = {case: Figures() for case in cases}
    for number in range(1, runs + 1):
        for case, figures in found.items():
            progress(f"polling, {number} of {runs}: {case.years} years, {case.customers} customers, {case.polls} polls")
            with running_service(case.years) as url:
                _run_each(case, case.environ(url), figures)
    return found


def _run_each(case: Case, environ: dict[str, str], figures: Figures) -> None:
    day = str(notices.DAY)
    _prepare(case, environ)
    after = f"{notices.first_day(0)}T00:00:00.000Z"
    floor: list[str | Path] = [environ["KONKURS_API_URL"], after, case.snapshot(), case.folder / "floor", "matched"]
    ran = run_script("floor", floor, environ)
    figures.floor.add_run(ran)
    figures.floor_own.add_own(ran)
    plain: list[str | Path] = [environ["KONKURS_API_URL"], after, case.snapshot(), case.folder / "plain"]
    figures.plain.add_run(run_script("plain", plain, environ))
    figures.own.add_own(run_script("own", [day, day], environ))
    _prepare(case, environ)
    figures.whole.add_run(run([BIN / "konkurs", "run", "--from", day, "--to", day], environ))
    figures.dagster.add_run(run_script("empty_job", [day, day], environ))


def _prepare(case: Case, environ: dict[str, str]) -> None:
    """Restore the store, and poll the day before unmeasured: in production nearly every run follows one of the same day.

    A copied outbox has other times than the store noted, so the first run after a copy lists it anew. What the copy has
    still to write to disk, and the file system to tidy up, would slow the measured run, so both come first.
    """
    case.restore()
    before = str(notices.day_before())
    run([BIN / "konkurs", "run", "--from", before, "--to", before], environ)
    os.sync()
    time.sleep(_REST_S)
