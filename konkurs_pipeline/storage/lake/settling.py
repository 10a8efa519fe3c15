"""Compares the files of a lake table with the ledger, and migrates files of an earlier version.

What belongs here: what happens once, when the store is opened. What does not: reading and writing rows (tables).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.table import reshaped
from konkurs_pipeline.schemas.tables import LAKE, dtypes, frame, validated
from konkurs_pipeline.storage.files import names_in
from konkurs_pipeline.storage.lake.hashes import hash_if_whole, write_sealed_parquet
from konkurs_pipeline.storage.lake.versions import newest_in, next_of, path_of, remove_superseded, versions_in
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger import file_versions
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.ledger.file_versions import FileVersion

# A file without rows: it gives readers the columns before the first month is written.
EMPTY_FILE: Final = "_schema.parquet"
# Tables from the service: they cannot be made from other tables.
RECEIVED: Final = ("raw_notices", "expanded_datasets")
# File names of version 1: by month, and still earlier by workday.
_EARLIER_FILE: Final = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?\.parquet")


_CURE: Final = (
    "Nothing was decided. Restore the newest copy of the file; where there is none, `konkurs recover` makes the month from "
    "the kept answers"
)


def damaged(path: Path) -> str:
    """Return a message about a file that is not as it was written: what is wrong and what to do."""
    return f"{path} is damaged, or is not the version that the last run wrote. {_CURE}"


def write_empty_file(folder: Path, table: str) -> None:
    """Write the file that gives readers the columns of a table."""
    write_sealed_parquet(folder / EMPTY_FILE, frame(LAKE[table], []))


def mend_empty_files(layout: Layout) -> None:
    """Write again each file that gives readers the columns, if it is damaged or of an earlier shape."""
    for name, table in LAKE.items():
        path = layout.table(name) / EMPTY_FILE
        if hash_if_whole(path) is None or pl.read_parquet_schema(path) != pl.Schema(dtypes(table)):
            write_empty_file(layout.table(name), name)


def settle(folder: Path, table: str, ledger: Ledger) -> tuple[dict[str, FileVersion], list[str]]:
    """Return the newest version of each month of a table, and why a month cannot be used.

    A version newer than the ledger's was written by a run that was killed before it recorded it: it counts. If a month of
    a derived table is gone, it is made again.
    """
    known = file_versions.known(ledger, table)
    standing = versions_in(folder)
    problems = []
    for part, versions in standing.items():
        if part not in known or versions[-1] > known[part].version:
            found = _version_at(path_of(folder, part, versions[-1]))
            if found is None:
                problems.append(damaged(path_of(folder, part, versions[-1])))
            else:
                known[part] = found
                file_versions.note(ledger, table, part, found)
    for part in [part for part, newest in known.items() if newest.version not in standing.get(part, [])]:
        if table in RECEIVED:
            path = path_of(folder, part, known[part].version)
            problems.append(f"{path} is gone, and an older version is not taken for it. {_CURE}")
        else:
            file_versions.forget(ledger, table, part)
        del known[part]
    return known, problems


def _version_at(path: Path) -> FileVersion | None:
    """Return the version record of a file that the ledger does not know; null if the file is damaged."""
    digest = hash_if_whole(path)
    if digest is None:
        return None
    rows = pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
    return FileVersion(int(path.stem.rpartition(".")[2]), digest, int(rows))


def take_shape(layout: Layout, table: str, given: Mapping[str, pl.Expr]) -> None:
    """Bring the files of an earlier version of a table to today's names and columns.

    `given`: column → what old rows get; a new column that is not there is null. Raises `StoreError` if a file is damaged,
    or old rows cannot get a column.
    """
    folder = layout.table(table)
    _rename_earlier(folder, table, given)
    for path in newest_in(folder).values():
        if pl.read_parquet_schema(path) != pl.Schema(dtypes(LAKE[table])):
            write_sealed_parquet(next_of(path), _reshaped(path, table, given))
    remove_superseded(folder, kept_for_s=0)


def _rename_earlier(folder: Path, table: str, given: Mapping[str, pl.Expr]) -> None:
    earlier = [folder / name for name in sorted(filter(_EARLIER_FILE.fullmatch, names_in(folder)))]
    months: dict[str, list[pl.DataFrame]] = {}
    for path in earlier:
        months.setdefault(path.stem[:7], []).append(_reshaped(path, table, given))
    for part, parts in months.items():
        # If a run was killed while it merged days into a month, rows are in two files.
        rows = pl.concat(parts).unique(maintain_order=True).sort("workday", maintain_order=True)
        write_sealed_parquet(path_of(folder, part, 1), rows)
    for path in earlier:
        path.unlink()


def _reshaped(path: Path, table: str, given: Mapping[str, pl.Expr]) -> pl.DataFrame:
    if hash_if_whole(path) is None:
        raise StoreError(damaged(path))
    return validated(LAKE[table], reshaped(LAKE[table], pl.read_parquet(path, glob=False), given))
