"""A backfill of all years: one list request, the datasets of matches and people, every step, one outbox file.

`own` compares the steps alone with the floor. `whole` compares `konkurs run` with the floor plus an empty Dagster job over
the same partitions and as many assets. That job shows what Dagster itself costs for each partition.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bench import notices
from bench.empty_job import ASSETS
from bench.processes import Series, run_script
from bench.report import measurement, progress
from bench.scale import Scale
from bench.service import running_service
from bench.stores import Case

OWN_GOAL: Final = 2.0
WHOLE_GOAL: Final = 1.3


def measure(folder: Path, scale: Scale) -> None:
    """Measure and print. Each runs once, because each is long."""
    case = Case(folder, scale.years, scale.customers)
    case.make_register()
    own, whole, floor, floor_own, empty = (Series() for _ in range(5))
    with running_service(case.years) as url:
        environ = case.environ(url)
        progress(f"backfill of {case.years} years, {case.customers} customers: the steps alone")
        own.add_own(run_script("own", _days(case), _taken_in(case, environ)))
        progress("backfill: the floor")
        after = f"{notices.first_day(case.years)}T00:00:00.000Z"
        shutil.rmtree(case.folder / "floor", ignore_errors=True)
        ran = run_script("floor", [url, after, case.snapshot(), case.folder / "floor", "matched_or_person"], environ)
        floor.add_run(ran)
        floor_own.add_own(ran)
        progress("backfill: konkurs run")
        whole.add_run(case.backfill(_taken_in(case, environ)))
    progress("backfill: an empty Dagster job")
    case.start_empty()
    empty.add_run(run_script("empty_job", _days(case), environ))
    size: dict[str, Any] = {"customers": case.customers, "years": case.years, "notices": ran.printed["notices"]}
    both = Series([floor.median + empty.median], [floor.cpu_median + empty.cpu_median])
    measurement("backfill: own part", own, floor_own, OWN_GOAL, **size, datasets=ran.printed["datasets"])
    measurement("backfill: whole process", whole, both, WHOLE_GOAL, beside="the floor and an empty job", **size)
    measurement("backfill: an empty Dagster job", empty, partitions=len(notices.workdays(case.years)), assets=ASSETS)


def _days(case: Case) -> list[str]:
    return [str(notices.first_day(case.years)), str(notices.day_before())]


def _taken_in(case: Case, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Make a live store that has only taken in the register: the intake has a measurement of its own."""
    case.start_empty()
    run_script("intake", [], environ)
    return environ
