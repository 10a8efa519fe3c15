"""`second_source`: every night, the known bankruptcies are compared with Enhetsregisteret.

It is no part of a poll: no decision waits for it, and a source that is down fails a check, never a run.
"""

import datetime as dt
import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

import dagster as dg

from konkurs_pipeline.domain.second_source import ComparisonOutcome
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.orchestration.assets.factory import CODE_VERSION, OWNER, code_of, columns_of
from konkurs_pipeline.orchestration.bank_names import BankNames
from konkurs_pipeline.orchestration.checks.results import none_found, renamed
from konkurs_pipeline.orchestration.runs.loggers import QUIET_RUN_CONFIG
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.schemas.tables import SecondSource
from konkurs_pipeline.settings import OFF, Settings
from konkurs_pipeline.steps.second_source import compare
from konkurs_pipeline.storage.ledger import second_source as ledger
from konkurs_pipeline.storage.ledger.second_source import Comparison
from konkurs_pipeline.storage.store import open_store

ASSET: Final = "second_source"
_CHECKS: Final = {
    "no_differences": "Enhetsregisteret and the known bankruptcies agree. Else: `konkurs compare`",
    "was_compared": "Enhetsregisteret could be read, and its list is as long as before. Else: `konkurs compare`",
}
_WAIT_FOR_STORE_S: Final = 600.0


def build_second_source(settings: Settings, now: Callable[[], dt.datetime], names: BankNames) -> dg.AssetsDefinition:
    """Return the asset with its two checks."""
    with warnings.catch_warnings():
        # Code references are in beta.
        warnings.simplefilter("ignore", dg.BetaWarning)
        spec = _spec(names)
    check_specs = [
        dg.AssetCheckSpec(name, asset=names.asset(ASSET), description=description)
        for name, description in _CHECKS.items()
    ]

    @dg.multi_asset(name=ASSET, specs=[spec], check_specs=check_specs, pool=names.pool)
    def second_source(context: dg.AssetExecutionContext) -> Iterator[Any]:
        try:
            comparison = _compare(settings, now())
        except KonkursError as error:
            raise dg.Failure(description=redact(str(error)), allow_retries=False) from None
        context.log.info("Enhetsregisteret: %s, %s differences", comparison.outcome, len(comparison.differences))
        yield _result(comparison, names)

    return second_source


def _spec(names: BankNames) -> dg.AssetSpec:
    return dg.AssetSpec(
        names.asset(ASSET),
        deps=[names.asset(name) for name in ("estates", "customer_matches", "customers")],
        description=inspect.cleandoc(SecondSource.__doc__ or ""),
        metadata={"dagster/column_schema": columns_of(SecondSource), "dagster/code_references": code_of(compare)},
        group_name="decisions",
        kinds={"parquet"},
        owners=[OWNER],
        code_version=CODE_VERSION,
    )


def _compare(settings: Settings, now: dt.datetime) -> Comparison:
    if settings.enhetsregisteret_url == OFF:
        return Comparison(now, ComparisonOutcome.COMPARED, detail="off: it is not asked")
    comparison = compare(settings, now)
    with open_store(settings, wait_s=_WAIT_FOR_STORE_S) as store:
        ledger.record(store.ledger, comparison)
        store.publish()
    return comparison


def build_nightly_comparison(settings: Settings, names: BankNames) -> dg.ScheduleDefinition:
    """Return the schedule with its job; it runs unless the second source is off."""
    job = dg.define_asset_job(
        # A job and an asset may not have the same name.
        names.job(f"compare_{ASSET}"),
        selection=dg.AssetSelection.assets(names.asset(ASSET)),
        tags=names.tags,
        description="Compares with Enhetsregisteret; decides nothing",
    )
    is_on = settings.enhetsregisteret_url != OFF
    return dg.ScheduleDefinition(
        name=ASSET,
        job=job,
        cron_schedule="50 4 * * *",
        execution_timezone=OSLO.key,
        default_status=dg.DefaultScheduleStatus.RUNNING if is_on else dg.DefaultScheduleStatus.STOPPED,
        run_config=QUIET_RUN_CONFIG,
        description="At 04:50: compares the known bankruptcies with Enhetsregisteret",
    )


def _result(comparison: Comparison, names: BankNames) -> Any:  # noqa: ANN401 -- Dagster's class is generic in a value that there is none of
    kinds = [f"{each.kind.value}: {each.customer_ref or each.opening_uuid}" for each in comparison.differences]
    is_compared = comparison.outcome is ComparisonOutcome.COMPARED
    return dg.MaterializeResult(
        asset_key=names.asset(ASSET),
        metadata={
            "outcome": comparison.outcome.value,
            "flagged_units": comparison.unit_count or 0,
            "differences": len(comparison.differences),
            "not_judged": comparison.unjudged_count or 0,
            **({"detail": comparison.detail} if comparison.detail else {}),
        },
        check_results=[
            renamed(none_found(ASSET, "no_differences", [redact(kind) for kind in kinds]), names),
            renamed(none_found(ASSET, "was_compared", [] if is_compared else [comparison.detail or ""]), names),
        ],
    )
