"""The lake: one Parquet file a table and workday, checked against its schema and replaced by atomic rename.

Every file is held against the hash it carries before its rows are used. Readers never lock the lake. A partition without
rows has no file. An empty file `_schema.parquet` in each table's folder gives readers the columns before the first day is
written.
"""

from __future__ import annotations

import datetime as dt
import gzip
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.tables import LAKE, dtypes, frame, validated
from konkurs_pipeline.storage.files import (
    hash_of,
    make_private_folder,
    remove_leftovers,
    storage_errors,
    write_bytes_atomically,
)
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.months import mark_stale
from konkurs_pipeline.storage.sealed import is_sealed_parquet_whole, write_sealed_parquet

EMPTY_FILE: Final = "_schema.parquet"


class Lake:
    """Read and replace the partitions of the lake tables of `schemas.tables.LAKE`."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        # Proven or written by this object. A run proves each file once: it holds the store while it works.
        self._proven: set[tuple[Path, int]] = set()

    def prepare(self) -> None:
        """Create what is absent, and remove what a killed process left half written."""
        for name, table in LAKE.items():
            make_private_folder(self._layout.table(name))
            remove_leftovers(self._layout.table(name))
            empty = self._layout.table(name) / EMPTY_FILE
            if not _is_whole(empty) or pl.read_parquet_schema(empty) != pl.Schema(dtypes(table)):
                write_sealed_parquet(empty, frame(table, []))
        make_private_folder(self._layout.answers)
        remove_leftovers(self._layout.answers, below="*/")

    def workdays(self, table: str) -> list[dt.date]:
        """Return the workdays of `table` that have rows, in order."""
        names = (path.stem for path in self._layout.table(table).glob("[0-9]*.parquet"))
        return sorted(dt.date.fromisoformat(name) for name in names)

    def read(
        self, table: str, workdays: Iterable[dt.date] | None = None, *, columns: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return the rows of `workdays` (default: all), in order of workday; a typed empty frame where there are none.

        Raises `StoreError`, naming the file or table, when a file is damaged.
        """
        days = self.workdays(table) if workdays is None else sorted(set(workdays))
        paths = [path for day in days if (path := self._layout.partition(table, day)).is_file()]
        wanted = list(columns or dtypes(LAKE[table]))
        if not paths:
            return frame(LAKE[table], []).select(wanted)
        for path in paths:
            self._prove(path)
        try:
            return pl.scan_parquet(paths).select(wanted).collect()
        except (PolarsError, OSError):
            message = f"lake table {table} in {self._layout.table(table)} cannot be read: see `konkurs verify`"
            raise StoreError(message) from None

    def _prove(self, path: Path) -> None:
        # A file that is replaced, by a run while an analyst's command reads, is another one.
        version = (path, path.stat().st_ino)
        if version in self._proven:
            return
        if not _is_whole(path):
            message = (
                f"{path} is damaged, or was not written by this program. Nothing was decided. Restore it from a copy and "
                "run `konkurs verify`"
            )
            raise StoreError(message)
        self._proven.add(version)

    def replace(self, table: str, workday: dt.date, rows: pl.DataFrame) -> bool:
        """Make `rows` the whole of one partition; returns whether anything changed."""
        rows = validated(LAKE[table], rows)
        if rows.equals(self.read(table, [workday])):
            return False
        mark_stale(self._layout, table, workday)
        path = self._layout.partition(table, workday)
        if rows.is_empty():
            with storage_errors(f"removing {path}"):
                path.unlink(missing_ok=True)
        else:
            write_sealed_parquet(path, rows)
        return True

    def prove(self, table: str, workday: dt.date) -> None:
        """Hold one partition against the hash it carries and its schema; raises `StoreError` naming the file."""
        validated(LAKE[table], self.read(table, [workday]))

    def gone(self) -> list[str]:
        """Return a line for each file that must be there, by what another table has, and is not."""
        notices = set(self.workdays("raw_notices"))
        resting = {day for table in ("expanded_datasets", "debtors", "estates") for day in self.workdays(table)}
        return [
            f"{self._layout.partition('raw_notices', day)} is gone: restore it from a copy"
            for day in sorted(resting - notices)
        ]

    def changes(self, table: str, whole: pl.DataFrame) -> dict[dt.date, pl.DataFrame]:
        """Return the rows of the workdays that would change if `whole` became the whole table; nothing is written."""
        now = {key[0]: rows for key, rows in self.read(table).partition_by("workday", as_dict=True).items()}
        wanted = {key[0]: rows for key, rows in whole.partition_by("workday", as_dict=True).items()}
        nothing = frame(LAKE[table], [])
        return {
            day: wanted.get(day, nothing)
            for day in sorted({*now, *wanted})
            if day not in now or day not in wanted or not now[day].equals(wanted[day])
        }

    def rewrite(self, table: str, whole: pl.DataFrame) -> list[dt.date]:
        """Make `whole` the whole table; returns the workdays that changed, and only those are written."""
        changes = self.changes(table, whole)
        for day, rows in changes.items():
            self.replace(table, day, rows)
        return list(changes)

    def keep_answer(self, body: bytes) -> str:
        """Keep the bytes of an answer, once for equal bytes; returns their SHA-256."""
        digest = hash_of(body)
        path = self.answer_path(digest)
        if not path.is_file():
            make_private_folder(path.parent)
            write_bytes_atomically(path, gzip.compress(body, compresslevel=6, mtime=0))
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


def _is_whole(path: Path) -> bool:
    try:
        return is_sealed_parquet_whole(path)
    except OSError:
        return False
