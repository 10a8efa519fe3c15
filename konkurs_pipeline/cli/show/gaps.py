"""`konkurs gaps`."""

from __future__ import annotations

from typing import Annotated

import typer

from konkurs_pipeline.cli.options import AsJson, FirstDay, LastDay, day
from konkurs_pipeline.cli.printing.tables import print_table
from konkurs_pipeline.cli.printing.terminal import answer, answer_json
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.enquiries.watch import Watched, as_row, recent_quarters
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import layout_of, layout_of_store

ShowAll = Annotated[bool, typer.Option("--all", help="Also the quarters that a poll covered.")]


def command(
    first: FirstDay = None, last: LastDay = None, *, show_all: ShowAll = False, as_json: AsJson = False
) -> None:
    """List the quarters of opening hours that no poll covered, and by which poll each was healed.

    Without --from: those of the lookback.
    """
    first_day, last_day = day("--from", first), day("--to", last)
    settings = load_settings()
    watched = Watched(settings, Published(layout_of(settings)), utc_now())
    window = settings.calendar.window(
        first_day or watched.recent_days[0], last_day or watched.recent_days[-1], lookback=0
    )
    layout_of_store(settings)
    found = recent_quarters(watched, settings.calendar.between(window.from_workday, window.to_workday))
    rows = [as_row(quarter) for quarter in found if show_all or not quarter.is_covered]
    if as_json:
        answer_json(rows)
        return
    if rows:
        print_table("Quarters of opening hours", rows)
    covered, healed = sum(q.is_covered for q in found), sum(q.is_healed for q in found)
    answer(f"{len(found)} quarters: {covered} covered, {healed} healed, {len(found) - covered - healed} missed")
