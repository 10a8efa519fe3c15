"""The ledger's record of polls: when each began, what it asked for, its issues, how it ended. Every attempt has a row.

A row without an end is a run under way or a killed one. The next run holds the lock, so it knows that the run was killed
and closes the row as failed. A run without a row (it makes stored tables again) has no issues either.
"""

from __future__ import annotations

import datetime as dt

from konkurs_pipeline.domain.outcomes import Issue, IssueCode, Outcome, detail_of, outcome_of
from konkurs_pipeline.domain.workdays import Window
from konkurs_pipeline.storage.ledger.database import Ledger

_KILLED = "the process was killed"


def is_known(ledger: Ledger, run_id: str) -> bool:
    """Whether this run has a row already."""
    return bool(ledger.rows("SELECT 1 FROM polls WHERE run_id = ?", [run_id]))


def begin(ledger: Ledger, run_id: str, window: Window, now: dt.datetime) -> None:
    """Record that a poll began, and that earlier polls without an end were killed."""
    row = {"run_id": run_id, "started_at": now, "from_workday": window.from_workday, "to_workday": window.to_workday}
    with ledger.transaction():
        for (killed,) in ledger.rows("SELECT run_id FROM polls WHERE outcome IS NULL"):
            report(ledger, killed, Issue(IssueCode.STOPPED, _KILLED))
            end(ledger, killed, now, is_decided=False)
        ledger.append("polls", [row])


def record(  # noqa: PLR0913, PLR0917 -- a row of the table
    ledger: Ledger, run_id: str, days: tuple[dt.date, dt.date], outcome: Outcome, detail: str, at: dt.datetime
) -> None:
    """Record an event that is no poll, with the days it is about. It holds no national identifier."""
    row = {"run_id": run_id, "started_at": at, "ended_at": at, "from_workday": days[0], "to_workday": days[1]}
    ledger.append("polls", [{**row, "outcome": outcome.value, "detail": detail}])


def report(ledger: Ledger, run_id: str, issue: Issue) -> None:
    """Add an issue to a poll. Its message holds no national identifier."""
    ledger.execute(
        "INSERT INTO poll_issues SELECT run_id, (SELECT count(*) + 1 FROM poll_issues WHERE run_id = ?), ?, ?, ? "
        "FROM polls WHERE run_id = ?",
        [run_id, issue.code.value, issue.message, issue.count, run_id],
    )


def issues(ledger: Ledger, run_id: str) -> list[Issue]:
    """Return the issues of a poll so far, in the order they were found."""
    rows = ledger.rows("SELECT code, message, issue_count FROM poll_issues WHERE run_id = ? ORDER BY number", [run_id])
    return [Issue(IssueCode(code), message, count) for code, message, count in rows]


def count_notices(ledger: Ledger, run_id: str, *, seen: int, new: int) -> None:
    """Record how many notices a poll saw."""
    ledger.execute("UPDATE polls SET notices_seen = ?, notices_new = ? WHERE run_id = ?", [seen, new, run_id])


def end(ledger: Ledger, run_id: str, now: dt.datetime, *, is_decided: bool) -> None:
    """Record that a poll ended; its outcome and detail follow from its issues."""
    found = issues(ledger, run_id)
    ((new,),) = ledger.rows("SELECT max(notices_new) FROM polls WHERE run_id = ?", [run_id])
    outcome = outcome_of([issue.code for issue in found], is_decided=is_decided, notices_new=new or 0)
    ledger.execute(
        "UPDATE polls SET ended_at = ?, outcome = ?, detail = ? WHERE run_id = ?",
        [now, outcome.value, detail_of(found), run_id],
    )


def fail(ledger: Ledger, run_id: str, issue: Issue, now: dt.datetime) -> None:
    """Record that a poll stopped. Only the first call counts; what was decided before stays."""
    outcome = _outcome(ledger, run_id)
    if outcome is not Outcome.FAILED:
        with ledger.transaction():
            report(ledger, run_id, issue)
            end(ledger, run_id, now, is_decided=outcome is not None)


def close(ledger: Ledger, run_id: str, now: dt.datetime) -> None:
    """Record that a poll is over. If it has no end yet, it was stopped before anything was decided."""
    if _outcome(ledger, run_id) is None:
        fail(ledger, run_id, Issue(IssueCode.STOPPED, "it was stopped before anything was decided"), now)


def _outcome(ledger: Ledger, run_id: str) -> Outcome | None:
    rows = ledger.rows("SELECT outcome FROM polls WHERE run_id = ?", [run_id])
    return Outcome(rows[0][0]) if rows and rows[0][0] else None
