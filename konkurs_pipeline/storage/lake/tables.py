"""The lake: one Parquet file a table and calendar month, checked against its schema and replaced by atomic rename.

The partition is the workday, and the file holds a month of them: ten years are 120 files a table and not 2 600, each of
which would be opened and proven by every poll. Rows stand in order of workday. Every file is held against the hash it
carries before its rows are used. Readers never lock the lake. A month without rows has no file. An empty file
`_schema.parquet` in each table's folder gives readers the columns before the first month is written.
"""

from __future__ import annotations

import datetime as dt
import gzip
import re
import zlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.table import reshaped
from konkurs_pipeline.schemas.tables import LAKE, dtypes, frame, validated
from konkurs_pipeline.storage.files import (
    hash_of,
    make_private_folder,
    names_in,
    remove_leftovers,
    storage_errors,
    write_bytes_atomically,
)
from konkurs_pipeline.storage.lake.hashes import proven_hash, write_sealed_parquet
from konkurs_pipeline.storage.layout import Layout

EMPTY_FILE: Final = "_schema.parquet"
_MONTH_FILE: Final = re.compile(r"[0-9]{4}-[0-9]{2}\.parquet")
_DAY_FILE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\.parquet")
# A column for a moment, of no table.
_MONTH: Final = "month"

_Version = tuple[int, int, int]


