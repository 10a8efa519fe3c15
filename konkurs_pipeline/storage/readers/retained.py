"""The cases of a store by which it keeps personal data, for whoever erases and for whoever tells how long."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

import polars as pl

from konkurs_pipeline.domain.notices import NOTICE_COLUMNS, notices_of
from konkurs_pipeline.domain.retention import RetentionCase, cases_of


class ReadTable(Protocol):
    """How a table of the lake or of the ledger is read: as published, or from the open store."""

    def __call__(self, table: str, *, columns: Collection[str] | None = None) -> pl.DataFrame:
        """Return the table."""


def retained_cases(read: ReadTable, requests: pl.DataFrame, erased: Collection[str]) -> list[RetentionCase]:
    """Return the cases that the stored notices make, those that are `erased` left out.

    `requests`: the trustees' requests. A match, an action or a request that names a notice makes it a customer's.
    """
    notices = read("raw_notices", columns=NOTICE_COLUMNS)
    entries = read("quarantine", columns=["uuid", "resolved_at"])
    of_notices = entries.filter(pl.col("uuid").is_not_null()).sort("resolved_at", nulls_last=True)
    concerned = {*requests["opening_uuid"].drop_nulls()}
    concerned |= {*read("customer_matches", columns=["notice_uuid"])["notice_uuid"]}
    concerned |= {*read("actions", columns=["notice_uuid"])["notice_uuid"]}
    gone = pl.Series(sorted(erased), dtype=pl.String).implode()
    stored = notices_of(notices.filter(~pl.col("uuid").is_in(gone)))
    return cases_of(stored, concerned, dict(of_notices.iter_rows()))
