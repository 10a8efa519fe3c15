"""`konkurs metrics`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Final

import typer

from konkurs_pipeline.cli.options import refuse_place
from konkurs_pipeline.cli.printing.terminal import answer_document
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.enquiries.report.figures import figures_of
from konkurs_pipeline.enquiries.report.metrics import metrics_text
from konkurs_pipeline.enquiries.report.period import Period
from konkurs_pipeline.enquiries.report.standing import standing_of
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.files import write_bytes_atomically
from konkurs_pipeline.storage.store import layout_of_store

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write the text here, ending in .prom; anybody may read it."),
]
# Prometheus' node_exporter runs as another user, and nothing in the file is secret.
_READABLE_BY_ALL: Final = 0o644


def command(out: Out = None) -> None:
    """Write how things stand, and the figures of the last 30 days, as Prometheus text for a textfile collector."""
    refuse_place(out)
    settings, now = load_settings(), utc_now()
    layout_of_store(settings)
    today = now.astimezone(OSLO).date()
    figures = figures_of(settings, Period(today - dt.timedelta(days=29), today), now)
    text = metrics_text(figures, standing_of(settings, now))
    if out is None:
        answer_document(text)
    else:
        write_bytes_atomically(out, text.encode(), mode=_READABLE_BY_ALL)
