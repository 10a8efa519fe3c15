"""Reading what runs left, without the lock and without the ledger: for commands and monitors that must never hold up a run.

Everything here reads the lake and the published tables, as an analyst does, and answers at any time, also while a run is
under way. An empty store gives typed empty frames.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from konkurs_pipeline.domain.outcomes import Outcome
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.tables import JOURNALS, LAKE, LEDGER, frame
from konkurs_pipeline.storage.control_requests import recorded_requests
from konkurs_pipeline.storage.files import (
    PRIVATE_FILE,
    TEMPORARY_SUFFIX,
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
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.ledger.file_versions import FileVersion

# Under this name the ledger knows the versions of the published files.
FOLDER: Final = "published"


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
        path = newest_in(self._layout.published).get(table)
        if path is None:
            return frame(LEDGER[table], []).select(columns or pl.all())
        try:
            return pl.read_parquet(path, columns=list(columns) if columns else None, glob=False)
        except (PolarsError, OSError):
            message = f"{path} cannot be read: remove it, and the next run publishes it again"
            raise StoreError(message) from None


def publish(ledger: Ledger, folder: Path) -> None:
    """Write every table of the ledger that changed to `folder` as Parquet, under a new name, and note it in the ledger."""
    make_private_folder(folder)
    remove_leftovers(folder)
    _remove_damaged(folder)
    known, standing = file_versions.known(ledger, FOLDER), versions_in(folder)
    for table in LEDGER:
        content, digest = sealed(_content_of(ledger, table, folder))
        before = known.get(table)
        if before is None or before.sha256 != digest or before.version not in standing.get(table, []):
            version = max([0, *standing.get(table, []), before.version if before else 0]) + 1
            write_bytes_atomically(path_of(folder, table, version), content)
            file_versions.note(ledger, FOLDER, table, FileVersion(version, digest, 0))
    remove_superseded(folder)


def _remove_damaged(folder: Path) -> None:
    with storage_errors(f"tidying {folder}"):
        for path in list(all_in(folder)):
            if hash_if_whole(path) is None:
                path.unlink(missing_ok=True)


def _content_of(ledger: Ledger, table: str, folder: Path) -> bytes:
    """Return a table as a Parquet file that is not sealed yet."""
    passing = folder / f".{table}.{os.getpid()}{TEMPORARY_SUFFIX}"
    with storage_errors(f"writing {passing}"):
        passing.touch(mode=PRIVATE_FILE)
        try:
            ledger.copy_to(table, passing, UNSEALED)
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
    unknown = [path for table, path in newest.items() if table not in LEDGER]
    return [
        f"{path} is damaged, gone, or not what was published: the next run publishes it again"
        for path in sorted({*wrong, *unknown})
    ]


def first_polled_workday(layout: Layout) -> dt.date | None:
    """Return the earliest workday that a poll was ever asked for; null before the first."""
    polls = Published(layout).read("polls")
    first = polls.filter(pl.col("outcome") != Outcome.FAILED.value)["from_workday"].min()
    return first if isinstance(first, dt.date) else None
