"""The ledger's record of documents that could not be fetched: how often, and when a poll asks again.

What does not belong here: how long a poll waits before it asks again (domain/back_off).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Final

import polars as pl

from konkurs_pipeline.domain.back_off import rest_after
from konkurs_pipeline.storage.ledger.connection import EACH, each_record
from konkurs_pipeline.storage.ledger.database import Ledger

_INSERT: Final = (
    "INSERT INTO dataset_failures SELECT uuid, failures, next_try_at FROM "  # noqa: S608 -- own constants
    f"(SELECT {each_record(uuid='VARCHAR', failures='BIGINT', next_try_at='TIMESTAMPTZ')})"
)
_COLUMNS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "uuid": pl.String,
    "failures": pl.Int64,
    "next_try_at": pl.Datetime("us", "UTC"),
}


def dataset_failures(ledger: Ledger) -> pl.DataFrame:
    """Return uuid, failures and next_try_at (UTC) of each document whose last request failed."""
    rows = ledger.rows("SELECT uuid, failures, next_try_at FROM dataset_failures")
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row")


def record(
    ledger: Ledger,
    *,
    failed: Collection[str],
    contradicting: Collection[str],
    fetched: Collection[str],
    now: dt.datetime,
) -> None:
    """Record how requests for documents ended; part of the caller's transaction. A contradicting one is not delayed."""
    known = dict(dataset_failures(ledger).select("uuid", "failures").iter_rows())
    counts = {uuid: known.get(uuid, 0) + 1 for uuid in (*failed, *contradicting)}
    rows = [
        {
            "uuid": uuid,
            "failures": count,
            "next_try_at": now if uuid in contradicting else now + rest_after(count),
        }
        for uuid, count in counts.items()
    ]
    forgotten = [*counts, *known.keys() & set(fetched)]
    if forgotten:
        ledger.execute(f"DELETE FROM dataset_failures WHERE uuid IN (SELECT {EACH})", [forgotten])  # noqa: S608 -- own
    if rows:
        ledger.execute(_INSERT, [rows])
