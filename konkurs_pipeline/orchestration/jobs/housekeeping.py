"""Keep Dagster's history from filling the disk: a nightly job removes the runs that nobody needs any more.

Deleting a run deletes its materialisations with it, so the last good run of each workday stays for ever: the UI goes on
showing when a workday was last made. The bank's evidence is in the ledger and is never removed. Ticks are Dagster's
own to remove (dagster.yaml, retention).
"""

import datetime as dt
from collections.abc import Iterator
from typing import Final

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from konkurs_pipeline.clock import Clock
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.orchestration.bank_names import BankNames
from konkurs_pipeline.orchestration.runs.loggers import QUIET_RUN_CONFIG
from konkurs_pipeline.orchestration.runs.names import HOUSEKEEPING_JOB, PARTITION_TAG, RANGE_END_TAG, RANGE_START_TAG

# Long enough to find out what went wrong. At 215 kB a run and some 50 runs a workday, about a gigabyte stays.
_DAYS_KEPT: Final = 90
_AT_ONCE: Final = 200
_ENDED: Final = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


def build_housekeeping(now: Clock, names: BankNames) -> tuple[dg.JobDefinition, dg.ScheduleDefinition]:
    """Return the job and its schedule, running by default."""

    @dg.op(description=f"Remove runs older than {_DAYS_KEPT} days, except the last good one of each workday")
    def remove_old_runs(context: dg.OpExecutionContext) -> None:
        before = now() - dt.timedelta(days=_DAYS_KEPT)
        removed = remove_runs(context.instance, before, names)
        context.log.info("%s runs removed", removed)
        # The operation returns no value: Dagster would write it to a file under its home, which is read-only in a
        # container.
        context.add_output_metadata({"removed": removed})

    @dg.job(
        name=names.job(HOUSEKEEPING_JOB),
        tags=names.tags,
        description="Removes what nobody needs of Dagster's history; the ledger keeps everything",
    )
    def housekeeping() -> None:
        remove_old_runs()

    schedule = dg.ScheduleDefinition(
        name=HOUSEKEEPING_JOB,
        job=housekeeping,
        cron_schedule="30 3 * * *",
        execution_timezone=OSLO.key,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        run_config=QUIET_RUN_CONFIG,
        description="At 03:30: removes what nobody needs of Dagster's history",
    )
    return housekeeping, schedule


def remove_runs(instance: dg.DagsterInstance, before: dt.datetime, names: BankNames) -> int:
    """Remove the bank's ended runs that were made before an instant, except the last good one of each workday.

    Returns how many.
    """
    kept = _last_good_runs(instance, names)
    removed = 0
    for run_id in list(_ended_runs(instance, before, names)):
        if run_id not in kept:
            instance.delete_run(run_id)
            removed += 1
    return removed


def _ended_runs(instance: dg.DagsterInstance, before: dt.datetime, names: BankNames) -> Iterator[str]:
    cursor = None
    while True:
        runs = instance.get_runs(RunsFilter(statuses=_ENDED, created_before=before), cursor=cursor, limit=_AT_ONCE)
        yield from (run.run_id for run in runs if names.is_own(run))
        if len(runs) < _AT_ONCE:
            return
        cursor = runs[-1].run_id


def _last_good_runs(instance: dg.DagsterInstance, names: BankNames) -> set[str]:
    """Return the newest good run of each partition or range that was asked for."""
    newest: dict[tuple[str | None, ...], str] = {}
    cursor = None
    while True:
        runs = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.SUCCESS]), cursor=cursor, limit=_AT_ONCE)
        for run in runs:
            asked = tuple(run.tags.get(tag) for tag in (PARTITION_TAG, RANGE_START_TAG, RANGE_END_TAG))
            if any(asked) and names.is_own(run):
                newest.setdefault(asked, run.run_id)
        if len(runs) < _AT_ONCE:
            return set(newest.values())
        cursor = runs[-1].run_id
