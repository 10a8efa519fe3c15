"""`monthly_report`: on the first of each month, the page of figures of the month before (`konkurs report`).

It reads what runs left, without the lock, and is no part of a poll.
"""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Final

import dagster as dg

from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.enquiries.report.figures import figures_of
from konkurs_pipeline.enquiries.report.period import month_before
from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.orchestration.assets.factory import CODE_VERSION, OWNER
from konkurs_pipeline.orchestration.bank_names import ALONE, BankNames
from konkurs_pipeline.orchestration.runs.loggers import QUIET_RUN_CONFIG
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.files import make_private_folder, write_bytes_atomically
from konkurs_pipeline.storage.store import layout_of

ASSET: Final = "monthly_report"


def build_monthly_report(
    settings: Settings, now: Callable[[], dt.datetime], names: BankNames = ALONE
) -> dg.AssetsDefinition:
    """Return the asset: an HTML file a month in `<data>/reports`, which a later run of the same month replaces."""

    @dg.asset(
        key=names.asset(ASSET),
        deps=[names.asset(name) for name in ("raw_notices", "customer_matches", "actions")],
        description="The figures of the month before, as one page (HTML) for a manager and an auditor. No personal data.",
        group_name="decisions",
        kinds={"file"},
        owners=[OWNER],
        code_version=CODE_VERSION,
    )
    def monthly_report() -> dg.MaterializeResult[None]:
        try:
            return _written(settings, now())
        except KonkursError as error:
            raise dg.Failure(description=redact(str(error)), allow_retries=False) from None

    return monthly_report


def _written(settings: Settings, now: dt.datetime) -> dg.MaterializeResult[None]:
    # Its charts take a twentieth of a poll's start, and no poll draws one.
    from konkurs_pipeline.enquiries.report.page import page_of  # noqa: PLC0415

    period = month_before(now.astimezone(OSLO).date())
    figures = figures_of(settings, period, now)
    folder = layout_of(settings).reports
    make_private_folder(folder)
    path: Path = folder / f"{settings.bank_id}_{period.first:%Y-%m}.html"
    write_bytes_atomically(path, page_of(figures).encode())
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(path),
            "notices": sum(figures.volumes.by_type.values()),
            "openings_about_customers": sum(figures.volumes.hits),
            "missed_quarters": sum(figures.missed_quarters),
            "open_reviews": sum(figures.open_reviews.values()),
        }
    )


def build_report_schedule(names: BankNames) -> dg.ScheduleDefinition:
    """Return the schedule with its job, running by default."""
    job = dg.define_asset_job(
        # A job and an asset may not have the same name.
        names.job(f"write_{ASSET}"),
        selection=dg.AssetSelection.assets(names.asset(ASSET)),
        tags=names.tags,
        description="Writes the report of the month before",
    )
    return dg.ScheduleDefinition(
        name=ASSET,
        job=job,
        cron_schedule="30 6 1 * *",
        execution_timezone=OSLO.key,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        run_config=QUIET_RUN_CONFIG,
        description="At 06:30 on the first of the month: the report of the month before",
    )
