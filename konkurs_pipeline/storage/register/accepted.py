"""One accepted register: its facts, queries on its tables, and its description on disk (`snapshot.json`).

What does not belong here: the folder of snapshots, and which one is current (storage/register/snapshots.py).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
from pydantic import TypeAdapter, ValidationError

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.files import hash_of, hash_of_file, write_bytes_atomically

FORMAT: Final = "konkurs-register/1"


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Identifies one state of a file without reading it; times in nanoseconds since 1970."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """What is known of a register beside its tables; None for accounts: the bank gives no accounts file.

    `n_orphans`: accounts left out, as their customer is not in the customers file. `n_respelled`: values read in another
    spelling. `n_unread_former_ids`: entries of former_ids that are no identifier. `n_withheld`: customers whose reference
    holds their own number.
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
    """Rows of the tables; those of accounts are None if the bank gives no accounts file."""

    customers: int
    identifiers: int
    accounts: int | None
    flagged_customers: int
    flagged_accounts: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One accepted register. `id` is the outbox's `register_sha256`; `tables_sha256` is by file name.

    `form`: which `FORM` of the program made it; 1 has neither `opened_at` nor `owners`,
    2 cut long lists of owners without a mark.
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

        Sorted by national_id and customer_ref. Raises `StoreError` if the file is damaged.
        """
        return self._rows("identifiers", "national_id", ids)

    def accounts_of(self, customer_refs: Collection[str]) -> pl.DataFrame | None:
        """Return the customers' accounts, in the columns of `RegisterAccounts`.

        Sorted by customer_ref and account_no. None if the bank gives no accounts file. Raises `StoreError`
        when the file is damaged.
        """
        return self._rows("accounts", "customer_ref", customer_refs) if self.has_accounts else None

    def identifiers_of(self, customer_refs: Collection[str]) -> list[str]:
        """Return every identifier, present and former, of some customers."""
        return self._rows("identifiers", "customer_ref", customer_refs)["national_id"].unique().sort().to_list()

    def verify(self) -> None:
        """Compare every table with the hash it was written with; raises `StoreError` that names the file."""
        with ThreadPoolExecutor(len(self.tables_sha256)) as pool:
            list(pool.map(self._verify_table, self.tables_sha256))

    def _verify_table(self, name: str) -> None:
        path = self.folder / name
        with damage_named(path):
            found = hash_of_file(path)
        if found != self.tables_sha256[name]:
            raise StoreError(damaged(path, "it is not what was written"))

    def _rows(self, table: str, column: str, values: Collection[str]) -> pl.DataFrame:
        path = self.folder / f"{table}.parquet"
        is_wanted = pl.col(column).is_in(sorted(set(values)))
        with damage_named(path):
            rows = pl.scan_parquet(path, glob=False)
            return (rows.filter(is_wanted) if values else rows.head(0)).collect()


def snapshot_id(customers_sha256: str, accounts_sha256: str | None) -> str:
    """Return the id of the register that these two files make."""
    return hash_of(f"{FORMAT}\n{customers_sha256}\n{accounts_sha256 or '-'}\n".encode())


def read_snapshot(folder: Path) -> Snapshot:
    """Return the snapshot in a folder; raises `StoreError` if its description is damaged."""
    path = folder / "snapshot.json"
    try:
        return TypeAdapter(Snapshot).validate_python({**read_json(path), "folder": folder})
    except ValidationError:
        raise StoreError(damaged(path, "it does not describe a snapshot")) from None


def write_description(folder: Path, snapshot: Snapshot) -> None:
    """Write the description of a snapshot into its folder, which may still be a temporary one."""
    content = {name: value for name, value in asdict(snapshot).items() if name != "folder"}
    write_json(folder / "snapshot.json", content)


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; raises `StoreError` if it is damaged or missing."""
    with damage_named(path):
        found = json.loads(path.read_bytes())
    if not isinstance(found, dict):
        raise StoreError(damaged(path, "it is no JSON object"))
    return found


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a JSON file as a whole."""
    text = json.dumps(content, indent=2, default=dt.datetime.isoformat)
    write_bytes_atomically(path, f"{text}\n".encode())


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Raise a library's error about a damaged file as a `StoreError` that names the file: the error may quote values."""
    try:
        yield
    except (OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise StoreError(damaged(path, type(error).__name__)) from None


def damaged(path: Path, reason: str) -> str:
    """Return the message of the `StoreError` about a damaged file of a snapshot."""
    return (
        f"{path} is damaged or missing ({reason}), so the accepted register cannot be used. "
        "Remove current.json in the folder of snapshots: the next run reads the bank's files again"
    )
