"""`konkurs gaps`."""

from __future__ import annotations

import datetime as dt
import json

import typer

from konkurs_pipeline.cli.tables import print_table
from konkurs_pipeline.enquiries.watch import Watched, as_row, recent_quarters
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.poll import utc_now
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import check_marker, layout_of


def show_gaps(first: dt.date | None, last: dt.date | None, *, show_all: bool, as_json: bool) -> None:
    """Print the quarters of opening hours that were missed, healed or not; with `show_all` also those that were covered."""
    settings = load_settings()
    layout = layout_of(settings)
    check_marker(settings, layout, create=False)
    watched = Watched(settings, Published(layout), utc_now())
    window = settings.calendar.window(first or watched.recent_days[0], last or watched.recent_days[-1], lookback=0)
    found = recent_quarters(watched, settings.calendar.between(window.from_workday, window.to_workday))
    rows = [as_row(quarter) for quarter in found if show_all or not quarter.is_covered]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    if rows:
        print_table("Quarters of opening hours", rows)
    covered, healed = sum(q.is_covered for q in found), sum(q.is_healed for q in found)
    typer.echo(f"{len(found)} quarters: {covered} covered, {healed} healed, {len(found) - covered - healed} missed")