class Lake:
    """Read and replace the partitions of the lake tables of `schemas.tables.LAKE`."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        # The hashes of what this object has proven. A run proves each file once: it holds the store while it works.
        self._proven: dict[Path, tuple[_Version, str]] = {}
        # By table, until this object writes it.
        self._digests: dict[str, dict[dt.date, str]] = {}

    def prepare(self) -> None:
        """Create what is absent, and remove what a killed process left half written."""
        for name, table in LAKE.items():
            make_private_folder(self._layout.table(name))
            remove_leftovers(self._layout.table(name))
            empty = self._layout.table(name) / EMPTY_FILE
            if _proven_hash(empty) is None or pl.read_parquet_schema(empty) != pl.Schema(dtypes(table)):
                write_sealed_parquet(empty, frame(table, []))
        make_private_folder(self._layout.answers)
        remove_leftovers(self._layout.answers)

    def take_shape(self, table: str, given: Mapping[str, pl.Expr]) -> None:
        """Bring the files of an earlier version to today's columns; raises `StoreError` where old rows cannot get one.

        `given`: column → what old rows get; a new column that is not there is null.
        """
        for path in self._month_files(table).values():
            self._prove(path)
            if pl.read_parquet_schema(path) != pl.Schema(dtypes(LAKE[table])):
                write_sealed_parquet(path, validated(LAKE[table], reshaped(LAKE[table], pl.read_parquet(path), given)))
        self._take_days_into_months(table, given)

    def _take_days_into_months(self, table: str, given: Mapping[str, pl.Expr]) -> None:
        """Take in the files of an early version, one a workday; a month is written before its days are removed."""
        folder = self._layout.table(table)
        paths = [folder / name for name in sorted(filter(_DAY_FILE.fullmatch, names_in(folder)))]
        for path in paths:
            self._prove(path)
        if paths:
            days = [dt.date.fromisoformat(path.stem) for path in paths]
            rows = [reshaped(LAKE[table], pl.read_parquet(path), given) for path in paths]
            self.replace(table, days, pl.concat(rows))
        for path in paths:
            path.unlink()

    def workdays(self, table: str) -> list[dt.date]:
        """Return the workdays of `table` that have rows, in order."""
        return self.read(table, columns=["workday"])["workday"].unique().sort().to_list()

    def months(self, table: str) -> list[dt.date]:
        """Return the months of `table` that have a file, each as its first day, in order."""
        return list(self._month_files(table))

    def _month_files(self, table: str) -> dict[dt.date, Path]:
        folder = self._layout.table(table)
        names = sorted(filter(_MONTH_FILE.fullmatch, names_in(folder)))
        return {dt.date.fromisoformat(f"{name[:7]}-01"): folder / name for name in names}

    def read(
        self, table: str, workdays: Iterable[dt.date] | None = None, *, columns: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return the rows of `workdays` (default: all), in order of workday; a typed empty frame where there are none.

        Raises `StoreError`, naming the file or table, when a file is damaged.
        """
        if workdays is None:
            return self.read_months(table, self.months(table), columns=columns)
        days = sorted(set(workdays))
        wanted = list(columns or dtypes(LAKE[table]))
        of_months = self.read_months(table, {_month(day) for day in days}, columns=list({*wanted, "workday"}))
        return of_months.filter(pl.col("workday").is_in(days)).select(wanted)

    def read_months(
        self, table: str, months: Iterable[dt.date], *, columns: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return the rows of whole months, each given as its first day; otherwise as `read`."""
        wanted = list(columns or dtypes(LAKE[table]))
        paths = self._proven_paths(table, sorted(set(months)))
        if not paths:
            return frame(LAKE[table], []).select(wanted)
        try:
            return pl.scan_parquet(paths).select(wanted).collect()
        except (PolarsError, OSError):
            message = f"lake table {table} in {self._layout.table(table)} cannot be read: see `konkurs verify`"
            raise StoreError(message) from None

    def _proven_paths(self, table: str, months: Iterable[dt.date]) -> list[Path]:
        """Return the files of these months that are there, each proven: once a run, where the run has asked for all."""
        known = self._digests.get(table)
        if known is not None:
            return [self._layout.partition(table, month) for month in months if month in known]
        paths = [path for month in months if (path := self._layout.partition(table, month)).is_file()]
        for path in paths:
            self._prove(path)
        return paths

    def digests(self, table: str) -> dict[dt.date, str]:
        """Return the hash of each month's file, proven by this run; raises `StoreError`, naming the file, when damaged."""
        if table not in self._digests:
            self._digests[table] = {month: self._prove(path) for month, path in self._month_files(table).items()}
        return self._digests[table]

    def note_path(self, table: str) -> Path:
        """Return where it is noted what the table was made from (made_from.py)."""
        return self._layout.made_from(table)

    def _prove(self, path: Path) -> str:
        # A file that is replaced, by a run while an analyst's command reads, is another one.
        version = _version_of(path)
        known = self._proven.get(path)
        if known is None or known[0] != version:
            digest = _proven_hash(path)
            if digest is None:
                message = (
                    f"{path} is damaged, or was not written by this program. Nothing was decided. Restore it from a copy "
                    "and run `konkurs verify`"
                )
                raise StoreError(message)
            self._proven[path] = known = (version, digest)
        return known[1]

    def replace(self, table: str, workdays: Collection[dt.date], rows: pl.DataFrame) -> list[dt.date]:
        """Make `rows` the whole of these partitions; returns the workdays that changed.

        Each month that changed is written once, and every row in it held against its schema.
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
        rows = validated(LAKE[table], rows)
        path = self._layout.partition(table, month)
        self._proven.pop(path, None)
        self._digests.pop(table, None)
        if rows.is_empty():
            with storage_errors(f"removing {path}"):
                path.unlink(missing_ok=True)
        else:
            write_sealed_parquet(path, rows)

    def prove(self, table: str, month: dt.date) -> None:
        """Hold a month's file against the hash it carries and its schema; raises `StoreError` naming the file."""
        validated(LAKE[table], self.read_months(table, [month]))

    def gone(self) -> list[str]:
        """Return a line for each file that must be there, by what another table has, and is not."""
        notices = set(self.months("raw_notices"))
        resting = {month for table in ("expanded_datasets", "debtors", "estates") for month in self.months(table)}
        return [
            f"{self._layout.partition('raw_notices', month)} is gone: restore it from a copy"
            for month in sorted(resting - notices)
        ]

    def keep_answer(self, body: bytes) -> str:
        """Keep the bytes of an answer, once for equal bytes; returns their SHA-256."""
        digest = hash_of(body)
        path = self.answer_path(digest)
        if not path.is_file():
            make_private_folder(path.parent)
            # Aside in the one folder that is tidied: looking through those of all years would cost more at every poll.
            content = gzip.compress(body, compresslevel=6, mtime=0)
            write_bytes_atomically(path, content, aside=self._layout.answers)
        return digest

    def answer_path(self, digest: str) -> Path:
        """Return where the answer with this hash is kept."""
        return self._layout.answers / digest[:2] / f"{digest}.json.gz"

    def answer(self, digest: str) -> bytes:
        """Return the bytes of an answer; raises `StoreError` when they are missing or not what the hash says."""
        path = self.answer_path(digest)
        try:
            body = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error):
            body = b""
        if hash_of(body) != digest:
            message = f"the kept answer {path} is missing or damaged: restore it from a copy"
            raise StoreError(message)
        return body


def _version_of(path: Path) -> _Version:
    """Return what tells a file from the one before it; the inode alone does not: a disk gives a freed one again."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


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


def _proven_hash(path: Path) -> str | None:
    try:
        return proven_hash(path)
    except OSError:
        return None
