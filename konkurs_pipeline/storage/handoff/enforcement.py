"""The ledger's table `enforcement`: every BLOCK and REOPEN of an account, and what the register says about the account.

What does not belong here: whether an action holds (domain/actions/enforcement).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from konkurs_pipeline.domain.actions.enforcement import AskedOfAccount, EnforcedAction, enforcement_of
from konkurs_pipeline.domain.actions.rows import ActionKind, ActionStatus
from konkurs_pipeline.schemas.tables import Enforcement, dtypes
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.register.accepted import Snapshot
from konkurs_pipeline.storage.register.matched_accounts import accounts_of

_ASKED: Final = """
SELECT action_id, action, customer_ref, account_no, notice_uuid, status, confirmed_at, caused_by FROM actions
WHERE action IN ('BLOCK', 'REOPEN') AND account_no IS NOT NULL AND status NOT IN ('held', 'void')
ORDER BY decided_at, action_id
"""


def refresh(ledger: Ledger, snapshot: Snapshot | None) -> None:
    """Bring the table up to date; part of the caller's transaction."""
    asked = [
        AskedOfAccount(
            action_id,
            ActionKind(kind),
            customer_ref,
            account_no,
            notice_uuid,
            ActionStatus(status),
            confirmed_at,
            caused_by,
        )
        for action_id, kind, customer_ref, account_no, notice_uuid, status, confirmed_at, caused_by in ledger.rows(
            _ASKED
        )
    ]
    accepted_at = snapshot.accepted_at if snapshot else None
    found = enforcement_of(asked, _says_blocked(snapshot, asked), accepted_at)
    rows = [_row(one) for one in found]
    before = {tuple(row.values()) for row in ledger.read("enforcement").to_dicts()}
    if before != {tuple(row.values()) for row in rows}:
        ledger.execute("DELETE FROM enforcement")
        ledger.append("enforcement", rows)


def _says_blocked(snapshot: Snapshot | None, asked: Sequence[AskedOfAccount]) -> dict[str, bool | None]:
    """Return account number → what the register says; null if it says nothing, or if two of its rows disagree."""
    rows = accounts_of(snapshot, {one.customer_ref for one in asked}) if snapshot and asked else None
    if rows is None:
        return {}
    words = rows.filter(pl.col("is_blocked").is_not_null()).group_by("account_no").agg(pl.col("is_blocked").unique())
    return {number: found[0] if len(found) == 1 else None for number, found in words.iter_rows()}


def _row(one: EnforcedAction) -> dict[str, Any]:
    asked = one.asked
    values = (
        asked.action_id,
        asked.customer_ref,
        asked.account_no,
        asked.kind.value,
        asked.status.value,
        asked.confirmed_at,
        one.register_says_blocked,
        one.register_accepted_at,
        one.holds,
    )
    return dict(zip(dtypes(Enforcement), values, strict=True))
