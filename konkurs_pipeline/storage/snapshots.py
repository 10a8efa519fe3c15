"""The accepted snapshots of the bank's register, on disk.

    <folder>/<id>/customers.parquet, identifiers.parquet, and accounts.parquet where the bank gives accounts
    <folder>/<id>/snapshot.json   what was accepted, when, from which files; hashes of the tables
    <folder>/current.json         the id of the one in use

A snapshot is written whole under a temporary name, synced and renamed; then current.json is replaced. So a
crash leaves the last one in use. One process writes (the run that holds the store); any number read. What
belongs here: writing a snapshot, and asking it. What does not: whether a register is acceptable (register/).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import polars as pl
from pydantic import TypeAdapter, ValidationError

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.register import REGISTER, RegisterTables
from konkurs_pipeline.schemas.table import dtypes, reshaped
from konkurs_pipeline.storage.files import (
    PRIVATE_FOLDER,
    make_private_folder,
    remove_leftovers,
    replace_atomically,
    storage_errors,
    write_bytes_atomically,
)

KEPT: Final = 3
_FORMAT: Final = "konkurs-register/1"
# Raised with each change of what is taken from the bank's files: an older snapshot is made again from the same files.
FORM: Final = 2
# Small enough that the identifiers of a poll touch little of the sorted file: sixty of ten million are found in 28 ms,
# in groups of 100 000 in 107. The file is no larger for it.
_ROW_GROUP: Final = 10_000
_TEMPORARY: Final = ".tmp-"
_KEY_NAME: Final = "reference.key"
_ID: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What tells one state of a file from another without reading it; times in nanoseconds since 1970."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """What is known of a register beside its tables; None for accounts: the bank gives no accounts file.

    `n_orphans`: accounts left out, as their customer is not in the customers file. `n_respelled`: values that were spelled
    otherwise and read. `n_unread_former_ids`: entries of former_ids that are no identifier. `n_withheld`: customers whose
    reference holds their own number.
    """

    accepted_at: dt.datetime
    customers_sha256: str
    accounts_sha256: str | None
    customers_file: FileIdentity
    accounts_file: FileIdentity | None
    n_orphans: int
    n_respelled: int = 0
    n_unread_former_ids: int = 0
    n_withheld: int = 0

    @property
    def id(self) -> str:
        """The snapshot's id, from the hashes of the two files."""
        return snapshot_id(self.customers_sha256, self.accounts_sha256)


