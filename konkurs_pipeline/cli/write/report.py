"""`konkurs report`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from konkurs_pipeline.cli.options import FirstDay, LastDay, day, refuse_place
from konkurs_pipeline.cli.printing.terminal import answer_document, say
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.enquiries.report.figures import figures_of
from konkurs_pipeline.enquiries.report.page import page_of
from konkurs_pipeline.enquiries.report.period import Period
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.files import write_bytes_atomically
from konkurs_pipeline.storage.store import layout_of_store

Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the page here, not to stdout.")]


def command(first: FirstDay = None, last: LastDay = None, out: Out = None) -> None:
    """Make one page (HTML) with charts: volumes, hits, actions and their confirmation, time to block, missed quarters.

    Without --from: the 30 days up to --to, and without that up to today.
    """
    refuse_place(out)
    now = utc_now()
    to_day = day("--to", last) or now.astimezone(OSLO).date()
    from_day = day("--from", first) or to_day - dt.timedelta(days=29)
    if from_day > to_day:
        message = f"--from {from_day} is after --to {to_day}: give the earlier day first"
        raise UsageError(message)
    settings = load_settings()
    layout_of_store(settings)
    page = page_of(figures_of(settings, Period(from_day, to_day), now))
    if out is None:
        answer_document(page)
        return
    write_bytes_atomically(out, page.encode())
    say(f"written: {out}")
