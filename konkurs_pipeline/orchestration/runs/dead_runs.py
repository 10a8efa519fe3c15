"""Finds runs whose process was killed, by the store's lock, and reports them as failed.

Dagster leaves such a run as it was, and its queue goes on counting it. The kernel drops the store's lock when a process
dies. So if nobody holds the lock, a run is dead when the lock's file names it, or when it is too old to be starting.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from konkurs_pipeline.orchestration.bank_names import BankNames
from konkurs_pipeline.orchestration.runs.names import HOUSEKEEPING_JOB
from konkurs_pipeline.storage import lock

_UNDER_WAY: Final = [
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
# A living run has no lock while its process starts, and waits up to a minute for a command that holds the store.
_WITHOUT_LOCK: Final = dt.timedelta(seconds=90)
# Housekeeping never opens the store.
_HOUSEKEEPING_TAKES: Final = dt.timedelta(minutes=30)
_MESSAGE: Final = (
    "The process of this run was killed: nobody holds the store's lock. Nothing is lost: what the run decided is written, "
    "and the next poll does the rest. See docs/runbook.md"
)


@contextmanager
def named_in(lock_file: Path, run_id: str) -> Iterator[None]:
    """Name the run in the lock's file while it holds the lock; a disk that is full stops no run."""
    with suppress(OSError):
        lock_file.write_text(run_id, encoding="ascii")
    try:
        yield
    finally:
        with suppress(OSError):
            lock_file.write_text("", encoding="ascii")


def _holder(lock_file: Path) -> str | None:
    try:
        return lock_file.read_text(encoding="ascii") or None
    except (OSError, UnicodeDecodeError):
        return None


def end_dead_runs(
    instance: dg.DagsterInstance, lock_file: Path, now: dt.datetime, names: BankNames, *, is_ours: bool = False
) -> int:
    """Report as failed every run of the bank whose process is gone; returns how many.

    `is_ours`: this process holds the lock. It says nothing about the runs of other banks.
    """
    if not is_ours and lock.is_held(lock_file):
        return 0
    ended, last_holder = 0, _holder(lock_file)
    for record in instance.get_run_records(RunsFilter(statuses=_UNDER_WAY)):
        run = record.dagster_run
        if not names.is_own(run):
            continue
        lives_for = _HOUSEKEEPING_TAKES if run.job_name == names.job(HOUSEKEEPING_JOB) else _WITHOUT_LOCK
        # A run may have gone on since `now` was read, and the database's clock may be ahead by seconds. A clock that was
        # ahead by more is no sign of life.
        is_young = abs(now - record.update_timestamp) <= lives_for
        if run.run_id == last_holder or not is_young:
            instance.report_run_failed(run, _MESSAGE)
            ended += 1
    return ended
