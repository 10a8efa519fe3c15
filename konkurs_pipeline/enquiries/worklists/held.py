"""Which BLOCK rows wait for a person."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields

import polars as pl

from konkurs_pipeline.domain.actions.rows import ActionStatus
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.readers.published import Published


@dataclass(frozen=True)
class HeldAction:
    """One held BLOCK; `released_by` null: nobody yet."""

    run_id: str
    decided_at: dt.datetime
    customer_ref: str
    account_no: str | None
    notice_uuid: str
    notice_type: str
    ruling_date: dt.date | None
    matched_via: str
    released_by: str | None


def held_rows(layout: Layout) -> list[HeldAction]:
    """Return the held rows, oldest first."""
    columns = [field.name for field in fields(HeldAction)]
    rows = Published(layout).read("actions").filter(pl.col("status") == ActionStatus.HELD.value)
    return [
        HeldAction(*row)
        for row in rows.sort("decided_at", "registered_at_text", "notice_uuid", "account_no")
        .select(columns)
        .iter_rows()
    ]
