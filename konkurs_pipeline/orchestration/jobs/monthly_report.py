"""`monthly_report`: on the first of each month, the page of figures of the month before (`konkurs report`).

It reads what runs left, without the store's lock, and is no part of a poll.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import dagster as dg

from konkurs_pipeline.clock import Clock
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.enquiries.report.figures import figures_of
from konkurs_pipeline.enquiries.report.period import month_before
from konkurs_pipeline.orchestration.assets.made import Made
from konkurs_pipeline.orchestration.jobs.scheduled_assets import ScheduledAsset
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.files import make_private_folder, write_bytes_atomically
from konkurs_pipeline.storage.store import layout_of


def _make(settings: Settings, now: Clock) -> Made:
    """Write `<data>/reports/<bank>_<month>.html`; a later run of the same month replaces it."""
    # The page's charts take a twentieth of a poll's start, and no poll draws one.
    from konkurs_pipeline.enquiries.report.page import page_of  # noqa: PLC0415

    at = now()
    period = month_before(at.astimezone(OSLO).date())
    figures = figures_of(settings, period, at)
    folder = layout_of(settings).reports
    make_private_folder(folder)
    path: Path = folder / f"{settings.bank_id}_{period.first:%Y-%m}.html"
    write_bytes_atomically(path, page_of(figures).encode())
    return Made(
        {
            "path": dg.MetadataValue.path(path),
            "notices": sum(figures.volumes.by_type.values()),
            "openings_about_customers": sum(figures.volumes.hits),
            "missed_quarters": sum(figures.missed_quarters),
            "open_reviews": sum(figures.open_reviews.values()),
        }
    )


MONTHLY_REPORT: Final = ScheduledAsset(
    name="monthly_report",
    description="The figures of the month before, as one page (HTML) for a manager and an auditor. No personal data.",
    make=_make,
    code=figures_of,
    group="decisions",
    kind="file",
    job="write_monthly_report",
    does="writes the report of the month before",
    schedule="monthly_report",
    cron="30 6 1 * *",
    when="At 06:30 on the first of the month",
    deps=("raw_notices", "customer_matches", "actions"),
    opens_store=False,
)
