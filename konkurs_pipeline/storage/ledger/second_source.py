"""The ledger's record of comparisons with Enhetsregisteret, and of the differences that the last one found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from konkurs_pipeline.domain.second_source import ComparisonOutcome, Difference
from konkurs_pipeline.storage.ledger.database import Ledger

_NAMESPACE: Final = UUID("5a1f2c53-7d4e-4b7c-9a35-6f2f0f0f7f11")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison. `detail`: what went wrong, without identifiers; null: nothing."""

    compared_at: dt.datetime
    outcome: ComparisonOutcome
    unit_count: int | None = None
    differences: tuple[Difference, ...] = ()
    unjudged_count: int | None = None
    detail: str | None = None


def record(ledger: Ledger, comparison: Comparison) -> None:
    """Record a comparison. If it could not be made, the differences stay as they are."""
    is_compared = comparison.outcome is ComparisonOutcome.COMPARED
    row = {
        "compared_at": comparison.compared_at,
        "outcome": comparison.outcome.value,
        "unit_count": comparison.unit_count,
        "difference_count": len(comparison.differences) if is_compared else None,
        "unjudged_count": comparison.unjudged_count,
        "detail": comparison.detail,
    }
    with ledger.transaction():
        ledger.append("second_source_comparisons", [row])
        if is_compared:
            _replace(ledger, comparison.differences, comparison.compared_at)


def _replace(ledger: Ledger, differences: Sequence[Difference], now: dt.datetime) -> None:
    found_at = dict(ledger.rows("SELECT difference_id, found_at FROM second_source"))
    rows = {}
    for each in differences:
        difference_id = str(uuid5(_NAMESPACE, f"{each.kind}|{each.customer_ref or '*'}|{each.opening_uuid or '*'}"))
        rows[difference_id] = {
            "difference_id": difference_id,
            "difference": each.kind.value,
            "customer_ref": each.customer_ref,
            "opening_uuid": each.opening_uuid,
            "flag_date": each.flag_date,
            "found_at": found_at.get(difference_id, now),
            "seen_at": now,
        }
    ledger.execute("DELETE FROM second_source")
    ledger.append("second_source", list(rows.values()))
