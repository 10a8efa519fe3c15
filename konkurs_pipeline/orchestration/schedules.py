"""When polls run (Europe/Oslo). The calendar drives polls and alarms, never whether a notice counts.

| schedule | when | why |
|---|---|---|
| poll | every 15 minutes 08:00-16:00 on workdays | the service is updated then |
| closing_poll | 16:20 on workdays | the last update may come minutes after 16:00 |
| sweep | every third hour, outside those | the service is up 24/7, and Brreg's own test notices fall on a Saturday |
| wide_sweep | Sunday morning | reads a year again: a notice that became visible later than the lookback is found |

In the demo environment `poll` fires every minute of every day, so that it can be watched. The store's lock says whether a
poll is under way. A run's status does not: a killed run keeps its status.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.orchestration.bank_names import BankNames
from konkurs_pipeline.orchestration.runs.dead_runs import end_dead_runs
from konkurs_pipeline.orchestration.runs.loggers import QUIET_RUN_CONFIG
from konkurs_pipeline.orchestration.runs.names import PARTITION_TAG, POLL_JOB, RANGE_END_TAG, RANGE_START_TAG
from konkurs_pipeline.settings import Environment, Settings
from konkurs_pipeline.storage import lock
from konkurs_pipeline.storage.store import layout_of

POLL_CRONS: Final = ("*/15 8-15 * * 1-5", "0 16 * * 1-5")
DEMO_POLL_CRONS: Final = ("* * * * *",)
CLOSING_CRONS: Final = ("20 16 * * 1-5",)
SWEEP_CRONS: Final = ("40 */3 * * *",)
WIDE_SWEEP_CRONS: Final = ("10 5 * * 0",)
_WIDE_SWEEP_WORKDAYS: Final = 250
_DESCRIPTIONS: Final = {
    "poll": "Every 15 minutes from 08:00 to 16:00 on workdays (demo: every minute): the service is updated then",
    "closing_poll": "At 16:20 on workdays: the last update may come minutes after 16:00",
    "sweep": "Every third hour outside opening hours: the service is up 24/7",
    "wide_sweep": "Sunday morning: a year is read again, for notices that became visible later than the lookback",
}

Tags = dict[str, str]


def build_schedules(
    settings: Settings, names: BankNames, first_polled: Callable[[], dt.date | None]
) -> list[dg.ScheduleDefinition]:
    """Return the schedules, running by default. `first_polled`: the earliest workday ever asked for, if any."""
    calendar = settings.calendar
    lock_file = layout_of(settings).lock

    def today(now: dt.datetime) -> Tags | str:
        return {PARTITION_TAG: calendar.workday_of(now).isoformat()}

    def workdays_only(now: dt.datetime) -> Tags | str:
        is_workday = calendar.is_workday(now.astimezone(OSLO).date())
        return today(now) if is_workday else "not a working day: the sweep polls"

    def outside_opening_hours(now: dt.datetime) -> Tags | str:
        return "within opening hours: the poll schedule polls" if calendar.is_open(now) else today(now)

    def the_past_year(now: dt.datetime) -> Tags | str:
        first, last = first_polled(), calendar.workday_of(now)
        if first is None:
            return "nothing was polled yet"
        first = max(first, calendar.back(last, _WIDE_SWEEP_WORKDAYS))
        return {RANGE_START_TAG: first.isoformat(), RANGE_END_TAG: last.isoformat()}

    is_demo = settings.environment is Environment.DEMO
    return [
        _schedule(
            "poll", DEMO_POLL_CRONS if is_demo else POLL_CRONS, lock_file, names, today if is_demo else workdays_only
        ),
        _schedule("closing_poll", CLOSING_CRONS, lock_file, names, workdays_only),
        _schedule("sweep", SWEEP_CRONS, lock_file, names, outside_opening_hours),
        _schedule("wide_sweep", WIDE_SWEEP_CRONS, lock_file, names, the_past_year),
    ]


def why_not_now(instance: dg.DagsterInstance, lock_file: Path, names: BankNames) -> str | None:
    """End killed runs; then return why no poll may start now, None: one may."""
    end_dead_runs(instance, lock_file, utc_now(), names)
    if lock.is_held(lock_file):
        return "another poll is under way: it reads the same list, or the next poll does"
    if instance.get_runs(RunsFilter(job_name=names.job(POLL_JOB), statuses=[DagsterRunStatus.QUEUED]), limit=1):
        return "a poll waits in the queue already"
    return None


def _schedule(
    name: str, crons: Sequence[str], lock_file: Path, names: BankNames, asks: Callable[[dt.datetime], Tags | str]
) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        job_name=names.job(POLL_JOB),
        cron_schedule=list(crons),
        execution_timezone=OSLO.key,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=_DESCRIPTIONS[name],
    )
    def ask(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        busy = why_not_now(context.instance, lock_file, names)
        if busy:
            return dg.SkipReason(busy)
        asked = asks(context.scheduled_execution_time)
        if isinstance(asked, str):
            return dg.SkipReason(asked)
        run_key = f"{name} {context.scheduled_execution_time.isoformat()}"
        return dg.RunRequest(run_key=run_key, run_config=QUIET_RUN_CONFIG, tags=asked)

    return ask
