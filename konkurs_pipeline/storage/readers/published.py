"""Reads what runs published, without the lock and the ledger: for commands and monitors that must not make a run wait.

It reads the lake and the published tables, as an analyst does, also while a run is under way. An empty store gives typed
empty frames. A long table is published in parts of some thousand rows (`<table>`, `<table>-0001`, …), so that a poll
writes only the part that it changed.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from konkurs_pipeline.domain.outcomes import Outcome
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.tables import JOURNALS, LAKE, LEDGER, dtypes, frame
from konkurs_pipeline.storage.control_requests import recorded_requests
from konkurs_pipeline.storage.files import (
    PRIVATE_FILE,
    TEMPORARY_SUFFIX,
    hash_of,
    make_private_folder,
    remove_leftovers,
    storage_errors,
    write_bytes_atomically,
)
from konkurs_pipeline.storage.lake.hashes import UNSEALED, hash_if_whole, sealed
from konkurs_pipeline.storage.lake.tables import Lake
from konkurs_pipeline.storage.lake.versions import all_in, newest_in, path_of, remove_superseded, versions_in
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger import file_versions
from konkurs_pipeline.storage.ledger.connection import ROWS_WRITTEN_TOGETHER
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.ledger.file_versions import FileVersion

# The name of this folder in the ledger's record of file versions.
FOLDER: Final = "published"
_NO_ROWS: Final = "0 None"


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
        paths = [path for part, path in newest_in(self._layout.published).items() if _table_of(part) == table]
        if not paths:
            return frame(LEDGER[table], []).select(columns or pl.all())
        try:
            return pl.read_parquet(paths, columns=list(columns) if columns else None, glob=False)
        except (PolarsError, OSError):
            message = f"{_and_others(paths)} cannot be read: remove it, and the next run publishes it again"
            raise StoreError(message) from None


def _and_others(paths: Sequence[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]}, or one of {len(paths) - 1} more parts of it,"


def publish(ledger: Ledger, folder: Path) -> None:
    """Write each part of the ledger's tables that changed to `folder`, under a new name, and note it in the ledger."""
    make_private_folder(folder)
    remove_leftovers(folder)
    _remove_damaged(folder)
    known, standing = file_versions.known(ledger, FOLDER), versions_in(folder)
    for table in LEDGER:
        prints = _fingerprints(ledger, table)
        emptied = {part: _NO_ROWS for part in known if _table_of(part) == table and part not in prints}
        for part, fingerprint in {**prints, **emptied}.items():
            before = known.get(part)
            if before and before.fingerprint == fingerprint and before.version in standing.get(part, []):
                continue
            content, digest = sealed(_content_of(ledger, table, part, folder))
            version = max([0, *standing.get(part, []), before.version if before else 0]) + 1
            write_bytes_atomically(path_of(folder, part, version), content)
            file_versions.note(ledger, FOLDER, part, FileVersion(version, digest, 0, fingerprint))
    remove_superseded(folder)


def _fingerprints(ledger: Ledger, table: str) -> dict[str, str]:
    """Return part → fingerprint of its rows, for all parts of a table; a table without rows has one part."""
    columns = hash_of(" ".join(dtypes(LEDGER[table])).encode())[:16]
    sql = f"SELECT rowid // {ROWS_WRITTEN_TOGETHER}, count(*), sum(hash(t)) FROM {table} t GROUP BY 1 ORDER BY 1"  # noqa: S608 -- own names
    found = {_part_of(table, block): f"{columns} {count} {total}" for block, count, total in ledger.rows(sql)}
    return {_part_of(table, 0): f"{columns} {_NO_ROWS}", **found}


def _part_of(table: str, block: int) -> str:
    return f"{table}-{block:04}" if block else table


def _table_of(part: str) -> str:
    return part.partition("-")[0]


def _block_of(part: str) -> int:
    return int(part.partition("-")[2] or 0)


def knows_published(ledger: Ledger, folder: Path, table: str) -> bool:
    """Return whether this ledger made the newest version of each part of a table: an old copy of the ledger did not."""
    known = file_versions.known(ledger, FOLDER)
    newest = {part: versions[-1] for part, versions in versions_in(folder).items() if _table_of(part) == table}
    return all(part in known and version <= known[part].version for part, version in newest.items())


def _remove_damaged(folder: Path) -> None:
    with storage_errors(f"tidying {folder}"):
        for path in list(all_in(folder)):
            if hash_if_whole(path) is None:
                path.unlink(missing_ok=True)


def _content_of(ledger: Ledger, table: str, part: str, folder: Path) -> bytes:
    """Return a part of a table as a Parquet file that is not sealed yet."""
    passing = folder / f".{part}.{os.getpid()}{TEMPORARY_SUFFIX}"
    with storage_errors(f"writing {passing}"):
        passing.touch(mode=PRIVATE_FILE)
        try:
            is_part = f"rowid // {ROWS_WRITTEN_TOGETHER} = {_block_of(part)}"
            ledger.copy_to(table, passing, UNSEALED, is_part)
            return passing.read_bytes()
        finally:
            passing.unlink(missing_ok=True)


def published_problems(ledger: Ledger, folder: Path) -> list[str]:
    """Return a line for each published file that is damaged, or is not the version that the ledger published last."""
    known, newest = file_versions.known(ledger, FOLDER), newest_in(folder)
    wrong = [path for path in all_in(folder) if hash_if_whole(path) is None]
    for table, version in known.items():
        path = path_of(folder, table, version.version)
        if path not in wrong and (not path.is_file() or hash_if_whole(path) != version.sha256):
            wrong.append(path)
    unknown = [path for part, path in newest.items() if _table_of(part) not in LEDGER]
    return [
        f"{path} is damaged, gone, or not what was published: the next run publishes it again"
        for path in sorted({*wrong, *unknown})
    ]


def first_polled_workday(layout: Layout) -> dt.date | None:
    """Return the earliest workday that a poll was ever asked for; null before the first."""
    polls = Published(layout).read("polls")
    first = polls.filter(pl.col("outcome") != Outcome.FAILED.value)["from_workday"].min()
    return first if isinstance(first, dt.date) else None
