"""The accepted snapshots of the bank's register, on disk.

    <folder>/<id>/customers.parquet, identifiers.parquet, and accounts.parquet where the bank gives accounts
    <folder>/<id>/snapshot.json   what was accepted, when, from which files; hashes of the tables
    <folder>/current.json         the id of the one in use

A snapshot is written whole under a temporary name, synced and renamed; then current.json is replaced. So a
crash leaves the last one in use. One process writes (the run that holds the store); any number may read. What
belongs here: writing and finding snapshots. What does not: whether a register is acceptable (register/).
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.register import REGISTER, RegisterTables
from konkurs_pipeline.schemas.table import dtypes, reshaped
from konkurs_pipeline.storage.files import (
    PRIVATE_FOLDER,
    hash_of_file,
    make_private_folder,
    remove_leftovers,
    replace_atomically,
    storage_errors,
    write_bytes_atomically,
)
from konkurs_pipeline.storage.register.accepted import (
    FORMAT,
    FileIdentity,
    Snapshot,
    SnapshotCounts,
    SnapshotFacts,
    damage_named,
    damaged,
    read_json,
    read_snapshot,
    write_description,
    write_json,
)

KEPT: Final = 3
# Raised if the tables take other values from the bank's files: then an older snapshot is made again from the same files.
FORM: Final = 3
# Small enough that the identifiers of a poll touch little of the sorted file: sixty of ten million are found in 28 ms,
# in groups of 100 000 in 107. The file is no larger for it.
_ROW_GROUP: Final = 10_000
_TEMPORARY: Final = ".tmp-"
_KEY_NAME: Final = "reference.key"
_ID: Final = re.compile(r"[0-9a-f]{64}")


class Snapshots:
    """The folder of accepted snapshots. The caller makes sure that one process writes at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pointer = folder / "current.json"

    def current(self) -> Snapshot | None:
        """Return the last accepted snapshot, None if there is none; raises `StoreError` if damaged."""
        if not self._pointer.exists():
            return None
        current = str(read_json(self._pointer).get("id"))
        if not _ID.fullmatch(current):
            raise StoreError(damaged(self._pointer, "it names no snapshot"))
        return read_snapshot(self._folder / current)

    def find(self, register_id: str) -> Snapshot | None:
        """Return an accepted snapshot by its id, None if it is no longer kept; raises `StoreError` if damaged."""
        folder = self._folder / register_id
        return read_snapshot(folder) if _ID.fullmatch(register_id) and folder.is_dir() else None

    def ids(self) -> list[str]:
        """Return the ids of the snapshots that are kept, in order."""
        return sorted(path.name for path in self._folder.glob("*/") if _ID.fullmatch(path.name))

    def remove(self, register_id: str) -> None:
        """Remove a snapshot that is not the current one; after a kill `tidy` removes the rest. Raises `StoreError`."""
        aside = self._folder / f"{_TEMPORARY}removed-{register_id}"
        with storage_errors(f"removing a register from {self._folder}"):
            (self._folder / register_id).rename(aside)
            shutil.rmtree(aside)

    def tidy(self) -> None:
        """Remove what a killed run left: it may hold the whole register."""
        with storage_errors(f"tidying {self._folder}"):
            self._remove_left_overs()

    def accept(self, tables: RegisterTables, facts: SnapshotFacts) -> Snapshot:
        """Write the tables as a snapshot, make it the current one and remove all but the last three.

        Raises `StoreError` if a table breaks its schema or the folder cannot be written; nothing changed
        then.
        """
        tables.validate()
        make_private_folder(self._folder)
        with storage_errors(f"writing the register to {self._folder}"):
            self._remove_left_overs()
            snapshot = self._write(tables, facts)
            write_json(self._pointer, {"format": FORMAT, "id": snapshot.id})
            self._remove_old(snapshot)
        return snapshot

    def reference_key(self) -> bytes:
        """Return the key of the stand-ins for withheld references; the first call makes it."""
        path = self._folder / _KEY_NAME
        make_private_folder(self._folder)
        with storage_errors(f"reading {path}"):
            if not path.is_file():
                write_bytes_atomically(path, secrets.token_bytes(32))
            return path.read_bytes()

    def renew(
        self,
        snapshot: Snapshot,
        customers_file: FileIdentity,
        accounts_file: FileIdentity | None,
        accepted_at: dt.datetime,
    ) -> Snapshot:
        """Record new files with the same bytes, and when they were accepted; the tables stay. Raises `StoreError`."""
        facts = replace(
            snapshot.facts, customers_file=customers_file, accounts_file=accounts_file, accepted_at=accepted_at
        )
        renewed = replace(snapshot, facts=facts)
        write_description(snapshot.folder, renewed)
        return renewed

    def take_shape(self) -> None:
        """Bring the snapshots of an earlier version to today's columns: a new column is null."""
        for folder in self._folder.glob("*/"):
            if _ID.fullmatch(folder.name):
                _take_shape(read_snapshot(folder))

    def _write(self, tables: RegisterTables, facts: SnapshotFacts) -> Snapshot:
        temporary = self._folder / f"{_TEMPORARY}{facts.id}"
        temporary.mkdir(mode=PRIVATE_FOLDER)
        for name, data in tables.named().items():
            _write_table(temporary / f"{name}.parquet", data)
        hashes = {path.name: hash_of_file(path) for path in sorted(temporary.iterdir())}
        snapshot = Snapshot(self._folder / facts.id, facts.id, facts, _counts(tables), hashes, FORM)
        write_description(temporary, snapshot)
        # If a former register comes back: a folder cannot be renamed onto one that is not empty.
        if snapshot.folder.exists():
            snapshot.folder.rename(self._folder / f"{_TEMPORARY}replaced-{facts.id}")
        temporary.rename(snapshot.folder)
        return snapshot

    def _remove_old(self, current: Snapshot) -> None:
        self._remove_left_overs()
        others = [path for path in self._folder.iterdir() if _ID.fullmatch(path.name)]
        others.remove(current.folder)
        newest_first = sorted(others, key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
        for folder in newest_first[KEPT - 1 :]:
            shutil.rmtree(folder)

    def _remove_left_overs(self) -> None:
        for left_over in self._folder.glob(f"{_TEMPORARY}*"):
            shutil.rmtree(left_over)
        remove_leftovers(self._folder)


def _take_shape(snapshot: Snapshot) -> None:
    hashes = dict(snapshot.tables_sha256)
    for name in hashes:
        path, table = snapshot.folder / name, REGISTER[name.removesuffix(".parquet")]
        with damage_named(path):
            if pl.read_parquet_schema(path) == pl.Schema(dtypes(table)):
                continue
            snapshot.verify()
            rows = reshaped(table, pl.read_parquet(path, glob=False), {})
        _write_table(path, rows)
        hashes[name] = hash_of_file(path)
        # All tables at once: if a run is killed here, the next one must find tables that agree with the hashes.
        snapshot = replace(snapshot, tables_sha256=dict(hashes))
        write_description(snapshot.folder, snapshot)


def _write_table(path: Path, data: pl.DataFrame) -> None:
    replace_atomically(path, lambda file: data.write_parquet(file, statistics=True, row_group_size=_ROW_GROUP))


def _counts(tables: RegisterTables) -> SnapshotCounts:
    accounts = tables.accounts
    return SnapshotCounts(
        customers=tables.customers.height,
        identifiers=tables.identifiers.height,
        accounts=None if accounts is None else accounts.height,
        flagged_customers=int(tables.customers["is_flagged"].sum()),
        flagged_accounts=None if accounts is None else int(accounts["is_flagged"].sum()),
    )
