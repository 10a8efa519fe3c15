"""The accounts of the customers that notices concern: a small table kept with each register snapshot.

Notices concern one in some thousands of the bank's customers. With this table every poll can decide on all of them: it
looks up only customers that are new to the table, not all accounts. The table is removed with its snapshot.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

import polars as pl

from konkurs_pipeline.storage.lake.hashes import hash_if_whole, write_sealed_parquet
from konkurs_pipeline.storage.register.accepted import Snapshot

_FILE: Final = "matched_accounts.parquet"
_KEY: Final = "customer_ref"


def accounts_of(snapshot: Snapshot, customer_refs: Collection[str]) -> pl.DataFrame | None:
    """Return the customers' accounts, as `Snapshot.accounts_of` does; raises `StoreError` if a file is damaged."""
    wanted = pl.Series(_KEY, sorted(set(customer_refs)), dtype=pl.String)
    known = _read(snapshot.folder / _FILE)
    looked_up = known[_KEY] if known is not None else wanted.clear()
    new = wanted.filter(~wanted.is_in(looked_up.implode()))
    found = snapshot.accounts_of(new.to_list())
    if found is None:
        return None
    if known is None or not new.is_empty():
        # A customer without an account has a row without an account: it shows that the customer was looked up.
        without = new.filter(~new.is_in(found[_KEY].implode())).to_frame()
        known = pl.concat([part for part in (known, found, without) if part is not None], how="diagonal")
        write_sealed_parquet(snapshot.folder / _FILE, known)
    is_wanted = pl.col(_KEY).is_in(wanted.implode()) & pl.col("account_no").is_not_null()
    return known.filter(is_wanted).sort(_KEY, "account_no").select(found.columns)


def _read(path: Path) -> pl.DataFrame | None:
    """Return the table; null if there is none, or it is not byte for byte what was written."""
    return pl.read_parquet(path, glob=False) if hash_if_whole(path) else None
