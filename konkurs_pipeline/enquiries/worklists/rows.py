"""The rows that an alarm speaks of: actions, quarantine entries, receipts. No payload and no national identifier."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import polars as pl

from konkurs_pipeline.domain.actions.receipts import ReceiptOutcome
from konkurs_pipeline.domain.actions.rows import ActionStatus
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.readers.published import Published

_ACTION_COLUMNS: Final = (
    "action_id",
    "action",
    "customer_ref",
    "account_no",
    "notice_uuid",
    "notice_type",
    "ruling_date",
    "matched_via",
    "reason",
    "caused_by",
    "status",
    "status_code",
    "decided_at",
    "run_id",
    "seq",
    "exported_at",
    "confirmed_at",
    "void_reason",
)
_QUARANTINE_COLUMNS: Final = ("uuid", "workday", "reason", "detail", "first_seen_at", "resolved_at")
_RECEIPT_COLUMNS: Final = ("name", "outcome", "detail", "seq", "read_at", "gone_at")


class QuarantineStatus(StrEnum):
    """Whether an entry still limits its notice to REVIEW."""

    OPEN = "open"
    RESOLVED = "resolved"


def action_rows(layout: Layout, status: ActionStatus | None) -> list[dict[str, Any]]:
    """Return the actions of a status (default all), oldest first."""
    rows = Published(layout).read("actions")
    if status is not None:
        rows = rows.filter(pl.col("status") == status.value)
    return rows.sort("decided_at", "notice_uuid", "customer_ref", "account_no").select(_ACTION_COLUMNS).to_dicts()


def quarantine_rows(layout: Layout, status: QuarantineStatus | None) -> list[dict[str, Any]]:
    """Return the quarantine entries of a status (default all), oldest first, without what was received."""
    rows = Published(layout).read("quarantine")
    if status is not None:
        is_open = pl.col("resolved_at").is_null()
        rows = rows.filter(is_open if status is QuarantineStatus.OPEN else ~is_open)
    found = rows.sort("first_seen_at", "uuid").select(_QUARANTINE_COLUMNS).to_dicts()
    return [{**row, "uuid": redact(row["uuid"] or "") or None, "detail": redact(row["detail"])} for row in found]


def receipt_rows(layout: Layout, outcome: ReceiptOutcome | None) -> list[dict[str, Any]]:
    """Return the receipts of an outcome (default all), oldest first."""
    rows = Published(layout).read("receipts")
    if outcome is not None:
        rows = rows.filter(pl.col("outcome") == outcome.value)
    found = rows.sort("read_at", "name").select(_RECEIPT_COLUMNS).to_dicts()
    return [{**row, "name": redact(row["name"]), "detail": redact(row["detail"])} for row in found]
