"""Run the poll's job in this process: the job that the schedules start, recorded in the same instance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import dagster as dg

from konkurs_pipeline.clock import Clock, utc_now
from konkurs_pipeline.domain.outcomes import Outcome
from konkurs_pipeline.domain.workdays import Window
from konkurs_pipeline.errors import HistoryError
from konkurs_pipeline.orchestration.bank_names import names_of
from konkurs_pipeline.orchestration.definitions import build_defs
from konkurs_pipeline.orchestration.future_ticks import mend_future_ticks
from konkurs_pipeline.orchestration.instance import dagster_instance
from konkurs_pipeline.orchestration.runs.dead_runs import end_dead_runs
from konkurs_pipeline.orchestration.runs.loggers import QUIET_RUN_CONFIG
from konkurs_pipeline.orchestration.runs.names import PARTITION_TAG, POLL_JOB, RANGE_END_TAG, RANGE_START_TAG
from konkurs_pipeline.progress import Progress, silent
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.store import Store


@dataclass(frozen=True)
class Ended:
    """How a run ended. `detail`: what was missing, or is left for a person; null: nothing."""

    run_id: str
    outcome: Outcome
    detail: str | None


def run_recorded_poll(settings: Settings, store: Store, window: Window, *, progress: Progress) -> Ended:
    """Run one poll and record it in Dagster's instance; if that fails, poll unrecorded: a block does not wait for it."""
    try:
        with dagster_instance(settings) as instance:
            if not settings.many_banks:
                # With many banks the daemon does this when it starts: other banks use the same history.
                mend_future_ticks(instance, utc_now())
            return run_poll(settings, store, window, instance, progress=progress)
    except HistoryError as error:
        with dg.DagsterInstance.ephemeral() as unrecorded:
            ended = run_poll(settings, store, window, unrecorded, progress=progress)
        message = f"{error}. This poll was done without it"
        return replace(ended, detail=f"{ended.detail}; {message}" if ended.detail else message)


def run_poll(  # noqa: PLR0913 -- what a run needs, and by name what tests and terminals add
    settings: Settings,
    store: Store,
    window: Window,
    instance: dg.DagsterInstance,
    *,
    now: Clock = utc_now,
    progress: Progress = silent,
) -> Ended:
    """Run one poll over `window` with an open store; returns how it ended, also when it failed."""
    names = names_of(settings)
    end_dead_runs(instance, store.layout.lock, utc_now(), names, is_ours=True)
    job = build_defs(settings, store=store, now=now, progress=progress).resolve_job_def(names.job(POLL_JOB))
    result = job.execute_in_process(
        run_config=QUIET_RUN_CONFIG, instance=instance, raise_on_error=False, tags=_tags(window)
    )
    rows = store.ledger.rows("SELECT outcome, detail FROM polls WHERE run_id = ?", [result.run_id])
    if not rows:
        return Ended(result.run_id, Outcome.FAILED, _why(result))
    outcome, detail = rows[0]
    return Ended(result.run_id, Outcome(outcome), detail)


def _tags(window: Window) -> dict[str, str]:
    if window.from_workday == window.to_workday:
        return {PARTITION_TAG: window.to_workday.isoformat()}
    return {RANGE_START_TAG: window.from_workday.isoformat(), RANGE_END_TAG: window.to_workday.isoformat()}


def _why(result: dg.ExecuteInProcessResult) -> str:
    message = (event.message for event in result.all_events if event.is_failure and event.message)
    return next(message, "the run ended before it began to poll: see Dagster's log of the run")
