"""The lake by month, one file a table and month, for the analysts' views: thousands of daily files take seconds to open.

Made from the lake and nothing else: who removes the folder lets the next run make it anew. A month whose days are about to
change is marked first, so that a run that dies leaves the mark, and the next one that publishes makes the month again. Until
then readers see it as it was. What does not belong here: the lake itself, which is what decisions rest on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Final, Protocol

import polars as pl

from konkurs_pipeline.schemas.tables import LAKE, frame
from konkurs_pipeline.storage.files import make_private_folder, remove_leftovers, replace_atomically, storage_errors
from konkurs_pipeline.storage.layout import Layout

_MARK: Final = ".stale"
_EMPTY_FILE: Final = "_schema.parquet"


class _Days(Protocol):
    """The lake, as far as it is needed here."""

    def workdays(self, table: str) -> list[dt.date]: ...

    def read(self, table: str, workdays: Iterable[dt.date] | None = None) -> pl.DataFrame: ...


def mark_stale(layout: Layout, table: str, workday: dt.date) -> None:
    """Note, before it does, that a workday changes."""
    mark = _mark_of(layout.month(table, workday))
    make_private_folder(mark.parent)
    with storage_errors(f"writing {mark}"):
        mark.touch()


def publish_months(layout: Layout, lake: _Days) -> None:
    """Make the months that are marked, or not there, anew. Raises `StoreError` when the lake is damaged."""
    for name, table in LAKE.items():
        folder = layout.months / name
        make_private_folder(folder)
        remove_leftovers(folder)
        empty = folder / _EMPTY_FILE
        if not empty.is_file() or pl.read_parquet_schema(empty) != frame(table, []).schema:
            # Another version of the program: its months have other columns.
            _forget(folder)
            replace_atomically(empty, frame(table, []).write_parquet)
        _publish_table(layout, lake, name)


def _publish_table(layout: Layout, lake: _Days, table: str) -> None:
    days_of = {path: list(days) for path, days in groupby(lake.workdays(table), lambda day: layout.month(table, day))}
    marked = {_marked_by(mark) for mark in (layout.months / table).glob(f".*{_MARK}")}
    for path in sorted(marked | {path for path in days_of if not path.is_file()}):
        rows = lake.read(table, days_of.get(path, []))
        # A month that has no days any more gets a file without rows.
        replace_atomically(path, rows.write_parquet)
        with storage_errors(f"removing {_mark_of(path)}"):
            _mark_of(path).unlink(missing_ok=True)


def _forget(folder: Path) -> None:
    with storage_errors(f"emptying {folder}"):
        for path in folder.glob("*.parquet"):
            path.unlink()


def _mark_of(month: Path) -> Path:
    return month.with_name(f".{month.name}{_MARK}")


def _marked_by(mark: Path) -> Path:
    return mark.with_name(mark.name.removeprefix(".").removesuffix(_MARK))
