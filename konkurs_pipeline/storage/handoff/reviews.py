"""The outcomes of reviews in the ledger. Rows are added, never changed or removed.

A correction is a new row for the same action. The row with the highest number counts; the others stay as evidence. What
belongs here: recording an outcome, and taking over outcomes that an old copy of the ledger lacks. What does not: which
reviews are open (enquiries/worklists/reviews).
"""

from __future__ import annotations

import datetime as dt

from konkurs_pipeline.domain.actions.reviews import ReviewOutcome
from konkurs_pipeline.domain.actions.rows import NEVER_WRITTEN, ActionKind
from konkurs_pipeline.errors import StoreError, UsageError
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.os_user import operating_system_user
from konkurs_pipeline.storage.readers.published import Published


def record_outcome(  # noqa: PLR0913 -- a row of the table, by name
    ledger: Ledger, action_id: str, outcome: ReviewOutcome, *, by: str, note: str, now: dt.datetime
) -> int:
    """Add the outcome of a REVIEW; returns its number: 1 for the first, higher for a correction.

    `by` and `note` hold no national identifier. It keeps the operating system's user beside `by`. Raises `UsageError` if
    no such REVIEW was written.
    """
    with ledger.transaction():
        _refuse_unless_written_review(ledger, action_id)
        ((last,),) = ledger.rows("SELECT coalesce(max(review_no), 0) FROM reviews WHERE action_id = ?", [action_id])
        row = {"action_id": action_id, "review_no": last + 1, "outcome": outcome.value}
        ledger.append(
            "reviews",
            [{**row, "reviewed_at": now, "reviewed_by": by, "reviewed_os_user": operating_system_user(), "note": note}],
        )
    return int(last) + 1


def _refuse_unless_written_review(ledger: Ledger, action_id: str) -> None:
    found = ledger.rows("SELECT action, status FROM actions WHERE action_id = ?", [action_id])
    if not found:
        message = f"no action has the id {action_id}: `konkurs reviews` lists those that wait"
    elif found[0][0] != ActionKind.REVIEW.value:
        message = f"action {action_id} is a {found[0][0]}, which core banking answers with a receipt, not a REVIEW"
    elif found[0][1] in NEVER_WRITTEN:
        message = f"action {action_id} is {found[0][1]}: it was never handed over, so there is nothing to review"
    else:
        return
    raise UsageError(message)


def missing_reviews(layout: Layout, ledger: Ledger) -> list[tuple[str, int]]:
    """Return the key (action_id, review_no) of each published outcome that the ledger does not know.

    There is one only if the ledger was restored from a copy that is older than the outcome.
    """
    try:
        published = Published(layout).read("reviews").select("action_id", "review_no").rows()
    except StoreError:
        # Damage to a published table is no reason to stop: every run makes it again.
        return []
    known = set(ledger.rows("SELECT action_id, review_no FROM reviews"))
    return sorted(set(published) - known)


def take_missing_reviews(layout: Layout, ledger: Ledger) -> int:
    """Add the published outcomes that the ledger does not know; part of the caller's transaction."""
    missing = set(missing_reviews(layout, ledger))
    if missing:
        rows = Published(layout).read("reviews").to_dicts()
        ledger.append("reviews", [row for row in rows if (row["action_id"], row["review_no"]) in missing])
    return len(missing)
