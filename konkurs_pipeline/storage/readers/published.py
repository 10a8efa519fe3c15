"""Reading what runs left, without the lock and without the ledger: for commands and monitors that must never hold up a run.

Everything here reads the lake and the published tables, as an analyst does, and answers at any time, also while a run is
under way. An empty store gives typed empty frames.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

import polars as pl
from polars.exceptions import PolarsError

from konkurs_pipeline.domain.outcomes import Outcome
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.tables import JOURNALS, LAKE, LEDGER, frame
from konkurs_pipeline.storage.control_requests import recorded_requests
from konkurs_pipeline.storage.lake.tables import Lake
from konkurs_pipeline.storage.layout import Layout


class Published:
    """The tables of a store, for reading. Raises `StoreError`, naming the file, when one is damaged."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lake = Lake(layout)

    def read(
        self, table: str, workdays: Iterable[dt.date] | None = None, *, columns: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return a table of the lake (of `workdays`, default all) or of the ledger, as last published."""
        if table in LAKE:
            return self._lake.read(table, workdays, columns=columns)
        if table in JOURNALS:
            return recorded_requests(self._layout).select(columns or pl.all())
        path = self._layout.published / f"{table}.parquet"
        if not path.is_file():
            return frame(LEDGER[table], []).select(columns or pl.all())
        try:
            return pl.read_parquet(path, columns=list(columns) if columns else None)
        except (PolarsError, OSError):
            message = f"{path} cannot be read: remove it, and the next run publishes it again"
            raise StoreError(message) from None


def first_polled_workday(layout: Layout) -> dt.date | None:
    """Return the earliest workday that a poll was ever asked for; null before the first."""
    polls = Published(layout).read("polls")
    first = polls.filter(pl.col("outcome") != Outcome.FAILED.value)["from_workday"].min()
    return first if isinstance(first, dt.date) else None
