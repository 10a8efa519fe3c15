"""The lake: one Parquet file for each table and calendar month. A change writes a new file under a new name.

The partition is the workday; a file holds a month of workdays. So ten years are 120 files a table, not 2 600, and every
poll opens and verifies those it reads. Rows are in order of workday. Before rows are used, the file is compared with the
hash it holds and with the ledger's. Readers never lock the lake. What does not belong here: the names of versions
(versions), and files that do not agree with the ledger (settling).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.tables import LAKE, dtypes, frame, validated
from konkurs_pipeline.storage.files import make_private_folder, remove_leftovers
from konkurs_pipeline.storage.lake.answers import KeptAnswers
from konkurs_pipeline.storage.lake.hashes import hash_if_whole, write_sealed_parquet
from konkurs_pipeline.storage.lake.noted_versions import newest_of_all, noted_versions
from konkurs_pipeline.storage.lake.settling import EMPTY_FILE, damaged, settle, write_empty_file
from konkurs_pipeline.storage.lake.versions import path_of, remove_superseded, versions_in
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger import file_versions
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.ledger.file_versions import FileVersion

# A temporary column, in no stored table.
_MONTH: Final = "month"


class Lake:
    """Read and replace the months of the lake tables of `schemas.tables.LAKE`.

    With a ledger (in the process that holds the store), the ledger says which version of a month is the newest. Without
    one (readers), the newest file counts, unless it is older than what was last published.
    """

    def __init__(self, layout: Layout, ledger: Ledger | None = None) -> None:
        self._layout = layout
        self._ledger = ledger
        self.answers = KeptAnswers(layout.answers)
        # Why a month cannot be used: it is gone or damaged. Then nothing may be decided.
        self.problems: list[str] = []
        self._known: dict[str, dict[dt.date, FileVersion]] = {}
        # The hashes of what this object has verified: a file of one name never changes.
        self._verified: dict[Path, str] = {}
        self._digests: dict[str, dict[dt.date, str]] = {}

    def prepare(self) -> None:
        """Create what is missing, remove what a killed process left, and compare the files with the ledger."""
        for name in LAKE:
            folder = self._layout.table(name)
            make_private_folder(folder)
            remove_leftovers(folder)
            if not (folder / EMPTY_FILE).is_file():
                write_empty_file(folder, name)
            if self._ledger is not None:
                known, problems = settle(folder, name, self._ledger)
                self._known[name] = {_month_of(part): newest for part, newest in known.items()}
                self.problems += problems
            remove_superseded(folder)
        make_private_folder(self.answers.folder)
        remove_leftovers(self.answers.folder)

    def workdays(self, table: str) -> list[dt.date]:
        """Return the workdays of `table` that have rows, in order."""
        return self.read(table, columns=["workday"])["workday"].unique().sort().to_list()

    def months(self, table: str) -> list[dt.date]:
        """Return the months of `table` that have rows, each as its first day, in order."""
        if self._ledger is None:
            return list(self._paths(table))
        return sorted(month for month, newest in self._known[table].items() if newest.row_count)

    def _paths(self, table: str) -> dict[dt.date, Path]:
        """Return month → the file of its newest version."""
        folder = self._layout.table(table)
        if self._ledger is None:
            noted = noted_versions(self._layout.lake_versions).get(table, {})
            return {_month_of(part): path for part, path in newest_of_all(folder, noted).items()}
        return {m: path_of(folder, _part_of(m), newest.version) for m, newest in sorted(self._known[table].items())}

    def read(
        self, table: str, workdays: Iterable[dt.date] | None = None, *, columns: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return the rows of `workdays` (default: all), in order of workday; a typed empty frame where there are none.

        Raises `StoreError`, naming the file or table, when a file is damaged.
        """
        if workdays is None:
            return self.read_months(table, self._paths(table), columns=columns)
        days = sorted(set(workdays))
        wanted = list(columns or dtypes(LAKE[table]))
        of_months = self.read_months(table, {_month(day) for day in days}, columns=list({*wanted, "workday"}))
        return of_months.filter(pl.col("workday").is_in(days)).select(wanted)

    def read_months(
        self, table: str, months: Iterable[dt.date], *, columns: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return the rows of whole months, each given as its first day; otherwise as `read`."""
        wanted = list(columns or dtypes(LAKE[table]))
        standing = self._paths(table)
        paths = [standing[month] for month in sorted(set(months)) if month in standing]
        for path in paths:
            self._verify(path, self._expected(table, path))
        if not paths:
            return frame(LAKE[table], []).select(wanted)
        try:
            return pl.scan_parquet(paths, glob=False).select(wanted).collect()
        except (PolarsError, OSError):
            message = f"lake table {table} in {self._layout.table(table)} cannot be read: see `konkurs verify`"
            raise StoreError(message) from None

    def digests(self, table: str) -> dict[dt.date, str]:
        """Return the hash of each month's file, verified by this run; raises `StoreError`, naming a damaged file."""
        if table not in self._digests:
            standing = self._paths(table)
            self._digests[table] = {m: self._verify(path, self._expected(table, path)) for m, path in standing.items()}
        return self._digests[table]

    def note_path(self, table: str) -> Path:
        """Return the path of the note that says what the table was made from (made_from.py)."""
        return self._layout.made_from(table)

    def _expected(self, table: str, path: Path) -> str | None:
        return self._known[table][_month_of(path.name[:7])].sha256 if self._ledger is not None else None

    def _verify(self, path: Path, expected: str | None) -> str:
        """Return the file's hash; raises `StoreError` if the file is damaged or not the ledger's (`expected`)."""
        digest = self._verified.get(path) or hash_if_whole(path)
        if digest is None or (expected is not None and digest != expected):
            raise StoreError(damaged(path))
        self._verified[path] = digest
        return digest

    def replace(self, table: str, workdays: Collection[dt.date], rows: pl.DataFrame) -> list[dt.date]:
        """Replace the rows of these workdays by `rows`; returns the workdays that changed.

        Each month that changed is written once, and every row in it is checked against the schema.
        """
        wanted = _by_month(rows)
        changed: list[dt.date] = []
        for month in sorted({_month(day) for day in workdays}):
            days = [day for day in workdays if _month(day) == month]
            before = self.read_months(table, [month])
            others = before.filter(~pl.col("workday").is_in(days))
            after = pl.concat([others, wanted.get(month, others.clear())]).sort("workday", maintain_order=True)
            if not after.equals(before):
                self._write(table, month, after)
                changed += _days_that_differ(before, after)
        return changed

    def _write(self, table: str, month: dt.date, rows: pl.DataFrame) -> None:
        """Write a month's next version, then record it in the ledger. If a month lost its rows, its file is empty."""
        if self._ledger is None:
            message = "a lake without a ledger is for reading"
            raise ValueError(message)
        rows = validated(LAKE[table], rows)
        folder, part = self._layout.table(table), _part_of(month)
        version = max([0, *versions_in(folder).get(part, [])]) + 1
        newest = FileVersion(version, write_sealed_parquet(path_of(folder, part, version), rows), rows.height)
        file_versions.note(self._ledger, table, part, newest)
        self._known[table][month] = newest
        self._digests.pop(table, None)

    def drop_lost(self, table: str) -> list[dt.date]:
        """Forget the months whose file is gone or not the newest, until they are written again; returns them in order."""
        if self._ledger is None:
            return []
        folder, lost = self._layout.table(table), []
        for part, newest in file_versions.known(self._ledger, table).items():
            path = path_of(folder, part, newest.version)
            if hash_if_whole(path) != newest.sha256:
                path.unlink(missing_ok=True)
                self._known[table].pop(_month_of(part), None)
                self._digests.pop(table, None)
                lost.append(_month_of(part))
        return lost

    def verify(self, table: str, month: dt.date) -> None:
        """Compare a month's file with its hash, the ledger and its schema; raises `StoreError` naming the file."""
        validated(LAKE[table], self.read_months(table, [month]))


def _part_of(month: dt.date) -> str:
    return f"{month:%Y-%m}"


def _month_of(part: str) -> dt.date:
    return dt.date.fromisoformat(f"{part}-01")


def _month(day: dt.date) -> dt.date:
    return day.replace(day=1)


def in_months(months: Collection[dt.date]) -> pl.Expr:
    """Whether a row, by its `workday`, is in one of these months, each given as its first day."""
    return pl.col("workday").dt.month_start().is_in(sorted(months))


def _by_month(rows: pl.DataFrame) -> dict[dt.date, pl.DataFrame]:
    month = pl.col("workday").dt.month_start().alias(_MONTH)
    parts = rows.with_columns(month).partition_by(_MONTH, as_dict=True, include_key=False)
    return {key[0]: part for key, part in parts.items()}


def _days_that_differ(before: pl.DataFrame, after: pl.DataFrame) -> list[dt.date]:
    old, new = (part.partition_by("workday", as_dict=True) for part in (before, after))
    days = sorted({*old, *new})
    return [day for (day,) in days if (day,) not in old or (day,) not in new or not old[day,].equals(new[day,])]
