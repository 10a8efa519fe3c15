"""Tags on a run that show in Dagster's list of runs how its poll ended, and which alarms stand. Never an identifier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from konkurs_pipeline.domain.actions.rows import ActionKind
from konkurs_pipeline.domain.outcomes import MISSING, STOPPING, Outcome
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.ledger import polls
from konkurs_pipeline.storage.ledger.database import Ledger

_PREFIX: Final = "konkurs/"


@contextmanager
def tagged_at_end(instance: dg.DagsterInstance | None, ledger: Ledger, run_id: str) -> Iterator[None]:
    """Tag the run when its poll has ended, also when it failed. A history that cannot be written fails no poll."""
    try:
        yield
    finally:
        with suppress(SQLAlchemyError, dg.DagsterError, OSError, StoreError):
            tags = tags_of(ledger, run_id)
            if instance is not None and tags:
                instance.add_run_tags(run_id, tags)


def tags_of(ledger: Ledger, run_id: str) -> dict[str, str]:
    """Return the tags of a poll; none of a run that is no poll, or of a poll that has not ended."""
    rows = ledger.rows("SELECT outcome, notices_seen, notices_new FROM polls WHERE run_id = ?", [run_id])
    if not rows or rows[0][0] is None:
        return {}
    outcome, seen, new = rows[0]
    written = dict(ledger.rows("SELECT action, count(*) FROM actions WHERE run_id = ? GROUP BY action", [run_id]))
    counts = {"notices": seen, "new_notices": new}
    # A poll that decided shows its zeros too; one that failed shows only what it knows.
    counts |= (
        {f"{kind.lower()}s": written.get(kind.value, 0) for kind in ActionKind} if outcome != Outcome.FAILED else {}
    )
    codes = [issue.code for issue in polls.issues(ledger, run_id)]
    # The first code that is missing or stopped something, else the first that a person must see.
    first = next(iter(sorted(codes, key=lambda code: code not in MISSING | STOPPING)), None)
    tags = {"outcome": outcome, **({"issue": first.value} if first else {}), **_alarms(ledger)}
    tags |= {name: str(count) for name, count in counts.items() if count is not None}
    return {f"{_PREFIX}{name}": value for name, value in tags.items()}


def _alarms(ledger: Ledger) -> dict[str, str]:
    """Return the alarms that stand, errors first; no tag where none does."""
    standing = ledger.rows("SELECT kind FROM alarms WHERE cleared_at IS NULL ORDER BY severity, raised_at, kind")
    return {"alarms": ", ".join(kind for (kind,) in standing)} if standing else {}
