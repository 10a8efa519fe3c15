"""The cases by which a store keeps personal data: the erasure uses them, and the answer to a person who asks."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol

import polars as pl

from konkurs_pipeline.domain.notices import NOTICE_COLUMNS, QuarantineReason, notices_of
from konkurs_pipeline.domain.retention import Quarantined, RetentionCase, cases_of

# A notice with one of these faults still ended a bankruptcy.
_NO_DOUBT: Final = [QuarantineReason.INVALID_DEBTOR.value, QuarantineReason.INVALID_RULING_DATE.value]


class ReadTable(Protocol):
    """How a table of the lake or of the ledger is read: as published, or from the open store."""

    def __call__(self, table: str, *, columns: Collection[str] | None = None) -> pl.DataFrame:
        """Return the table."""


def retained_cases(read: ReadTable, requests: pl.DataFrame, erased: Collection[str]) -> list[RetentionCase]:
    """Return the cases of the stored notices, without the `erased` ones.

    `requests`: the trustees' requests. If a match, an action or a request names a notice, it concerns a customer.
    """
    notices = read("raw_notices", columns=NOTICE_COLUMNS)
    concerned = {*requests["opening_uuid"].drop_nulls()}
    concerned |= {*read("customer_matches", columns=["notice_uuid"])["notice_uuid"]}
    concerned |= {*read("actions", columns=["notice_uuid"])["notice_uuid"]}
    gone = pl.Series(sorted(erased), dtype=pl.String).implode()
    stored = notices_of(notices.filter(~pl.col("uuid").is_in(gone)))
    return cases_of(stored, concerned, _in_quarantine(read))


def _in_quarantine(read: ReadTable) -> dict[str, Quarantined]:
    entries = read("quarantine", columns=["uuid", "reason", "resolved_at"]).filter(pl.col("uuid").is_not_null())
    is_open = pl.col("resolved_at").is_null()
    by_uuid = entries.group_by("uuid").agg(
        resolved_at=pl.when(~is_open.any()).then(pl.col("resolved_at").max()),
        is_doubted=(is_open & ~pl.col("reason").is_in(_NO_DOUBT)).any(),
    )
    return {uid: Quarantined(resolved_at, is_doubted) for uid, resolved_at, is_doubted in by_uuid.iter_rows()}
