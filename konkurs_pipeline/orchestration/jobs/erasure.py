"""Erase every night what the retention rules let go (docs/data-protection.md); an asset, so that its numbers draw a line."""

import dagster as dg

from konkurs_pipeline.clock import Clock
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.orchestration.assets.factory import CODE_VERSION, OWNER
from konkurs_pipeline.orchestration.bank_names import BankNames
from konkurs_pipeline.orchestration.runs.loggers import QUIET_RUN_CONFIG
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.steps.erasure.erasure import Erased, ErasurePlan, erase, plan_erasure, terms_of
from konkurs_pipeline.storage.store import open_store

NAME = "erasure"
_BY = "the nightly job"
_WAIT_FOR_STORE_S = 300.0
_CHECK = "nothing_is_overdue"


def build_erasure(settings: Settings, now: Clock, names: BankNames) -> dg.AssetsDefinition:
    """Return the asset."""
    check = dg.AssetCheckSpec(
        _CHECK,
        asset=names.asset(NAME),
        description="Nothing whose time has ended is left, and nothing is open for 15 years. Else: `konkurs erase`",
    )

    @dg.asset(
        key=names.asset(NAME),
        group_name="housekeeping",
        kinds={"duckdb"},
        owners=[OWNER],
        code_version=CODE_VERSION,
        check_specs=[check],
        pool=names.pool,
    )
    def erasure() -> dg.MaterializeResult:  # type: ignore[type-arg]  # dagster compares the bare class
        """Personal data whose time has ended, erased from everything that is kept (docs/data-protection.md)."""
        try:
            done, left = _erase(settings, now)
        except KonkursError as error:
            raise dg.Failure(description=redact(str(error)), allow_retries=False) from None
        return _result(done, left)

    return erasure


def _result(done: Erased, left: ErasurePlan) -> dg.MaterializeResult:  # type: ignore[type-arg]  # as above
    return dg.MaterializeResult(
        metadata={
            "notices": sum(done.notices.values()),
            "quarantine_entries": done.entries,
            "register_snapshots": done.registers,
            "answers": done.answers,
            "control_requests": done.requests,
            "left": len(left.uuids),
            "kept_cases": sum(left.kept.values()),
            "open_too_long": left.open_too_long,
        },
        check_results=[
            dg.AssetCheckResult(
                passed=not left.uuids and not left.open_too_long,
                check_name=_CHECK,
                metadata={"left": len(left.uuids), "open_too_long": left.open_too_long},
                severity=dg.AssetCheckSeverity.WARN,
            )
        ],
    )


def _erase(settings: Settings, now: Clock) -> tuple[Erased, ErasurePlan]:
    with open_store(settings, wait_s=_WAIT_FOR_STORE_S) as store:
        store.verify()
        terms = terms_of(settings)
        done = erase(store, plan_erasure(store, terms, now()), by=_BY, now=now())
        store.publish()
        store.discard_superseded()
        return done, plan_erasure(store, terms, now())


def build_nightly_erasure(names: BankNames) -> dg.ScheduleDefinition:
    """Return the schedule, running by default."""
    return dg.ScheduleDefinition(
        name=names.job("nightly_erasure"),
        job=dg.define_asset_job(
            names.job("erasure_job"), selection=dg.AssetSelection.assets(names.asset(NAME)), tags=names.tags
        ),
        cron_schedule="10 4 * * *",
        execution_timezone=OSLO.key,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        run_config=QUIET_RUN_CONFIG,
        description="At 04:10: erases personal data whose time has ended",
    )
