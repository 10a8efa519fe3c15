"""The composition root: everything that dagster runs, put together by one function, so that a test can swap a part."""

from __future__ import annotations

import datetime as dt
from typing import Final

import dagster as dg

from konkurs_pipeline.clock import Clock, utc_now
from konkurs_pipeline.orchestration.assets.factory import build_assets
from konkurs_pipeline.orchestration.assets.partitions import workday_partitions
from konkurs_pipeline.orchestration.bank_names import BankNames, names_of
from konkurs_pipeline.orchestration.checks.alarms import build_watch
from konkurs_pipeline.orchestration.jobs.erasure import ERASURE
from konkurs_pipeline.orchestration.jobs.housekeeping import build_housekeeping
from konkurs_pipeline.orchestration.jobs.monthly_report import MONTHLY_REPORT
from konkurs_pipeline.orchestration.jobs.scheduled_assets import build_asset, build_schedule
from konkurs_pipeline.orchestration.jobs.second_source import SECOND_SOURCE
from konkurs_pipeline.orchestration.runs.loggers import quiet_console
from konkurs_pipeline.orchestration.runs.names import POLL_JOB
from konkurs_pipeline.orchestration.runs.poll_resource import poll_resource
from konkurs_pipeline.orchestration.runs.step_results import step_results
from konkurs_pipeline.orchestration.schedules import build_schedules
from konkurs_pipeline.orchestration.sensors.alerts import build_alert_sensor
from konkurs_pipeline.orchestration.sensors.look import build_look_sensor
from konkurs_pipeline.progress import Progress, silent
from konkurs_pipeline.settings import Settings, load_settings
from konkurs_pipeline.storage.readers.published import first_polled_workday
from konkurs_pipeline.storage.store import Store, layout_of

SCHEDULED_ASSETS: Final = (SECOND_SOURCE, MONTHLY_REPORT, ERASURE)


def build_defs(
    settings: Settings | None = None, *, store: Store | None = None, now: Clock = utc_now, progress: Progress = silent
) -> dg.Definitions:
    """Return the definitions for `settings` (default: read from the environment).

    `store`: an open store that runs use instead of opening their own; `now`: the clock; `progress`: is called with what is
    under way. Raises `SettingsError`.
    """
    settings = settings or load_settings()
    workdays = workday_partitions(settings.calendar, now().date())
    names = names_of(settings)
    beside_the_poll = [build_asset(asset, settings, now, names) for asset in SCHEDULED_ASSETS]
    job = dg.define_asset_job(
        names.job(POLL_JOB),
        # The assets report their checks themselves (`checks.results`).
        selection=(dg.AssetSelection.all() - dg.AssetSelection.assets(*beside_the_poll)).without_checks(),
        description="One poll: the workdays of its partitions and the lookback before them, from the list to the outbox.",
        # If Dagster retries a run that died, it repeats all steps: a run decides only from a list that it fetched itself.
        tags={"dagster/retry_strategy": "ALL_STEPS", **names.tags},
    )
    housekeeping, nightly = build_housekeeping(now, names)
    return dg.Definitions(
        assets=[*build_assets(workdays, names), *beside_the_poll],
        asset_checks=[build_watch(names)],
        jobs=[job, housekeeping],
        schedules=[*_schedules(settings, names), nightly],
        sensors=[build_alert_sensor(settings, now), *build_look_sensor(settings, now)],
        resources={
            "poll": poll_resource(settings, store=store, now=now, progress=progress),
            "results": step_results,
        },
        # A process for each step would cost a second each, and the lock could not be held across them.
        executor=dg.in_process_executor,
        loggers={"console": quiet_console},
    )


def _schedules(settings: Settings, names: BankNames) -> list[dg.ScheduleDefinition]:
    def first_polled() -> dt.date | None:
        return first_polled_workday(layout_of(settings))

    return [
        *build_schedules(settings, names, first_polled),
        *(build_schedule(asset, settings, names) for asset in SCHEDULED_ASSETS),
    ]


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions for the environment; a function, so that importing this module reads no setting."""
    return build_defs()
