"""The ledger's record of polls: when each began, what it asked for, how it ended. Every attempt leaves a row.

A row without an end is a run under way, or one that was killed: the next run, which holds the lock, knows that it was
the latter and closes it as failed.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from konkurs_pipeline.domain.workdays import Window
from konkurs_pipeline.storage.ledger.database import Ledger


class Outcome(StrEnum):
    """How a poll ended."""

    NEW = "new"
    NOTHING_NEW = "nothing_new"
    PARTIAL = "partial"
    FAILED = "failed"


def is_known(ledger: Ledger, run_id: str) -> bool:
    """Whether this run has left a row already."""
    return bool(ledger.rows("SELECT 1 FROM polls WHERE run_id = ?", [run_id]))


def begin(ledger: Ledger, run_id: str, window: Window, now: dt.datetime) -> None:
    """Record that a poll began, and that those before it that never ended were killed."""
    with ledger.transaction():
        ledger.execute(
            "UPDATE polls SET outcome = 'failed', ended_at = ?, detail = 'the process was killed' WHERE outcome IS NULL",
            [now],
        )
        ledger.append(
            "polls",
            [
                {
                    "run_id": run_id,
                    "started_at": now,
                    "from_workday": window.from_workday,
                    "to_workday": window.to_workday,
                }
            ],
        )


def record(  # noqa: PLR0913, PLR0917 -- a row of the table
    ledger: Ledger, run_id: str, days: tuple[dt.date, dt.date], outcome: Outcome, detail: str, at: dt.datetime
) -> None:
    """Record something that is no poll of this program's, with the days it stands for. No national identifier in it."""
    row = {"run_id": run_id, "started_at": at, "ended_at": at, "from_workday": days[0], "to_workday": days[1]}
    ledger.append("polls", [{**row, "outcome": outcome.value, "detail": detail}])


def count_notices(ledger: Ledger, run_id: str, *, seen: int, new: int) -> None:
    """Record how many notices a poll saw."""
    ledger.execute("UPDATE polls SET notices_seen = ?, notices_new = ? WHERE run_id = ?", [seen, new, run_id])


def end(ledger: Ledger, run_id: str, outcome: Outcome, detail: str | None, now: dt.datetime) -> None:
    """Record how a poll ended. `detail` holds no national identifier."""
    ledger.execute(
        "UPDATE polls SET ended_at = ?, outcome = ?, detail = ? WHERE run_id = ?",
        [now, outcome.value, detail, run_id],
    )
