"""The ledger's record of accepted registers: which one was in use when. The snapshots: storage/register/snapshots.py."""

from __future__ import annotations

from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.register.accepted import Snapshot


def record(ledger: Ledger, snapshot: Snapshot, run_id: str) -> None:
    """Record the snapshot in use, once for each time it was accepted.

    Every poll calls it: if a run dies after it accepted a snapshot, the next run records it.
    """
    accepted = [snapshot.id, snapshot.accepted_at]
    if ledger.rows("SELECT 1 FROM registers WHERE register_id = ? AND accepted_at = ?", accepted):
        return
    counts = snapshot.counts
    row = {
        "register_id": snapshot.id,
        "accepted_at": snapshot.accepted_at,
        "customer_count": counts.customers,
        "flagged_customer_count": counts.flagged_customers,
        "identifier_count": counts.identifiers,
        "account_count": counts.accounts,
        "flagged_account_count": counts.flagged_accounts,
        "run_id": run_id,
        "respelled_count": snapshot.facts.n_respelled,
        "unread_former_id_count": snapshot.facts.n_unread_former_ids,
        "withheld_count": snapshot.facts.n_withheld,
    }
    ledger.append("registers", [row])
