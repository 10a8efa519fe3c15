"""The ledger's record of documents that could not be had: how often, and when a poll asks for one again.

What belongs here: keeping it from poll to poll. What does not: how long a document rests (domain/back_off).
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
    """Return uuid, failures and next_try_at (UTC) of each document that could not be had when it was last asked for."""
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
    """Record how documents were answered; part of the caller's transaction. One that contradicts its notice never rests."""
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