@dataclass(frozen=True, slots=True)
class SnapshotCounts:
    """Rows of the tables; those of accounts are None where the bank gives no accounts file."""

    customers: int
    identifiers: int
    accounts: int | None
    flagged_customers: int
    flagged_accounts: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One accepted register. `id` is the outbox's `register_sha256`; `tables_sha256` is by file name.

    `form`: which `FORM` of the program made it; 1 has neither `opened_at` nor `owners`.
    """

    folder: Path
    id: str
    facts: SnapshotFacts
    counts: SnapshotCounts
    tables_sha256: Mapping[str, str]
    form: int = 1

    @property
    def accepted_at(self) -> dt.datetime:
        """When it was accepted, UTC."""
        return self.facts.accepted_at

    @property
    def has_accounts(self) -> bool:
        """Whether the bank gives accounts; if not, actions are for the customer as a whole."""
        return self.counts.accounts is not None

    def customers_with(self, ids: Collection[str]) -> pl.DataFrame:
        """Return who has or had one of `ids`: national_id, customer_ref, is_former, is_flagged.

        Sorted by national_id and customer_ref. Raises `StoreError` when the file is damaged.
        """
        return self._rows("identifiers", "national_id", ids)

    def accounts_of(self, customer_refs: Collection[str]) -> pl.DataFrame | None:
        """Return the customers' accounts, in the columns of `RegisterAccounts`.

        Sorted by customer_ref and account_no. None where the bank gives no accounts file. Raises `StoreError`
        when the file is damaged.
        """
        return self._rows("accounts", "customer_ref", customer_refs) if self.has_accounts else None

    def identifiers_of(self, customer_refs: Collection[str]) -> list[str]:
        """Return every identifier, present and former, of some customers."""
        return self._rows("identifiers", "customer_ref", customer_refs)["national_id"].unique().sort().to_list()

    def refs_exist(self, customer_refs: Collection[str]) -> frozenset[str]:
        """Return those of `customer_refs` that are customers; raises `StoreError` when damaged."""
        return frozenset(self._rows("customers", "customer_ref", customer_refs)["customer_ref"])

    def verify(self) -> None:
        """Hold every table against the hash it was written with; raises `StoreError` that names the file."""
        with ThreadPoolExecutor(len(self.tables_sha256)) as pool:
            list(pool.map(self._verify_table, self.tables_sha256))

    def _verify_table(self, name: str) -> None:
        path = self.folder / name
        with _damage_named(path):
            found = _sha256_of(path)
        if found != self.tables_sha256[name]:
            raise StoreError(_damaged(path, "it is not what was written"))

    def _rows(self, table: str, column: str, values: Collection[str]) -> pl.DataFrame:
        path = self.folder / f"{table}.parquet"
        is_wanted = pl.col(column).is_in(sorted(set(values)))
        with _damage_named(path):
            rows = pl.scan_parquet(path, glob=False)
            return (rows.filter(is_wanted) if values else rows.head(0)).collect()


def snapshot_id(customers_sha256: str, accounts_sha256: str | None) -> str:
    """Return the id of the register that these two files make."""
    return hashlib.sha256(f"{_FORMAT}\n{customers_sha256}\n{accounts_sha256 or '-'}\n".encode()).hexdigest()


class Snapshots:
    """The folder of accepted snapshots. One process may write at a time; that is for the caller to see to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pointer = folder / "current.json"

    def current(self) -> Snapshot | None:
        """Return the last accepted snapshot, None when there is none; raises `StoreError` when damaged."""
        if not self._pointer.exists():
            return None
        current = str(_read_json(self._pointer).get("id"))
        if not _ID.fullmatch(current):
            raise StoreError(_damaged(self._pointer, "it names no snapshot"))
        return _read_snapshot(self._folder / current)

    def find(self, register_id: str) -> Snapshot | None:
        """Return an accepted snapshot by its id, None when it is no longer kept; raises `StoreError` when damaged."""
        folder = self._folder / register_id
        return _read_snapshot(folder) if _ID.fullmatch(register_id) and folder.is_dir() else None

    def ids(self) -> list[str]:
        """Return the ids of the snapshots that are kept, in order."""
        return sorted(path.name for path in self._folder.glob("*/") if _ID.fullmatch(path.name))

    def remove(self, register_id: str) -> None:
        """Remove a snapshot that is not the current one."""
        with storage_errors(f"removing a register from {self._folder}"):
            shutil.rmtree(self._folder / register_id, ignore_errors=True)

    def accept(self, tables: RegisterTables, facts: SnapshotFacts) -> Snapshot:
        """Write the tables as a snapshot, make it the current one and remove all but the last three.

        Raises `StoreError` when a table breaks its schema or the folder cannot be written; nothing changed
        then.
        """
        tables.validate()
        make_private_folder(self._folder)
        with storage_errors(f"writing the register to {self._folder}"):
            self._remove_left_overs()
            snapshot = self._write(tables, facts)
            _write_json(self._pointer, {"format": _FORMAT, "id": snapshot.id})
            self._remove_old(snapshot)
        return snapshot

    def reference_key(self) -> bytes:
        """Return the key of the stand-ins for references that are withheld; it is made when it is first asked for."""
        path = self._folder / _KEY_NAME
        make_private_folder(self._folder)
        with storage_errors(f"reading {path}"):
            if not path.is_file():
                write_bytes_atomically(path, secrets.token_bytes(32))
            return path.read_bytes()

    def renew(self, snapshot: Snapshot, customers_file: FileIdentity, accounts_file: FileIdentity | None) -> Snapshot:
        """Note that the same bytes now stand in these files; nothing else changes. Raises `StoreError`."""
        facts = replace(snapshot.facts, customers_file=customers_file, accounts_file=accounts_file)
        renewed = replace(snapshot, facts=facts)
        _write_json(snapshot.folder / "snapshot.json", _as_json(renewed))
        return renewed

    def take_shape(self) -> None:
        """Bring the snapshots of an earlier version to today's columns: a new one is null in them."""
        for folder in self._folder.glob("*/"):
            if _ID.fullmatch(folder.name):
                _take_shape(_read_snapshot(folder))

    def _write(self, tables: RegisterTables, facts: SnapshotFacts) -> Snapshot:
        temporary = self._folder / f"{_TEMPORARY}{facts.id}"
        temporary.mkdir(mode=PRIVATE_FOLDER)
        for name, data in tables.named().items():
            _write_table(temporary / f"{name}.parquet", data)
        hashes = {path.name: _sha256_of(path) for path in sorted(temporary.iterdir())}
        snapshot = Snapshot(self._folder / facts.id, facts.id, facts, _counts(tables), hashes, FORM)
        _write_json(temporary / "snapshot.json", _as_json(snapshot))
        # A register that comes back: a folder cannot be renamed onto one that is not empty.
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
        with _damage_named(path):
            if pl.read_parquet_schema(path) == pl.Schema(dtypes(table)):
                continue
            snapshot.verify()
            rows = reshaped(table, pl.read_parquet(path, glob=False), {})
        _write_table(path, rows)
        hashes[name] = _sha256_of(path)
        # At once: a run that is killed between two tables must find what fits the hashes.
        snapshot = replace(snapshot, tables_sha256=dict(hashes))
        _write_json(snapshot.folder / "snapshot.json", _as_json(snapshot))


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


def _read_snapshot(folder: Path) -> Snapshot:
    path = folder / "snapshot.json"
    try:
        return TypeAdapter(Snapshot).validate_python({**_read_json(path), "folder": folder})
    except ValidationError:
        raise StoreError(_damaged(path, "it does not describe a snapshot")) from None


def _as_json(snapshot: Snapshot) -> dict[str, Any]:
    return {name: value for name, value in asdict(snapshot).items() if name != "folder"}


def _read_json(path: Path) -> dict[str, Any]:
    with _damage_named(path):
        found = json.loads(path.read_bytes())
    if not isinstance(found, dict):
        raise StoreError(_damaged(path, "it is no JSON object"))
    return found


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=2, default=dt.datetime.isoformat)
    write_bytes_atomically(path, f"{text}\n".encode())


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turn what a library says of a damaged file, values and all, into a `StoreError` that names the file."""
    try:
        yield
    except (OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise StoreError(_damaged(path, type(error).__name__)) from None


def _damaged(path: Path, reason: str) -> str:
    return (
        f"{path} is damaged or missing ({reason}), so the accepted register cannot be used. "
        "Remove current.json in the folder of snapshots: the next run reads the bank's files again"
    )


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
