"""One function a step: it calls the step, and returns the numbers that a person sees and the results of the checks.

No rule is here: steps/ does the work. `assets.table` says which asset depends on which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import dagster as dg
import polars as pl

from konkurs_pipeline.orchestration.checks.results import none_found, schema_result
from konkurs_pipeline.orchestration.runs.step_results import StepResults
from konkurs_pipeline.schemas.tables import LAKE, LEDGER
from konkurs_pipeline.steps.actions import decide
from konkurs_pipeline.steps.debtors import normalise_debtors
from konkurs_pipeline.steps.documents.datasets import fetch_missing_datasets
from konkurs_pipeline.steps.estates.fold import fold_notices
from konkurs_pipeline.steps.list.notices import poll_notices
from konkurs_pipeline.steps.matches import match_debtors
from konkurs_pipeline.steps.outbox import hand_over
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.steps.register import take_register
from konkurs_pipeline.storage.handoff.decisions import actions_of_run
from konkurs_pipeline.storage.ledger.quarantine import open_entries

_ERROR: Final = dg.AssetCheckSeverity.ERROR
# Each run checks the chain of the newest files; `konkurs verify` checks all of it.
_FILES_CHECKED: Final = 20


@dataclass(frozen=True)
class Made:
    """What a step made of one asset: numbers for a person, and the results of its checks."""

    metadata: Mapping[str, Any]
    results: Sequence[dg.AssetCheckResult] = ()


def _made(
    rows: pl.DataFrame, table: str, path: Path, metadata: Mapping[str, Any], *results: dg.AssetCheckResult
) -> tuple[Made]:
    numbers = {"dagster/row_count": rows.height, **metadata, "path": dg.MetadataValue.path(path)}
    return (Made(numbers, [schema_result({**LAKE, **LEDGER}[table], rows, table), *results]),)


def _in_lake(
    poll: Poll, table: str, rows: pl.DataFrame, metadata: Mapping[str, Any], *results: dg.AssetCheckResult
) -> tuple[Made]:
    return _made(rows, table, poll.store.layout.table(table), metadata, *results)


def make_register(poll: Poll, results: StepResults) -> tuple[Made, Made]:
    """Take in the register."""
    snapshot = results.snapshot = take_register(poll)
    results.is_register_taken = True
    shared = {
        "register_id": snapshot.id if snapshot else "none",
        "accepted_at": snapshot.accepted_at.isoformat() if snapshot else "never",
        "path": dg.MetadataValue.path(snapshot.folder if snapshot else poll.store.layout.snapshots),
    }
    counts = snapshot.counts if snapshot else None
    customers = (counts.customers, counts.flagged_customers) if counts else (0, 0)
    accounts = (counts.accounts or 0, counts.flagged_accounts or 0) if counts else (0, 0)
    return (
        Made({**shared, "dagster/row_count": customers[0], "flagged": customers[1]}),
        Made({**shared, "dagster/row_count": accounts[0], "flagged": accounts[1]}),
    )


def make_raw_notices(poll: Poll, results: StepResults) -> tuple[Made]:
    """Poll the list."""
    counts = results.polled = poll_notices(poll)
    rows = poll.store.lake.read("raw_notices", poll.days())
    metadata = {
        "new": counts.new,
        "seen": counts.seen,
        "waiting_for_their_own_run": counts.waiting,
        "quarantined": counts.quarantined,
        "quarantine_open": len(open_entries(poll.store.ledger)),
        "changed_workdays": len(counts.by_workday),
        "read_from": poll.window.read_from.isoformat(),
    }
    return _in_lake(
        poll,
        "raw_notices",
        rows,
        metadata,
        none_found("raw_notices", "nothing_in_quarantine", counts.quarantined),
        none_found("raw_notices", "list_as_documented", counts.findings),
    )


def make_expanded_datasets(poll: Poll, results: StepResults) -> tuple[Made]:
    """Fetch the documents that are missing."""
    counts = fetch_missing_datasets(poll, results.register(poll.store))
    rows = poll.store.lake.read("expanded_datasets", poll.days())
    missing = counts.wanted - counts.fetched - counts.contradicting
    metadata = {
        "new": counts.fetched,
        "missing": missing,
        "contradicting": counts.contradicting,
    }
    return _in_lake(
        poll,
        "expanded_datasets",
        rows,
        metadata,
        none_found("expanded_datasets", "complete", missing, severity=_ERROR),
        none_found("expanded_datasets", "agrees_with_notices", counts.contradicting),
    )


def make_debtors(poll: Poll, _: StepResults) -> tuple[Made]:
    """Read the debtors and linked units from the documents."""
    counts = normalise_debtors(poll)
    rows = poll.store.lake.read("debtors", poll.days())
    metadata = {
        "linked_units": rows.filter(rows["role"] == "linked_unit").height,
        "rewritten_workdays": counts.days,
    }
    return _in_lake(
        poll,
        "debtors",
        rows,
        metadata,
        none_found("debtors", "datasets_as_assumed", list(counts.findings)),
    )


def make_customer_matches(poll: Poll, results: StepResults) -> tuple[Made]:
    """Look every party up in the register."""
    counts = match_debtors(poll, results.register(poll.store))
    rows = poll.store.lake.read("customer_matches", poll.days())
    metadata = {
        "new": counts.new,
        "doubtful": rows.height - rows["doubt"].null_count(),
    }
    return _in_lake(poll, "customer_matches", rows, metadata)


def make_estates(poll: Poll, results: StepResults) -> tuple[Made]:
    """Fold the notices into estates."""
    counts = fold_notices(poll, results.notices(poll.store))
    rows = poll.store.lake.read("estates", poll.days())
    metadata = {
        "changed_workdays": len(counts.changed_days),
        **{f"all_{state}": count for state, count in sorted(counts.by_state.items())},
    }
    return _in_lake(
        poll,
        "estates",
        rows,
        metadata,
        none_found("estates", "openings_known", counts.orphan_slettinger),
    )


def make_actions(poll: Poll, results: StepResults) -> tuple[Made]:
    """Decide, and commit what was decided with its file."""
    counts = decide(poll, results.register(poll.store), results.list_of_this_run())
    rows = actions_of_run(poll.store.ledger, poll.run_id)
    metadata = {
        **counts.written,
        **dict(counts.by_reason),
        "held_by_this_run": counts.held,
        "void": counts.void,
        "outbox_seq": counts.header.seq,
    }
    return _made(rows, "actions", poll.store.layout.ledger, metadata)


def make_outbox(poll: Poll, _: StepResults) -> tuple[Made]:
    """Write the files that core banking reads."""
    shown = hand_over(poll.store)
    problems = poll.store.outbox.problems(poll.store.ledger, last=_FILES_CHECKED)
    last = poll.store.ledger.read("outbox_files", "run_id = ?", [poll.run_id])
    metadata = {
        "files": len(shown),
        "seq": last["seq"].to_list()[-1] if last.height else 0,
        "dagster/row_count": int(last["action_count"].sum()),
        "path": dg.MetadataValue.path(poll.store.outbox.folder),
    }
    return (Made(metadata, [none_found("outbox", "chain", problems, severity=_ERROR)]),)
