"""An empty Dagster job over the same partitions, with as many assets and checks, in an instance configured as the product's.

python -m bench.empty_job FIRST_DAY LAST_DAY
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from typing import Any

import dagster as dg

from konkurs_pipeline.domain.monitoring.alarms import AlarmKind
from konkurs_pipeline.orchestration.assets.partitions import workday_partitions
from konkurs_pipeline.orchestration.assets.table import STEPS
from konkurs_pipeline.orchestration.bank_names import ALONE
from konkurs_pipeline.orchestration.instance import dagster_instance
from konkurs_pipeline.orchestration.runs.loggers import QUIET_RUN_CONFIG, quiet_console
from konkurs_pipeline.orchestration.runs.names import RANGE_END_TAG, RANGE_START_TAG
from konkurs_pipeline.settings import load_settings

# The product has as many.
ASSETS = sum(len(step.tables) for step in STEPS)
CHECKS = sum(len(step.check_specs(ALONE)) for step in STEPS) + len(AlarmKind)


def main() -> None:
    """Run the job once over the range."""
    first, last = sys.argv[1:]
    settings = load_settings()
    workdays = workday_partitions(settings.calendar, dt.datetime.now(dt.UTC).date())
    assets: list[dg.AssetsDefinition] = []
    for number in range(ASSETS):
        checks = CHECKS // ASSETS + (number < CHECKS % ASSETS)
        assets.append(_empty(f"asset_{number}", workdays, [assets[-1]] if assets else [], checks))
    definitions = dg.Definitions(
        assets=assets,
        jobs=[dg.define_asset_job("empty", selection=dg.AssetSelection.all().without_checks())],
        executor=dg.in_process_executor,
        loggers={"console": quiet_console},
    )
    with dagster_instance(settings) as instance:
        tags = {RANGE_START_TAG: first, RANGE_END_TAG: last}
        job = definitions.resolve_job_def("empty")
        job.execute_in_process(instance=instance, tags=tags, run_config=QUIET_RUN_CONFIG)


def _empty(
    name: str, workdays: dg.PartitionsDefinition[str], deps: list[dg.AssetsDefinition], checks: int
) -> dg.AssetsDefinition:
    check_specs = [dg.AssetCheckSpec(f"check_{number}", asset=name) for number in range(checks)]

    @dg.multi_asset(
        name=name,
        specs=[dg.AssetSpec(name, deps=deps)],
        check_specs=check_specs,
        # As in the product, whose job plans no checks.
        can_subset=True,
        partitions_def=workdays,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def asset() -> Iterator[Any]:
        yield dg.MaterializeResult(asset_key=name)
        for spec in check_specs:
            yield dg.AssetCheckEvaluation(asset_key=spec.asset_key, check_name=spec.name, passed=True, metadata={})

    return asset


if __name__ == "__main__":
    main()
