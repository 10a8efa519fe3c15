"""The ledger's history of actions: each status of an action, and from when on the ledger had it.

Code that changes the status of actions calls `note` in the same transaction. So the history always agrees with the
ledger. A row is never changed. What belongs here: writing the history. What does not: changing a status (decisions,
receipts, recovery), reading the history (readers/as_of).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

from konkurs_pipeline.storage.ledger.connection import each_record
from konkurs_pipeline.storage.ledger.database import Ledger

# If an action has the status of its last row, no row is added. So noting twice is noting once.
_NOTE: Final = f"""
INSERT INTO action_history
SELECT a.action_id, coalesce(max(h.version), 0) + 1, a.status, ?, n.reported_at, a.status_code, ?, ?
FROM (SELECT {each_record(action_id="VARCHAR", reported_at="TIMESTAMPTZ")}) n
JOIN actions a USING (action_id) LEFT JOIN action_history h USING (action_id)
GROUP BY a.action_id, a.status, a.status_code, n.reported_at
HAVING (a.status, a.status_code, coalesce(n.reported_at, arg_max_null(h.reported_at, h.version)))
    IS DISTINCT FROM arg_max_null((h.status, h.status_code, h.reported_at), h.version)
"""  # noqa: S608 -- own constants
_WITHOUT: Final = "FROM actions WHERE action_id NOT IN (SELECT action_id FROM action_history)"
# From the times in the action's own columns; they do not say whether it was held before. Materialised, because the second
# part must not see the rows of the first.
_COMPLETE: Final = f"""
INSERT INTO action_history
WITH older AS MATERIALIZED (SELECT * {_WITHOUT})
SELECT action_id, 1, CASE WHEN exported_at IS NULL THEN status ELSE 'exported' END,
    coalesce(exported_at, decided_at), NULL, NULL, run_id, NULL FROM older
UNION ALL
SELECT action_id, 2, status, confirmed_at, confirmed_at, status_code, NULL, NULL FROM older
WHERE exported_at IS NOT NULL AND status <> 'exported'
"""  # noqa: S608 -- own constants


def note(  # noqa: PLR0913 -- a row of the table
    ledger: Ledger,
    action_ids: Iterable[str],
    *,
    known_at: dt.datetime,
    run_id: str | None = None,
    reported_at: Mapping[str, dt.datetime | None] | None = None,
    source: str | None = None,
) -> None:
    """Add a row for each action whose status differs from its last row; part of the caller's transaction.

    `reported_at`: by action, when core banking says it happened, if it did say. For an exported action: when core banking
    said that it is not done yet.
    """
    reported = reported_at or {}
    noted = [
        {"action_id": action_id, "reported_at": reported.get(action_id)} for action_id in dict.fromkeys(action_ids)
    ]
    if noted:
        ledger.execute(_NOTE, [known_at, run_id, source, noted])


def complete(ledger: Ledger) -> None:
    """Give actions that are older than the history the rows that follow from their own times."""
    ((missing,),) = ledger.rows(f"SELECT count(*) {_WITHOUT}")
    if missing:
        ledger.execute(_COMPLETE)
