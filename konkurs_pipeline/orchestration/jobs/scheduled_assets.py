"""An asset that is made on a schedule of its own, beside the poll: from its table row to asset, job and schedule.

What does not belong here: which such assets there are (`erasure`, `monthly_report`, `second_source`).
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from konkurs_pipeline.clock import Clock
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.orchestration.assets.factory import CODE_VERSION, OWNER, code_of, columns_of
from konkurs_pipeline.orchestration.assets.made import Made
from konkurs_pipeline.orchestration.bank_names import BankNames
from konkurs_pipeline.orchestration.checks.results import renamed
from konkurs_pipeline.orchestration.runs.loggers import QUIET_RUN_CONFIG
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.schemas.tables import Table
from konkurs_pipeline.settings import Settings


def _always(_: Settings) -> bool:
    return True


@dataclass(frozen=True)
class ScheduledAsset:
    """One asset. `make` makes it; `does` says what its job does; `cron` is in Oslo time, and `when` is `cron` in words.

    `schedule` is the schedule's name. It never changes: Dagster keeps under it that a person switched the schedule off.
    `opens_store`: it waits for the store's lock, so one run of a bank at a time makes it. `is_on`: the schedule runs.
    `code`: the function that a reader should see. `table`: the asset's columns.
    """

    name: str
    description: str
    make: Callable[[Settings, Clock], Made]
    code: Callable[..., object]
    group: str
    kind: str
    job: str
    does: str
    schedule: str
    cron: str
    when: str
    deps: Sequence[str] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    table: type[Table] | None = None
    opens_store: bool = True
    is_on: Callable[[Settings], bool] = _always


def build_asset(asset: ScheduledAsset, settings: Settings, now: Clock, names: BankNames) -> dg.AssetsDefinition:
    """Return Dagster's asset with its checks."""
    key = names.asset(asset.name)

    @dg.multi_asset(
        name=asset.name,
        specs=[_spec(asset, names)],
        check_specs=[dg.AssetCheckSpec(name, asset=key, description=text) for name, text in asset.checks.items()],
        pool=names.pool if asset.opens_store else None,
    )
    def make() -> Iterator[Any]:
        try:
            made = asset.make(settings, now)
        except KonkursError as error:
            raise dg.Failure(redact(str(error)), allow_retries=False) from None
        results = [renamed(result, names) for result in made.results]
        yield dg.MaterializeResult(asset_key=key, metadata=made.metadata, check_results=results)

    return make


def _spec(asset: ScheduledAsset, names: BankNames) -> dg.AssetSpec:
    with warnings.catch_warnings():
        # Code references are in beta.
        warnings.simplefilter("ignore", dg.BetaWarning)
        code = code_of(asset.code)
    return dg.AssetSpec(
        names.asset(asset.name),
        deps=[names.asset(name) for name in asset.deps],
        description=asset.description,
        metadata={
            "dagster/code_references": code,
            **({"dagster/column_schema": columns_of(asset.table)} if asset.table else {}),
        },
        group_name=asset.group,
        kinds={asset.kind},
        owners=[OWNER],
        code_version=CODE_VERSION,
    )


def build_schedule(asset: ScheduledAsset, settings: Settings, names: BankNames) -> dg.ScheduleDefinition:
    """Return the schedule with its job; it runs by default, unless the settings switch the asset off."""
    job = dg.define_asset_job(
        # A job and an asset may not have the same name.
        names.job(asset.job),
        selection=dg.AssetSelection.assets(names.asset(asset.name)),
        tags=names.tags,
        description=asset.does,
    )
    is_on = asset.is_on(settings)
    return dg.ScheduleDefinition(
        name=asset.schedule,
        job=job,
        cron_schedule=asset.cron,
        execution_timezone=OSLO.key,
        default_status=dg.DefaultScheduleStatus.RUNNING if is_on else dg.DefaultScheduleStatus.STOPPED,
        run_config=QUIET_RUN_CONFIG,
        description=f"{asset.when}: {asset.does}",
    )
